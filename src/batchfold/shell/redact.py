"""Keeping payloads out of exceptions that are about to be printed."""

from __future__ import annotations

from binascii import Error as BinasciiError
from operator import is_
from typing import TYPE_CHECKING

from typing_extensions import TypeIs

from batchfold.core.faults import PayloadError
from batchfold.sources.privacy import is_validation_error, without_input

if TYPE_CHECKING:
    from pydantic_core import ValidationError
else:
    ValidationError = ValueError  # pydantic is imported only by those who use it; at run time this only describes

_MOST_RULES = 5


def redacted(error: BaseException) -> BaseException:
    """The same exception with every pydantic `ValidationError` in it replaced by one without its input.

    It looks at the exception itself, at its causes and contexts, and into groups. Where there is no `ValidationError`,
    nothing is changed; what the user's own exceptions say is theirs. It never raises an `Exception`: for one that cannot
    be made clean there is another that says so.
    """
    try:
        reached = _reached_from(error)
        if not any(map(is_validation_error, reached)):
            return error
        return _cleaned(error, reached)
    except Exception as failure:  # noqa: BLE001  # of exceptions of the user's, which may do anything when asked
        return RuntimeError(
            f"a {type(error).__name__} that is not shown: a ValidationError is among its causes, and to take out "
            f"its input raised {type(failure).__name__}"
        )


def _reached_from(error: BaseException) -> list[BaseException]:
    """The exception, its causes and contexts, the members of groups, and theirs, each once."""
    reached = {id(error): error}
    waiting = [error]
    while waiting:  # no recursion: one that ran too deep may have left a cause at each level
        each = waiting.pop()
        for linked in (each.__cause__, each.__context__, *(each.exceptions if is_group(each) else ())):
            if linked is not None and id(linked) not in reached:
                reached[id(linked)] = linked
                waiting.append(linked)
    return list(reached.values())


def _cleaned(error: BaseException, reached: list[BaseException]) -> BaseException:
    clean_ones: dict[int, BaseException] = {
        id(each): without_input(each) for each in reached if is_validation_error(each)
    }

    def clean(each: BaseException) -> BaseException:
        if id(each) not in clean_ones and is_group(each):
            parts = list(map(clean, each.exceptions))
            is_as_it_was = all(map(is_, parts, each.exceptions))
            clean_ones[id(each)] = each if is_as_it_was else each.derive(parts)
        return clean_ones.get(id(each), each)

    # past whatever `__setattr__` the user's exceptions have: that of a frozen dataclass raises
    keep = object.__setattr__
    for each in reached:
        its_clean = clean(each)
        if its_clean is not each:
            keep(its_clean, "__traceback__", each.__traceback__)
            keep(its_clean, "__notes__", list(getattr(each, "__notes__", ())))
        suppressed = each.__suppress_context__
        for name, linked in (("__cause__", each.__cause__), ("__context__", each.__context__)):
            if linked is not None and (its_clean is not each or clean(linked) is not linked):
                keep(its_clean, name, clean(linked))
        keep(its_clean, "__suppress_context__", suppressed)  # to set a cause sets it too
    return clean(error)


def is_group(error: BaseException) -> TypeIs[BaseExceptionGroup[BaseException]]:
    """Whether it is a group of exceptions."""
    return isinstance(error, BaseExceptionGroup)


def told(error: object) -> str:
    """What may be said of an error in one line: its type, and more where that is known to quote no payload.

    Positions in a `ValidationError` are told as they stand; `redacted` hides what is a key of the payload.
    """
    name = type(error).__name__
    if isinstance(error, BaseException) and is_validation_error(error):
        return f"{name}: {_broken_rules(error)}"
    if isinstance(error, PayloadError | BinasciiError):
        return f"{name}: {error}"
    if isinstance(error, UnicodeDecodeError):
        return f"{name}: {error.reason} at byte {error.start}"
    if isinstance(error, ValueError) and name == "JSONDecodeError":
        return f"{name}: {str(error).partition(':')[0]}"
    return name


def _broken_rules(error: ValidationError) -> str:
    problems = error.errors(include_url=False, include_input=False)
    rules = [f"{'.'.join(map(str, problem['loc'])) or 'payload'} {problem['type']}" for problem in problems]
    more = f" and {len(rules) - _MOST_RULES} more" if len(rules) > _MOST_RULES else ""
    return ", ".join(rules[:_MOST_RULES]) + more
