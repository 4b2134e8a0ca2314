"""`fetched`: an adapter for payloads that lie elsewhere. They are fetched when the turn of their record comes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, overload

from typing_extensions import TypeVar

from batchfold.core._guards import is_mapping
from batchfold.core.batch import AnyBatch
from batchfold.core.handlers import is_async_function
from batchfold.core.records import RawRecord, Record
from batchfold.core.source import AsyncSource, Source

R = TypeVar("R")
D = TypeVar("D", bound=Record)
B = TypeVar("B", bound=AnyBatch)
A = TypeVar("A")


@overload  # an untyped function is taken for one that does not have to be awaited
def fetched(source: Source[R, D, B, A], fetch: Callable[[D], RawRecord], /) -> Source[R, D, B, A]: ...
@overload
def fetched(source: Source[R, D, B, A], fetch: Callable[[D], Awaitable[RawRecord]], /) -> AsyncSource[R, D, B, A]: ...
def fetched(source: Source[Any, Any, Any, Any], fetch: Callable[[Any], Any], /) -> AsyncSource[Any, Any, Any, Any]:
    """Make a source that fetches the payload of each record before it parses it.

    Args:
        source: reads the events and parses the payloads that were fetched.
        fetch: from the record as delivered to its raw record with the payload in the place of the pointer; it returns
            `record.raw` where there is nothing to fetch, as `s3_pointers(client)` does. A `ValueError` from it is
            `Malformed`, anything else `Crashed`: raise a `ValueError` only where the next attempt would fail too. If it is
            async, only async runs read the source; if not, an async run handles nothing else while it waits.

    Outcomes carry the record as delivered, so that a dead letter is as small as the message was.

    >>> from batchfold import sqs
    >>> bodies = {"a": "3", "b": "many"}
    >>> source = fetched(sqs(int), lambda record: {**record.raw, "body": bodies[record.body]})
    >>> source.parse({"messageId": "m1", "body": "a"}).body
    3
    """
    if source.for_event is not None:
        raise TypeError(
            "fetched got a source made by windowed, which goes around it: windowed(fetched(source, fetch), State)"
        )
    as_delivered, parse = source.as_delivered, source.parse
    if not is_async_function(fetch):
        return source.replace(parse=lambda raw: parse(_raw_record(fetch(as_delivered(raw)))))

    async def parse_fetched(raw: RawRecord) -> Any:
        return parse(_raw_record(await fetch(as_delivered(raw))))

    return AsyncSource(
        name=source.name,
        read=source.read,
        parse=parse_fetched,
        as_delivered=as_delivered,
        lane_of=source.lane_of,
        respond=source.respond,
        raise_on=source.raise_on,
        check_of=source.check_of,
        not_done=source.not_done,
    )


def _raw_record(found: object) -> RawRecord:
    if is_mapping(found):
        return found
    raise TypeError(
        f"fetch returned a {type(found).__name__}, expected the raw record with its payload; "
        "a function that has to be awaited must be an `async def` or be annotated as one"
    )
