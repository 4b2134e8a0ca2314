"""The ways to run a processor: `process_partial_response`, its async twin, and the two deprecated decorators.

They decide where the records of an event are, and what an event of another kind raises.
"""

from collections.abc import Callable
from functools import partial, wraps
from typing import Any, TypeVar, overload
from warnings import warn

from batchfold.core._guards import is_plain_dict, is_plain_list
from batchfold.core.records import PartialResponse
from batchfold.powertools.base_processor import BasePartialProcessor
from batchfold.powertools.enumerations import EventType
from batchfold.powertools.exceptions import PowertoolsDeprecationWarning, UnexpectedBatchTypeError

LambdaFunctionT = TypeVar("LambdaFunctionT", bound=Callable[..., Any])


def process_partial_response(
    event: object, record_handler: Callable[..., Any], processor: BasePartialProcessor, context: Any = None
) -> PartialResponse:
    """Handle the records of an event with a processor, and return the partial response.

    Args:
        event: the Lambda function's event.
        record_handler: is called with `record=`, and with `lambda_context=` if it has a parameter of that name. A record
            fails when it raises.
        processor: any processor that has a `response` method.
        context: the Lambda context, for handlers that want it.

    Raises:
        BatchProcessingError: all records failed, and the processor raises for that.
        UnexpectedBatchTypeError: the event has no records where its `EventType` has them.
        ValueError: the event is no mapping.
    """
    with processor(_records_of(event, processor), record_handler, context):
        processor.process()
    return _response_of(processor)


def async_process_partial_response(
    event: object, record_handler: Callable[..., Any], processor: BasePartialProcessor, context: Any = None
) -> PartialResponse:
    """Handle the records of an event side by side, with an async handler. Otherwise as `process_partial_response`.

    It is a plain function, which runs the event loop itself: see `AsyncBatchProcessor.async_process`.
    """
    with processor(_records_of(event, processor), record_handler, context):
        processor.async_process()
    return _response_of(processor)


def _records_of(event: Any, processor: BasePartialProcessor) -> list[Any]:
    """Return the raw records of an event, in arrival order."""
    event_type = getattr(processor, "event_type", None)  # a processor of the user's own may have none
    try:
        get = event.get
    except AttributeError:
        kind = event_type.value if event_type is not None else "Lambda"
        raise ValueError(
            f"Invalid event format. Please ensure batch event is a valid {kind} event. "
            f"Expected a mapping, found a value of type {type(event).__name__}."
        ) from None
    if event_type == EventType.Kafka:
        lists: Any = get("records", {})
        if not lists or not is_plain_dict(lists):
            raise UnexpectedBatchTypeError(
                "Invalid Kafka event structure. Expected 'records' to be a non-empty dict with topic-partition keys."
            )
        return [raw for raws in lists.values() for raw in raws]
    records: Any = get("Records", [])
    if not records or not is_plain_list(records):
        kinds = ", ".join(kind.name for kind in EventType)
        raise UnexpectedBatchTypeError(f"Unexpected batch event type. Possible values are: {kinds}")
    return records


def _response_of(processor: Any) -> PartialResponse:
    response: PartialResponse = processor.response()  # of a subclass: as in Powertools, the base has none
    return response


@overload
def batch_processor(
    handler: LambdaFunctionT, *, record_handler: Callable[..., Any], processor: BasePartialProcessor
) -> LambdaFunctionT: ...
@overload
def batch_processor(
    handler: None = None, *, record_handler: Callable[..., Any], processor: BasePartialProcessor
) -> Callable[[LambdaFunctionT], LambdaFunctionT]: ...
def batch_processor(handler: Any = None, *, record_handler: Callable[..., Any], processor: BasePartialProcessor) -> Any:
    """Handle the records of an event before the Lambda function, which then returns `processor.response()`.

    Deprecated: `process_partial_response` does the same, and returns the response itself, so that it cannot be
    forgotten. The decorated function warns of it whenever it is called.
    """
    return _handling_before(handler, record_handler, processor, is_async=False)


@overload
def async_batch_processor(
    handler: LambdaFunctionT, *, record_handler: Callable[..., Any], processor: BasePartialProcessor
) -> LambdaFunctionT: ...
@overload
def async_batch_processor(
    handler: None = None, *, record_handler: Callable[..., Any], processor: BasePartialProcessor
) -> Callable[[LambdaFunctionT], LambdaFunctionT]: ...
def async_batch_processor(
    handler: Any = None, *, record_handler: Callable[..., Any], processor: BasePartialProcessor
) -> Any:
    """Handle the records of an event side by side before the Lambda function. Otherwise as `batch_processor`.

    Deprecated: `async_process_partial_response` does the same.
    """
    return _handling_before(handler, record_handler, processor, is_async=True)


def _handling_before(handler: Any, record_handler: Any, processor: BasePartialProcessor, *, is_async: bool) -> Any:
    if handler is None:
        return partial(_handling_before, record_handler=record_handler, processor=processor, is_async=is_async)
    prefix = "async_" if is_async else ""

    @wraps(handler)
    def decorated(event: Any, context: Any) -> Any:
        message = (
            f"The `{prefix}batch_processor` decorator is deprecated: "
            f"call `{prefix}process_partial_response` in the Lambda function instead."
        )
        warn(PowertoolsDeprecationWarning(message), stacklevel=2)
        with processor(event["Records"], record_handler, lambda_context=context):
            if is_async:
                processor.async_process()
            else:
                processor.process()
        return handler(event, context)

    return decorated
