"""The learning curve as a picture: Dice of each model, and of proposals before training on them."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import qt
from slicer.i18n import tr as _

LEFT, RIGHT, TOP, BOTTOM = 34, 10, 28, 32
DOT, BIG_DOT = 2.2, 3.6


@dataclass(frozen=True)
class Colours:
    """The colours of a drawing, as ``#rrggbb``, taken from a palette."""

    background: str
    text: str
    faint: str
    line: str
    dots: str

    @classmethod
    def of(cls, palette: Any) -> Colours:
        """Return the colours of a palette; faint ones lie between text and background."""
        background = palette.color(qt.QPalette.Base)
        text = palette.color(qt.QPalette.Text)
        line = palette.color(qt.QPalette.Highlight)
        return cls(
            background.name(),
            text.name(),
            _mixed(text, background, 0.25),
            _mixed(line, text, 0.75),
            _mixed(text, background, 0.6),
        )


@dataclass(frozen=True)
class Point:
    """A point of the curve, in pixels; ``low`` and ``high`` are the ends of its interval."""

    x: float
    y: float
    low: float | None
    high: float | None
    accepted: bool
    cases: int
    labels: int


@dataclass(frozen=True)
class Curve:
    """Where everything stands: models with a Dice, proposals, and the ticks of both axes."""

    models: tuple[Point, ...]
    proposals: tuple[tuple[float, float], ...]
    y_ticks: tuple[tuple[float, str], ...]
    x_ticks: tuple[tuple[float, str], ...]


def lay_out(curve: Mapping[str, Any], size: tuple[int, int]) -> Curve:
    """Return where the points of a curve stand in a picture of ``size`` pixels.

    Along x the number of labels, along y the Dice from 0 to 1. A proposal made by a model stands
    between that model and the next, in the order of the labels saved meanwhile.
    """
    width, height = size
    measured = [m for m in curve.get("models") or () if m.get("validation_dice") is not None]
    labels = {m.get("version"): _count(m.get("labels")) for m in curve.get("models") or ()}
    steps = _proposal_labels(curve.get("prequential") or (), labels)
    most = max([1, *labels.values(), *(x for x, _value in steps)])

    def across(count: float) -> float:
        return LEFT + (width - LEFT - RIGHT) * count / most

    def down(dice: float) -> float:
        return TOP + (height - TOP - BOTTOM) * (1 - min(max(dice, 0.0), 1.0))

    points = []
    for model in measured:
        low, high = model.get("interval") or (None, None)
        points.append(
            Point(
                across(_count(model.get("labels"))),
                down(float(model["validation_dice"])),
                None if low is None else down(float(low)),
                None if high is None else down(float(high)),
                bool(model.get("accepted", True)),
                int(model.get("validation_cases") or 0),
                _count(model.get("labels")),
            )
        )
    return Curve(
        tuple(points),
        tuple((across(x), down(value)) for x, value in steps),
        tuple((down(value), f"{value:g}") for value in (0.0, 0.5, 1.0)),
        tuple((across(n), str(n)) for n in _ticks(most)),
    )


