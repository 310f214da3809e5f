"""The learning curve: where its points stand, and that they are drawn there."""

from __future__ import annotations

import pytest
import qt
from ActiveSuggestModule import plot

from Testing.Python.module.test_panels_learning import CURVE

SIZE = (360, 168)
COLOURS = plot.Colours("#ffffff", "#000000", "#dddddd", "#2f8fd0", "#666666")


def colour_at(pixmap, x, y, ratio=1.0):
    return pixmap.toImage().pixelColor(round(x * ratio), round(y * ratio)).name()


def test_labels_go_along_and_dice_goes_up():
    models = plot.lay_out(CURVE, SIZE).models
    assert [m.x for m in models] == sorted(m.x for m in models)
    assert models[1].y < models[0].y < models[2].y
    assert models[-1].x == SIZE[0] - plot.RIGHT


def test_a_dice_of_one_and_of_zero_stand_at_the_ends_of_the_axis():
    curve = {"models": [{"version": n, "labels": n, "validation_dice": n} for n in (0, 1)]}
    low, high = plot.lay_out(curve, SIZE).models
    assert (low.y, high.y) == (SIZE[1] - plot.BOTTOM, plot.TOP)


def test_intervals_stand_around_their_point():
    first, _second, third = plot.lay_out(CURVE, SIZE).models
    assert first.high < first.y < first.low
    assert third.low is None


def test_proposals_stand_between_their_model_and_the_next():
    where = plot.lay_out(CURVE, SIZE)
    (first, second) = where.proposals
    assert where.models[0].x < first[0] < where.models[1].x < second[0] < where.models[2].x


def test_a_model_without_validation_has_no_point():
    curve = {"models": [{"version": 1, "labels": 2, "validation_dice": None}]}
    assert plot.lay_out(curve, SIZE).models == ()


def test_labels_may_be_counted_or_listed():
    curve = {"models": [{"version": 1, "labels": {"a": "1", "b": "1"}, "validation_dice": 0.5}]}
    assert plot.lay_out(curve, SIZE).models[0].labels == 2


@pytest.mark.parametrize("most", [1, 6, 7, 40, 300, 5000])
def test_there_are_never_too_many_ticks(most):
    curve = {"models": [{"version": 1, "labels": most, "validation_dice": 0.5}]}
    ticks = [text for _x, text in plot.lay_out(curve, SIZE).x_ticks]
    assert 2 <= len(ticks) <= 7
    assert ticks[0] == "0"


def test_the_heading_says_on_how_many_cases():
    assert plot.heading(plot.lay_out(CURVE, SIZE)) == "Dice on 4 validation cases"
    one = {"models": [{**CURVE["models"][0], "validation_cases": 1}]}
    assert plot.heading(plot.lay_out(one, SIZE)) == "Dice on 1 validation case"
    assert "no validation case yet" in plot.heading(plot.lay_out({}, SIZE))


@pytest.mark.parametrize("ratio", [1.0, 2.0])
def test_points_are_drawn_where_they_stand(slicer_host, ratio):
    where = plot.lay_out(CURVE, SIZE)
    pixmap = plot.draw(CURVE, SIZE, ratio, COLOURS)
    size = pixmap.toImage().size()
    assert (size.width(), size.height()) == (SIZE[0] * ratio, SIZE[1] * ratio)
    kept, aside = where.models[1], where.models[2]
    assert colour_at(pixmap, kept.x, kept.y, ratio) == COLOURS.line
    assert colour_at(pixmap, aside.x, aside.y, ratio) == COLOURS.background
    assert colour_at(pixmap, aside.x, aside.y - plot.BIG_DOT, ratio) != COLOURS.background
    x, y = where.proposals[0]
    assert colour_at(pixmap, x, y, ratio) == COLOURS.dots
    assert colour_at(pixmap, 3, SIZE[1] - 40, ratio) == COLOURS.background


def test_the_line_leaves_out_a_model_that_was_set_aside(slicer_host):
    where = plot.lay_out(CURVE, SIZE)
    pixmap = plot.draw(CURVE, SIZE, 1.0, COLOURS)
    (_, second, third) = where.models
    middle = ((second.x + third.x) / 2, (second.y + third.y) / 2)
    assert colour_at(pixmap, *middle) == COLOURS.background


def test_an_empty_curve_says_what_it_will_be(slicer_host):
    image = plot.draw({}, SIZE, 1.0, COLOURS).toImage()
    dark = [
        (x, y)
        for x in range(SIZE[0])
        for y in range(SIZE[1])
        if image.pixelColor(x, y).lightness() < 100
    ]
    assert dark


def test_the_colours_come_from_the_palette(slicer_host):
    palette = qt.QPalette()
    palette.setColor(qt.QPalette.Base, qt.QColor("#202020"))
    palette.setColor(qt.QPalette.Text, qt.QColor("#e0e0e0"))
    colours = plot.Colours.of(palette)
    assert (colours.background, colours.text) == ("#202020", "#e0e0e0")
    assert colours.faint == "#505050"
