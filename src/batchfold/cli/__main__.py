"""The way into the command, for `batchfold` and for `python -m batchfold.cli`.

What the command needs beyond the library is an extra, so this module imports none of it before it has looked.
"""

import sys

_EXTRA = frozenset(("typer", "rich"))


def main() -> None:
    """Run the command, or say in one line what to install."""
    try:
        from batchfold.cli.command import app  # noqa: PLC0415  # needs the extra, which may not be there
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        if missing not in _EXTRA:
            raise
        sys.stderr.write(f"The batchfold command needs {missing}: pip install 'batchfold[cli]'\n")
        raise SystemExit(2) from None
    app(prog_name="batchfold")


if __name__ == "__main__":
    main()