def draw(curve: Mapping[str, Any], size: tuple[int, int], ratio: float, colours: Colours) -> Any:
    """Return the curve as a ``QPixmap`` of ``size`` pixels, ``ratio`` times as sharp."""
    width, height = size
    pixmap = qt.QPixmap(round(width * ratio), round(height * ratio))
    pixmap.setDevicePixelRatio(ratio)
    pixmap.fill(qt.QColor(colours.background))
    where = lay_out(curve, size)
    painter = qt.QPainter()
    painter.begin(pixmap)
    try:
        painter.setRenderHint(qt.QPainter.Antialiasing, True)
        if where.models or where.proposals:
            _draw_axes(painter, where, size, colours)
            _draw_proposals(painter, where, colours)
            _draw_models(painter, where, colours)
            _draw_heading(painter, where, colours)
        else:
            _write(
                painter, colours.text, LEFT, height // 2 - 8, _("The learning curve begins with")
            )
            _write(painter, colours.text, LEFT, height // 2 + 10, _("the first training."))
    finally:
        painter.end()
    return pixmap


def _draw_axes(painter: Any, where: Curve, size: tuple[int, int], colours: Colours) -> None:
    width, height = size
    for y, text in where.y_ticks:
        painter.setPen(qt.QPen(qt.QBrush(qt.QColor(colours.faint)), 1))
        painter.drawLine(qt.QLineF(LEFT, y, width - RIGHT, y))
        _write(painter, colours.text, 6, y + 4, text)
    for x, text in where.x_ticks:
        _write(painter, colours.text, x - 3 * len(text), height - BOTTOM + 14, text)
    _write(painter, colours.text, LEFT, height - 4, _("labels"))


def _draw_proposals(painter: Any, where: Curve, colours: Colours) -> None:
    painter.setPen(qt.QPen(qt.QBrush(qt.QColor(colours.dots)), 1))
    painter.setBrush(qt.QBrush(qt.QColor(colours.dots)))
    for x, y in where.proposals:
        painter.drawEllipse(qt.QRectF(x - DOT, y - DOT, 2 * DOT, 2 * DOT))


def _draw_models(painter: Any, where: Curve, colours: Colours) -> None:
    line = qt.QColor(colours.line)
    painter.setPen(qt.QPen(qt.QBrush(line), 1))
    for point in where.models:
        if point.low is not None and point.high is not None:
            painter.drawLine(qt.QLineF(point.x, point.low, point.x, point.high))
    painter.setPen(qt.QPen(qt.QBrush(line), 2))
    kept = [point for point in where.models if point.accepted]
    for one, other in itertools.pairwise(kept):
        painter.drawLine(qt.QLineF(one.x, one.y, other.x, other.y))
    for point in where.models:
        # A model that was set aside is a ring off the line.
        inside = colours.line if point.accepted else colours.background
        painter.setBrush(qt.QBrush(qt.QColor(inside)))
        painter.drawEllipse(
            qt.QRectF(point.x - BIG_DOT, point.y - BIG_DOT, 2 * BIG_DOT, 2 * BIG_DOT)
        )


def _draw_heading(painter: Any, where: Curve, colours: Colours) -> None:
    _write(painter, colours.text, 6, 13, heading(where))


def heading(where: Curve) -> str:
    """Return what the curve says in a line: Dice on how many cases."""
    if not where.models:
        return _("Dice of proposals with your labels (no validation case yet)")
    cases = where.models[-1].cases
    noun = _("1 validation case") if cases == 1 else _("{n} validation cases").format(n=cases)
    return _("Dice on {cases}").format(cases=noun)


def _write(painter: Any, colour: str, x: float, y: float, text: str) -> None:
    painter.setPen(qt.QPen(qt.QBrush(qt.QColor(colour)), 1))
    painter.drawText(qt.QPointF(x, y), text)


def _count(labels: Any) -> int:
    return len(labels) if isinstance(labels, Mapping) else int(labels or 0)


def _proposal_labels(
    proposals: Sequence[Mapping[str, Any]], labels: Mapping[Any, int]
) -> list[tuple[float, float]]:
    """Return (number of labels there were, Dice) of each proposal that was measured."""
    since: dict[Any, int] = {}
    found = []
    for proposal in proposals:
        if proposal.get("dice") is None:
            continue
        model = proposal.get("model")
        since[model] = since.get(model, -1) + 1
        found.append((labels.get(model, 0) + since[model] + 0.5, float(proposal["dice"])))
    return found


def _ticks(most: float) -> list[int]:
    step = 1
    while most / step > 6:
        step = {1: 2, 2: 5, 5: 10}.get(step, step * 2)
    return list(range(0, int(most) + 1, step))


def _mixed(one: Any, other: Any, share: float) -> str:
    parts = (
        round(a * share + b * (1 - share))
        for a, b in (
            (one.red(), other.red()),
            (one.green(), other.green()),
            (one.blue(), other.blue()),
        )
    )
    return "#{:02x}{:02x}{:02x}".format(*parts)
