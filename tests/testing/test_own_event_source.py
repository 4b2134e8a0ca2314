"""A model of a user's own kind of event source, next to a source of their own."""

from collections.abc import Hashable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, ClassVar

import pytest
from returns.result import Success, safe

from batchfold import Lane, Record, Source, as_lambda_handler, each_record
from batchfold.testing import (
    Delivery,
    Effect,
    LambdaFunction,
    Queue,
    SourceRecord,
    SqsQueue,
    UnsafeFunctionError,
    assert_safe,
)


def by_line(raw: Mapping[str, Any], /) -> Hashable:
    return str(raw["line"])


@dataclass(frozen=True, kw_only=True)
class LineQueue(Queue):
    """A queue of lines: an event lists them, and the response names them by their numbers."""

    source_name: ClassVar[str] = "lines"
    lanes: ClassVar[tuple[Lane, ...]] = (by_line,)
    payload_at: ClassVar[str] = "record.text"

    @property
    def hidden_seconds(self) -> float:
        return 7.0

    def deliver(
        self,
        records: tuple[SourceRecord, ...],
        *,
        at: float,
        receive_counts: Mapping[int, int] | None = None,  # noqa: ARG002  # an event of lines does not tell them
    ) -> Delivery:
        raws = tuple({"line": str(record.position), "text": record.payload} for record in records)
        identifiers: dict[Hashable, int] = {str(record.position): record.position for record in records}
        return Delivery(at, records, {"lines": list(raws)}, raws, identifiers)


class Line(Record):
    __slots__ = ("text",)

    def __init__(self, raw: Any) -> None:
        self._raw = raw
        self.text = raw["text"]


lines: Source[Line, Line] = Source(
    name="lines",
    read=lambda event: (event["lines"], [raw["line"] for raw in event["lines"]]),  # type: ignore[index]  # a test's event
    parse=Line,
    as_delivered=Line,
    lane_of=lambda _raws: each_record,
    respond=lambda batch: {"batchItemFailures": [{"itemIdentifier": line} for line in batch.ids_not_done]},
)


def test_a_right_function_is_accepted() -> None:
    def make(effect: Effect) -> LambdaFunction:
        @safe
        def handle(line: Line) -> None:
            effect(line.text)

        return as_lambda_handler(handle, lines)

    assert_safe(make, source=LineQueue(batch_size=3), max_examples=30)


def test_a_wrong_one_is_caught_in_the_words_of_the_source() -> None:
    def make(effect: Effect) -> LambdaFunction:
        def handle(line: Line) -> Success[None]:
            with suppress(Exception):
                effect(line.text)
            return Success(None)

        return as_lambda_handler(handle, lines)

    with pytest.raises(UnsafeFunctionError) as caught:
        assert_safe(make, source=LineQueue())
    assert caught.value.complaints[0].startswith("A1 is lost")
    assert "effect.settle(record.text)" in caught.value.complaints[1]
    assert "LineQueue() holds A1; A1 fails" in str(caught.value)


def test_a_lane_of_its_own_is_known() -> None:
    def make(_effect: Effect) -> LambdaFunction:
        return lambda _event, _context: None

    with pytest.raises(ValueError, match="lane=by_line is a lane of LineQueue, not of SqsQueue"):
        assert_safe(make, source=SqsQueue(), lane=by_line)
