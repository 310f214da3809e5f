"""Latents of a pool's slices, from an autoencoder that is trained once on the whole pool.

Everything lies under ``cache/latents``: the small slices by plan, the autoencoder by what it is
made from, and the latents by the autoencoder's own file, so that nothing can be mixed up.
"""

from __future__ import annotations

import functools
import shutil
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ..data.cases import CaseRow
from ..data.store import atomic_write, file_hash
from ..errors import EmptyPoolError
from ..models.autoencoder import Autoencoder, AutoencoderPlan, autoencoder_plan
from ..models.autoencoder_training import encode_slices, train_autoencoder
from ..models.slices import small_slices
from ..progress import Cancel, Progress, no_progress
from .array_files import ArrayFiles
from .reading import kept_arrays
from .workbench import Workbench

FORMAT = 1
FILE = "autoencoder.pt"
# An autoencoder of a pool that has grown by half since is trained anew.
GROWTH = 1.5
SETTINGS = {"autoencoder_seconds": "seconds", "autoencoder_steps": "most_steps"}


class PoolLatents:
    """The autoencoder of one ``kind`` (see ``autoencoder_plan``) on a project's pool.

    The project's settings ``autoencoder_seconds`` and ``autoencoder_steps`` bound its training.
    """

    def __init__(
        self,
        bench: Workbench,
        kind: str,
        *,
        progress: Progress = no_progress,
        cancel: Cancel | None = None,
    ) -> None:
        self.bench = bench
        self.kind = kind
        self.progress = progress
        self.cancel = cancel or Cancel()
        settings = bench.project.settings
        changes = {field: settings[s] for s, field in SETTINGS.items() if settings.get(s)}
        channels, on_cpu = bench.plan.channels, bench.device.is_cpu
        self.plan: AutoencoderPlan = autoencoder_plan(kind, channels, on_cpu=on_cpu, **changes)
        self.root = bench.project.folder / "cache" / "latents"
        self.pictures = ArrayFiles(self.root / f"slices-{bench.plan.hash}")
        self._unusable: set[str] = set()
        self.folder = self.root / f"{kind}-{self.plan.hash}-{bench.plan.hash}-{bench.seed}"

    def slices(self, cases: Sequence[CaseRow]) -> dict[str, np.ndarray]:
        """Return the small slices (S, C, 96, 96) by case; unusable ones are reported, left out."""
        usable = [c for c in cases if c.name not in self._unusable and not c.missing]
        found, unusable = kept_arrays(
            self.bench,
            usable,
            self.pictures,
            small_slices,
            "slices of",
            progress=self.progress,
            cancel=self.cancel,
        )
        self._unusable |= unusable
        return found

    def of(self, cases: Sequence[CaseRow]) -> dict[str, np.ndarray]:
        """Return the latents (S, d) of the image's slices by case; unusable ones are left out.

        Raises:
            EmptyPoolError: no image of the project can be used.
            CancelledError: asked to stop; what was read so far is kept.
        """
        network, digest = self.autoencoder()
        files = ArrayFiles(self.folder / digest)
        found = {c.name: stored for c in cases if (stored := files.load(c)) is not None}
        missing = [c for c in cases if c.name not in found]
        pictures = self.slices(missing)
        for done, case in enumerate(c for c in missing if c.name in pictures):
            self.cancel.raise_if_cancelled()
            self.progress(done, len(missing), f"latents of {case.name}")
            z = encode_slices(network, pictures[case.name], self.bench.device.name)
            found[case.name] = files.store(case, z)
        return found

    def autoencoder(self) -> tuple[Autoencoder, str]:
        """Return the trained autoencoder and its identity, trained now if there is none."""
        cases = [
            c
            for c in self.bench.project.cases()
            if c.state != "excluded" and not c.missing and c.geometry
        ]
        path = self.folder / FILE
        stored = _read(path, self.plan)
        if stored is None or len(cases) > GROWTH * stored["cases"]:
            stored = self._train(path, cases)
        network = Autoencoder(self.plan)
        network.load_state_dict(stored["weights"])
        return network.eval(), file_hash(path)[:12]

    def _train(self, path: Path, cases: Sequence[CaseRow]) -> dict[str, Any]:
        pictures = self.slices(cases)
        if not pictures:
            raise EmptyPoolError(
                "No image of the project can be used.",
                path=self.bench.project.folder,
                remedy="See the excluded cases and their reasons with `activesuggest status`.",
            )
        network, training = train_autoencoder(
            self.plan,
            [pictures[name] for name in sorted(pictures)],
            seed=self.bench.seed,
            device=self.bench.device.name,
            progress=self.progress,
            cancel=self.cancel,
        )
        record = {"autoencoder": self.kind, "cases": len(pictures), **asdict(training)}
        content = {
            "format": FORMAT,
            "plan": self.plan.hash,
            "weights": {k: v.cpu() for k, v in network.state_dict().items()},
            **record,
        }
        self.root.mkdir(parents=True, exist_ok=True)
        for old in self.root.iterdir():
            # Another plan's, or latents of the autoencoder that is replaced now.
            if self.bench.plan.hash not in old.name or old == self.folder:
                shutil.rmtree(old, ignore_errors=True)
        self.folder.mkdir(parents=True, exist_ok=True)
        atomic_write(path, functools.partial(torch.save, content))
        self.bench.project.record("autoencoder", **record)
        return content


def _read(path: Path, plan: AutoencoderPlan) -> dict[str, Any] | None:
    """Return what was stored, or ``None`` if there is nothing that can be used."""
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception:  # A torn file raises whatever the unpickler meets first.
        return None
    sound = content.get("format") == FORMAT and content.get("plan") == plan.hash
    return content if sound else None
