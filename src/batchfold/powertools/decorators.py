"""`batch_processor` and `async_batch_processor`: decorators of the Lambda function. Deprecated, here as in Powertools."""

from collections.abc import Callable
from functools import partial, wraps
from typing import Any, TypeVar, cast, overload
from warnings import warn

from batchfold.powertools.base import BasePartialProcessor

LambdaFunctionT = TypeVar("LambdaFunctionT", bound=Callable[..., Any])


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
    forgotten. The decorated function says so with a `DeprecationWarning` whenever it is called.
    """
    if handler is None:
        return partial(batch_processor, record_handler=record_handler, processor=processor)
    return _decorated(handler, record_handler, processor, processor.process, instead="process_partial_response")


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
    if handler is None:
        return partial(async_batch_processor, record_handler=record_handler, processor=processor)
    instead = "async_process_partial_response"
    return _decorated(handler, record_handler, processor, processor.async_process, instead=instead)


def _decorated(
    function: LambdaFunctionT,
    record_handler: Callable[..., Any],
    processor: BasePartialProcessor,
    process: Callable[[], object],
    *,
    instead: str,
) -> LambdaFunctionT:
    @wraps(function)
    def decorated(event: Any, context: Any) -> Any:
        warn(f"decorating a Lambda function is deprecated: call {instead} in it", DeprecationWarning, stacklevel=2)
        with processor(event["Records"], record_handler, context):
            process()
        return function(event, context)

    return cast("LambdaFunctionT", decorated)  # `wraps` keeps the rest of what the function is
