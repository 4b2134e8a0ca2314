"""The sources that an event can be told by, for tools that are handed an event and not the source that reads it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from batchfold.core._guards import is_list, is_mapping
from batchfold.core.source import AsyncSource
from batchfold.sources.dynamodb import dynamodb
from batchfold.sources.firehose import firehose
from batchfold.sources.kafka import kafka
from batchfold.sources.kinesis import kinesis
from batchfold.sources.pipes import pipes
from batchfold.sources.sqs import sqs
from batchfold.sources.windows import windowed

_MAKERS: dict[str, Callable[[], AsyncSource[Any, Any, Any, Any]]] = {
    "aws:sqs": sqs,
    "aws:kinesis": kinesis,
    "aws:dynamodb": dynamodb,
    "aws:kafka": kafka,
    "SelfManagedKafka": kafka,
    "aws:SelfManagedKafka": kafka,
}


def source_of(event: object) -> AsyncSource[Any, Any, Any, Any] | None:
    """Return the source, with payloads as delivered, that the event says it is from; `None` if it says none of these.

    A list is an event of EventBridge Pipes. The source of a tumbling window takes any state.
    """
    if is_list(event):
        maker = _maker_in(event)
        return None if maker is None or maker is kafka else pipes(maker())
    if not is_mapping(event):
        return None
    if is_list(event.get("records")) and "deliveryStreamArn" in event:  # its event names no eventSource
        return firehose()
    maker = _maker_in([event]) or _maker_in(event.get("Records"))
    if "window" not in event:
        return None if maker is None else maker()
    if maker is None:  # the final event of a window may have no records
        service = str(event.get("eventSourceARN")).split(":")[2:3]
        maker = _MAKERS.get(f"aws:{''.join(service)}")
    if maker is None or maker not in (kinesis, dynamodb):
        return None
    stream: Any = maker()
    return windowed(stream, dict[str, Any])


def _maker_in(holders: object) -> Callable[[], AsyncSource[Any, Any, Any, Any]] | None:
    first: object = holders[0] if is_list(holders) and holders else None
    event_source: object = first.get("eventSource") if is_mapping(first) else None
    return _MAKERS.get(event_source) if isinstance(event_source, str) else None
