"""A place in which no name means anything.

pydantic looks up the names in a type, `list["Order"]`, among those of the function that asks for a `TypeAdapter`, and of its
module. Asked from here it finds those of Python itself, so a type that is complete means the same wherever it is given.
"""

from __future__ import annotations

from typing import Any


def type_adapter(form: Any) -> Any:
    """The `TypeAdapter` of a type; it is not complete if the type has names in it."""
    from pydantic import TypeAdapter  # noqa: PLC0415  # costs a cold start 85 ms, and only those who name a type pay for it

    return TypeAdapter(form)
