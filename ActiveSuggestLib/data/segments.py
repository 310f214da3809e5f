"""Segments: the named structures of a project and the voxel values they are stored with."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from ..errors import InvalidSegmentsError

HIGHEST_VALUE = 254
"""Values are 1 to 254: 0 is background, and 255 means "not labelled" in memory."""

_COLORS: tuple[tuple[float, float, float], ...] = (
    (0.86, 0.37, 0.34),
    (0.20, 0.60, 0.86),
    (0.95, 0.77, 0.25),
    (0.36, 0.73, 0.47),
    (0.65, 0.45, 0.80),
    (0.95, 0.56, 0.24),
    (0.26, 0.75, 0.75),
    (0.91, 0.51, 0.70),
    (0.55, 0.65, 0.25),
    (0.62, 0.47, 0.36),
    (0.45, 0.51, 0.85),
    (0.78, 0.80, 0.82),
)


@dataclass(frozen=True)
class Segment:
    """One structure: its name, its voxel value (1 to 254), colour (0 to 1) and terminology entry.

    ``terminology`` is Slicer's terminology string, or empty.
    """

    name: str
    value: int
    color: tuple[float, float, float]
    terminology: str = ""

    def __post_init__(self) -> None:
        _check_name(self.name)
        if not 1 <= self.value <= HIGHEST_VALUE:
            raise InvalidSegmentsError(
                f"Segment '{self.name}' has the value {self.value}.",
                remedy=f"Give it a whole number from 1 to {HIGHEST_VALUE}; 0 is the background.",
            )

    def to_dict(self) -> dict[str, Any]:
        """Return what ``project.json`` holds."""
        return {
            "name": self.name,
            "value": self.value,
            "color": list(self.color),
            "terminology": self.terminology,
        }

    @classmethod
    def from_dict(cls, form: dict[str, Any]) -> Segment:
        """Rebuild a segment; raises ``InvalidSegmentsError`` if the form is damaged."""
        try:
            red, green, blue = (float(part) for part in form["color"])
            return cls(
                name=str(form["name"]),
                value=int(form["value"]),
                color=(red, green, blue),
                terminology=str(form.get("terminology", "")),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise InvalidSegmentsError(
                f"A segment is damaged: {form!r}.",
                remedy="It needs a name, a value and a colour of three numbers.",
            ) from error


def default_color(value: int) -> tuple[float, float, float]:
    """Return a colour for a label value, distinct among the first dozen and always the same."""
    index = value - 1
    red, green, blue = _COLORS[index % len(_COLORS)]
    shade = 1.0 - 0.12 * (index // len(_COLORS) % 6)
    return (round(red * shade, 4), round(green * shade, 4), round(blue * shade, 4))


def name_key(name: str) -> str:
    """Return the form in which two segment names are compared: no case, single spaces."""
    return " ".join(name.split()).casefold()


def parse_segments(text: str | Iterable[str | Segment]) -> tuple[Segment, ...]:
    """Return the segments of ``"liver,tumour"``, ``"liver=1,tumour=3"`` or a list of such parts.

    Parts without a value get the lowest free one, in order.
    Raises ``InvalidSegmentsError`` for an empty list, equal names, or impossible values.
    """
    parts = text.split(",") if isinstance(text, str) else list(text)
    wanted: list[Segment | tuple[str, int | None]] = []
    for part in parts:
        if isinstance(part, Segment):
            wanted.append(part)
        elif part.strip():
            wanted.append(_name_and_value(part.strip()))
    if not wanted:
        raise InvalidSegmentsError(
            "No segment was named.", remedy="Name at least one, such as: liver,tumour."
        )
    taken = {w.value if isinstance(w, Segment) else w[1] for w in wanted}
    free = iter(v for v in range(1, HIGHEST_VALUE + 1) if v not in taken)
    segments = tuple(w if isinstance(w, Segment) else _segment(*w, free) for w in wanted)
    check_segments(segments)
    return segments


def check_segments(segments: tuple[Segment, ...]) -> None:
    """Raise ``InvalidSegmentsError`` if two segments share a name or a value."""
    if not segments:
        raise InvalidSegmentsError("There is no segment.", remedy="Name at least one.")
    names: dict[str, str] = {}
    values: dict[int, str] = {}
    for segment in segments:
        key = name_key(segment.name)
        if key in names:
            raise InvalidSegmentsError(
                f"Two segments are called '{names[key]}' and '{segment.name}'.",
                remedy="Give each a name of its own (upper and lower case count as the same).",
            )
        if segment.value in values:
            raise InvalidSegmentsError(
                f"Segments '{values[segment.value]}' and '{segment.name}' share the value "
                f"{segment.value}.",
                remedy="Give each a value of its own.",
            )
        names[key] = segment.name
        values[segment.value] = segment.name


def find_segment(name: str, segments: tuple[Segment, ...]) -> Segment | None:
    """Return the segment of that name, whatever its upper and lower case, or ``None``."""
    key = name_key(name)
    return next((s for s in segments if name_key(s.name) == key), None)


def _segment(name: str, value: int | None, free: Iterable[int]) -> Segment:
    if value is None:
        value = next(iter(free), None)
        if value is None:
            raise InvalidSegmentsError(
                "There are more segments than values.",
                remedy=f"A project holds at most {HIGHEST_VALUE} segments.",
            )
    return Segment(name, value, default_color(value))


def _name_and_value(part: str) -> tuple[str, int | None]:
    name, equals, number = part.rpartition("=")
    if not equals:
        return " ".join(part.split()), None
    if not re.fullmatch(r"\s*\d+\s*", number):
        raise InvalidSegmentsError(
            f"'{part}' has no whole number behind the '='.",
            remedy=f"Write name=value with a value from 1 to {HIGHEST_VALUE}, such as: tumour=3.",
        )
    return " ".join(name.split()), int(number)


def _check_name(name: str) -> None:
    if not name.strip() or re.search(r"[\x00-\x1f\x7f|]", name):
        raise InvalidSegmentsError(
            f"{name!r} cannot be a segment's name.",
            remedy="Use letters, digits, spaces and common signs, without '|' or line breaks.",
        )
    if name_key(name) == "background":
        raise InvalidSegmentsError(
            "'background' cannot be a segment: what no segment covers is background already.",
            remedy="Leave it out.",
        )
