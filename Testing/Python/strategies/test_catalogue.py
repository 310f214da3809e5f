"""The catalogue says of each strategy what the strategy says itself, and needs no torch for it."""

from __future__ import annotations

import subprocess
import sys

import pytest

from ActiveSuggestLib.strategies import catalogue, registry

ENTRIES = catalogue.own(simulation=True)


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
def test_an_entry_is_the_strategy_it_names(entry):
    strategy = registry.make(entry.name)
    assert (strategy.name, strategy.summary, strategy.needs_model) == (
        entry.name,
        entry.summary,
        entry.needs_model,
    )


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
def test_an_explanation_is_a_sentence_in_plain_words(entry):
    assert entry.explanation.endswith(".")
    assert "\n" not in entry.explanation
    assert len(entry.explanation) < 200
    for jargon in ("entropy", "posterior", "latent", "Monte", "gradient", "embedding", "logit"):
        assert jargon not in entry.explanation


def test_the_default_comes_first_and_no_name_twice():
    names = [entry.name for entry in ENTRIES]
    assert names[0] == "default"
    assert len(set(names)) == len(names)
    assert registry.names(simulation=True)[: len(names)] == names
    assert "oracle" not in registry.names()


def test_an_entry_is_sent_without_what_only_the_registry_needs():
    assert set(ENTRIES[0].to_dict()) == {
        "name",
        "summary",
        "explanation",
        "needs_model",
        "available_units",
    }


def test_the_catalogue_is_read_without_torch_or_numpy():
    code = (
        "import sys; from ActiveSuggestLib.strategies import catalogue;"
        "catalogue.own(), catalogue.entry_points();"
        "print([m for m in ('torch', 'numpy', 'monai', 'scipy') if m in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
