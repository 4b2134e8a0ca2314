"""The linter's options."""

from typing import TypedDict

class ManualArgs(TypedDict, total=False):
    """Options, as a program gives them."""

    regions: list[str]
