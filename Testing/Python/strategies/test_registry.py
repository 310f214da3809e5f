"""Strategies by name, ours and those of other packages."""

from __future__ import annotations

from importlib import metadata

import pytest

from ActiveSuggestLib.errors import StrategyFailedError, UnknownStrategyError
from ActiveSuggestLib.strategies import registry
from ActiveSuggestLib.strategies.random_choice import RandomChoice


def test_every_name_makes_a_strategy_that_explains_itself():
    for name in registry.names(simulation=True):
        strategy = registry.make(name)
        assert strategy.name == name
        assert strategy.summary.endswith(".")


def test_the_default_is_one_of_them():
    assert registry.make("default").name in registry.names()


def test_another_package_registers_a_strategy_by_entry_point(monkeypatch):
    point = metadata.EntryPoint(
        "fair", "ActiveSuggestLib.strategies.random_choice:RandomChoice", registry.GROUP
    )
    monkeypatch.setattr(registry, "_others", lambda: {"fair": point})
    assert "fair" in registry.names()
    assert isinstance(registry.make("fair"), RandomChoice)


def test_a_package_that_cannot_be_loaded_is_named(monkeypatch):
    point = metadata.EntryPoint("lost", "no_such_package.module:Thing", registry.GROUP)
    monkeypatch.setattr(registry, "_others", lambda: {"lost": point})
    with pytest.raises(StrategyFailedError, match=r"no_such_package\.module:Thing"):
        registry.make("lost")


def test_unknown_presets_and_options_are_named():
    with pytest.raises(UnknownStrategyError, match="preset"):
        registry.make("mc-dropout", preset="papre")
    with pytest.raises(UnknownStrategyError, match="colour"):
        registry.make("mc-dropout", colour="red")
