"""The way into the command, for `batchfold` and for `python -m batchfold.cli`.

What the command needs beyond the library is an extra, so this module imports none of it before it has looked.
"""

import os
import sys
import traceback
from contextlib import suppress

_EXTRA = frozenset(("typer", "rich"))


def main() -> None:
    """Run the command, or say in one line what to install. It ends with 2 whatever goes wrong: 1 says something else."""
    try:
        _run()
    except Exception as error:  # noqa: BLE001  # the command knows of no other, so it is a defect
        _tell_defect(error)
        raise SystemExit(2) from None
    finally:
        _end_outputs()


def _run() -> None:
    try:
        from batchfold.cli.command import app  # noqa: PLC0415  # needs the extra, which may not be there
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        if missing not in _EXTRA:
            raise
        sys.stderr.write(f"The batchfold command needs {missing}: pip install 'batchfold[cli]'\n")
        raise SystemExit(2) from None
    app(prog_name="batchfold")


def _tell_defect(error: Exception) -> None:
    """Say what happened and where. What the exception says may quote the event, unless it is about an import."""
    what = f"{type(error).__name__}: {error}" if isinstance(error, ImportError) else type(error).__name__
    with suppress(OSError, ValueError):  # if that cannot be written, the exit status still tells
        traceback.print_tb(error.__traceback__)
        sys.stderr.write(f"Error: the command itself failed, which is a defect of batchfold: {what}\n")


def _end_outputs() -> None:
    """Write what is still to be written, and let go of an output that cannot be written.

    The interpreter would try again as it ends, and end with an exit status of its own.
    """
    for output in (sys.stdout, sys.stderr):
        try:
            output.flush()
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), output.fileno())
        except (AttributeError, ValueError):
            pass  # it is closed


if __name__ == "__main__":
    main()
