"""Notes on exceptions of the user's, which may be of any kind."""

from __future__ import annotations

from batchfold.core.forms import is_plain_list


def add_note(error: BaseException, note: str) -> None:
    """What `error.add_note(note)` does, for frozen dataclasses too: there Python's own raises."""
    notes = getattr(error, "__notes__", None)
    if is_plain_list(notes):
        notes.append(note)
    else:
        object.__setattr__(error, "__notes__", [note])
