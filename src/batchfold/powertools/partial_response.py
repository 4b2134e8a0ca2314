"""`process_partial_response` and `async_process_partial_response`: from an event to the partial response."""

from collections.abc import Callable, Sequence
from typing import Any

from batchfold.core._guards import is_mapping, is_plain_list
from batchfold.core.records import PartialResponse
from batchfold.powertools.base import BasePartialProcessor
from batchfold.powertools.event_type import EventType
from batchfold.powertools.exceptions import UnexpectedBatchTypeError


def process_partial_response(
    event: object, record_handler: Callable[..., Any], processor: BasePartialProcessor, context: Any = None
) -> PartialResponse:
    """Handle the records of an event with a processor, and return the partial response.

    Args:
        event: what Lambda passed to the function.
        record_handler: is called with `record=`, and with `lambda_context=` if it has a parameter of that name. What it
            returns is a success, what it raises a failure.
        processor: any processor that has a `response` method.
        context: the Lambda context, for handlers that want it.

    Raises:
        BatchProcessingError: all records failed, and the processor was not told otherwise.
        UnexpectedBatchTypeError: the event has no records where its `EventType` keeps them.
        ValueError: the event is no mapping.
    """
    with processor(records_of(event, processor), record_handler, context):
        processor.process()
    return _response_of(processor)


def async_process_partial_response(
    event: object, record_handler: Callable[..., Any], processor: BasePartialProcessor, context: Any = None
) -> PartialResponse:
    """Handle the records of an event side by side, with an async handler. Otherwise as `process_partial_response`.

    It is a plain function: it runs an event loop of its own, kept across the warm invocations of a thread.
    """
    with processor(records_of(event, processor), record_handler, context):
        processor.async_process()
    return _response_of(processor)


def records_of(event: object, processor: BasePartialProcessor) -> Sequence[Any]:
    """The raw records of an event, in arrival order."""
    if not is_mapping(event):
        found = f"a value of type {type(event).__name__}"
        raise ValueError(f"expected the event of a batch, a mapping, found {found}")  # as Powertools
    if getattr(processor, "event_type", None) is EventType.Kafka:
        lists: Any = event.get("records")
        if not lists or not is_mapping(lists):
            raise UnexpectedBatchTypeError(
                "expected an event of Kafka, with lists of records by partition in 'records'"
            )
        return [raw for listed in lists.values() for raw in listed]
    raws: Any = event.get("Records")
    if not raws or not is_plain_list(raws):
        raise UnexpectedBatchTypeError(
            "expected an event with a list of records in 'Records', of which there is at least one"
        )
    return raws


def _response_of(processor: Any) -> PartialResponse:
    # `response` is no method of `BasePartialProcessor`, here as in Powertools: a processor of one's own brings it along
    response: PartialResponse = processor.response()
    return response
