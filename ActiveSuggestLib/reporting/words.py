"""What a simulation found, in plain words, also when random choice was better."""

from __future__ import annotations

import math
from collections.abc import Sequence

from ..simulating.comparing import Comparison
from ..simulating.curves import SimulationResult
from ..simulating.needs import GOALS, needed
from .figures import REFERENCE
from .prominent import prominent, subject

LEVEL = 0.005
"""Differences of Dice below this are called level."""
SURE = 0.05
"""Below this p a difference counts as more than chance, one strategy taken by itself."""
CLOSE = GOALS[-1]
"""The share of the full-data Dice that counts as close to it."""

GLOSSARY = (
    (
        "Dice",
        "How well two outlines agree: 1 if they are the same, 0 if they do not touch. It is twice "
        "the common volume over the sum of both volumes. If a structure is absent and nothing is "
        "drawn, that counts as 1.",
    ),
    (
        "Test images",
        "Images that no strategy could choose and no model was trained on. They belong to other "
        "patients than all images to choose from.",
    ),
    (
        "Uncertainty",
        "The model answers many times with parts of it switched off at random. Where its answers "
        "differ, or lie between several structures, it is unsure. Most strategies look for that.",
    ),
    (
        "Random choice",
        "The yardstick: the next images are drawn by lot, patient by patient. A strategy is worth "
        "its effort only if it beats this.",
    ),
    (
        "Interval",
        "The range within which the mean would probably (95 %) have come out on other test images "
        "of the same kind.",
    ),
)


def headline(result: SimulationResult) -> str:
    """Return the outcome in one sentence."""
    comparisons = {c.strategy: c for c in result.comparisons()}
    budget = count(result.last_budget, f"labelled {result.currency}")
    best = comparisons[subject(result) or REFERENCE]
    if len(comparisons) == 1 or REFERENCE not in comparisons:
        return f"With {budget}, {best.strategy} gave a Dice of {best.last:.2f}"
    random = comparisons[REFERENCE]
    gap = best.last - random.last
    if abs(gap) < LEVEL:
        return (
            f"With {budget}, {best.strategy} and random choice came out level: "
            f"Dice {best.last:.3f} and {random.last:.3f}"
        )
    if gap < 0:
        return (
            f"Random choice did better here: with {budget} a Dice of {random.last:.3f}, "
            f"against {best.last:.3f} for {best.strategy}"
        )
    return (
        f"With {budget}, choosing by {best.strategy} gave a Dice of {best.last:.3f}; "
        f"choosing at random gave {random.last:.3f}"
    )


def conclusion(result: SimulationResult) -> list[str]:
    """Return a few sentences that put the headline right: how much, and how sure."""
    sentences = []
    named = prominent(result)
    compared = [c for c in result.comparisons() if c.difference is not None]
    for comparison in compared:
        if comparison.strategy not in named:
            continue
        reference = REFERENCE if REFERENCE in result.strategies else result.strategies[-1]
        sentences.append(
            " ".join(
                filter(
                    None,
                    [
                        _whole_curve(comparison, reference),
                        _savings(result, comparison.strategy, reference),
                        _certainty(result, comparison, reference),
                    ],
                )
            )
        )
    sentences += _others([c for c in compared if c.strategy not in named])
    sentences += _full_data(result)
    if len(result.seeds) == 1 and len(result.strategies) > 1:
        sentences.append(
            "This is a single repetition. Another choice of first labels and test images can turn "
            "the order round, so read it as a demonstration, not as proof."
        )
    return sentences


