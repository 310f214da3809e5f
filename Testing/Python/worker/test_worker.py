"""The worker's protocol, with a real child process and a learner that obeys the tests."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ActiveSuggestLib.errors import (
    ActiveSuggestError,
    BadRequestError,
    CancelledError,
    NotAProjectError,
    UnreadableImageError,
    WorkerDiedError,
)
from ActiveSuggestLib.messages import (
    PROTOCOL_VERSION,
    Decoder,
    Failure,
    Hello,
    Message,
    ProgressMessage,
    Request,
    Result,
    encode,
)
from ActiveSuggestLib.serving.tasks import Outbox, ThrottledProgress
from ActiveSuggestLib.worker_client import Call, RequestFailedError, WorkerClient

FAKE = Path(__file__).with_name("fake_worker.py")
SECONDS = 30.0


def command(folder: Path, *flags: str) -> list[str]:
    return [sys.executable, str(FAKE), str(folder), *flags]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., WorkerClient]]:
    clients = []

    def starter(*flags: str) -> WorkerClient:
        client = WorkerClient(tmp_path, command=command(tmp_path, *flags))
        clients.append(client)
        return client

    yield starter
    for client in clients:
        client.close()


@pytest.fixture
def worker(start: Callable[..., WorkerClient]) -> WorkerClient:
    client = start()
    client.wait_ready(SECONDS)
    return client


@pytest.fixture
def mask(tmp_path: Path) -> Path:
    path = tmp_path / "mask ä.seg.nrrd"
    path.write_bytes(b"voxels")
    return path


def do(worker: WorkerClient, action: str = "work", **options: Any) -> Call:
    return worker.request("suggest", options={"do": action, **options})


def until(condition: Callable[[], Any], seconds: float = SECONDS) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.005)


def is_alive(pid: int) -> bool:
    psutil = pytest.importorskip("psutil")
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


# Answers --------------------------------------------------------------------------------


def test_the_worker_greets_with_its_version_and_pid(worker: WorkerClient) -> None:
    assert worker.hello is not None
    assert worker.hello.protocol == PROTOCOL_VERSION
    assert worker.hello.pid == worker.process.pid
    until(lambda: any(n.kind == "ready" and n.data["device"] == "cpu" for n in worker.notices))


def test_a_request_is_answered_in_any_script_and_without_nan(worker: WorkerClient) -> None:
    assert do(worker).result(SECONDS) == ["äöü 肝臓", None]


def test_prints_of_libraries_and_children_do_not_disturb_the_protocol(
    worker: WorkerClient,
) -> None:
    assert do(worker, "print").result(SECONDS) == ["äöü 肝臓", None]
    assert not worker.log
    until(lambda: "and a child this" in worker.stderr_tail())
    assert "a library prints this" in worker.stderr_tail()
    assert "and a C library this" in worker.stderr_tail()


def test_code_that_reads_standard_input_does_not_eat_the_requests(worker: WorkerClient) -> None:
    assert do(worker, "read").result(SECONDS) == [""]
    assert worker.request("ping").result(SECONDS)["pong"] is True


def test_long_requests_are_done_one_after_another_in_order(worker: WorkerClient) -> None:
    order: list[int] = []
    calls = [do(worker, steps=2, pause=0.01) for _ in range(5)]
    for call in calls:
        call.on_done(lambda done: order.append(done.id))
    for call in calls:
        call.result(SECONDS)
    until(lambda: len(order) == 5)
    assert order == sorted(order)


def test_status_tells_what_runs_and_what_waits(worker: WorkerClient) -> None:
    first, second = do(worker, steps=500, pause=0.01), do(worker)
    until(lambda: first.progress)
    status = worker.request("status").result(SECONDS)
    assert status["running"]["id"] == first.id
    assert status["queued"] == [{"id": second.id, "method": "suggest"}]
    assert status["counts"]["unlabelled"] == 3
    assert status["device"] == "cpu"
    first.cancel()
    second.result(SECONDS)


# Urgent work between the steps of a training ---------------------------------------------


def test_a_list_asked_for_while_training_comes_between_two_steps(worker: WorkerClient) -> None:
    training = worker.request("fine_tune", seconds=20)
    until(lambda: training.progress)
    asked = do(worker, steps=20, pause=0.02)
    until(lambda: asked.progress)
    status = worker.request("status").result(SECONDS)
    assert (status["running"]["id"], status["running"]["paused"]) == (training.id, True)
    assert (status["meanwhile"]["id"], status["meanwhile"]["method"]) == (asked.id, "suggest")
    assert asked.result(SECONDS) == ["äöü 肝臓", None]
    assert not training.done()
    until(lambda: not training.progress[-1].data.get("paused"))
    (pause,) = [p for p in training.progress if p.data.get("paused")]
    assert pause.message == "paused for suggest"
    status = worker.request("status").result(SECONDS)
    assert (status["running"]["paused"], status["meanwhile"]) == (False, None)
    training.cancel()
    with pytest.raises(CancelledError):
        training.result(SECONDS)


def test_what_fails_between_two_steps_fails_alone(worker: WorkerClient) -> None:
    training = worker.request("fine_tune", seconds=20)
    until(lambda: training.progress)
    for action in ("raise", "bad_image", "unsendable"):
        with pytest.raises(ActiveSuggestError):
            do(worker, action).result(SECONDS)
    assert not training.done()
    stopped = do(worker, steps=500, pause=0.02)
    until(lambda: stopped.progress)
    stopped.cancel()
    with pytest.raises(CancelledError):
        stopped.result(SECONDS)
    assert not training.done()
    assert do(worker).result(SECONDS)


def test_a_training_cancelled_while_it_is_paused_ends_after_the_pause(
    worker: WorkerClient,
) -> None:
    training = worker.request("fine_tune", seconds=20)
    until(lambda: training.progress)
    asked = do(worker, steps=20, pause=0.02)
    until(lambda: asked.progress)
    training.cancel()
    with pytest.raises(CancelledError):
        training.result(SECONDS)
    assert asked.result(SECONDS)


def test_a_request_cancelled_before_its_turn_disturbs_no_training(worker: WorkerClient) -> None:
    training = worker.request("fine_tune", seconds=20)
    first, second = do(worker, steps=20, pause=0.02), do(worker)
    second.cancel()
    with pytest.raises(CancelledError):
        second.result(SECONDS)
    assert first.result(SECONDS)
    assert not training.done()


def test_a_second_training_waits_for_the_first(worker: WorkerClient) -> None:
    first = worker.request("fine_tune", seconds=0.5)
    until(lambda: first.progress)
    second = worker.request("fine_tune", seconds=0.1)
    assert first.result(SECONDS) == {"taken_in": None}
    assert second.result(SECONDS) == {"taken_in": None}
    assert not any(p.data.get("paused") for p in first.progress)


# Quick while long -----------------------------------------------------------------------


def test_a_label_saved_while_training_is_on_disk_at_once_and_taken_in(
    worker: WorkerClient, mask: Path, tmp_path: Path
) -> None:
    training = worker.request("fine_tune", seconds=20)
    until(lambda: training.progress)
    started = time.monotonic()
    saved = worker.request("save_label", case="a", mask=mask, slices=[1, 2]).result(SECONDS)
    assert time.monotonic() - started < 1.0
    assert Path(saved["path"]).read_bytes() == b"voxels"
    assert saved["version"] == 1
    assert training.result(SECONDS) == {"taken_in": 1}


@pytest.mark.parametrize(
    ("method", "params"),
    [
        ("ping", {}),
        ("exclude", {"case": "a", "reason": "motion"}),
        ("note", {"case": "a", "text": "unclear"}),
        ("events", {}),
        ("models", {}),
        ("cases", {"state": "excluded"}),
    ],
)
def test_quick_requests_do_not_wait_for_long_ones(
    worker: WorkerClient, method: str, params: dict[str, Any]
) -> None:
    long = do(worker, steps=3000, pause=0.01)
    until(lambda: long.progress)
    worker.request(method, **params).result(2.0)
    assert not long.done()
    long.cancel()


# Cancelling -----------------------------------------------------------------------------


def test_a_running_request_can_be_cancelled_and_the_next_one_runs(worker: WorkerClient) -> None:
    long = do(worker, steps=3000, pause=0.01)
    until(lambda: long.progress)
    assert long.cancel().result(SECONDS) == {"found": True}
    with pytest.raises(CancelledError):
        long.result(2.0)
    assert do(worker).result(SECONDS)


def test_a_waiting_request_is_cancelled_at_once(worker: WorkerClient, tmp_path: Path) -> None:
    first, second = do(worker, steps=3000, pause=0.01), do(worker)
    until(lambda: first.progress)
    second.cancel()
    with pytest.raises(CancelledError):
        second.result(2.0)
    first.cancel()
    with pytest.raises(CancelledError):
        first.result(2.0)
    worker.request("ping").result(SECONDS)
    assert not (tmp_path / "finished").exists()


def test_cancelling_what_is_done_or_unknown_changes_nothing(worker: WorkerClient) -> None:
    call = do(worker)
    call.result(SECONDS)
    assert call.cancel().result(SECONDS) == {"found": False}
    assert worker.request("cancel", id=12345).result(SECONDS) == {"found": False}


# Failures -------------------------------------------------------------------------------


def test_a_named_error_keeps_its_class_case_and_remedy(worker: WorkerClient) -> None:
    with pytest.raises(UnreadableImageError) as caught:
        do(worker, "bad_image").result(SECONDS)
    assert caught.value.case == "a"
    assert caught.value.path == "a.nii"
    assert caught.value.remedy == "Go on."


def test_an_unforeseen_error_brings_the_real_traceback_and_the_worker_lives(
    worker: WorkerClient,
) -> None:
    with pytest.raises(RequestFailedError, match="a fault nobody foresaw") as caught:
        do(worker, "raise").result(SECONDS)
    assert caught.value.kind == "unexpected"
    assert "fake_worker.py" in caught.value.details
    assert do(worker).result(SECONDS)


def test_an_answer_that_cannot_be_sent_is_this_requests_failure(worker: WorkerClient) -> None:
    with pytest.raises(RequestFailedError, match="object cannot be sent"):
        do(worker, "unsendable").result(SECONDS)
    assert do(worker).result(SECONDS)


@pytest.mark.parametrize(
    ("method", "params", "words"),
    [
        ("dance", {}, "No method 'dance'"),
        ("__class__", {}, "No method"),
        ("suggest", {"number": 3}, "does not take number"),
        ("suggest", {"count": "three"}, "count is 'three', which is not int"),
        ("suggest", {"count": True}, "not int"),
        ("suggest", {"options": [1]}, "not dict"),
        ("save_label", {"case": "a"}, "needs mask"),
        ("save_label", {"case": "a", "mask": "m", "slices": ["1"]}, "slices"),
        ("predict", {}, "needs case"),
        ("cancel", {"number": 1}, "does not take"),
        ("_saved", {}, "No method"),
    ],
)
def test_a_request_that_makes_no_sense_is_refused_and_the_worker_lives(
    worker: WorkerClient, method: str, params: dict[str, Any], words: str
) -> None:
    with pytest.raises(BadRequestError, match=words):
        worker.request(method, **params).result(SECONDS)
    assert do(worker).result(SECONDS)


@pytest.mark.parametrize(
    ("line", "answered_id"),
    [
        (b"not json\n", None),
        (b'{"type": "request", "id": 77}\n', 77),
        (b'{"type": "request", "method": "ping"}\n', None),
        (b'{"type": "hello", "version": "1", "pid": 1}\n', None),
        (b"\xff\xfe\n", None),
    ],
)
def test_a_line_that_is_no_request_is_answered_by_a_failure(
    tmp_path: Path, line: bytes, answered_id: int | None
) -> None:
    done = subprocess.run(
        command(tmp_path),
        input=line + encode(Request(1, "ping")),
        capture_output=True,
        timeout=SECONDS,
        check=True,
    )
    messages = Decoder().feed(done.stdout)
    failures = [m for m in messages if isinstance(m, Failure)]
    assert [f.id for f in failures] == [answered_id]
    assert failures[0].error["kind"] == "bad_request"
    assert any(isinstance(m, Result) and m.id == 1 for m in messages)


def test_an_id_in_use_is_refused_without_touching_its_owner(tmp_path: Path) -> None:
    slow = Request(1, "suggest", {"options": {"steps": 20, "pause": 0.01}})
    end = Request(2, "shutdown", {"finish": True})
    with subprocess.Popen(
        command(tmp_path), stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(encode(slow) + encode(slow) + encode(end))
        process.stdin.flush()
        messages = Decoder().feed(process.stdout.read())
        process.stdin.close()
    assert [m.id for m in messages if isinstance(m, Failure)] == [None]
    assert [m.id for m in messages if isinstance(m, Result)] == [2, 1]


def test_without_torch_the_reason_is_said_and_labels_are_still_saved(
    start: Callable[..., WorkerClient], mask: Path
) -> None:
    worker = start("--no-learner")
    assert worker.request("save_label", case="a", mask=mask).result(SECONDS)["version"] == 1
    with pytest.raises(RequestFailedError, match="torch is not installed") as caught:
        do(worker).result(SECONDS)
    assert caught.value.kind == "missing_package"
    assert [n.kind for n in worker.notices] == ["learner_unavailable"]
    assert worker.request("status").result(SECONDS)["counts"]["unlabelled"] == 3


def test_a_project_that_cannot_be_opened_is_named_at_the_start(
    start: Callable[..., WorkerClient],
) -> None:
    worker = start("--no-project")
    with pytest.raises(NotAProjectError, match="Create one"):
        worker.wait_ready(SECONDS)
    assert worker.process.wait(SECONDS) == 1


# Life and death -------------------------------------------------------------------------


def test_a_worker_that_dies_fails_its_requests_with_its_last_words(worker: WorkerClient) -> None:
    calls = [do(worker, "die"), do(worker), worker.request("status")]
    with pytest.raises(WorkerDiedError, match=r"code 7(.|\n)*about to die"):
        calls[0].result(SECONDS)
    with pytest.raises(WorkerDiedError):
        calls[1].result(SECONDS)
    with pytest.raises(WorkerDiedError):
        do(worker).result(SECONDS)


def test_when_the_caller_dies_the_work_is_cancelled_and_the_worker_ends(tmp_path: Path) -> None:
    slow = Request(1, "suggest", {"options": {"steps": 10_000, "pause": 0.01}})
    with subprocess.Popen(
        command(tmp_path), stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(encode(slow))
        process.stdin.flush()
        decoder, seen = Decoder(), list[Message]()
        while not any(isinstance(message, ProgressMessage) for message in seen):
            seen += decoder.feed(os.read(process.stdout.fileno(), 65536))
        process.stdin.close()
        assert process.wait(10) == 0
    assert (tmp_path / "closed").exists()
    assert not (tmp_path / "finished").exists()


def test_labels_handed_over_before_the_caller_died_are_written(tmp_path: Path, mask: Path) -> None:
    lines = [Request(i, "save_label", {"case": f"c{i}", "mask": str(mask)}) for i in range(20)]
    subprocess.run(
        command(tmp_path),
        input=b"".join(encode(request) for request in lines),
        stdout=subprocess.DEVNULL,
        timeout=SECONDS,
        check=True,
    )
    assert len(list(tmp_path.glob("*.label"))) == 20


def test_a_caller_that_no_longer_listens_ends_the_worker(tmp_path: Path) -> None:
    slow = Request(1, "suggest", {"options": {"steps": 10_000, "pause": 0.01}})
    process = subprocess.Popen(command(tmp_path), stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdout.close()
    process.stdin.write(encode(slow))
    process.stdin.flush()
    assert process.wait(10) == 0
    process.stdin.close()


@pytest.mark.skipif(os.name == "nt", reason="Windows ends a process without asking it")
def test_a_terminated_worker_closes_the_project(worker: WorkerClient, tmp_path: Path) -> None:
    long = do(worker, steps=3000, pause=0.01)
    until(lambda: long.progress)
    worker.process.terminate()
    assert worker.process.wait(10) == 0
    assert (tmp_path / "closed").exists()


def test_closing_ends_the_whole_process_tree(worker: WorkerClient) -> None:
    grandchild = do(worker, "child").result(SECONDS)[0]
    assert is_alive(grandchild)
    worker.close()
    assert worker.process.returncode == 0
    until(lambda: not is_alive(grandchild))


def test_a_worker_that_does_not_stop_is_killed(start: Callable[..., WorkerClient]) -> None:
    worker = start()
    worker.wait_ready(SECONDS)
    stuck = do(worker, steps=1, pause=60)
    until(lambda: stuck.progress)
    started = time.monotonic()
    worker.close(timeout=0.3)
    assert time.monotonic() - started < 5
    with pytest.raises(WorkerDiedError):
        stuck.result(SECONDS)


def test_shutdown_that_is_to_finish_lets_the_queue_run_dry(
    worker: WorkerClient, tmp_path: Path
) -> None:
    calls = [do(worker, steps=5, pause=0.01) for _ in range(3)]
    worker.request("shutdown", finish=True).result(SECONDS)
    with pytest.raises(BadRequestError, match="shutting down"):
        do(worker).result(SECONDS)
    assert all(call.result(SECONDS) for call in calls)
    assert worker.process.wait(10) == 0


# Progress -------------------------------------------------------------------------------


def test_progress_is_throttled_and_has_the_first_and_the_last(worker: WorkerClient) -> None:
    call = do(worker, steps=400, pause=0.002)
    call.result(SECONDS)
    assert call.progress[0].done == 0
    assert call.progress[-1].done == 400
    assert call.progress[-1].data == {"step": 400}
    span = 400 * 0.002 + 5
    assert 3 <= len(call.progress) <= 10 * span
    assert any(p.remaining_seconds is not None for p in call.progress)


def test_progress_keeps_ten_a_second_and_estimates_the_rest() -> None:
    now = [0.0]
    sent: list[Any] = []
    progress = ThrottledProgress(1, sent.append, clock=lambda: now[0])
    for step in range(101):
        progress(step, 100, "Working")
        now[0] += 0.02
    progress.flush()
    progress.flush()
    assert [sent[0].done, sent[-1].done] == [0, 100]
    assert len(sent) <= 2.02 * 10 + 2
    assert sent[5].remaining_seconds == pytest.approx((100 - sent[5].done) * 0.02)


def test_what_the_learner_says_aside_comes_as_a_notice(worker: WorkerClient) -> None:
    do(worker, "notice").result(SECONDS)
    notice = next(n for n in worker.notices if n.kind == "out_of_memory")
    assert notice.message == "Smaller."
    assert notice.data == {"patch": [9]}


class ShortWriter(io.RawIOBase):
    """A pipe that takes seven bytes at a time."""

    def __init__(self) -> None:
        self.taken = b""

    def write(self, data: Any) -> int:
        self.taken += bytes(data[:7])
        return min(7, len(data))


def test_a_pipe_that_takes_little_at_a_time_gets_whole_messages() -> None:
    writer = ShortWriter()
    Outbox(writer, lambda: None).send(Hello("1", 2))
    assert Decoder().feed(writer.taken) == [Hello("1", 2)]
