"""Runs all scenarios, one after the other, and counts them."""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from .bench import Bench

Scenario = Callable[[Bench], None]


@dataclass(frozen=True)
class Result:
    """One scenario: its sentence, how long it took, and why it failed (empty: it did not)."""

    sentence: str
    seconds: float
    failure: str = ""


def run(scenarios: Sequence[Scenario] | None = None, folder: Path | None = None) -> list[Result]:
    """Run every scenario with the real worker; raises ``AssertionError`` if one failed.

    Prints how many scenarios ran. None is skipped: what keeps one from running is a failure.
    ``folder`` is where the projects are made, by default a temporary one that is removed.
    """
    from .scenarios import ALL

    scenarios = ALL if scenarios is None else scenarios
    place = Path(tempfile.mkdtemp(prefix="ActiveSuggest-test-")) if folder is None else folder
    bench = Bench(place, _say)
    before = _opened_by_the_user(bench)
    try:
        results = [_run_one(scenario, bench) for scenario in scenarios]
    finally:
        _put_back(bench, before)
        if folder is None:
            shutil.rmtree(place, ignore_errors=True)
    failed = [result for result in results if result.failure]
    _say(
        f"ActiveSuggest self-test: {len(results)} of {len(scenarios)} scenarios ran, "
        f"{len(results) - len(failed)} passed, {len(failed)} failed, 0 skipped"
    )
    if failed:
        raise AssertionError(
            f"{len(failed)} of {len(scenarios)} scenarios failed:\n"
            + "\n".join(f"- {result.sentence}: {result.failure}" for result in failed)
        )
    return results


def _run_one(scenario: Scenario, bench: Bench) -> Result:
    sentence = (scenario.__doc__ or scenario.__name__).strip().splitlines()[0]
    began = time.monotonic()
    failure = ""
    try:
        bench.begin_scenario()
        scenario(bench)
        bench.check_troubles()
    except Exception as error:
        failure = f"{type(error).__name__}: {error}"
        _say(traceback.format_exc())
    seconds = time.monotonic() - began
    _say(f"{'FAILED' if failure else 'passed'}  {sentence} ({seconds:.1f} s)")
    return Result(sentence, seconds, failure)


@dataclass(frozen=True)
class _Before:
    project: Path | None
    train_after_save: bool
    train_seconds: float
    rank_after_training: bool


def _opened_by_the_user(bench: Bench) -> _Before:
    session = bench.session
    return _Before(
        session.folder,
        session.train_after_save,
        session.train_seconds,
        session.rank_after_training,
    )


def _put_back(bench: Bench, before: _Before) -> None:
    session = bench.session
    session.train_after_save = before.train_after_save
    session.train_seconds = before.train_seconds
    session.rank_after_training = before.rank_after_training
    bench.finish()
    if before.project is not None:
        session.open(before.project)


def _say(sentence: str) -> None:
    sys.stdout.write(sentence + "\n")
    if hasattr(sys.stdout, "flush"):
        sys.stdout.flush()
