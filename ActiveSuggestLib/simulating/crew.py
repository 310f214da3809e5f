"""Who works on a simulation: the device, the threads, and the token that stops them."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from ..data.project import Project
from ..learner import ActiveLearner
from ..progress import Cancel
from .world import World

RATER = "simulated expert"


@dataclass(frozen=True)
class Crew:
    """What learners of a simulation are opened with; none of it changes what they find."""

    device: str | None = None
    threads: int | None = None
    cancel: Cancel | None = None

    @contextmanager
    def learner(self, world: World, arm: str) -> Iterator[ActiveLearner]:
        """Open the learner of an arm, with the seed of its world."""
        with ActiveLearner(
            Project.open(world.folder(arm), rater=RATER),
            device=self.device,
            seed=world.seed,
            threads=self.threads,
            rater=RATER,
        ) as learner:
            # The oracle may look at it, and nothing else does.
            learner.bench.truth = world.truth
            yield learner
        gc.collect()  # one arm's model and caches are gone before the next one's come
