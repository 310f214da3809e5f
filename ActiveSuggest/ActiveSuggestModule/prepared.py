"""Prepared cases: what the worker made ready for the scene, kept while it is good."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .scene.case_files import CaseFiles, ImageFile

DRAFT, LABEL, PROPOSAL, EMPTY = "draft", "label", "proposal", "empty"
ORDER = (DRAFT, LABEL, PROPOSAL, EMPTY)


@dataclass
class PreparedCase:
    """The worker's answers about one case: ``scene`` to ``prepare``, ``proposal`` to ``predict``.

    Either may be ``None`` while it is not there. ``asked_of`` is the model in use when the
    proposal was asked for: one of an earlier model is good enough to begin with.
    """

    case: str
    scene: Mapping[str, Any] | None = None
    proposal: Mapping[str, Any] | None = None
    asked_of: int | None = None

    def is_fresh(self, model: int | None) -> bool:
        """Whether there is a proposal of the model that is in use."""
        return self.proposal is not None and self.asked_of == model

    @property
    def thumbnail(self) -> Path | None:
        """The picture of the most uncertain slice, else of the middle one, if there is any."""
        for answer in (self.proposal, self.scene):
            if answer is not None and answer.get("thumbnail"):
                return Path(answer["thumbnail"])
        return None

    @property
    def labelled_slices(self) -> tuple[int, ...] | None:
        """The slices labelled before; ``None`` where none or all are."""
        slices = (self.scene or {}).get("labelled_slices")
        return None if slices is None else tuple(int(n) for n in slices)

    @property
    def uncertain_slices(self) -> tuple[int, ...]:
        """The slices, the most uncertain first; empty without a proposal."""
        rows = (self.proposal or {}).get("slices") or ()
        return tuple(int(row["slice"]) for row in rows)

    @property
    def uncertainty(self) -> Path | None:
        """The uncertainty map of the proposal, if there is one."""
        heat = (self.proposal or {}).get("uncertainty")
        return Path(heat) if heat and Path(heat).is_file() else None

    def files_exist(self) -> bool:
        """Whether the images made ready are still there: the cache keeps only the newest."""
        if self.scene is None:
            return False
        return all(Path(image["path"]).is_file() for image in self.scene["images"])

    def segmentation(self, prefer: str) -> tuple[Path | None, str]:
        """Return the file to show and what it is, from ``prefer`` on down ``ORDER``.

        Of a case that is labelled in some slices only, the proposal that holds these labels and
        the model's opinion elsewhere goes before the label alone.
        """
        scene, proposal = self.scene or {}, self.proposal or {}
        found = {
            DRAFT: scene.get("draft"),
            LABEL: scene.get("label"),
            PROPOSAL: proposal.get("completed") or proposal.get("labels"),
        }
        order = list(ORDER[ORDER.index(prefer) :])
        if self.labelled_slices is not None and proposal.get("completed") and prefer == DRAFT:
            order = [DRAFT, PROPOSAL, LABEL, EMPTY]
        for source in order:
            path = found.get(source)
            if path and Path(path).is_file():
                return Path(path), source
        return None, EMPTY

    def files(self, prefer: str, *, plane: str, slice_index: int | None) -> CaseFiles:
        """Return what to put into the scene; ``slice_index`` ``None``: the most uncertain one."""
        assert self.scene is not None
        path, source = self.segmentation(prefer)
        window = self.scene.get("window")
        if slice_index is None:
            slice_index = (self.proposal or {}).get("worst_slice")
        return CaseFiles(
            case=self.case,
            images=tuple(
                ImageFile(
                    Path(image["path"]),
                    str(image.get("name") or self.case),
                    _pair(image.get("window")),
                )
                for image in self.scene["images"]
            ),
            segmentation=path,
            source=source,
            uncertainty=self.uncertainty,
            plane=str(self.scene.get("plane") or plane),
            slice=slice_index,
            window=_pair(window),
            modality=str(self.scene.get("modality") or ""),
        )


@dataclass
class Shelf:
    """Prepared cases by name."""

    _cases: dict[str, PreparedCase] = field(default_factory=dict)

    def of(self, case: str) -> PreparedCase:
        """Return what is known of a case, perhaps nothing yet."""
        return self._cases.setdefault(case, PreparedCase(case))

    def forget_scene(self, case: str) -> None:
        """The case's label or draft is another one now."""
        if case in self._cases:
            self._cases[case].scene = None

    def clear(self) -> None:
        """Forget everything: another project."""
        self._cases.clear()


def _pair(numbers: Any) -> tuple[float, float] | None:
    return None if not numbers else (float(numbers[0]), float(numbers[1]))
