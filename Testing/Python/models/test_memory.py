"""Out of memory: smaller steps, then the CPU, told and never silent."""

from __future__ import annotations

import pytest
import torch

from ActiveSuggestLib.errors import OutOfDeviceMemoryError
from ActiveSuggestLib.models.memory import Limits, is_out_of_memory, with_less_memory


def test_steps_go_down_to_the_cpu_and_are_told():
    told, tried = [], []

    def work(limits):
        tried.append(limits)
        if limits.device != "cpu":
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
        return "done"

    result, limits = with_less_memory(
        work, Limits("cuda:0", batch=2, samples_at_once=4), lambda *a: told.append(a)
    )
    assert result == "done"
    assert limits.device == "cpu"
    assert [t.samples_at_once for t in tried[:3]] == [4, 2, 1]
    assert [t.halvings for t in tried[3:6]] == [1, 2, 3]
    assert len(told) == len(tried) - 1
    assert all(kind == "out_of_memory" for kind, _ in told)
    assert "on the CPU" in told[-1][1]


def test_the_limits_that_worked_are_kept_for_the_next_call():
    def work(limits):
        if limits.samples_at_once > 2:
            raise RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory")
        return limits.samples_at_once

    value, limits = with_less_memory(work, Limits("cpu", batch=1, samples_at_once=8))
    assert value == 2
    assert with_less_memory(work, limits)[1] == limits


def test_too_little_for_the_smallest_step_is_a_named_error():
    def work(limits):
        raise MemoryError("no")

    with pytest.raises(OutOfDeviceMemoryError, match="coarser"):
        with_less_memory(work, Limits("cpu"))


def test_other_errors_pass_through():
    def work(limits):
        raise RuntimeError("shape mismatch")

    with pytest.raises(RuntimeError, match="shape mismatch"):
        with_less_memory(work, Limits("cpu"))
    assert not is_out_of_memory(ValueError("out of memory"))
