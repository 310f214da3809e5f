"""Strategies by name, ours and those of other packages."""

from __future__ import annotations

from importlib import metadata

import pytest

from ActiveSuggestLib.errors import StrategyFailedError, UnknownStrategyError
from ActiveSuggestLib.strategies import catalogue, registry
from ActiveSuggestLib.strategies.random_choice import RandomChoice


def register(monkeypatch, *points):
    monkeypatch.setattr(catalogue.metadata, "entry_points", lambda group: points)


def test_every_name_makes_a_strategy_that_explains_itself():
    for name in registry.names(simulation=True):
        strategy = registry.make(name)
        assert strategy.name == name
        assert strategy.summary.endswith(".")


def test_the_default_is_one_of_them():
    assert registry.make("default").name in registry.names()


def test_another_package_registers_a_strategy_by_entry_point(monkeypatch):
    point = metadata.EntryPoint(
        "fair", "ActiveSuggestLib.strategies.random_choice:RandomChoice", catalogue.GROUP
    )
    register(monkeypatch, point)
    assert "fair" in registry.names()
    assert isinstance(registry.make("fair"), RandomChoice)


def test_a_package_that_cannot_be_loaded_is_named(monkeypatch):
    point = metadata.EntryPoint("lost", "no_such_package.module:Thing", catalogue.GROUP)
    register(monkeypatch, point)
    with pytest.raises(StrategyFailedError, match=r"no_such_package\.module:Thing"):
        registry.make("lost")


def test_unknown_presets_and_options_are_named():
    with pytest.raises(UnknownStrategyError, match="preset"):
        registry.make("mc-dropout", preset="papre")
    with pytest.raises(UnknownStrategyError, match="colour"):
        registry.make("mc-dropout", colour="red")


def test_one_package_that_fails_leaves_the_strategies_of_the_others(monkeypatch):
    fair = "ActiveSuggestLib.strategies.random_choice:RandomChoice"
    register(
        monkeypatch,
        metadata.EntryPoint("fair", fair, catalogue.GROUP),
        metadata.EntryPoint("lost", "no_such_package.module:Thing", catalogue.GROUP),
        metadata.EntryPoint("odd", "builtins:int", catalogue.GROUP),
    )
    found, failed = registry.others()
    assert [entry.name for entry in found] == ["fair"]
    assert not found[0].needs_model
    assert "no_such_package.module" in str(failed[0])
    assert "'odd'" in str(failed[1])


def test_another_package_cannot_take_the_name_of_one_of_ours(monkeypatch):
    register(monkeypatch, metadata.EntryPoint("random", "builtins:int", catalogue.GROUP))
    assert isinstance(registry.make("random"), RandomChoice)
    assert registry.names().count("random") == 1
