"""Keeping payloads out of exceptions that are about to be printed."""

from __future__ import annotations

from binascii import Error as BinasciiError
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
    nothing is changed; what the user's own exceptions say is theirs.
    """
    return _redacted(error, set())


def _redacted(error: BaseException, seen: set[int]) -> BaseException:
    if id(error) in seen:
        return error
    seen.add(id(error))
    clean = _without_input_inside(error, seen)
    for link in ("__cause__", "__context__"):
        linked: BaseException | None = getattr(error, link)
        if linked is not None:
            suppressed = error.__suppress_context__
            setattr(clean, link, _redacted(linked, seen))
            clean.__suppress_context__ = suppressed  # setting a cause sets it too
    return clean


def _without_input_inside(error: BaseException, seen: set[int]) -> BaseException:
    clean = error
    if is_validation_error(error):
        clean = without_input(error)
    elif is_group(error):
        parts = [_redacted(part, seen) for part in error.exceptions]
        if any(new is not old for new, old in zip(parts, error.exceptions, strict=True)):
            clean = error.derive(parts)
    if clean is not error:
        clean.__traceback__ = error.__traceback__
        for note in getattr(error, "__notes__", ()):
            if note not in getattr(clean, "__notes__", ()):
                clean.add_note(note)
    return clean


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
