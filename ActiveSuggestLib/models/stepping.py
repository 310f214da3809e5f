"""A training in steps that can be cut off at any of them and go on from there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from ..errors import CancelledError, TrainingDivergedError
from ..pauses import Pauses
from ..progress import Cancel, Progress
from .training import KEEP_SECONDS, MOST_BAD_STEPS, Budget


class Learning(Protocol):
    """Something that learns step by step; step i depends on i and what was learnt before alone."""

    def step(self, index: int, share: float) -> float:
        """Do one step, ``share`` of the training being over, and return a loss to show."""
        ...

    def state(self) -> dict[str, Any]:
        """Return all that a later process needs to go on."""
        ...

    def load(self, state: dict[str, Any]) -> None:
        """Go back to where ``state`` was taken."""
        ...


@dataclass(frozen=True)
class Unfinished:
    """Where a training stands: the steps done, the seconds they took, and what was learnt."""

    step: int
    elapsed: float
    state: dict[str, Any]


def learn(
    work: Learning,
    budget: Budget,
    *,
    name: str,
    unfinished: Unfinished | None,
    keep: Callable[[Unfinished], None],
    progress: Progress,
    cancel: Cancel,
    pauses: Pauses,
) -> int:
    """Do the steps of ``work`` within the ``budget`` and return how many were done in all.

    What was learnt goes to ``keep`` every twenty seconds and when asked to stop.

    Raises:
        CancelledError: asked to stop.
        TrainingDivergedError: the loss stays infinite or not a number.
    """
    step, before = 0, 0.0
    if unfinished is not None:
        work.load(unfinished.state)
        step, before = unfinished.step, unfinished.elapsed
    started = kept = pauses.now()
    bad = 0
    while True:
        pauses.give_way()
        elapsed = before + pauses.now() - started
        share = budget.share(step, elapsed)
        if share >= 1.0 and step > 0:
            return step
        if cancel.cancelled or pauses.now() - kept > KEEP_SECONDS:
            kept = pauses.now()
            if step > 0:
                keep(Unfinished(step, elapsed, work.state()))
        if cancel.cancelled:
            raise CancelledError("Cancelled.")
        loss = work.step(step, share)
        step += 1
        bad = 0 if np.isfinite(loss) else bad + 1
        if bad >= MOST_BAD_STEPS:
            raise TrainingDivergedError(
                f"The training of the {name} diverged: its loss is not finite.",
                remedy="Check the newest labels and images, or choose another strategy.",
            )
        progress(min(share, 1.0), 1.0, f"{name}, step {step}, loss {loss:.3f}")
