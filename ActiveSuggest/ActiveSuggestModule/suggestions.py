"""Suggestions as the panel lists them: one row a case, with the slices that are meant."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

WAITING, FETCHING, READY, UNUSABLE, FINISHED = "waiting", "fetching", "ready", "failed", "done"
REASONS_SHOWN = 6


@dataclass(eq=False)
class Suggested:
    """A case that is worth labelling next.

    ``slices`` along the project's plane, best first, empty for a whole volume; ``score`` the best
    of them. ``state``: ``waiting``, ``fetching`` (being prefetched), ``ready`` (opens at once),
    ``failed`` (``error`` says why) or ``done`` (saved, skipped or excluded).
    """

    rank: int
    case: str
    slices: tuple[int, ...]
    score: float
    reasons: tuple[str, ...]
    strategy: str
    patient: str
    state: str = WAITING
    thumbnail: Path | None = None
    error: str = ""

    @property
    def is_open(self) -> bool:
        """Whether it is still to be done, and can be."""
        return self.state not in (UNUSABLE, FINISHED)


def grouped(rows: Iterable[Mapping[str, Any]]) -> list[Suggested]:
    """Return the worker's suggestions, one entry a case, in the order of their best units.

    A case that is wanted whole is not wanted by slices, too.

    >>> row = {"score": 2.0, "reasons": ["far"], "strategy": "bsq", "patient": "p"}
    >>> units = [("a", 7), ("b", 1), ("a", 3)]
    >>> answer = [row | {"case": case, "slice": n} for case, n in units]
    >>> [(s.rank, s.case, s.slices) for s in grouped(answer)]
    [(1, 'a', (7, 3)), (2, 'b', (1,))]
    """
    found: dict[str, Suggested] = {}
    for row in rows:
        case, index = str(row["case"]), row.get("slice")
        slices = () if index is None else (int(index),)
        reasons = tuple(str(reason) for reason in row.get("reasons") or ())
        known = found.get(case)
        if known is None:
            found[case] = Suggested(
                rank=len(found) + 1,
                case=case,
                slices=slices,
                score=float(row.get("score") or 0.0),
                reasons=reasons,
                strategy=str(row.get("strategy", "")),
                patient=str(row.get("patient", "")),
            )
        else:
            both = bool(known.slices and slices)
            added = tuple(n for n in slices if n not in known.slices)
            known.slices = known.slices + added if both else ()
            merged = dict.fromkeys([*known.reasons, *reasons])
            known.reasons = tuple(merged)[:REASONS_SHOWN]
    return list(found.values())


def find(case: str, suggestions: Sequence[Suggested]) -> Suggested | None:
    """Return the suggestion of a case, or ``None``."""
    return next((s for s in suggestions if s.case == case), None)


def upcoming(
    suggestions: Sequence[Suggested], *, besides: str | None = None, count: int | None = None
) -> list[Suggested]:
    """Return the suggestions that are still to be done, best first, without that of ``besides``."""
    left = [s for s in suggestions if s.is_open and s.case != besides]
    return left if count is None else left[:count]


def merged_ranking(new: Sequence[Suggested], old: Sequence[Suggested]) -> list[Suggested]:
    """Return a new ranking in which rows that were there keep their picture and their state.

    What is finished or failed in ``old`` is left out.
    """
    kept: list[Suggested] = []
    for suggestion in new:
        before = find(suggestion.case, old)
        if before is not None:
            if not before.is_open:
                continue
            suggestion.thumbnail = before.thumbnail
        suggestion.rank = len(kept) + 1
        kept.append(suggestion)
    return kept
