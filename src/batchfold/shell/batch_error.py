"""Building the `BatchProcessingError` of a batch."""

from __future__ import annotations

from collections import Counter
from typing import Any

from batchfold.core.batch import Batch
from batchfold.core.faults import Malformed
from batchfold.core.forms import is_plain_list
from batchfold.core.note import add_note
from batchfold.core.response import item_name
from batchfold.shell.errors import BatchProcessingError, RejectedError, UnprocessedError
from batchfold.shell.redact import redacted
from batchfold.sources.privacy import is_validation_error

_NOTE = "batchfold: record "


def batch_error(batch: Batch[Any, Any, Any]) -> BatchProcessingError:
    """The exception for a batch that comes back as a whole.

    One and the same exception may have failed many records, and may have done so in an earlier invocation of the same
    environment. It stands in the group once, with a note for each item of this batch and none for those of others.
    """
    exceptions: dict[int, Exception] = {}

    def add(error: object, note: str, *, is_clean: bool) -> None:
        if id(error) not in exceptions:
            exceptions[id(error)] = _exception_for(error, is_clean=is_clean)
        add_note(exceptions[id(error)], note)

    for failed in batch.failed:
        name = item_name(failed.item_id)
        # a source takes the input out of what pydantic raises for a payload, but looks no further
        is_clean = isinstance(failed.fault, Malformed) and is_validation_error(failed.fault.error)
        add(failed.fault.error, f"{_NOTE}{name} failed", is_clean=is_clean)
        if failed.settle_error is not None:
            add(failed.settle_error, f"{_NOTE}{name} could not be settled", is_clean=False)
    unprocessed = len(batch.unprocessed)
    group = list(exceptions.values()) or [UnprocessedError(f"{unprocessed} records were not started: time ran out")]
    kinds = Counter(type(exception).__name__ for exception in group)
    return BatchProcessingError(
        f"{len(batch.not_done)} of {len(batch)} records are not done and the whole batch comes back "
        f"({len(batch.failed)} failed, {unprocessed} not started): {', '.join(kinds)}",
        group,
        batch,
    )


def _exception_for(error: object, *, is_clean: bool) -> Exception:
    exception = redacted(error) if isinstance(error, Exception) and not is_clean else error
    if not isinstance(exception, Exception):  # a group holds no SystemExit or its like, which a Failure may hold
        return RejectedError(error)
    notes = getattr(exception, "__notes__", None)
    if is_plain_list(notes):
        notes[:] = [note for note in notes if not str(note).startswith(_NOTE)]
    return exception
