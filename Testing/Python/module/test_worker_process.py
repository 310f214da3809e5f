"""The child process: JSON lines, its log, its death, and the death of all its children."""

from __future__ import annotations

import os
import sys
import textwrap
import time
from pathlib import Path

import pytest
from ActiveSuggestModule.interpreter import Command, worker_command, worker_environment
from ActiveSuggestModule.process_tree import descendants
from ActiveSuggestModule.text_tail import TextTail
from ActiveSuggestModule.worker_process import WorkerProcess

from ActiveSuggestLib.data.journaling.processes import is_alive
from ActiveSuggestLib.messages import Failure, Result

HELLO = '{"type": "hello", "version": "1", "pid": %d}'


@pytest.fixture
def start(slicer_host):
    """Return a function that starts Python code as the child, and what was heard of it."""
    started = []

    def start(code: str) -> WorkerProcess:
        command = Command(
            sys.executable, ("-c", textwrap.dedent(code)), worker_environment(sys.executable)
        )
        process = WorkerProcess(command)
        process.heard = []
        for name in ("greeted", "noticed", "progressed", "answered", "ended"):
            signal = getattr(process, name)
            signal.connect(lambda value, name=name: process.heard.append((name, value)))
        process.start()
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
    for process in started:
        process.wait(5000)


def named(process, name):
    return [value for heard, value in process.heard if heard == name]


def test_requests_are_answered_by_their_ids(start, wait_until):
    process = start("""
        import json, sys
        print(json.dumps({"type": "hello", "version": "1", "pid": 1}), flush=True)
        for line in sys.stdin:
            ask = json.loads(line)
            print(json.dumps({"type": "result", "id": ask["id"], "value": ask["params"]}))
    """)
    wait_until(lambda: process.hello, 20)
    first, second = process.request("twice", case="ä"), process.request("twice", case="b")
    wait_until(lambda: len(named(process, "answered")) == 2, 10)
    assert named(process, "answered") == [
        Result(first, {"case": "ä"}),
        Result(second, {"case": "b"}),
    ]


def test_what_is_no_message_goes_to_the_log(start, wait_until):
    process = start("""
        import sys
        print("a stray print")
        print('{"type": "result"')
        print("said aside", file=sys.stderr)
        print('{"type": "failure", "id": 7, "error": {"kind": "x"}}')
    """)
    wait_until(lambda: named(process, "ended"), 20)
    assert named(process, "answered") == [Failure(7, {"kind": "x"})]
    for text in ("a stray print", '{"type": "result"', "said aside"):
        assert text in process.log()


def test_the_log_is_bounded(start, wait_until):
    process = start("""
        import sys
        for n in range(20000):
            print("line", n, "x" * 40, file=sys.stderr)
    """)
    wait_until(lambda: named(process, "ended"), 30)
    assert len(process.log().encode()) <= 256 * 1024
    assert "line 19999" in process.log()


def test_an_answer_in_the_last_moment_is_heard(start, wait_until):
    process = start("""
        import os, sys
        sys.stdout.write('{"type": "result", "id": 3, "value": 1}')
        sys.stdout.flush()
        os._exit(5)
    """)
    wait_until(lambda: named(process, "ended"), 20)
    assert named(process, "answered") == [Result(3, 1)]
    ending = named(process, "ended")[0]
    assert (ending.code, ending.crashed) == (5, False)


def test_why_it_could_not_open_is_told_with_the_end(start, wait_until):
    process = start("""
        print('{"type": "failure", "id": null, "error": {"kind": "not_a_project"}}')
        raise SystemExit(1)
    """)
    wait_until(lambda: named(process, "ended"), 20)
    assert named(process, "ended")[0].error == {"kind": "not_a_project"}


def test_a_program_that_is_not_there_ends_once_with_the_reason(slicer_host, wait_until):
    process = WorkerProcess(Command("/no/such/python", (), dict(os.environ)))
    ended = []
    process.ended.connect(ended.append)
    process.start()
    wait_until(lambda: ended, 10)
    slicer_host.process_events(0.1)
    assert len(ended) == 1
    assert ended[0].not_started
    assert not process.is_running


def test_a_crash_is_told_from_an_exit(start, wait_until):
    process = start("import os, signal; os.kill(os.getpid(), signal.SIGKILL)")
    wait_until(lambda: named(process, "ended"), 20)
    assert named(process, "ended")[0].crashed


