"""Synthetics of labelled images that join a training, with their altered masks as labels.

They join while the strategy ``synthetic`` makes the suggestions, 32 of them; the project's setting
``synthetics`` is another number, whatever the strategy (0: never). They are made anew for every
training from the labelled cases that it trains on, so that nothing of a validation case is in them;
they are no cases of the project, nothing of them is written, and no model's record counts them as
labels. Volumes of a 3D network have none.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence

import numpy as np

from ..models.batches import LabelledCase
from ..models.mask_edits import Edit, EditRanges, draw_edit, present_classes
from ..models.memory import Limits, with_less_memory
from ..models.synthesis import Synthetics
from ..strategies.class_uncertainty import CLASS
from .synthetic_tools import labelled_slices, newest_synthesiser
from .workbench import Workbench

SETTING = "synthetics"
STRATEGY = "synthetic"
USUAL = 32


def wanted_synthetics(bench: Workbench) -> int:
    """Return how many synthetics are to join the next training."""
    chosen = bench.project.settings.get(SETTING)
    if chosen is not None:
        return max(0, int(chosen))
    # What was suggested to be classified is not trained on.
    suggested = [e for e in bench.project.events("suggested") if e.data.get("target") != CLASS]
    return USUAL if suggested and suggested[-1].data.get("strategy") == STRATEGY else 0


def synthetic_cases(
    bench: Workbench, cases: Sequence[LabelledCase], count: int
) -> tuple[list[LabelledCase], str]:
    """Return ``count`` synthetics of the labelled ``cases``, and what they depend on.

    None without a trained GAN of this plan, which is told; the same ones for the same cases, GAN
    and seed.
    """
    if count == 0 or bench.plan.dimensions != 2:
        return [], ""
    slices = [s for s in labelled_slices(cases) if present_classes(s[2])]
    if not slices:
        return [], ""
    found = newest_synthesiser(bench)
    if found is None:
        bench.notice(
            "no_synthetics",
            "No synthetic images join this training: nothing that could draw them is kept. "
            "Suggest with `synthetic` first.",
        )
        return [], ""
    synthesiser, digest = found
    identity = f"{digest}-{count}"
    rng = np.random.default_rng([bench.seed, zlib.crc32(identity.encode())])
    # Each labelled slice in turn before any has a second one.
    order = rng.permutation(len(slices))
    made = []
    for number in range(count):
        bench.pauses.give_way()
        _, picture, mask = slices[order[number % len(order)]]
        edit = draw_edit(present_classes(mask), EditRanges(), rng)

        def work(
            limits: Limits,
            given: tuple[np.ndarray, np.ndarray] = (picture, mask),
            edit: Edit = edit,
        ) -> Synthetics:
            picture, mask = (np.asarray(array) for array in given)
            return synthesiser.make(picture, mask, [edit], device=limits.device)

        one, bench.limits = with_less_memory(work, bench.limits, bench.hear_memory)
        made.append(
            LabelledCase.of(
                f"{STRATEGY}-{number}",
                one.pictures.movedim(0, 1).numpy(),
                one.masks,
                is_new=False,
                label_hash="",
            )
        )
    return made, identity
