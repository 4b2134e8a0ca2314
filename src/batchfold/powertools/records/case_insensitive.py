"""`CaseInsensitiveDict`: names that are the same in upper and lower case."""

from collections.abc import Mapping
from typing import Any


class CaseInsensitiveDict(dict[str, Any]):
    """A dictionary that keeps its keys in lower case and reads them in any."""

    def __init__(self, items: Mapping[str, Any]) -> None:
        super().__init__({key.lower(): value for key, value in items.items()})

    def __getitem__(self, key: str) -> Any:
        return super().__getitem__(key.lower())

    def __setitem__(self, key: str, value: Any) -> None:
        super().__setitem__(key.lower(), value)

    def __delitem__(self, key: str) -> None:
        super().__delitem__(key.lower())

    def __contains__(self, key: object) -> bool:
        return isinstance(key, str) and super().__contains__(key.lower())

    def get(self, key: str, default: Any = None) -> Any:
        """What stands under `key`, or the default where nothing does."""
        return super().get(key.lower(), default)
