"""Read the images of a pool ahead of their use, and keep the small arrays made of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np

from ..data.cases import CaseRow
from ..errors import ActiveSuggestError
from ..models.preparing import Prepared
from ..progress import Cancel, Progress
from .array_files import ArrayFiles
from .workbench import Workbench

# Where reading is all the work. Unpacking a file keeps one processor busy; with two readers it took
# 1.4 to 1.9 times less, with more no less again, and each one holds a volume in memory.
READERS = 2


def read_ahead(
    bench: Workbench, cases: Sequence[CaseRow], cancel: Cancel | None, *, readers: int = 1
) -> Iterator[tuple[CaseRow, Prepared | ActiveSuggestError]]:
    """Yield each case with its prepared image or the error that it gave, in order.

    So many are read side by side, and as many are in memory besides the one yielded.

    Raises:
        CancelledError: asked to stop.
    """

    def load(case: CaseRow) -> Prepared | ActiveSuggestError:
        try:
            return bench.load(case)
        except ActiveSuggestError as error:
            return error

    with ThreadPoolExecutor(readers) as reader:
        waiting: list[Future[Prepared | ActiveSuggestError]] = []
        try:
            for index, case in enumerate(cases):
                wanted = cases[index + len(waiting) : index + readers + 1]
                waiting.extend(reader.submit(load, ahead) for ahead in wanted)
                if cancel is not None:
                    cancel.raise_if_cancelled()
                yield case, waiting.pop(0).result()
        finally:
            for future in waiting:
                future.cancel()


def kept_arrays(
    bench: Workbench,
    cases: Sequence[CaseRow],
    files: ArrayFiles,
    make: Callable[[Prepared], np.ndarray],
    doing: str,
    *,
    progress: Progress,
    cancel: Cancel | None,
) -> tuple[dict[str, np.ndarray], set[str]]:
    """Return the array of each case's image, by name in order, and who could not be read.

    Arrays come from their ``files``, or are made and put there at once. What cannot be read is
    reported and left out. ``doing`` is what progress says before a name.

    Raises:
        CancelledError: asked to stop; what was made so far is kept.
    """
    found: dict[str, np.ndarray] = {}
    missing = []
    for case in cases:
        # Of a large pool even this takes a second, in which a person may click.
        if cancel is not None:
            cancel.raise_if_cancelled()
        bench.pauses.give_way()
        stored = files.load(case)
        if stored is None:
            missing.append(case)
        else:
            found[case.name] = stored
    unusable: set[str] = set()
    if missing:
        progress(len(found), len(cases), f"{doing} {missing[0].name}")
    for case, prepared in read_ahead(bench, missing, cancel, readers=READERS):
        bench.pauses.give_way()
        if isinstance(prepared, Prepared):
            found[case.name] = files.store(case, make(prepared))
        else:
            unusable.add(case.name)
            bench.report(case.name, prepared)
        progress(len(found) + len(unusable), len(cases), f"{doing} {case.name}")
    return {c.name: found[c.name] for c in cases if c.name in found}, unusable
