"""Messages survive the way between two processes, whatever the pipe does to them."""

from __future__ import annotations

import json
import math
import random
import subprocess
import sys
from enum import Enum
from pathlib import Path

import numpy as np
import pytest

from ActiveSuggestLib.errors import BadRequestError
from ActiveSuggestLib.messages import (
    Decoder,
    Failure,
    Hello,
    LogLine,
    Message,
    Notice,
    ProgressMessage,
    Request,
    Result,
    decode,
    encode,
    plain,
    to_json,
)

MESSAGES: list[Message] = [
    Request(1, "save_label", {"case": "Fälle/äöü 肝臓", "slices": [1, 2], "mask": "C:\\a b.nrrd"}),
    Request(2, "ping"),
    ProgressMessage(1, 3, 10, "Case 3 of 10", 12.5, {"loss": 0.25}),
    ProgressMessage(1, 0.5, 1.0),
    Result(1, {"version": 2}),
    Result(2),
    Failure(1, BadRequestError("No.", case="a", remedy="Ask again.").to_dict()),
    Failure(None, {"kind": "bad_request", "message": "Not a request."}),
    Notice("out_of_memory", "Smaller patches from now on.", {"patch": [96, 96, 96]}),
    Hello("0.1.0", 4711, "cuda:0"),
    Hello("0.1.0", 4711),
]


@pytest.mark.parametrize("message", MESSAGES, ids=lambda m: m.type)
def test_a_message_comes_back_as_it_was_sent(message: Message) -> None:
    assert decode(encode(message)) == message


@pytest.mark.parametrize("message", MESSAGES, ids=lambda m: m.type)
def test_a_message_is_one_line_of_ascii(message: Message) -> None:
    line = encode(message)
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    assert line.isascii()


def test_line_separators_inside_a_text_do_not_break_the_line() -> None:
    text = "a\nb\r\nc\u2028d\u0085e\x00f"
    line = encode(Notice("n", text))
    assert len(line.decode("utf-8").splitlines()) == 1
    assert Decoder().feed(line) == [Notice("n", text)]


def test_a_file_name_that_is_not_unicode_survives() -> None:
    name = b"scan-\xff.nii".decode("utf-8", "surrogateescape")
    assert decode(encode(Result(1, name))) == Result(1, name)


def test_nan_and_infinity_become_null() -> None:
    value = {"a": math.nan, "b": [math.inf, -math.inf, 1.5], "c": np.float32("nan")}
    assert plain(value) == {"a": None, "b": [None, None, 1.5], "c": None}
    assert json.loads(encode(Result(1, value)))["value"]["a"] is None


class Colour(Enum):
    RED = "red"


class Named(str, Enum):
    ONE = "one"


def test_paths_numpy_tuples_sets_and_enums_become_plain() -> None:
    value = {
        "path": Path("a") / "b.nrrd",
        "scalar": np.int64(3),
        "flag": np.bool_(True),
        "array": np.array([[1.0, np.nan]]),
        "tuple": (1, (2, 3)),
        "set": {"b", "a"},
        "enum": Colour.RED,
        "text_enum": Named.ONE,
        "error": BadRequestError("No."),
        np.int64(7): 1,
    }
    assert plain(value) == {
        "path": str(Path("a") / "b.nrrd"),
        "scalar": 3,
        "flag": True,
        "array": [[1.0, None]],
        "tuple": [1, [2, 3]],
        "set": ["a", "b"],
        "enum": "red",
        "text_enum": "one",
        "error": {
            "kind": "bad_request",
            "message": "No.",
            "case": None,
            "path": None,
            "remedy": "",
        },
        "7": 1,
    }
    assert type(plain(np.float64(1.5))) is float


def test_dataclasses_are_sent_by_their_fields() -> None:
    assert plain(Request(1, "ping")) == {"id": 1, "method": "ping", "params": {}}


def test_what_cannot_be_sent_is_an_error_and_not_a_guess() -> None:
    with pytest.raises(TypeError, match="object cannot be sent"):
        to_json(object())


@pytest.mark.parametrize("seed", range(20))
def test_messages_survive_being_cut_anywhere(seed: int) -> None:
    stream = b"".join(encode(message) for message in MESSAGES)
    cuts = random.Random(seed)
    decoder, received = Decoder(), []
    while stream:
        size = cuts.choice([1, 2, 7, 64, 500])
        received += decoder.feed(stream[:size])
        stream = stream[size:]
    assert received == MESSAGES


@pytest.mark.parametrize(
    "line",
    [
        b"Downloading weights: 100%|#####| 12/12\n",
        b"\xff\xfe\x00 not text\n",
        b"{}\n",
        b"[1, 2]\n",
        b'"type"\n',
        b"null\n",
        b'{"type": "nonsense", "id": 1}\n',
        b'{"type": ["list"], "id": 1}\n',
        b'{"type": "result"}\n',
        b'{"type": "result", "id": "one", "value": 1}\n',
        b'{"type": "result", "id": true, "value": 1}\n',
        b'{"type": "progress", "id": 1, "done": "half", "total": 2}\n',
        b'{"type": "failure", "id": 1, "error": "text"}\n',
        b'{"type": "request", "id": 1, "method": "x", "params": [1]}\n',
        b"[" * 100_000 + b"\n",
        b'{"type": "result", "id": 1, "val\n',
    ],
)
def test_garbage_becomes_a_log_line_and_the_next_message_is_whole(line: bytes) -> None:
    received = Decoder().feed(line + encode(Result(5, "fine")))
    assert isinstance(received[0], LogLine)
    assert received[1:] == [Result(5, "fine")]


def test_empty_lines_and_windows_line_ends_are_passed_over() -> None:
    line = encode(Result(1, 2)).replace(b"\n", b"\r\n")
    assert Decoder().feed(b"\n\r\n" + line + b"   \n") == [Result(1, 2)]


def test_an_overlong_line_is_reported_once_and_not_kept() -> None:
    decoder, received = Decoder(max_line=1000), []
    for _ in range(50):
        received += decoder.feed(b"x" * 999)
    assert len(decoder._buffer) <= 1000
    received += decoder.feed(b"\n" + encode(Result(1)))
    assert [type(message) for message in received] == [LogLine, Result]


def test_an_overlong_line_in_one_chunk_leaves_its_neighbours_alone() -> None:
    before, after = encode(Result(1)), encode(Result(2))
    received = Decoder(max_line=1000).feed(before + b"y" * 5000 + b"\n" + after)
    assert [type(message) for message in received] == [Result, LogLine, Result]


def test_fields_of_a_later_version_are_passed_over() -> None:
    line = b'{"type": "notice", "kind": "k", "message": "m", "data": {}, "colour": "red"}\n'
    assert decode(line) == Notice("k", "m")


def test_a_last_line_without_an_end_is_not_lost() -> None:
    decoder = Decoder()
    assert decoder.feed(b"Segmentation fault") == []
    assert decoder.close() == [LogLine("Segmentation fault")]
    assert decoder.close() == []


def test_a_long_message_in_small_chunks_takes_linear_time() -> None:
    line = encode(Result(1, "x" * 4_000_000))
    decoder, received = Decoder(), []
    for start in range(0, len(line), 4096):
        received += decoder.feed(line[start : start + 4096])
    assert len(received) == 1


def test_messages_need_only_the_standard_library() -> None:
    code = (
        "import sys; import ActiveSuggestLib.messages;"
        "print(sorted(n for n in ('torch','numpy','SimpleITK','pandas','click','psutil')"
        " if n in sys.modules))"
    )
    home = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=home, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
