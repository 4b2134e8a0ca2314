"""Build the API reference: `python -m tests.reference FOLDER`.

The docstrings come from the code, and the pages of the guide stand under the rooms that they describe. Public names show
`batchfold` as their module, where pdoc would look for their source and not find it, so each is put back into its room first.
A warning of pdoc is an error.
"""

import re
import sys
import warnings
from importlib import import_module
from pathlib import Path
from typing import Any

import pdoc
from pdoc import render

import batchfold

SOURCES = Path(batchfold.__file__).parent
ROOMS = ("core", "sources", "shell", "testing", "cli", "powertools")
_LINK = re.compile(r"\]\((?:\.\./)*(?:\w+/)?(\w+)/README\.md(#[\w-]+)?\)")
_START = re.compile(r"\]\((?:\.\./)+README\.md(#[\w-]+)?\)")


def _as_written_in_their_rooms() -> None:
    package: Any = batchfold
    for name in package.__all__:
        value: Any = getattr(package, name)
        if getattr(value, "__module__", None) == "batchfold":
            value.__module__ = f"batchfold.{package._HOME[name]}"


def _page(path: Path) -> str:
    """The text of a page, its links to the other pages turned to where they stand in the reference."""
    text = _LINK.sub(lambda link: f"]({link[1]}.html{link[2] or ''})", path.read_text(encoding="utf-8"))
    return _START.sub("](../batchfold.html)", text)


def _with_pages() -> list[str]:
    batchfold.__doc__ = f"{batchfold.__doc__}\n\n{_page(SOURCES.parents[1] / 'README.md')}"
    modules = ["batchfold"]
    for room in ROOMS:
        module: Any = import_module(f"batchfold.{room}")
        pages = [
            SOURCES / room / "README.md",
            *sorted(set((SOURCES / room).glob("*.md")) - {SOURCES / room / "README.md"}),
        ]
        module.__doc__ = "\n\n".join(map(_page, pages))
        if room not in {"testing", "powertools"}:  # the others hold public names of their own
            module.__all__ = ()
        modules.append(module.__name__)
    return modules


def build(folder: Path) -> None:
    """Write the reference into a folder."""
    warnings.simplefilter("error")
    # a TypedDict forgets the one that it is built on, so pdoc finds no home for the options of several
    warnings.filterwarnings("ignore", r"Cannot determine where batchfold\.(Async)?(Fold|Function)Options\.")
    _as_written_in_their_rooms()
    render.configure(docformat="google")
    pdoc.pdoc(*_with_pages(), output_directory=folder)


if __name__ == "__main__":
    build(Path(sys.argv[1]))
