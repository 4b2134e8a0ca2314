"""The child process: whatever the function does to it, the command ends, and says what came of it."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from batchfold.testing import kinesis_event, sqs_event

Ran = subprocess.CompletedProcess[str]
Run = Callable[..., Ran]

PROGRAM = """
import os, re, signal, subprocess, sys, threading, time
from concurrent.futures import ThreadPoolExecutor
from returns.result import Failure, Success
from batchfold import *

pool = ThreadPoolExecutor(2)

def reserve(record):
    return Failure(OSError()) if record.body == "fail" else Success(None)

def handle(event, context):
    answer = process_batch(event, reserve, sqs())
    BODY
    return answer
"""


def command(folder: Path, body: str, *options: str, program: str = PROGRAM) -> list[str]:
    (folder / "app.py").write_text(program.replace("BODY", body))
    (folder / "event.json").write_text(json.dumps(sqs_event("one", "fail", "three")))
    return [
        *(sys.executable, "-m", "batchfold.cli", "run", f"{folder}/app.py:handle", "--event", f"{folder}/event.json"),
        *options,
    ]


@pytest.fixture(name="run")
def run_in_a_process(tmp_path: Path) -> Run:
    def run(body: str, *options: str, program: str = PROGRAM) -> Ran:
        line = command(tmp_path, body, *options, program=program)
        return subprocess.run(line, capture_output=True, text=True, check=False, timeout=60)

    return run


HANGS = [
    "time.sleep(600)",
    "while True: pass",
    "re.match('(a+)+$', 'a' * 60 + 'b')",  # holds the lock of the interpreter
    "subprocess.run(['sleep', '600'])",
    "threading.Lock().acquire() and (lock := threading.Lock()).acquire() and lock.acquire()",
    "while True:\n        try: time.sleep(600)\n        except BaseException: pass",
]


@pytest.mark.parametrize("hang", HANGS)
def test_a_function_that_hangs_is_cut_off_by_its_timeout(run: Run, hang: str) -> None:
    began = time.monotonic()
    ran = run(hang, "--timeout", "0.5")
    assert time.monotonic() - began < 30
    assert ran.returncode == 2
    assert "The whole batch comes back: the function was cut off by its timeout." in ran.stdout
    assert "It had not returned after 0.5 s; --timeout gives it another time." in ran.stdout
    assert "handled, comes back with the whole batch" in ran.stdout


def test_it_says_where_a_function_hangs(run: Run) -> None:
    ran = run("while True: pass", "--timeout", "0.2")
    assert "The function was here when its time was over:" in ran.stderr
    assert 'app.py", line 14 in handle' in ran.stderr
    assert "batchfold/cli" not in ran.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="processes have groups on POSIX")
def test_what_a_function_has_started_ends_with_it(run: Run, tmp_path: Path) -> None:
    started = tmp_path / "started"
    ran = run(f"subprocess.run(['sh', '-c', 'echo $$ > {started}; sleep 600'])", "--timeout", "1")
    assert ran.returncode == 2
    until = time.monotonic() + 10
    while is_running(int(started.read_text())) and time.monotonic() < until:
        time.sleep(0.05)
    assert not is_running(int(started.read_text()))


def is_running(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def test_a_file_that_never_ends_importing_is_an_error(tmp_path: Path) -> None:
    arguments = command(tmp_path, "", "--timeout", "0.1", program="while True: pass\n")
    program = "from batchfold.cli import call, __main__\ncall._INIT_SECONDS = 0.5\n__main__.main()\n"
    line = [sys.executable, "-c", program, *arguments[3:]]
    ran = subprocess.run(line, capture_output=True, text=True, check=False, timeout=60)
    assert ran.returncode == 2
    assert ran.stderr.endswith("app.py had not ended after 0.5 s\n")


@pytest.mark.parametrize(
    ("body", "how"),
    [
        ("os._exit(0)", "ended its process with exit status 0"),
        ("os._exit(3)", "ended its process with exit status 3"),
        ("sys.stdout.close() or sys.stderr.close() or os._exit(0)", "ended its process with exit status 0"),
        ("os.kill(os.getpid(), signal.SIGKILL)", "ended its process by the signal SIGKILL"),
        ("import ctypes; ctypes.string_at(0)", "ended its process by the signal SIGSEGV"),
        ("os.execvp('true', ['true'])", "ended its process with exit status 0"),
    ],
)
def test_a_process_that_ends_before_the_function_returns_is_a_failed_invocation(run: Run, body: str, how: str) -> None:
    ran = run(body)
    assert ran.returncode == 2
    assert f"The whole batch comes back: the function {how} before it returned." in ran.stdout
    assert "handled, comes back with the whole batch" in ran.stdout


def test_a_process_that_ends_while_the_file_is_imported_is_an_error(run: Run) -> None:
    ran = run("", program="import os\nos._exit(0)\n")
    assert (ran.returncode, ran.stdout) == (2, "")
    assert ran.stderr.startswith("Error: importing ")
    assert ran.stderr.endswith("app.py ended its process with exit status 0\n")


@pytest.mark.parametrize("body", ["os.closerange(3, 256)", "os.chdir('/')", "sys.stdout = sys.stderr = None"])
def test_a_function_may_do_to_its_process_what_it_likes(run: Run, body: str) -> None:
    ran = run(body)
    assert ran.returncode == 1
    assert "2 of 3 records are done, 1 comes back" in ran.stdout


WORKING = "threading.Thread(target=time.sleep, args=(600,), name='a\\x1bworker', daemon=DAEMON).start()"


def test_a_thread_that_goes_on_is_told_and_ends_with_2(run: Run) -> None:
    ran = run(WORKING.replace("DAEMON", "False"))
    assert ran.returncode == 2
    assert r"The function returned while its thread 'a\x1bworker' still worked" in ran.stdout
    assert "2 of 3 records are done, 1 comes back" in ran.stdout


@pytest.mark.parametrize(
    "body",
    [
        WORKING.replace("DAEMON", "True"),
        "threading.Thread(target=time.sleep, args=(0.2,)).start()",
        "list(pool.map(time.sleep, [0.1, 0.1]))",
        "process_batch(event, reserve, sqs(), executor=pool)",
    ],
)
def test_threads_that_end_and_workers_that_wait_are_nothing_to_tell(run: Run, body: str) -> None:
    ran = run(body)
    assert ran.returncode == 1
    assert "thread" not in ran.stdout


def test_a_worker_of_an_executor_that_goes_on_is_told(run: Run) -> None:
    ran = run("pool.submit(time.sleep, 600)")
    assert ran.returncode == 2
    assert "'ThreadPoolExecutor-0_0' still worked" in ran.stdout


@pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX's")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_the_command_and_the_function(tmp_path: Path, number: signal.Signals) -> None:
    started = tmp_path / "started"
    line = command(tmp_path, f"open({str(started)!r}, 'w').write(str(os.getpid())) and time.sleep(600)")
    with subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        until = time.monotonic() + 30
        while not (started.exists() and started.read_text()) and time.monotonic() < until:
            time.sleep(0.02)
        running.send_signal(number)
        out, told = running.communicate(timeout=30)
    assert (running.returncode, out, told) == (128 + number, "", "Interrupted: the function was ended.\n")
    assert not is_running(int(started.read_text()))


def test_nothing_is_left_in_the_temporary_folder(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "tmp").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    for body in ("pass", "os._exit(1)", "raise ValueError"):
        run(body)
        assert list((tmp_path / "tmp").iterdir()) == []


def test_a_module_in_the_working_directory_hides_none_of_the_standard_library(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "logging.py").write_text("1 / 0\n")
    monkeypatch.chdir(tmp_path / "elsewhere")
    monkeypatch.setenv("PYTHONSAFEPATH", "1")
    assert run("pass").returncode == 1


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
def test_an_event_may_begin_with_a_byte_order_mark(tmp_path: Path, encoding: str) -> None:
    line = command(tmp_path, "", program="def handle(event, context): pass\n")
    (tmp_path / "event.json").write_bytes(json.dumps(kinesis_event("ö"), ensure_ascii=False).encode(encoding))
    ran = subprocess.run(line, capture_output=True, text=True, check=False, timeout=60)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout.startswith("Kinesis stream orders, 1 record\n")
