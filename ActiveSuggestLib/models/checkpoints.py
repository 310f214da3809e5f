"""Trained models on disk: ``models/vN.pt`` with its record ``models/vN.json`` beside it."""

from __future__ import annotations

import contextlib
import functools
import io
import json
import os
import re
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch

from ..data.store import (
    atomic_write,
    discard,
    file_hash,
    flush_folder,
    temporary_beside,
    write_temporary,
)
from ..errors import DamagedCheckpointError, ForeignCheckpointError
from .networks import SegmentationNetwork
from .plan import Plan
from .training import TrainingState

FORMAT = 1
UNFINISHED = "unfinished.pt"
_RECORD = re.compile(r"v(\d+)\.json")


@dataclass(frozen=True)
class ModelRecord:
    """What a checkpoint was made from, and how good it is; readable without torch.

    ``labels`` maps each case trained on to the hash of its label; ``dice`` each validation case
    to its mean foreground Dice; ``curve`` has one row a check.
    """

    version: int
    hash: str
    plan: str
    segments: tuple[str, ...]
    parent: int | None
    accepted: bool
    reason: str
    labels: dict[str, str]
    dice: dict[str, float]
    steps: int
    seconds: float
    seed: int
    created: float
    device: str
    curve: list[dict[str, Any]] = field(default_factory=list)
    validation_dice: float | None = None
    validation_cases: int = 0

    @classmethod
    def from_dict(cls, form: dict[str, Any]) -> ModelRecord:
        """Rebuild a record; fields of newer versions are left out."""
        known = {k: v for k, v in form.items() if k in cls.__dataclass_fields__}
        return cls(**{**known, "segments": tuple(form["segments"])})


class Checkpoints:
    """The models of one project, oldest first; the newest accepted one is in use."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def records(self) -> list[ModelRecord]:
        """Return all records that can be read, by version."""
        found = []
        if not self.folder.is_dir():
            return []
        for path in self.folder.iterdir():
            if not _RECORD.fullmatch(path.name):
                continue
            with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
                found.append(ModelRecord.from_dict(json.loads(path.read_text("utf-8"))))
        return sorted(found, key=lambda r: r.version)

    def accepted(self) -> list[ModelRecord]:
        """Return the records of the models that were accepted, newest first."""
        return [r for r in reversed(self.records()) if r.accepted]

    def path(self, version: int) -> Path:
        """Return the file of a model."""
        return self.folder / f"v{version}.pt"

    def save(
        self, weights: dict[str, torch.Tensor], plan: Plan, segments: Sequence[str], **record: Any
    ) -> ModelRecord:
        """Write a model under the next free version, the weights first, and return its record."""
        self.folder.mkdir(parents=True, exist_ok=True)
        content = {
            "format": FORMAT,
            "plan": plan.to_dict(),
            "segments": list(segments),
            "weights": weights,
        }
        buffer = io.BytesIO()
        torch.save(content, buffer)
        version = max([self._highest(), *(r.version for r in self.records())], default=0) + 1
        temporary = temporary_beside(self.path(version))
        try:
            write_temporary(temporary, buffer.getvalue(), self.path(version))
            digest = file_hash(temporary)
            # Another process may have saved a model meanwhile: a taken number is never replaced.
            while not _publish_new(temporary, self.path(version)):
                version += 1
        finally:
            discard(temporary)
        flush_folder(self.folder)
        saved = ModelRecord(
            version=version,
            hash=digest,
            plan=plan.hash,
            segments=tuple(segments),
            created=time.time(),
            **record,
        )
        self.write_record(saved)
        return saved

    def write_record(self, record: ModelRecord) -> None:
        """Write or replace the record of a model."""
        text = json.dumps(asdict(record), indent=1, ensure_ascii=False)
        atomic_write(self.folder / f"v{record.version}.json", text.encode("utf-8"))

    def load(self, record: ModelRecord, plan: Plan, segments: Sequence[str]) -> SegmentationNetwork:
        """Return the network of a record.

        Raises:
            DamagedCheckpointError: the file is gone, torn, or not the one that was recorded.
            ForeignCheckpointError: it was trained under another plan or for other segments.
        """
        path = self.path(record.version)
        remedy = "The newest sound model before it is used instead; the next training replaces it."
        try:
            intact = file_hash(path) == record.hash
        except OSError as error:
            raise DamagedCheckpointError(
                f"Model {record.version} cannot be read: {error.strerror}.",
                path=path,
                remedy=remedy,
            ) from error
        if not intact:
            raise DamagedCheckpointError(
                f"Model {record.version} is damaged: its file is not the one that was saved.",
                path=path,
                remedy=remedy,
            )
        if record.plan != plan.hash or tuple(record.segments) != tuple(segments):
            differs = "another plan" if record.plan != plan.hash else "other segments"
            raise ForeignCheckpointError(
                f"Model {record.version} was trained under {differs} and is left aside.",
                path=path,
                remedy="Train to get a model for the present project settings.",
            )
        content = _read(path, remedy)
        network = SegmentationNetwork(plan.architecture)
        network.load_state_dict(content["weights"])
        return network

    def keep_unfinished(self, state: TrainingState, **facts: Any) -> None:
        """Store an unfinished training; ``facts`` must be the same for it to be taken up again."""
        self.folder.mkdir(parents=True, exist_ok=True)
        content = {"format": FORMAT, "facts": facts, **vars(state)}
        atomic_write(self.folder / UNFINISHED, functools.partial(torch.save, content))

    def unfinished(self, **facts: Any) -> TrainingState | None:
        """Return the unfinished training that was kept under the same ``facts``, if any."""
        path = self.folder / UNFINISHED
        if not path.is_file():
            return None
        try:
            content = _read(path, "")
        except DamagedCheckpointError:
            return None
        if content.get("facts") != facts:
            return None
        fields = TrainingState.__dataclass_fields__
        if any(name not in content for name in fields):
            return None  # Of an earlier version.
        return TrainingState(**{name: content[name] for name in fields})

    def discard_unfinished(self) -> None:
        """Forget the unfinished training."""
        discard(self.folder / UNFINISHED)

    def _highest(self) -> int:
        names = [re.fullmatch(r"v(\d+)\.pt", p.name) for p in self.folder.glob("v*.pt")]
        return max((int(m.group(1)) for m in names if m), default=0)


def _read(path: Path, remedy: str) -> dict[str, Any]:
    try:
        # Weights only: a model file from elsewhere cannot run code.
        return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        raise DamagedCheckpointError(
            f"{path.name} cannot be read ({type(error).__name__}).", path=path, remedy=remedy
        ) from error


def _publish_new(temporary: Path, target: Path) -> bool:
    """Give a finished file its name unless that name is taken."""
    try:
        os.link(temporary, target)  # Fails if the name is taken; a rename would not.
    except FileExistsError:
        return False
    except OSError:
        if target.exists():
            return False
        temporary.replace(target)
    return True
