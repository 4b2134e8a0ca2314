"""The child process that is kept from one invocation to the next, as Lambda keeps its execution environments.

It imports the function's file once. What modules hold stays from event to event, as it does in Lambda. Events come by its
standard input, one a line; the account of each goes to a folder of its own. It ends when its parent does.
"""

import _thread
import json
import os
import shutil
from pathlib import Path
from queue import SimpleQueue
from typing import IO, Any, NoReturn

from batchfold.cli.account import Ready, write_step
from batchfold.cli.child import flush_outputs, invoke, log_watched, refusals_told, serve
from batchfold.cli.event_file import is_windowed
from batchfold.cli.load import loaded


def main(name: str) -> None:
    """Import the function that the request in this folder speaks of, and call it on every event that comes."""
    serve(name, _keep)


def _keep(folder: Path, *, target: str, timeout: float, log_aloud: bool) -> NoReturn:
    waiting = _events(folder.parent)
    was_at = (folder / "was_at").open("w", encoding="utf-8")
    current = folder
    with log_watched(lambda: current, aloud=log_aloud), loaded(target) as function:
        write_step(current, Ready(is_windowed=is_windowed(function)))
        while True:
            asked = waiting.get()
            current = Path(asked["folder"])
            with refusals_told(current):
                event, is_invocation = asked["event"], asked["is_invocation"]
                invoke(
                    current, function, was_at, target=target, event=event, timeout=timeout, is_invocation=is_invocation
                )
            flush_outputs()
            write_step(current, Ready())


def _events(leftovers: Path) -> "SimpleQueue[dict[str, Any]]":
    """Take the standard input away from the function, and read it in a thread of its own.

    `leftovers` is the folder that the parent would have removed if it had lived.
    """
    descriptor = os.dup(0)  # not inherited by what the function starts
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    waiting: SimpleQueue[dict[str, Any]] = SimpleQueue()
    # a thread of `threading` would show its own frames where the function's are told
    _thread.start_new_thread(_read, (os.fdopen(descriptor, "rb"), waiting, leftovers))
    return waiting


def _read(events: IO[bytes], waiting: "SimpleQueue[dict[str, Any]]", leftovers: Path) -> None:
    """Hand on what comes, and end the process when the parent has ended: nobody would hear how the function fared."""
    for line in events:
        waiting.put(json.loads(line))
    shutil.rmtree(leftovers, ignore_errors=True)
    os._exit(0)
