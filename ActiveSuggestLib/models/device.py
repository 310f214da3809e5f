"""The device that the work runs on, and what it can hold."""

from __future__ import annotations

import os
from dataclasses import dataclass

import torch

from ..errors import UnknownDeviceError
from .system_memory import system_memory

GIBIBYTE = 1024**3


@dataclass(frozen=True)
class Device:
    """A device and its free memory in bytes when it was chosen, with a sentence about it.

    ``why`` says why the work runs on the CPU; empty for a GPU.
    """

    name: str
    free_memory: int
    threads: int
    description: str
    why: str = ""

    @property
    def torch(self) -> torch.device:
        """The same device for torch."""
        return torch.device(self.name)

    @property
    def is_cpu(self) -> bool:
        """Whether the work runs on the processor."""
        return self.name == "cpu"

    @property
    def mixed_precision(self) -> bool:
        """Whether convolutions run in bfloat16 (never the softmax and what follows it)."""
        return self.name.startswith("cuda") and torch.cuda.is_bf16_supported()

    def memory_now(self) -> tuple[int, int]:
        """Return the free and all bytes of the memory it works in, as they are at this moment."""
        if self.name.startswith("cuda"):
            free, total = torch.cuda.mem_get_info(self.torch)
            # What torch keeps for its next tensors is free for us.
            kept = torch.cuda.memory_reserved(self.torch) - torch.cuda.memory_allocated(self.torch)
            return int(free + kept), int(total)
        return system_memory()


def available_cores() -> int:
    """Return the number of processor cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return max(1, len(os.sched_getaffinity(0)))
    return max(1, os.cpu_count() or 1)


def choose_device(name: str | None = None, *, threads: int | None = None) -> Device:
    """Return the device called ``name``, or the best one there is.

    ``threads`` bounds the processor threads; the default is every core this process may use.
    A device that was asked for by name and is not there gives the CPU, and says so.

    Raises:
        UnknownDeviceError: no device could be called so.
    """
    if name is not None and name.partition(":")[0] not in ("cpu", "cuda", "mps"):
        raise UnknownDeviceError(
            f"No device is called {name!r}.", remedy="Use cpu, cuda, cuda:1 or mps."
        )
    cores = threads or available_cores()
    wanted = name or ("cuda" if torch.cuda.is_available() else _apple() or "cpu")
    if wanted.startswith("cuda") and torch.cuda.is_available():
        index = torch.device(wanted).index or 0
        free, total = torch.cuda.mem_get_info(index)
        title = torch.cuda.get_device_name(index)
        text = f"{title}, {free / GIBIBYTE:.1f} of {total / GIBIBYTE:.1f} GiB free"
        return Device(f"cuda:{index}", free, cores, text)
    if wanted == "mps" and _apple():
        free, _ = system_memory()
        return Device("mps", free // 2, cores, "Apple GPU (memory shared with the processor)")
    free, _ = system_memory()
    why = "asked for" if name == "cpu" else _why_no_gpu(name)
    text = f"CPU, {cores} threads, {free / GIBIBYTE:.1f} GiB free ({why})"
    return Device("cpu", free, cores, text, why)


def _apple() -> str | None:
    return "mps" if torch.backends.mps.is_available() else None


def _why_no_gpu(name: str | None) -> str:
    if not torch.backends.cuda.is_built():
        reason = "this build of torch has no CUDA"
    elif not torch.cuda.is_available():
        reason = "torch finds no CUDA device; check the driver"
    else:
        reason = f"no device is called {name}"
    return f"{name} was asked for, but {reason}" if name else reason
