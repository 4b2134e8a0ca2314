"""The two outputs: the command reports on the standard output, and whatever else is printed goes to the error output."""

import os
import sys
from collections.abc import Generator
from contextlib import contextmanager, redirect_stdout, suppress
from typing import Any, cast

import typer

_STANDARD, _ERROR = 1, 2  # their file descriptors


@contextmanager
def kept_for_the_report() -> Generator[None, None, None]:
    """Send to the error output what is meanwhile written to the standard output.

    So it does with what does not go through `sys.stdout`: the output of child processes, for one. A logging handler that
    is made meanwhile stays with the error output.
    """
    with redirect_stdout(sys.stderr), _descriptor_kept():
        yield


@contextmanager
def _descriptor_kept() -> Generator[None, None, None]:
    try:
        kept = os.dup(_STANDARD)
    except OSError:
        kept = None  # it is closed, and nothing can be written to it
    if kept is not None:
        with suppress(OSError):  # the error output may be closed
            os.dup2(_ERROR, _STANDARD)
    try:
        yield
    finally:
        with suppress(OSError, ValueError):  # the function may have closed it
            if sys.__stdout__ is not None:
                sys.__stdout__.flush()  # what was written to it meanwhile
        if kept is not None:
            os.dup2(kept, _STANDARD)
            os.close(kept)


def write(text: str) -> None:
    """Write to the standard output; what its encoding does not have is escaped.

    Raises `OSError` if nothing can be written there.
    """
    with suppress(AttributeError):  # whatever stands in for it need not have that
        cast("Any", sys.stdout).reconfigure(errors="backslashreplace")
    typer.echo(text, nl=False, color=True)  # the text has colours only where it is to have some


def say(line: str) -> None:
    """Write a line to the error output. Where nothing can be written there, there is nobody to tell."""
    with suppress(OSError):
        typer.echo(line, err=True)