def _others(comparisons: Sequence[Comparison]) -> list[str]:
    """Say in a sentence which of many strategies can be told from the reference."""
    if not comparisons:
        return []
    sides: dict[str, list[str]] = {"above": [], "below": []}
    for c in comparisons:
        if c.difference is not None and c.area_test is not None and c.area_test.p_student < SURE:
            side = "above" if c.difference.mean > 0 else "below"
            sides[side].append(f"{c.strategy} {signed(c.difference.mean)}")
    reference = comparisons[0].reference
    told = [
        f"{len(names)} lay {side} {reference} with p < {SURE:g} ({', '.join(names)})"
        for side, names in sides.items()
        if names
    ]
    number = "the other strategy" if len(comparisons) == 1 else f"the {len(comparisons)} others"
    if not told:
        return [f"Of {number}, none can be told from {reference}."]
    left = len(comparisons) - sum(map(len, sides.values()))
    rest = f"; {left} cannot be told from it" if left else ""
    return [f"Of {number}, {', '.join(told)}{rest}."]


def _whole_curve(comparison: Comparison, reference: str) -> str:
    assert comparison.difference is not None
    gap = comparison.difference.mean
    if abs(gap) < LEVEL:
        return f"Over the whole curve, {comparison.strategy} and {reference} were level."
    where = "above" if gap > 0 else "below"
    text = f"Over the whole curve, {comparison.strategy} lay {abs(gap):.3f} {where} {reference}"
    if math.isfinite(comparison.difference.low):
        low, high = comparison.difference.low, comparison.difference.high
        seeds = comparison.difference.n
        text += f" (95 % interval over {seeds} repetitions: {signed(low)} to {signed(high)}"
        chance = comparison.area_test.p_student if comparison.area_test else math.nan
        text += f", p {with_sign(chance)})" if math.isfinite(chance) else ")"
    return text + "."


def _savings(result: SimulationResult, strategy: str, reference: str) -> str:
    """Say with how many labels one arm reached what the other had at its end."""
    ours, theirs = result.curve(strategy), result.curve(reference)
    if not ours.dice or not theirs.dice:
        return ""
    if ours.dice[-1].mean >= theirs.dice[-1].mean:
        leader, follower = ours, theirs
    else:
        leader, follower = theirs, ours
    goal, budget = follower.dice[-1].mean, follower.units[-1]
    needed = next(u for u, d in zip(leader.units, leader.dice, strict=True) if d.mean >= goal)
    if needed >= budget:
        return ""
    return (
        f"What {follower.strategy} reached with {count(budget, result.currency)}, "
        f"{leader.strategy} reached with {needed}."
    )


def _full_data(result: SimulationResult) -> list[str]:
    """Say what all labels gave, and with how many of them each strategy came close."""
    found = [record for seed in result.seeds if (record := result.full_data(seed)) is not None]
    if not found:
        return []
    level = sum(record.mean for record in found) / len(found)
    parts = []
    for name in prominent(result):
        units = needed(result, name, CLOSE).mean_curve
        parts.append(f"{name} {units:.3g}" if math.isfinite(units) else f"{name} not")
    return [
        f"All labels of the pool gave a Dice of {level:.3f}. {CLOSE:.0%} of that was reached with "
        f"so many {result.currency}s: {', '.join(parts)}."
    ]


def _certainty(result: SimulationResult, comparison: Comparison, reference: str) -> str:
    if len(result.seeds) > 1:
        return ""
    gap = result.case_difference(comparison.strategy, reference)
    if not math.isfinite(gap.low):
        return ""
    text = (
        f"On the same {gap.n} test images the last two models differ by {signed(gap.mean)} "
        f"(95 % interval {signed(gap.low)} to {signed(gap.high)})"
    )
    return f"{text}: they cannot be told apart." if gap.low <= 0 <= gap.high else f"{text}."


def count(number: int, noun: str) -> str:
    """Return a number with its noun: "1 volume", "12 volumes"."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def signed(difference: float) -> str:
    """Return a difference with its sign, the minus as printers set it."""
    return f"{difference:+.3f}".replace("-", "\N{MINUS SIGN}")


def with_sign(p: float) -> str:
    """Return a probability as "= 0.036", or "< 0.001" where three decimals say nothing."""
    return "< 0.001" if p < 0.001 else f"= {p:.3f}"


def seconds_in_words(seconds: float) -> str:
    """Return a duration as a person says it."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"
