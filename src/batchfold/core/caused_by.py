"""`caused_by`: pick failed records by what made them fail."""

from __future__ import annotations

from collections.abc import Callable

from batchfold.core.outcomes import Failed
from batchfold.core.record import Record


def caused_by(*kinds: type[object]) -> Callable[[Failed[object, Record]], bool]:
    """A predicate for `dead_letter` and `discard`: the record's fault, or the fault's error, is one of `kinds`.

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
