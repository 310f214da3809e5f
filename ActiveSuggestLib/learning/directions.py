"""Where the loss gradient of the newest labels leads in an autoencoder's latent space."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from ..data.cases import CaseRow
from ..errors import ActiveSuggestError
from ..models.autoencoder import Autoencoder
from ..models.latent_gradient import loss_gradient, moved_latent
from ..models.memory import Limits, with_less_memory
from ..models.preparing import prepare_label
from ..models.slices import shrink
from ..progress import Cancel, Progress, no_progress
from ..strategies.base import Directions, Unit
from .latents import PoolLatents
from .workbench import Workbench

# Of a wholly labelled volume the slices with the highest loss stand for all.
MOST_SLICES_A_CASE = 8
ENCODED_AT_ONCE = 16


def directions(
    bench: Workbench,
    cases: Sequence[CaseRow],
    units: Sequence[Unit],
    kind: str,
    mode: str,
    *,
    progress: Progress = no_progress,
    cancel: Cancel | None = None,
) -> Directions:
    """Return z and z' of the labelled ``units`` of last round, the highest loss first.

    One forward and one backward pass a case; nothing runs over the pool. Unusable cases are
    reported and left out.
    """
    autoencoder, _ = PoolLatents(bench, kind, progress=progress, cancel=cancel).autoencoder()
    autoencoder.to(bench.device.name)
    recent = newest(bench, cases)
    rows: list[int] = []
    starts: list[np.ndarray] = []
    ends: list[np.ndarray] = []
    losses: list[float] = []
    for done, case in enumerate(recent):
        if cancel is not None:
            cancel.raise_if_cancelled()
        progress(done, len(recent), f"gradient of {case.name}")
        try:
            found = _of_case(bench, autoencoder, case, units, mode)
        except ActiveSuggestError as error:
            bench.report(case.name, error)
            continue
        for row, start, end, loss in found:
            rows.append(row)
            starts.append(start)
            ends.append(end)
            losses.append(loss)
    order = np.argsort(-np.asarray(losses), kind="stable").astype(int)
    size = autoencoder.plan.dimensions
    return Directions(
        np.asarray(rows, int)[order],
        np.asarray(starts, np.float32).reshape(-1, size)[order],
        np.asarray(ends, np.float32).reshape(-1, size)[order],
        np.asarray(losses, float)[order],
    )


def newest(bench: Workbench, cases: Sequence[CaseRow]) -> list[CaseRow]:
    """Return the labelled cases that the model before the present one did not know, or all.

    Validation cases are left out while there are others: what is picked must not depend on them.
    """
    validation = set(bench.project.validation_cases)
    cases = [c for c in cases if c.name not in validation] or list(cases)
    record = bench.model().record
    before = next((r for r in bench.checkpoints.records() if r.version == record.parent), None)
    known = before.labels if before else {}
    new = [c for c in cases if known.get(c.name) != c.label_hash]
    return new or cases


def _of_case(
    bench: Workbench, autoencoder: Autoencoder, case: CaseRow, units: Sequence[Unit], mode: str
) -> list[tuple[int, np.ndarray, np.ndarray, float]]:
    """Return (row in ``units``, z, z', loss) of the units of one case."""
    label = bench.project.read_label(case.name)
    own = [row for row, unit in enumerate(units) if unit.case == case.name]
    if label is None or not own:
        return []
    prepared = bench.load(case)
    target = prepare_label(bench.classes.from_values(label.array), label.geometry, bench.plan)
    network = bench.model().inference.network

    def work(limits: Limits) -> tuple[torch.Tensor, torch.Tensor]:
        return loss_gradient(network, bench.plan, prepared.array, target, limits)

    (g, by_slice), bench.limits = with_less_memory(work, bench.limits, bench.hear_memory)
    within = prepared.image_slices()
    parts: list[tuple[int, slice, float]] = []
    for row in own:
        index = units[row].slice
        if index is None:
            parts.append((row, slice(None), float(by_slice.mean())))
        else:
            place = int(within[index])
            parts.append((row, slice(place, place + 1), float(by_slice[place])))
    parts.sort(key=lambda part: -part[2])
    device = bench.device.name
    found = []
    for row, part, loss in parts[:MOST_SLICES_A_CASE]:
        z, moved = _moved(autoencoder, prepared.array[:, part], g[:, part], mode, device)
        found.append((row, z, moved, loss))
    return found


def _moved(
    autoencoder: Autoencoder, x: torch.Tensor, g: torch.Tensor, mode: str, device: str
) -> tuple[np.ndarray, np.ndarray]:
    """Return z and z' of (C, S, H, W), the means over the slices."""

    def encode(volume: torch.Tensor) -> torch.Tensor:
        pictures = volume.movedim(1, 0)
        parts = [autoencoder.encode(shrink(p)) for p in pictures.split(ENCODED_AT_ONCE)]
        return torch.cat(parts).mean(dim=0)

    z, moved = moved_latent(encode, x.to(device), g.to(device), mode)
    return z.cpu().numpy(), moved.cpu().numpy()
