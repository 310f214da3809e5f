"""What to give up, step by step, when the device has too little memory."""

from __future__ import annotations

import gc
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeVar

import torch

from ..errors import OutOfDeviceMemoryError

HALVINGS = 3
T = TypeVar("T")
Notice = Callable[[str, str], None]


def no_notice(kind: str, message: str) -> None:
    """Ignore notices."""


@dataclass(frozen=True)
class Limits:
    """How much the device is asked to hold at once."""

    device: str
    batch: int = 2
    samples_at_once: int = 4
    halvings: int = 0

    def smaller(self) -> Limits | None:
        """Return the next smaller step, or ``None`` below the smallest one on the CPU."""
        if self.batch > 1 or self.samples_at_once > 1:
            return replace(
                self,
                batch=max(1, self.batch // 2),
                samples_at_once=max(1, self.samples_at_once // 2),
            )
        if self.halvings < HALVINGS:
            return replace(self, halvings=self.halvings + 1)
        if self.device != "cpu":
            return Limits("cpu", batch=1, samples_at_once=1)
        return None

    def in_words(self) -> str:
        """Describe the step for a person."""
        part = "" if not self.halvings else f", patches cut to 1/{2**self.halvings} along each axis"
        where = "the CPU" if self.device == "cpu" else self.device
        return f"batch {self.batch}, {self.samples_at_once} samples at once{part}, on {where}"


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether an error means that memory ran out, on a GPU or on the CPU."""
    if isinstance(error, (torch.OutOfMemoryError, MemoryError)):
        return True
    text = str(error).lower()
    return isinstance(error, RuntimeError) and (
        "out of memory" in text or "can't allocate memory" in text or "not enough memory" in text
    )


def with_less_memory(
    work: Callable[[Limits], T], limits: Limits, notice: Notice = no_notice
) -> tuple[T, Limits]:
    """Run ``work(limits)``, with smaller limits as long as memory runs out.

    Returns the result and the limits that worked, for the next call to start from. Every step
    down is told to ``notice("out_of_memory", sentence)``.

    Raises:
        OutOfDeviceMemoryError: even the smallest step on the CPU does not fit.
    """
    while True:
        try:
            return work(limits), limits
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            smaller, reason = limits.smaller(), str(error).splitlines()[0]
        # Outside the handler the traceback no longer keeps the failed tensors alive.
        gc.collect()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        if smaller is None:
            raise OutOfDeviceMemoryError(
                f"The memory is too small even for the smallest patch on the CPU ({reason}).",
                remedy="Close other programs, or make a plan with coarser voxels.",
            )
        notice(
            "out_of_memory", f"The device ran out of memory; going on with {smaller.in_words()}."
        )
        limits = smaller
