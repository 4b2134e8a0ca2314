"""Chunks: handlers that take several records at once, for bulk writes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeAlias, cast

from typing_extensions import TypeVar

from batchfold.core.attempt import settled_by
from batchfold.core.batch import Batch
from batchfold.core.ending import Ending, Handled
from batchfold.core.event import RawRecord
from batchfold.core.faults import Crashed, crashed, malformed_or_crashed
from batchfold.core.forms import is_list
from batchfold.core.handler import AnyResult
from batchfold.core.lanes import whole_batch
from batchfold.core.progress import Progress
from batchfold.core.record import Record
from batchfold.core.response import ItemId
from batchfold.core.returned import close_unawaited, is_awaitable, result_of
from batchfold.core.settle import Settle
from batchfold.core.source import Source

R = TypeVar("R")
V = TypeVar("V")
E = TypeVar("E")
D = TypeVar("D", bound=Record)
D_any = TypeVar("D_any", bound=Record, default=Record)
R_contra = TypeVar("R_contra", contravariant=True)
V_co = TypeVar("V_co", covariant=True)
E_co = TypeVar("E_co", covariant=True)

ChunkHandler: TypeAlias = Callable[[Sequence[R]], Sequence[AnyResult[V, E]]]
"""Several records in, a `Result` for each of them out, in the same order."""


class InChunks(Generic[R_contra, V_co, E_co]):
    """A handler that is given as many records at a time as their lanes allow, up to `size`. Made by `in_chunks`.

    It is a handler of single records too: called with one, it handles a chunk of one.
    """

    __slots__ = ("handle", "size")

    def __init__(self, handle: ChunkHandler[R_contra, V_co, E_co], size: int) -> None:
        self.handle = handle
        self.size = size

    def __call__(self, record: R_contra, /) -> AnyResult[V_co, E_co]:
        """Handle a chunk of one."""
        results = _results_of(self.handle([record]), 1)
        if isinstance(results, Crashed):
            raise results.error
        return cast("AnyResult[V_co, E_co]", results[0])  # judged by who called


def in_chunks(handle: ChunkHandler[R, V, E], *, size: int) -> InChunks[R, V, E]:
    """Make a handler out of a function that handles several records at once, at most `size` of them.

    For what is cheaper in bulk: `BatchWriteItem` (25 at a time), `PutRecords` (500), one SQL statement. The function
    gets the records that parsed, and returns one `Result` for each, in their order. If it raises, or returns another
    number of results, every record of the chunk is `Crashed`, and no record of another.

    A chunk holds at most one record of each lane, so no order is broken. Where the whole batch is one lane (a stream or
    a FIFO queue by default) there would be no chunks: that is a `ValueError`, raised before any record is handled.
    Raises `ValueError` if `size` is not at least 1.
    """
    if size < 1:
        raise ValueError(f"a chunk holds at least one record, got size={size}")
    return InChunks(handle, size)


AttemptChunk: TypeAlias = Callable[[Sequence[tuple[RawRecord, ItemId]]], Sequence[Ending[V, E, D_any]]]


def attempt_chunk_with(
    chunks: InChunks[R, V, E], source: Source[R, D], settle: Settle[E, D] | None
) -> AttemptChunk[V, E, D]:
    """Parse the records of a chunk, hand over those that parsed, and let `settle` say the last word on each failure."""
    parse, handle = source.parse, chunks.handle

    def attempt_chunk(chunk: Sequence[tuple[RawRecord, ItemId]]) -> Sequence[Ending[V, E, D]]:
        handled: list[Handled[V, E] | None] = [None] * len(chunk)
        parsed: list[tuple[int, R]] = []
        for index, (raw, _) in enumerate(chunk):
            try:
                parsed.append((index, parse(raw)))
            except BaseException as error:  # noqa: BLE001  # raised again unless it is about this record
                handled[index] = malformed_or_crashed(error)
        if parsed:
            try:
                results = _results_of(handle([record for _, record in parsed]), len(parsed))
            except BaseException as error:  # noqa: BLE001  # raised again unless it is about these records
                results = Crashed(crashed(error).error)  # one payload does not make the others malformed
            for nth, (index, _) in enumerate(parsed):
                handled[index] = results if isinstance(results, Crashed) else result_of(results[nth])
        return [
            ending if settle is None or ending is None else settled_by(settle, raw, item_id, ending, source)
            for (raw, item_id), ending in zip(chunk, handled, strict=True)
        ]

    return attempt_chunk


def fold_in_chunks(progress: Progress[Any, V, E, D], attempt_chunk: AttemptChunk[V, E, D], size: int) -> Batch[V, E, D]:
    """Handle one chunk after the other until no record may start."""
    while positions := take(progress, size):
        chunk = [(progress.raws[position], progress.item_ids[position]) for position in positions]
        for position, ending in zip(positions, attempt_chunk(chunk), strict=True):
            progress.finish(position, ending)
    return progress.batch()


def take(progress: Progress[Any, Any, Any, Any], size: int) -> list[int]:
    """As many records as may start now, up to `size`."""
    positions: list[int] = []
    while len(positions) < size and (position := progress.start()) is not None:
        positions.append(position)
    return positions


def refuse_one_lane(progress: Progress[Any, Any, Any, Any], size: int) -> None:
    """Refuse chunks where only one record at a time may be in flight."""
    if size > 1 and progress.lane is whole_batch:
        raise ValueError(
            f"in_chunks(size={size}) needs records that may be handled at the same time, but here the whole batch is one "
            "lane, the default on streams and FIFO queues. On a stream choose lane=each_record (Lambda then repeats what "
            "comes after a failure) or a lane by key; on a FIFO queue lane=by_message_group"
        )


def _results_of(returned: object, expected: int) -> Sequence[Any] | Crashed:
    found = f"a {type(returned).__name__}"
    if is_list(returned):
        results = list(returned)  # what a lazy sequence raises is raised here, where it fails this chunk
        if len(results) == expected:
            return results
        found = f"{len(results)} results"
    hint = ""
    if is_awaitable(returned):
        close_unawaited(returned)
        hint = ". Async handlers take one record at a time; a synchronous one of chunks may run in threads (executor=)"
    return Crashed(
        TypeError(
            f"the handler of a chunk returned {found}, expected a list of {expected}: a Result for each record, "
            f"in order{hint}"
        )
    )
