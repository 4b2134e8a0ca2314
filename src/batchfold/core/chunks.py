"""Chunks: handlers that take several records at once, for bulk writes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Generic, TypeAlias, overload

from typing_extensions import TypeIs, TypeVar

from batchfold.core._guards import is_list
from batchfold.core.batch import Batch
from batchfold.core.faults import Crashed, Malformed, crashed, malformed_or_crashed
from batchfold.core.fold import settled_by
from batchfold.core.handlers import AnyResult, close_unawaited, is_async_function, is_awaitable, result_of
from batchfold.core.lanes import Lane, whole_batch
from batchfold.core.outcomes import Ending, Handled
from batchfold.core.progress import Progress
from batchfold.core.records import RawRecord, Record
from batchfold.core.settling import Settle
from batchfold.core.source import Source

R = TypeVar("R")
V = TypeVar("V")
E = TypeVar("E")
D = TypeVar("D", bound=Record)
A = TypeVar("A")
R_contra = TypeVar("R_contra", contravariant=True)
V_co = TypeVar("V_co", covariant=True)
E_co = TypeVar("E_co", covariant=True)

ChunkHandler: TypeAlias = Callable[[list[R]], Sequence[AnyResult[V, E]]]
"""Several records in, a `Result` for each of them out, in the same order."""

AsyncChunkHandler: TypeAlias = Callable[[list[R]], Awaitable[Sequence[AnyResult[V, E]]]]
"""The same as an async function, for async runs."""

Parsed: TypeAlias = tuple[Any, Malformed | Crashed | None]
"""A parsed record and no fault, or no record and the fault of its payload."""

AttemptChunk: TypeAlias = Callable[[Sequence[RawRecord]], Sequence[Handled[V, E]]]


class InChunks(Generic[R_contra, V_co, E_co]):
    """A handler that is given as many records at a time as their lanes allow, up to `size`. Made by `in_chunks`.

    A fold gives it chunks. Called with one record, as by a layer around it, it raises `TypeError`: chunks of one would be
    made in silence.
    """

    __slots__ = ("handle", "size")

    def __init__(self, handle: ChunkHandler[R_contra, V_co, E_co], size: int) -> None:
        self.handle = handle
        self.size = size

    def __call__(self, _record: R_contra, /) -> AnyResult[V_co, E_co]:
        """Raise `TypeError`: it takes chunks."""
        raise TypeError(_NO_LAYER)


class AsyncInChunks(Generic[R_contra, V_co, E_co]):
    """The same for async functions, in async runs. Made by `in_chunks`."""

    __slots__ = ("handle", "size")

    def __init__(self, handle: AsyncChunkHandler[R_contra, V_co, E_co], size: int) -> None:
        self.handle = handle
        self.size = size

    async def __call__(self, _record: R_contra, /) -> AnyResult[V_co, E_co]:
        """Raise `TypeError`: it takes chunks."""
        raise TypeError(_NO_LAYER)


_NO_LAYER = (
    "a handler made by in_chunks was given one record, by a layer or step around it, expected a chunk: put what goes around "
    "records inside the function of the chunk; timed and traced go around chunks too"
)


@overload
def in_chunks(handle: Callable[[list[R]], Sequence[AnyResult[V, E]]], *, size: int) -> InChunks[R, V, E]: ...
@overload
def in_chunks(
    handle: Callable[[list[R]], Awaitable[Sequence[AnyResult[V, E]]]], *, size: int
) -> AsyncInChunks[R, V, E]: ...
def in_chunks(handle: Callable[[list[Any]], Any], *, size: int) -> Any:
    """Make a handler of a function that handles several records at once, at most `size` of them.

    For work that is cheaper in bulk: `BatchWriteItem` (25 at a time), `PutRecords` (500), one SQL statement. The function
    gets a list of the records that parsed, and returns one `Result` for each, in their order. If it raises, or returns
    another number of results, every record of the chunk is `Crashed`, and no record of another. An async function makes a
    handler for async runs. Give the function a name and its list a type: the checkers cannot infer the records of a lambda.

    A chunk holds at most one record of each lane, so no order is broken. Where the whole batch is one lane (a stream or
    a FIFO queue by default) there would be no chunks: that is a `ValueError`, raised before any record is handled.
    Raises `ValueError` if `size` is not at least 1.
    """
    if size < 1:
        raise ValueError(f"a chunk holds at least one record, got size={size}")
    return AsyncInChunks(handle, size) if is_async_function(handle) else InChunks(handle, size)


def takes_chunks(handler: object) -> TypeIs[InChunks[Any, Any, Any] | AsyncInChunks[Any, Any, Any]]:
    """Return whether `in_chunks` made it."""
    return isinstance(handler, InChunks | AsyncInChunks)


def takes_async_chunks(handler: object) -> TypeIs[AsyncInChunks[Any, Any, Any]]:
    """Return whether `in_chunks` made it of an async function."""
    return isinstance(handler, AsyncInChunks)


def takes_sync_chunks(handler: object) -> TypeIs[InChunks[Any, Any, Any]]:
    """Return whether `in_chunks` made it of a function that is not async."""
    return isinstance(handler, InChunks)


def refuse_chunks(handler: object, layer: str) -> None:
    """Raise `TypeError` for a handler of chunks under a layer or in a chain that takes one record at a time."""
    if takes_chunks(handler):
        raise TypeError(
            f"{layer} goes around a handler of one record, got one made by in_chunks: apply it inside the function of the "
            "chunk, or choose the records there"
        )


def refuse_one_lane(lane: Lane, size: int) -> None:
    """Raise `ValueError` for chunks where only one record at a time may be in flight."""
    if size > 1 and lane is whole_batch:
        raise ValueError(
            f"in_chunks(size={size}) needs records that may be handled at the same time, but here the whole batch is one "
            "lane, the default on streams and FIFO queues. On a stream choose lane=each_record (Lambda then repeats what "
            "comes after a failure) or a lane by key; on a FIFO queue lane=by_message_group"
        )


def attempt_chunk_with(chunks: InChunks[R, V, E], source: Source[R, D, Any, Any]) -> AttemptChunk[V, E]:
    """Return the attempt of a chunk: parse, and hand over the records that parsed."""
    parse, handle = source.parse, chunks.handle

    def attempt_chunk(raws: Sequence[RawRecord]) -> Sequence[Handled[V, E]]:
        parsed = parse_chunk(parse, raws)
        try:
            return _judged(handle, parsed)
        finally:
            del parsed  # the opening of `core.fold` says why

    return attempt_chunk


def parse_chunk(parse: Callable[[RawRecord], Any], raws: Sequence[RawRecord]) -> Sequence[Parsed]:
    """Return the parsed record of each raw record, or the fault of one that did not parse."""
    return [_parsed(parse, raw) for raw in raws]


def _parsed(parse: Callable[[RawRecord], Any], raw: RawRecord) -> Parsed:
    try:
        return parse(raw), None
    except BaseException as error:  # noqa: BLE001  # raised again unless it is about this record
        return None, malformed_or_crashed(error)


def records_in(parsed: Sequence[Parsed]) -> list[Any]:
    """Return the records that parsed."""
    return [record for record, fault in parsed if fault is None]


def _judged(handle: Callable[[list[Any]], Any], parsed: Sequence[Parsed]) -> Sequence[Handled[Any, Any]]:
    records = records_in(parsed)
    return judge_chunk(parsed, _results_from(handle, records) if records else ())


def judge_chunk(parsed: Sequence[Parsed], results: Sequence[object] | Crashed) -> Sequence[Handled[Any, Any]]:
    """Return what handling each record of a chunk came to; `results` are of those that parsed."""
    given = iter(() if isinstance(results, Crashed) else results)
    return [
        fault if fault is not None else results if isinstance(results, Crashed) else result_of(next(given))
        for _, fault in parsed
    ]


def results_of(returned: object, expected: int) -> Sequence[object] | Crashed:
    """Return the results that the handler of a chunk returned, if there is one for each record."""
    found = f"a {type(returned).__name__}"
    if is_list(returned):
        results = list(returned)  # what a lazy sequence raises is raised here, where it fails this chunk
        if len(results) == expected:
            return results
        found = f"{len(results)} results"
    hint = ""
    if is_awaitable(returned):
        close_unawaited(returned)
        hint = ", and nothing said that the function is async: write `async def`, or annotate what it returns"
    return Crashed(
        TypeError(
            f"the handler of a chunk returned {found}, expected a list of {expected}: a Result for each record, "
            f"in order{hint}"
        )
    )


def crashed_chunk(error: BaseException) -> Crashed:
    """Return the fault of all records of a chunk whose handler raised; one payload does not make the others malformed."""
    return Crashed(crashed(error).error)


def _results_from(handle: Callable[[list[Any]], Any], records: list[Any]) -> Sequence[object] | Crashed:
    expected = len(records)  # the handler may empty its list
    try:
        return results_of(handle(records), expected)
    except BaseException as error:  # noqa: BLE001  # raised again unless it is about these records
        return crashed_chunk(error)


def fold_in_chunks(
    progress: Progress[Any, V, E, D, A], attempt_chunk: AttemptChunk[V, E], settle: Settle[E, D] | None, size: int
) -> Batch[V, E, D, A]:
    """Handle one chunk after the other until no record may start."""
    ending: Ending[V, E, D] = None
    try:
        while positions := take(progress, size):
            for position, ending in attempt_at(progress, attempt_chunk, settle, positions):
                progress.finish(position, ending)
        return progress.batch()
    finally:
        ending = None  # the opening of `core.fold` says why
        progress.release()


def take(progress: Progress[Any, Any, Any, Any, Any], size: int) -> list[int]:
    """Return the positions of as many records as may start now, up to `size`."""
    positions: list[int] = []
    while len(positions) < size and (position := progress.start()) is not None:
        positions.append(position)
    return positions


def attempt_at(
    progress: Progress[Any, V, E, D, Any],
    attempt_chunk: AttemptChunk[V, E],
    settle: Settle[E, D] | None,
    positions: Sequence[int],
) -> Sequence[tuple[int, Ending[V, E, D]]]:
    """Handle the records at these positions, and let `settle` say the last word on each that failed."""
    raws = [progress.raws[position] for position in positions]
    return [
        (position, settled_by(settle, progress, position, progress.checked(position, handled)))
        for position, handled in zip(positions, attempt_chunk(raws), strict=True)
    ]
