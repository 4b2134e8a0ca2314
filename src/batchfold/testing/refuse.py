"""Checks of arguments: a wrong one is refused at once, because a test that passes without trying anything is worse than none.

Every function here takes the argument as `object`, for those who use no type checker. A message says what was expected
and what came. A value that may be a payload is described by its type.
"""

from collections.abc import Collection
from math import inf


def refuse_other_kinds(what: str, given: object, kinds: type | tuple[type, ...], expected: str) -> None:
    """Raise `TypeError` for a value of none of these kinds."""
    if not isinstance(given, kinds):
        raise TypeError(f"{what} is {expected}, not {described(given)}.")


def refuse_text(what: str, given: object, expected: str, *, kind: type = Collection) -> None:
    """Raise `TypeError` for a text where a collection of this kind is expected: it would be read letter by letter.

    >>> refuse_text("records", "A1", 'a list of names, such as ["A1", "A2"]')
    Traceback (most recent call last):
    TypeError: records is a list of names, such as ["A1", "A2"], not the text 'A1'.
    """
    if isinstance(given, str | bytes | bytearray):
        raise TypeError(f"{what} is {expected}, not the text {given!r}.")
    refuse_other_kinds(what, given, kind, expected)


def refuse_uncallable(what: str, given: object, expected: str) -> None:
    """Raise `TypeError` for a value that cannot be called."""
    if not callable(given):
        raise TypeError(f"{what} is {expected}, not {described(given)}.")


def refuse_other_words(what: str, given: object, words: Collection[str]) -> None:
    """Raise `ValueError` for a value that is none of these words.

    >>> refuse_other_words("attempts['A1'][0]", "fail", ("succeeds", "fails"))
    Traceback (most recent call last):
    ValueError: attempts['A1'][0] is one of 'succeeds', 'fails', not 'fail'.
    """
    if given not in words:
        raise ValueError(f"{what} is one of {', '.join(map(repr, words))}, not {given!r}.")


def refuse_other_numbers(what: str, given: object, least: float, most: float = inf) -> None:
    """Raise `TypeError` for a value that is no whole number, and `ValueError` for one out of range.

    >>> refuse_other_numbers("max_records", 0, 1)
    Traceback (most recent call last):
    ValueError: max_records is at least 1, not 0.
    """
    if isinstance(given, bool) or not isinstance(given, int):
        raise TypeError(f"{what} is a whole number, not {described(given)}.")
    _refuse_outside(what, given, least, most)


def refuse_other_seconds(what: str, given: object, least: float, most: float = inf) -> None:
    """Raise `TypeError` for a value that is no number, and `ValueError` for one out of range, infinite or not a number.

    >>> refuse_other_seconds("age", -1, 1, 900)
    Traceback (most recent call last):
    ValueError: age is 1 to 900, not -1.
    """
    if isinstance(given, bool) or not isinstance(given, int | float):
        raise TypeError(f"{what} is a number of seconds, not {described(given)}.")
    _refuse_outside(what, given, least, most)


def _refuse_outside(what: str, given: float, least: float, most: float) -> None:
    if not least <= given <= most or given == inf:
        allowed = f"at least {least}" if most == inf else f"{least} to {most}"
        raise ValueError(f"{what} is {allowed}, not {given}.")


def described(given: object) -> str:
    """Describe a value by its type."""
    if given is None:
        return "None"
    return f"the class {given.__name__}" if isinstance(given, type) else f"a value of type {type(given).__name__}"