@pytest.mark.skipif(sys.platform == "win32", reason="process groups of POSIX")
def test_killing_ends_children_and_grandchildren(start, wait_until, tmp_path):
    pids = tmp_path / "pids"
    process = start(f"""
        import os, subprocess, sys, time
        os.setpgrp()
        note = "import os, subprocess, sys, time;"
        note += "open({str(pids)!r}, 'a').write(f'{{os.getpid()}} ');"
        inner = note + "time.sleep(99)"
        outer = note + f"subprocess.run([sys.executable, '-c', {{inner!r}}])"
        child = subprocess.Popen([sys.executable, "-c", outer])
        print({HELLO!r} % os.getpid(), flush=True)
        time.sleep(99)
    """)
    wait_until(lambda: process.hello and pids.is_file() and len(pids.read_text().split()) == 2, 20)
    children = [int(pid) for pid in pids.read_text().split()]
    assert set(children) <= set(descendants(process.pid))
    process.kill()
    wait_until(lambda: named(process, "ended"), 10)
    wait_until(lambda: not any(_runs(pid) for pid in children), 10)


@pytest.mark.skipif(sys.platform == "win32", reason="process groups of POSIX")
def test_a_worker_behind_a_dead_launcher_is_ended_too(start, wait_until):
    # As with PythonSlicer: what was started is a launcher, and the worker is its child.
    worker = "import os, time; os.setpgrp(); print(HELLO % os.getpid(), flush=True); time.sleep(99)"
    worker = worker.replace("HELLO", repr(HELLO))
    process = start(f"import subprocess, sys; subprocess.run([sys.executable, '-c', {worker!r}])")
    wait_until(lambda: process.hello, 20)
    worker = process.hello.pid
    assert worker != process.pid
    os.kill(process.pid, 9)
    wait_until(lambda: named(process, "ended"), 10)
    wait_until(lambda: not _runs(worker), 10)


def test_closing_lets_it_finish_and_does_not_wait(start, wait_until, tmp_path):
    done = tmp_path / "done"
    process = start(f"""
        import sys, time
        print({HELLO!r} % 1, flush=True)
        for line in sys.stdin:
            pass
        time.sleep(0.3)
        open({str(done)!r}, "w").close()
    """)
    wait_until(lambda: process.hello, 20)
    began = time.monotonic()
    process.close()
    assert time.monotonic() - began < 0.1
    wait_until(lambda: named(process, "ended"), 10)
    assert done.is_file()


def test_one_that_does_not_listen_is_killed_after_a_while(start, wait_until):
    process = start(f"""
        import time
        print({HELLO!r} % 1, flush=True)
        time.sleep(99)
    """)
    wait_until(lambda: process.hello, 20)
    process.close(patience_ms=200)
    wait_until(lambda: named(process, "ended"), 10)
    assert named(process, "ended")[0].crashed


def test_a_slot_that_fails_is_reported(slicer_host, wait_until):
    failed, ended = [], []
    code = f"print({HELLO!r} % 1)"
    command = Command(sys.executable, ("-c", code), worker_environment(sys.executable))
    process = WorkerProcess(command, lambda error, _slot: failed.append(error))
    process.greeted.connect(lambda _hello: 1 / 0)
    process.ended.connect(ended.append)
    process.start()
    wait_until(lambda: ended, 20)
    assert [type(error) for error in failed] == [ZeroDivisionError]


def test_the_worker_greets_from_a_group_of_its_own(slicer_host, wait_until, tmp_path, monkeypatch):
    from Testing.Python.data.small_projects import a_project

    monkeypatch.setenv("ACTIVESUGGEST_PYTHON", sys.executable)
    project = a_project(tmp_path)
    project.close()
    process = WorkerProcess(worker_command(project.folder))
    process.start()
    wait_until(lambda: process.hello, 30)
    if sys.platform != "win32":
        assert os.getpgid(process.hello.pid) == process.hello.pid != os.getpgrp()
    process.close()
    wait_until(lambda: not process.is_running, 20)


def test_a_bounded_text_keeps_its_end():
    tail = TextTail(limit=10)
    for word in (b"one", b"two", b"three", b"four"):
        tail.append(word)
    assert tail.text() == "othreefour"
    tail.append(b"x" * 50)
    assert tail.text() == "x" * 10


def test_a_bounded_text_with_a_character_cut_in_two():
    tail = TextTail(limit=4)
    tail.append("aäöü".encode())
    assert tail.text() == "öü"
    tail.append(b"b")
    assert tail.text().endswith("üb")


def _runs(pid: int) -> bool:
    if not is_alive(pid):
        return False
    stat = Path(f"/proc/{pid}/stat")
    # A zombie has ended; only nobody has asked about it yet.
    return not (stat.is_file() and stat.read_text().rpartition(")")[2].split()[0] == "Z")
