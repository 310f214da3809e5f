"""Every exception has one form and one line."""

from __future__ import annotations

import errno

import pytest

from ActiveSuggestLib.errors import UnreadableImageError
from ActiveSuggestLib.serving.failures import error_form, one_line


def raised(error: BaseException, cause: BaseException | None = None) -> BaseException:
    try:
        raise error from cause
    except BaseException as caught:
        return caught


def test_a_named_error_keeps_its_own_form() -> None:
    error = UnreadableImageError("It is cut short.", case="a", path="a.nii", remedy="Copy it.")
    assert error_form(raised(error)) == error.to_dict()


def test_a_named_error_with_a_cause_brings_the_trace_of_both() -> None:
    error = raised(UnreadableImageError("It is cut short."), RuntimeError("zlib said no"))
    assert "zlib said no" in error_form(error)["details"]


@pytest.mark.parametrize(
    ("error", "kind", "words"),
    [
        (ModuleNotFoundError("No", name="torch.nn"), "missing_package", "torch is not installed"),
        (ModuleNotFoundError("No", name="ActiveSuggestLib.x"), "unexpected", "ModuleNotFound"),
        (MemoryError(), "out_of_memory", "memory"),
        (OSError(errno.ENOSPC, "No space left", "a.nrrd"), "disk_full", "The disk is full"),
        (PermissionError(errno.EACCES, "Denied", "a.nrrd"), "not_permitted", "Denied"),
        (FileNotFoundError(errno.ENOENT, "No such file", "a"), "file_error", "No such file"),
        (ZeroDivisionError("division by zero"), "unexpected", "ZeroDivisionError: division"),
        (AssertionError(), "unexpected", "AssertionError"),
    ],
)
def test_an_unforeseen_error_is_named_with_what_to_do(
    error: BaseException, kind: str, words: str
) -> None:
    form = error_form(raised(error))
    assert form["kind"] == kind
    assert words in form["message"]
    assert form["remedy"]
    assert "Traceback" in form["details"]


def test_the_line_says_what_where_and_what_to_do() -> None:
    form = {"message": "It is\ncut short.", "case": "a", "path": "a.nii", "remedy": "Copy it."}
    assert one_line(form) == "It is cut short. [case a, a.nii] Copy it."


def test_the_line_does_not_repeat_what_the_message_says() -> None:
    form = {"message": "a.nii of case-7 is cut short.", "case": "case-7", "path": "a.nii"}
    assert one_line(form) == "a.nii of case-7 is cut short."


def test_the_line_of_an_error_without_words_is_its_kind() -> None:
    assert one_line({"kind": "unexpected", "message": ""}) == "unexpected"
