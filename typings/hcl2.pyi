"""The part of python-hcl2 that is used."""

from typing import Any

def loads(text: str) -> dict[str, Any]: ...
