"""Segments: how they are named, numbered and refused."""

from __future__ import annotations

import pytest

from ActiveSuggestLib.data.segments import Segment, default_color, find_segment, parse_segments
from ActiveSuggestLib.errors import InvalidSegmentsError


def test_names_are_numbered_in_their_order() -> None:
    segments = parse_segments(" anterior , posterior")
    assert [(s.name, s.value) for s in segments] == [("anterior", 1), ("posterior", 2)]


def test_values_can_be_given_and_the_rest_take_the_free_ones() -> None:
    segments = parse_segments("liver=2, tumour, vessel=1")
    assert [(s.name, s.value) for s in segments] == [("liver", 2), ("tumour", 3), ("vessel", 1)]


def test_a_list_of_names_or_segments_is_taken_too() -> None:
    lung = Segment("lung", 7, (1.0, 0.0, 0.0))
    assert [s.value for s in parse_segments([lung, "heart"])] == [7, 1]


def test_names_may_be_unicode_and_have_spaces() -> None:
    assert [s.name for s in parse_segments("linke  Niere,心臓")] == ["linke Niere", "心臓"]


def test_the_first_dozen_colours_are_distinct_and_all_254_are_valid() -> None:
    assert len({default_color(v) for v in range(1, 13)}) == 12
    assert all(0 <= part <= 1 for v in range(1, 255) for part in default_color(v))


@pytest.mark.parametrize(
    "text",
    [
        "",
        " , ",
        "liver,Liver",
        "liver=1,tumour=1",
        "liver=0",
        "liver=255",
        "liver=one",
        "liver=-1",
        "=3",
        "a|b",
        "background,liver",
    ],
)
def test_what_cannot_be_is_refused_with_a_remedy(text: str) -> None:
    with pytest.raises(InvalidSegmentsError) as caught:
        parse_segments(text)
    assert caught.value.remedy


def test_a_name_cannot_break_a_file_header() -> None:
    with pytest.raises(InvalidSegmentsError):
        Segment("a\nb", 1, (1.0, 0.0, 0.0))


def test_more_segments_than_values_are_refused() -> None:
    assert len(parse_segments(f"s{i}" for i in range(254))) == 254
    with pytest.raises(InvalidSegmentsError, match="more segments than values"):
        parse_segments(f"s{i}" for i in range(255))


def test_segments_survive_json() -> None:
    segment = Segment("liver", 3, (0.5, 0.25, 1.0), "SCT^10200004^Liver")
    assert Segment.from_dict(segment.to_dict()) == segment
    with pytest.raises(InvalidSegmentsError):
        Segment.from_dict({"name": "liver"})


def test_a_segment_is_found_by_its_name_in_any_case() -> None:
    segments = parse_segments("Left Lung,heart")
    assert find_segment("left  lung", segments) == segments[0]
    assert find_segment("lung", segments) is None
