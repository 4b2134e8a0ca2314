"""Settling: the last word on a failed record, and the ways to say it: `dead_letter`, `discard`, `caused_by`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias, overload

from returns.result import Failure, Result, Success
from typing_extensions import TypeVar

from batchfold.core.faults import Crashed
from batchfold.core.handlers import AnyFuture, AnyResult, Giver, holds, is_async_function, is_awaitable, result_of
from batchfold.core.outcomes import Failed, Settled
from batchfold.core.records import Record

E = TypeVar("E")
D = TypeVar("D", bound=Record)
D_any = TypeVar("D_any", bound=Record, default=Record)
E_any = TypeVar("E_any", default=object)

Settle: TypeAlias = Callable[[Failed[E, D_any]], AnyResult[object, object]]
"""`Failed` in, `Result` out. `Success` settles the record: it is done. `Failure(None)` leaves it as it is. Any other
`Failure` leaves it failed, and says why it could not be settled."""

AsyncSettle: TypeAlias = Callable[[Failed[E, D_any]], AnyFuture[object, object]]
"""The same as an async function, for async runs."""

_LEFT_AS_IT_IS: Failure[Any] = Failure(None)


@overload
def dead_letter(
    send: Callable[[Failed[E_any, D_any]], AnyResult[object, object]], *, when: Callable[[Failed[E_any, D_any]], bool]
) -> Settle[E_any, D_any]: ...
@overload
def dead_letter(
    send: Callable[[Failed[E_any, D_any]], AnyFuture[object, object]], *, when: Callable[[Failed[E_any, D_any]], bool]
) -> AsyncSettle[E_any, D_any]: ...
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


def discard(*, when: Callable[[Failed[E_any, D_any]], bool]) -> Settle[E_any, D_any]:
    """Settle the failed records that `when` picks, and keep nothing of them but the log's line.

    They are gone: SQS deletes them, and a stream moves on. `when` is any predicate on `Failed`, as in `dead_letter`.

    >>> from batchfold.core.faults import Malformed
    >>> discard(when=lambda failed: True)(Failed("m1", Record(), Malformed(ValueError())))
    <Success: None>
    """
    return dead_letter(_let_go, when=when)


def _let_go(_failed: Failed[object, Record]) -> Result[None, None]:
    return Success(None)


def caused_by(*kinds: type[object]) -> Callable[[Failed[object, Record]], bool]:
    """Return a predicate on `Failed`: the record's fault, or the fault's error, is one of `kinds`.

    For `when=` of `dead_letter` and `discard`, and for `stop_when=`.

    A kind is a class of faults (`Malformed`, `Rejected`, `Crashed`) or of errors: of exceptions, and of whatever else
    the handler puts into a `Failure`. Subclasses count.

    >>> from batchfold.core.faults import Crashed, Malformed, Rejected
    >>> never_succeeds = caused_by(Malformed, PermissionError)
    >>> for fault in (Malformed(ValueError()), Crashed(PermissionError()), Rejected(TimeoutError())):
    ...     never_succeeds(Failed("m1", Record(), fault))
    True
    True
    False

    Raises `TypeError` for no kinds at all, and for what is no class.
    """
    if not kinds:
        raise TypeError("caused_by() picks nothing: give it classes of faults or errors, such as Malformed")

    def is_one(found: object) -> bool:
        return isinstance(found, kinds)

    is_one(None)  # raises for what is no class here and now, and not when the first record has failed

    def is_caused_by_them(failed: Failed[object, Record]) -> bool:
        return is_one(failed.fault) or is_one(failed.fault.error)

    return is_caused_by_them


def settled_or_failed(failed: Failed[E, D], returned: object) -> Settled[E, D] | Failed[E, D]:
    """Return the failed record, settled or not, after `settle` returned this for it."""
    result = result_of(returned, Giver("settle"))
    if isinstance(result, Crashed):
        return could_not_settle(failed, result.error)
    if isinstance(result, Success):
        return Settled(failed.item_id, failed.record, failed.fault)
    error = result.failure()
    return failed if error is None else could_not_settle(failed, error)


def could_not_settle(failed: Failed[E, D], error: object) -> Failed[E, D]:
    """Return the failed record with both causes: why it failed, and why it could not be settled."""
    return Failed(failed.item_id, failed.record, failed.fault, error)
