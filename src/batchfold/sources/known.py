"""The sources that an event can be told by, for tools that are handed an event and not the source that reads it.

A function never needs this: its program says what it reads.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from batchfold.core._guards import is_list, is_mapping
from batchfold.core.lanes import whole_batch
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

    A list is an event of EventBridge Pipes.
    """
    if is_list(event):
        maker = _maker(_first(event))
        return None if maker is None or maker is kafka else pipes(maker())
    if not is_mapping(event):
        return None
    if is_list(event.get("records")) and "deliveryStreamArn" in event:  # its event names no eventSource
        return firehose()
    maker = _maker(event) or _maker(_first(event.get("Records")))
    if "window" in event:
        return _windowed(maker or _maker_by_arn(event.get("eventSourceARN")))
    return None if maker is None else maker()


def _windowed(maker: Callable[[], AsyncSource[Any, Any, Any, Any]] | None) -> AsyncSource[Any, Any, Any, Any] | None:
    """Return the source of a tumbling window with any state; `None` if only a stream of another kind has been told."""
    source: Any = None if maker is None else maker()
    return None if source is None or source.lane_of(()) is not whole_batch else windowed(source, dict[str, Any])


def _maker_by_arn(arn: object) -> Callable[[], AsyncSource[Any, Any, Any, Any]] | None:
    """Tell the source by its ARN: the final event of a window may have no records."""
    service = arn.split(":")[2] if isinstance(arn, str) and arn.count(":") > 1 else ""
    return _MAKERS.get(f"aws:{service}")


def _maker(holder: object) -> Callable[[], AsyncSource[Any, Any, Any, Any]] | None:
    event_source: object = holder.get("eventSource") if is_mapping(holder) else None
    return _MAKERS.get(event_source) if isinstance(event_source, str) else None


def _first(listed: object) -> object:
    return listed[0] if is_list(listed) and listed else None
