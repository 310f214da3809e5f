"""What the panel says: numbers and states as a person reads them. No widgets."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from slicer.i18n import tr as _

if TYPE_CHECKING:
    from ..jobs import Job

SOME = 6


def duration(seconds: float) -> str:
    """Return a length of time, such as ``45 s``, ``3 min`` or ``1 h 5 min``."""
    whole = max(0, round(seconds))
    if whole < 90:
        return _("{n} s").format(n=whole)
    minutes = round(whole / 60)
    if minutes < 60:
        return _("{n} min").format(n=minutes)
    return _("{hours} h {minutes} min").format(hours=minutes // 60, minutes=minutes % 60)


def clock(seconds: float) -> str:
    """Return a running time, such as ``5:12``."""
    whole = max(0, int(seconds))
    minutes, rest = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def remaining(seconds: float) -> str:
    """Return an estimate, rounded to what an estimate is worth."""
    if seconds < 10:
        return _("a few seconds left")
    step = 5 if seconds < 60 else 15 if seconds < 120 else 60
    return _("about {time} left").format(time=duration(round(seconds / step) * step))


def progress(job: Job) -> str:
    """Return how far a job is, in a line."""
    if job.state == "queued":
        return _("Waiting for its turn…")
    if job.state == "cancelling":
        return _("Stopping…")
    parts = [job.message] if job.message else []
    if job.total > 1 and float(job.total).is_integer():
        parts.append(_("{done} of {total}").format(done=int(job.done), total=int(job.total)))
    if job.remaining_seconds is not None:
        parts.append(remaining(job.remaining_seconds))
    return " · ".join(parts) or _("Working…")


def gigabytes(size: float) -> str:
    """Return a size in memory, such as ``14.2 GB``."""
    return _("{n} GB").format(n=f"{size / 2**30:.1f}")


def state_name(state: str) -> str:
    """Return the word for the state of a case."""
    names = {
        "unlabelled": _("unlabelled"),
        "draft": _("draft"),
        "labelled": _("labelled"),
        "excluded": _("left out"),
    }
    return names.get(state, state)


def counts(numbers: Mapping[str, int]) -> str:
    """Return how many cases there are in each state, such as ``12 cases: 3 labelled, 9 …``."""
    total = sum(numbers.values())
    order = [s for s in ("labelled", "draft", "unlabelled", "excluded") if numbers.get(s)]
    parts = ", ".join(f"{numbers[state]} {state_name(state)}" for state in order)
    cases = _("1 case") if total == 1 else _("{n} cases").format(n=total)
    return f"{cases}: {parts}" if parts else cases


def device(worker_state: str, facts: Mapping[str, Any] | None) -> str:
    """Return on what the model computes, with its free memory or why it is the CPU."""
    if facts:
        return _device_in_use(facts)
    return {
        "none": "",
        "starting": _("Opening the project…"),
        "creating": _("Reading the images…"),
        "open": _("Device: being looked for…"),
        "no-learner": _("Device: not known; ranking and training need packages to be installed"),
        "dead": _("Stopped: restart it to rank, train and save labels"),
    }.get(worker_state, "")


def _device_in_use(facts: Mapping[str, Any]) -> str:
    name = str(facts.get("description") or facts.get("device") or "")
    if facts.get("kind") == "gpu":
        # The description has the memory of the moment when the device was chosen.
        name = name.split(",", maxsplit=1)[0]
        free, total = facts.get("free_bytes"), facts.get("total_bytes")
        if free and total:
            memory = _("{free} of {total} free").format(
                free=gigabytes(free), total=gigabytes(total)
            )
            return _("GPU: {name}, {memory}").format(name=name, memory=memory)
        return _("GPU: {name}").format(name=name)
    why = str(facts.get("why") or "")
    return f"{name} ({why.rstrip('.')})" if why and why not in name else name


def slices(numbers: Sequence[int], *, shown: int | None = None) -> str:
    """Return slice numbers with ranges, such as ``10-14, 20``; only ``shown`` parts if given."""
    ordered = sorted(set(numbers))
    runs: list[list[int]] = []
    for number in ordered:
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    parts = [str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs]
    if shown is not None and len(parts) > shown:
        parts = [*parts[:shown], "…"]
    return ", ".join(parts)


def parse_slices(text: str, count: int | None = None) -> tuple[int, ...]:
    """Return the slice numbers of ``10-14, 20``, sorted.

    Raises ``ValueError`` with a sentence if it cannot be read, or if a number is not below
    ``count``, the number of slices.
    """
    found: set[int] = set()
    parts = [part.strip() for part in re.split(r"[,;]", text) if part.strip()]
    if not parts:
        raise ValueError(_("Write which slices, such as 10-14, 20."))
    for part in parts:
        match = re.fullmatch(r"(\d+)(?:\s*[-–]\s*(\d+))?", part)
        if match is None:
            raise ValueError(_("'{part}' is no slice number or range.").format(part=part))
        low, high = int(match[1]), int(match[2] or match[1])
        low, high = min(low, high), max(low, high)
        if count is not None and high >= count:
            raise ValueError(
                _("There is no slice {n}: they are counted from 0 to {last}.").format(
                    n=high, last=count - 1
                )
            )
        found.update(range(low, high + 1))
    return tuple(sorted(found))


def dice(value: float, cases: int | None) -> str:
    """Return a Dice with the number of cases it was measured on."""
    return _("{dice} (n={n})").format(dice=f"{value:.2f}", n=cases or 0)
