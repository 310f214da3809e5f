"""The model's proposal for a case, and where it is unsure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch

from ..data.geometry import Geometry
from ..models.inference import Samples
from ..models.memory import Limits, with_less_memory
from ..models.preparing import restore, restore_labels
from ..progress import Cancel, Progress, between, no_progress
from .scoring import sample_volume
from .workbench import Workbench

PROPOSAL_SHARE = 0.2
"""How much of the time a proposal takes; the samples for its uncertainty take the rest."""


@dataclass(frozen=True)
class Prediction:
    """A proposal: labels, uint8 (z, y, x) of segment values, on the image's own grid.

    ``uncertainty`` is the predictive entropy of Monte-Carlo samples in nats, float32 (z, y, x);
    ``slice_uncertainty`` (S,) its sum over the predicted foreground of each of the image's slices
    along the project's plane, ``worst_slice`` the slice where that is highest, and ``picture``
    (rows, columns) the first channel of that slice as the network saw it, rows running down as on
    a screen.
    """

    case: str
    labels: np.ndarray
    uncertainty: np.ndarray | None
    geometry: Geometry
    worst_slice: int | None
    model: int
    slice_uncertainty: np.ndarray | None = None
    picture: np.ndarray | None = None


def predict(
    bench: Workbench,
    case: str,
    *,
    uncertainty: bool = True,
    on_labels: Callable[[Prediction], None] | None = None,
    progress: Progress = no_progress,
    cancel: Cancel | None = None,
) -> Prediction:
    """Return the proposal for a case, from the network without dropout.

    The labels are there long before the uncertainty is: ``on_labels`` gets them at once, as a
    prediction without uncertainty.

    Raises:
        NoModelError: nothing was trained yet.
        ImageError: the image cannot be used.
    """
    row = bench.project.case(case)
    model = bench.model()
    prepared = bench.load(row)
    assert row.geometry is not None

    first = PROPOSAL_SHARE if uncertainty else 1.0
    tell = between(progress, 0.0, first)

    def work(limits: Limits) -> torch.Tensor:
        return model.inference.probability(prepared.array, limits, progress=tell, cancel=cancel)

    probability, bench.limits = with_less_memory(work, bench.limits, bench.hear_memory)
    labels = bench.classes.to_values(restore_labels(probability, prepared))
    del probability
    proposal = Prediction(case, labels, None, row.geometry, None, model.record.version)
    if on_labels is not None:
        on_labels(proposal)
    if not uncertainty:
        return proposal
    samples = Samples(bench.plan.samples)
    tell = between(progress, first, 1.0)
    result = sample_volume(bench, model, prepared, samples, progress=tell, cancel=cancel)
    entropy = result.maps.measure("entropy")
    foreground = entropy * (1.0 - result.maps.mean[0])
    by_slice = foreground.sum(dim=(1, 2)).numpy()[prepared.image_slices()]
    worst = int(np.argmax(by_slice))
    whole = restore(entropy[None], prepared)[0]
    picture = prepared.array[0, prepared.image_slices()[worst]].numpy()
    if bench.project.plane != "axial":
        picture = picture[::-1]  # Prepared rows run upwards in the other planes.
    return replace(
        proposal, uncertainty=whole, worst_slice=worst, slice_uncertainty=by_slice, picture=picture
    )
