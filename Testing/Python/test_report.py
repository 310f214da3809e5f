"""The report: complete, honest, self-contained."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from ActiveSuggestLib.data.geometry import Geometry
from ActiveSuggestLib.data.segments import parse_segments
from ActiveSuggestLib.reporting import plots
from ActiveSuggestLib.reporting.differences import difference_figure
from ActiveSuggestLib.reporting.figures import DARK, LIGHT, line_colors
from ActiveSuggestLib.reporting.pictures import Picture, fullest_slice, take_picture
from ActiveSuggestLib.reporting.prominent import prominent, subject
from ActiveSuggestLib.reporting.report import Story, render_report, write_report
from ActiveSuggestLib.reporting.words import conclusion, count, headline, seconds_in_words, signed
from ActiveSuggestLib.simulating.arms import FULL
from ActiveSuggestLib.simulating.curves import Query, RoundRecord, SimulationResult

SEGMENTS = parse_segments("liver=1,spleen=4")
STORY = Story("20 images of 20 patients.", "activesuggest demo --rounds 3")
TEST = [f"test-{n}" for n in range(8)]
POOL = [f"case-{n}" for n in range(12)]


def a_picture(uncertain: bool = True) -> Picture:
    rng = np.random.default_rng(0)
    label = np.zeros((6, 20, 24), np.uint8)
    label[2:4, 5:12, 5:12], label[2:4, 13:18, 13:20] = 1, 4
    return take_picture(
        rng.normal(100, 10, (1, 6, 20, 24)).astype(np.float32),
        Geometry((24, 20, 6), (1.0, 1.0, 3.0)),
        "axial",
        3,
        truth=label,
        proposal=np.roll(label, 1, 2),
        uncertainty=rng.random((6, 20, 24)).astype(np.float32) if uncertain else None,
    )


def a_result(folder: Path, ends: dict[str, float], *, seeds: int = 1) -> SimulationResult:
    """Return curves that rise evenly from 0.4 to the ends given, over three rounds of two."""
    a_picture().save(folder / "picture.npz")
    records = []
    for seed in range(seeds):
        rng = np.random.default_rng(seed)
        spread = rng.normal(0, 0.05, (len(TEST), 2))
        spread -= spread.mean()
        for name, end in ends.items():
            for number in range(4):
                level = 0.4 + (end - 0.4) * number / 3 + 0.01 * seed
                queries = [
                    Query(rank, POOL[2 * number + rank - 1], None, f"p{number}{rank}", 1.5,
                          (f"{name} asks for it.",), {"liver": 0.7, "spleen": 0.5}, "picture.npz")
                    for rank in (1, 2)
                ]  # fmt: skip
                scores = {
                    case: {"liver": level + a, "spleen": level + b}
                    for case, (a, b) in zip(TEST, spread.tolist(), strict=True)
                }
                records.append(
                    RoundRecord(
                        seed, name, number, 2 + 2 * number, 2 + 2 * number,
                        tuple(queries) if number else (), scores,
                        {"steps": 50, "accepted": number != 2},
                        {"suggest": 3.0, "train": 20.0, "test": 2.0},
                        "A small 3D network.\nIt sees 2 mm voxels.",
                    )
                )  # fmt: skip
    settings = {
        "strategies": list(ends), "seeds": list(range(seeds)), "unit": "volume", "rounds": 3,
        "batch": 2, "initial": 2, "steps": None, "segments": [s.to_dict() for s in SEGMENTS],
    }  # fmt: skip
    split = {"pool": POOL, "test": TEST, "initial": POOL[:2]}
    return SimulationResult(folder, settings, tuple(records), dict.fromkeys(range(seeds), split))


class _Reader(HTMLParser):
    """Collects the text and the tags, and checks that tags are closed in order."""

    def __init__(self) -> None:
        super().__init__()
        self.text: list[str] = []
        self.links: list[str] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name in {"src", "href", "srcset"}:
                self.links.append(value or "")
        if tag not in {"meta", "img", "source", "br", "link"}:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] not in {"style", "title"}:
            self.text.append(data)


def read(page: str) -> _Reader:
    reader = _Reader()
    reader.feed(page)
    assert not reader.open
    return reader


def test_the_page_is_well_formed_and_needs_nothing_from_outside(tmp_path: Path) -> None:
    page = render_report(a_result(tmp_path, {"mc-dropout": 0.8, "random": 0.7}), STORY)
    links = read(page).links
    assert links
    assert all(link.startswith("data:image/png;base64,") for link in links)
    assert not re.search(r"https?://|<script|@import|url\(", page)


def test_every_suggestion_is_shown_with_pictures_and_reasons(tmp_path: Path) -> None:
    result = a_result(tmp_path, {"mc-dropout": 0.8, "random": 0.7})
    page = render_report(result, STORY)
    assert page.count('class="card"') == 2 * 3 * 2
    text = " ".join(read(page).text)
    assert text.count("mc-dropout asks for it.") == 6
    assert "slice 3" in text
    assert "Dice 0.60" in text.replace("  ", " ")
    assert page.count('alt="case-2: uncertainty"') == 2


def test_the_page_tells_plan_times_command_words_and_what_was_not_kept(tmp_path: Path) -> None:
    page = render_report(a_result(tmp_path, {"mc-dropout": 0.8, "random": 0.7}), STORY)
    text = " ".join(read(page).text)
    for part in (
        "It sees 2 mm voxels.",
        "activesuggest demo --rounds 3",
        "20.0 s",
        "not kept",
        "Random choice",
        "Every training had 50 steps, what this computer does",
    ):
        assert part in text


def test_names_that_look_like_markup_stay_text(tmp_path: Path) -> None:
    result = a_result(tmp_path, {"mc-dropout": 0.8, "random": 0.7})
    bad = "<script>alert(1)</script>&"
    records = [
        replace(r, queries=tuple(replace(q, case=bad, reasons=(bad,)) for q in r.queries))
        for r in result.records
    ]
    page = render_report(replace(result, records=tuple(records)), replace(STORY, subject=bad))
    assert "<script" not in page
    assert bad in "".join(read(page).text)


def test_a_query_without_a_proposal_or_picture_is_still_a_card(tmp_path: Path) -> None:
    result = a_result(tmp_path, {"random": 0.7})
    records = [
        replace(r, queries=tuple(replace(q, picture=None, proposal_dice=None) for q in r.queries))
        for r in result.records
    ]
    text = " ".join(read(render_report(replace(result, records=tuple(records)), STORY)).text)
    assert text.count("No proposal: there was no model yet.") == 6


def test_a_picture_that_is_gone_does_not_stop_the_report(tmp_path: Path) -> None:
    result = a_result(tmp_path, {"random": 0.7})
    (tmp_path / "picture.npz").unlink()
    assert 'alt="case-2' not in render_report(result, STORY)


MANY = {
    "entropy": 0.90,  # the highest at the end, and only there
    "default:samples=8": 0.80,
    "random": 0.70,
    "bald": 0.79,
    "oracle": 0.60,
    "k-center": 0.72,
    "strided": 0.71,
    "foreground-random": 0.705,
}


def many(folder: Path) -> SimulationResult:
    """Return eight strategies over three seeds that differ by chance, too."""
    result = a_result(folder, MANY, seeds=3)
    rng = np.random.default_rng(0)
    noisy = []
    for r in result.records:
        away = rng.normal(0, 0.004) - 0.12 * (r.strategy == "entropy" and r.round < 3)
        scores = {c: {k: v + away for k, v in s.items()} for c, s in r.scores.items()}
        noisy.append(replace(r, scores=scores))
    return replace(result, records=tuple(noisy))


def test_of_many_strategies_the_outcome_is_about_the_default_and_no_lucky_end(
    tmp_path: Path,
) -> None:
    result = many(tmp_path)
    assert subject(result) == "default:samples=8"
    assert "choosing by default:samples=8 gave a Dice of 0.81" in headline(result)
    without = {name: end for name, end in MANY.items() if not name.startswith("default")}
    assert subject(a_result(tmp_path, without)) == "entropy"


def test_of_many_strategies_a_few_are_prominent_and_the_references_among_them(
    tmp_path: Path,
) -> None:
    result = many(tmp_path)
    named = prominent(result)
    assert named == ("default:samples=8", "random", "bald", "k-center", "foreground-random")
    assert prominent(a_result(tmp_path, {"a": 0.7, "random": 0.8})) == ("a", "random")
    said = conclusion(result)
    assert sum("Over the whole curve" in sentence for sentence in said) == 4
    assert "Of the 3 others, 1 lay below random with p < 0.05 (oracle −0.05" in " ".join(said)
    assert "2 cannot be told from it." in " ".join(said)


def test_of_many_strategies_all_are_in_the_tables_and_few_in_the_pictures(tmp_path: Path) -> None:
    result = many(tmp_path)
    page = render_report(result, STORY)
    reader = read(page)
    text = " ".join(reader.text)
    assert page.count('class="card"') == 5 * 3 * 2
    assert "What the 3 other strategies suggested is in results.json." in text
    assert "Thin: the 3 other strategies." in text
    for name in MANY:
        # Dice, structures, areas, distances and times.
        assert page.count(f"</i>{name}</td>") == 5, name
    assert "strided asks for it" not in text
    assert page.count("Differences to random choice") == 1
    assert "Differences to random choice" not in render_report(
        a_result(tmp_path, {"a": 0.7, "random": 0.8}, seeds=3), STORY
    )


def test_the_figure_of_differences_wants_random_choice_and_an_interval(tmp_path: Path) -> None:
    result = many(tmp_path)
    light, dark = (difference_figure(result, theme) for theme in (LIGHT, DARK))
    assert light is not None
    assert light.startswith(b"\x89PNG")
    assert light != dark
    assert difference_figure(a_result(tmp_path, MANY)) is None
    others = {name: end for name, end in MANY.items() if name != "random"}
    assert difference_figure(a_result(tmp_path, others, seeds=3)) is None


def test_a_subgroup_is_counted_and_scored_apart(tmp_path: Path) -> None:
    result = a_result(tmp_path, {"mc-dropout": 0.8, "random": 0.7})
    tags = {"case-0": "rare", "case-2": "rare", "case-11": "rare", "test-1": "rare"}
    page = render_report(result, replace(STORY, tags=tags, tag_meanings={"rare": "odd liver"}))
    text = "".join(read(page).text)
    assert "3 of the 12 images to choose from, and 1 of the 8 test images, show rare" in text
    assert "(odd liver)" in text
    row = re.search(r"<tr><td>[^/]*</i>mc-dropout</td><td>(\d)</td>", page)
    assert row is not None
    assert row.group(1) == "2"  # one of the first labels, one suggested
    assert "Was the rare kind found?" not in render_report(result, STORY)


@pytest.mark.parametrize(
    ("ends", "said"),
    [
        ({"mc-dropout": 0.8, "random": 0.7}, "choosing by mc-dropout gave a Dice of 0.8"),
        ({"mc-dropout": 0.6, "random": 0.7}, "Random choice did better here"),
        ({"mc-dropout": 0.701, "random": 0.7}, "came out level"),
        ({"mc-dropout": 0.7}, "mc-dropout gave a Dice of 0.7"),
        ({"a": 0.6, "b": 0.8, "random": 0.7}, "choosing by b gave a Dice of 0.8"),
    ],
)
def test_the_headline_says_what_came_out_also_when_random_wins(
    ends: dict[str, float], said: str, tmp_path: Path
) -> None:
    assert said in headline(a_result(tmp_path, ends))


def test_a_single_repetition_is_called_a_demonstration_and_several_are_not(
    tmp_path: Path,
) -> None:
    ends = {"mc-dropout": 0.8, "random": 0.7}
    once = " ".join(conclusion(a_result(tmp_path, ends)))
    often = " ".join(conclusion(a_result(tmp_path, ends, seeds=3)))
    assert "not as proof" in once
    assert "not as proof" not in often
    assert "95 % interval over 3 repetitions" in often


def test_what_all_labels_gave_is_told_with_the_labels_that_come_close(tmp_path: Path) -> None:
    result = a_result(tmp_path, {"mc-dropout": 0.8, "random": 0.7})
    first, last = result.arm("random", 0)[0], result.arm("mc-dropout", 0)[3]
    full = (replace(first, strategy=FULL), replace(last, strategy=FULL, round=1))
    with_full = replace(result, records=result.records + full)
    said = " ".join(conclusion(with_full))
    assert "All labels of the pool gave a Dice of 0.800." in said
    assert "with so many volumes: mc-dropout 7.4, random not." in said
    assert "All labels" not in " ".join(conclusion(result))
    assert headline(with_full) == headline(result)
    text = " ".join(read(render_report(with_full, STORY)).text)
    assert "volumes to 95% of all labels" in text
    # The curve of random ends with eight labels before it gets there.
    assert "random needs for 95%" in text
    assert f"over {8 / 7.4:.2f} times" in text


def test_several_repetitions_come_with_an_interval_and_p_values(tmp_path: Path) -> None:
    ends = {"mc-dropout": 0.8, "foreground-random": 0.75, "random": 0.7}
    result = a_result(tmp_path, ends, seeds=3)
    noisy = [
        replace(r, scores={c: {k: v + 0.01 * r.seed * (r.strategy == "mc-dropout")
                               for k, v in s.items()} for c, s in r.scores.items()})
        for r in result.records
    ]  # fmt: skip
    text = " ".join(read(render_report(replace(result, records=tuple(noisy)), STORY)).text)
    assert "curve against random" in text
    assert "curve against foreground-random" in text
    assert re.search(r"Wilcoxon 0\.\d{3}", text)
    assert "p are Student's" in text
    assert "< 0.001" in text
    assert re.search(r"p = 0\.\d{3}", text)


def test_labels_saved_are_told_for_whoever_saved_them(tmp_path: Path) -> None:
    won = " ".join(conclusion(a_result(tmp_path, {"mc-dropout": 0.9, "random": 0.6})))
    lost = " ".join(conclusion(a_result(tmp_path, {"mc-dropout": 0.6, "random": 0.9})))
    assert "What random reached with 8 volumes, mc-dropout reached with 6." in won
    assert "What mc-dropout reached with 8 volumes, random reached with 6." in lost


def test_models_that_cannot_be_told_apart_are_called_so(tmp_path: Path) -> None:
    result = a_result(tmp_path, {"mc-dropout": 0.7, "random": 0.69})
    rng = np.random.default_rng(5)
    noisy = [
        replace(r, scores={c: {k: v + rng.normal(0, 0.1) for k, v in s.items()}
                           for c, s in r.scores.items()})
        for r in result.records
    ]  # fmt: skip
    assert "cannot be told apart" in " ".join(conclusion(replace(result, records=tuple(noisy))))


def test_curves_are_over_cases_with_one_seed_and_over_seeds_with_several(tmp_path: Path) -> None:
    one = a_result(tmp_path, {"random": 0.7}).curve("random")
    three = a_result(tmp_path, {"random": 0.7}, seeds=3).curve("random")
    assert one.units == three.units == [2, 4, 6, 8]
    assert {i.n for i in one.dice} == {len(TEST)}
    assert {i.n for i in three.dice} == {3}


def test_a_result_is_the_same_after_saving_and_loading(tmp_path: Path) -> None:
    result = a_result(tmp_path, {"mc-dropout": 0.8, "random": 0.7})
    result.save()
    assert SimulationResult.load(tmp_path) == result


def test_the_report_is_written_whole_and_equal_results_give_equal_bytes(tmp_path: Path) -> None:
    result = a_result(tmp_path, {"mc-dropout": 0.8, "random": 0.7})
    first = write_report(result, STORY, tmp_path / "report.html").read_bytes()
    assert write_report(result, STORY, tmp_path / "again.html").read_bytes() == first
    assert first.startswith(b"<!doctype html>")
    assert first.rstrip().endswith(b"</html>")


def test_light_and_dark_figures_differ_and_random_is_never_a_colour(tmp_path: Path) -> None:
    result = a_result(tmp_path, {"a": 0.7, "random": 0.8})
    light, dark = (plots.learning_curve(result, theme) for theme in (LIGHT, DARK))
    assert light.startswith(b"\x89PNG")
    assert light != dark
    assert line_colors(("a", "random"), LIGHT)["random"] == LIGHT.reference


def test_names_of_lines_that_end_together_are_moved_apart_in_order() -> None:
    placed = plots._spread([0.50, 0.501, 0.502, 0.9], 0.1, 0.0, 1.0)
    assert np.all(np.diff(placed) >= 0.1 - 1e-9)
    assert placed[1] == pytest.approx(0.501, abs=0.002)
    assert placed[3] == 0.9
    assert max(plots._spread([0.99, 1.0], 0.1, 0.0, 1.0)) <= 1.0


def test_a_picture_shows_the_slice_asked_for_the_same_way_round_for_every_orientation() -> None:
    image = np.arange(4 * 5 * 6, dtype=np.float32).reshape(1, 4, 5, 6)
    label = (image[0] > 60).astype(np.uint8)
    upright = Geometry((6, 5, 4), (1.0, 1.0, 1.0))
    turned = Geometry((6, 5, 4), (1.0, 1.0, 1.0), direction=(-1, 0, 0, 0, -1, 0, 0, 0, -1))
    straight = take_picture(image, upright, "axial", 1, truth=label)
    mirrored = take_picture(image[:, ::-1, ::-1, ::-1], turned, "axial", 2,
                            truth=label[::-1, ::-1, ::-1])  # fmt: skip
    assert np.array_equal(straight.truth, label[1])
    assert np.array_equal(straight.truth, mirrored.truth)
    assert np.allclose(straight.image, mirrored.image)


def test_a_coronal_picture_has_the_head_on_top_and_true_proportions() -> None:
    label = np.zeros((4, 5, 6), np.uint8)
    label[3] = 1  # the highest slice
    picture = take_picture(
        label[None].astype(np.float32), Geometry((6, 5, 4), (1.0, 1.0, 3.0)), "coronal", 2,
        truth=label,
    )  # fmt: skip
    assert picture.truth[0].all()
    assert not picture.truth[1:].any()
    assert picture.aspect == pytest.approx(3.0)


def test_a_colour_image_is_shown_in_colour(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (3, 1, 8, 9)).astype(np.float32)
    label = np.zeros((1, 8, 9), np.uint8)
    picture = take_picture(image, Geometry((9, 8, 1), (1.0, 1.0, 1.0)), "axial", 0, truth=label)
    assert picture.image.shape == (8, 9, 3)
    picture.save(tmp_path / "p.npz")
    assert np.allclose(Picture.load(tmp_path / "p.npz").image, picture.image, atol=1e-3)
    assert plots.proposal_picture(picture, SEGMENTS).startswith(b"\x89PNG")


def test_the_fullest_slice_is_the_one_with_most_voxels_or_the_middle() -> None:
    label = np.zeros((7, 4, 4), np.uint8)
    grid = Geometry((4, 4, 7), (1.0, 1.0, 1.0))
    assert fullest_slice(label, grid, "axial") == 3
    label[1, :2], label[5] = 1, 2
    assert fullest_slice(label, grid, "axial") == 5


def test_all_uncertainty_maps_of_a_report_share_one_scale() -> None:
    pictures = [a_picture(), a_picture(uncertain=False)]
    highest = plots.highest_uncertainty(pictures)
    assert 0.9 < highest <= 1.0
    assert plots.highest_uncertainty(pictures[1:]) == 1.0
    assert plots.uncertainty_picture(pictures[0], highest).startswith(b"\x89PNG")


def test_numbers_read_as_a_person_says_them() -> None:
    assert (count(1, "volume"), count(12, "volume")) == ("1 volume", "12 volumes")
    assert [seconds_in_words(s) for s in (12, 300, 7200)] == ["12 s", "5 min", "2.0 h"]
    assert signed(-0.0123) == "\N{MINUS SIGN}0.012"
    assert signed(0.5) == "+0.500"


def test_an_arm_that_has_not_run_yet_does_not_stop_the_tables(tmp_path: Path) -> None:
    result = a_result(tmp_path, {"mc-dropout": 0.8, "random": 0.7})
    only = tuple(r for r in result.records if r.strategy == "mc-dropout")
    half = replace(result, records=only)
    half.save()
    _, missing = half.comparisons()
    assert math.isnan(missing.last)
    assert half.curve("random").units == []
