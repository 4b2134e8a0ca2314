"""`dead_letter`: settle failed records by sending them where someone will look at them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, overload

from returns.result import Failure
from typing_extensions import TypeVar

from batchfold.core.coroutine import is_async_function
from batchfold.core.handler import AnyFuture, AnyResult
from batchfold.core.outcomes import Failed
from batchfold.core.predicate import holds
from batchfold.core.record import Record
from batchfold.core.returned import is_awaitable
from batchfold.core.settle import AsyncSettle, Settle

E = TypeVar("E", default=object)
D = TypeVar("D", bound=Record, default=Record)

_LEFT_AS_IT_IS: Failure[Any] = Failure(None)


@overload
def dead_letter(
    send: Callable[[Failed[E, D]], AnyResult[object, object]], *, when: Callable[[Failed[E, D]], bool]
) -> Settle[E, D]: ...
@overload
def dead_letter(
    send: Callable[[Failed[E, D]], AnyFuture[object, object]], *, when: Callable[[Failed[E, D]], bool]
) -> AsyncSettle[E, D]: ...
def dead_letter(
    send: Callable[[Failed[Any, Any]], Any], *, when: Callable[[Failed[Any, Any]], bool]
) -> Callable[[Failed[Any, Any]], Any]:
    """Settle the failed records that `when` picks, by sending each of them with `send`.

    Args:
        send: `Failed` in, `Result` out, such as `sqs_sender(...)`; in async runs it may be async. Its `Success` settles
            the record. If it returns a `Failure` or raises, the record stays failed, with both causes.
        when: which failed records. `caused_by(...)` makes such a predicate, and any function from `Failed` to `bool` is
            one. What it does not pick stays failed and comes back. If it raises, or returns anything but a `bool`, the
            record stays failed, with both causes, and is not sent.

    A record that was sent and could not be deleted (the invocation timed out, say) comes back and is sent again: whoever
    reads the dead letters must expect repeats.

    >>> from batchfold.core.faults import Crashed, Malformed
    >>> settle = dead_letter(lambda failed: Success(None), when=lambda failed: isinstance(failed.fault, Malformed))
    >>> from returns.result import Success
    >>> settle(Failed("m1", Record(), Malformed(ValueError())))
    <Success: None>
    >>> settle(Failed("m2", Record(), Crashed(OSError())))
    <Failure: None>
    """
    if is_async_function(send):

        async def settle_async(failed: Failed[Any, Any]) -> Any:
            if not holds(when, failed):
                return _LEFT_AS_IT_IS
            returned = send(failed)
            return await returned if is_awaitable(returned) else returned

        return settle_async

    def settle(failed: Failed[Any, Any]) -> Any:
        return send(failed) if holds(when, failed) else _LEFT_AS_IT_IS

    return settle
