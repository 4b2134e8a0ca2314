"""Base64 as Powertools' models decode it."""

from binascii import a2b_base64
from typing import Any


def decoded(base64: Any) -> bytes:
    """The bytes that base64 text stands for. Raises `ValueError`, which pydantic expects, for anything else."""
    try:
        return a2b_base64(base64)
    except TypeError:
        raise ValueError(f"expected base64 text, found a value of type {type(base64).__name__}") from None
