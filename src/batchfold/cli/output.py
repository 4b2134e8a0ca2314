"""The two outputs: the command reports on the standard output, and whatever else is printed goes to the error output."""

import os
import sys
from collections.abc import Generator
from contextlib import contextmanager, redirect_stdout, suppress

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
