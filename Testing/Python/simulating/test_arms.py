"""How a strategy with its preset and options is asked for."""

from __future__ import annotations

import pytest

from ActiveSuggestLib.errors import StrategyFailedError, UnknownStrategyError
from ActiveSuggestLib.simulating.arms import Arm, folder_name, parse_arm


@pytest.mark.parametrize(
    ("text", "arm"),
    [
        ("random", Arm("random", "random")),
        ("mc-dropout:paper", Arm("mc-dropout:paper", "mc-dropout", "paper")),
        (
            "stochastic-batches:of=bald:samples=4",
            Arm(
                "stochastic-batches:of=bald:samples=4",
                "stochastic-batches",
                None,
                {"of": "bald", "samples": 4},
            ),
        ),
    ],
)
def test_name_preset_and_options_are_read_in_any_number(text: str, arm: Arm) -> None:
    assert parse_arm(text) == arm


@pytest.mark.parametrize("text", ["", ":paper", "bald::samples=3", "bald:paper:literal"])
def test_what_is_no_arm_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(StrategyFailedError, match="mc-dropout:paper"):
        parse_arm(text)


def test_an_arm_makes_its_strategy_and_an_unknown_one_is_named() -> None:
    assert vars(parse_arm("bald:samples=7").make())["samples"] == 7
    with pytest.raises(UnknownStrategyError):
        parse_arm("does-not-exist").make()


def test_arms_that_differ_get_folders_that_differ_and_any_system_allows() -> None:
    texts = ["bald", "bald:paper", "bald:samples=8", "bald:samples=9", "bald:paper:samples=8"]
    folders = [folder_name(text) for text in texts]
    assert len(set(folders)) == len(texts)
    assert not any(set(folder) & set(':=/\\ "<>|?*') for folder in folders)
