"""`DictWrapper`: a read-only view of a mapping out of an event, with properties for what is in it."""

import json
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from typing import Any


class DictWrapper(Mapping[str, Any]):
    """A mapping out of an event. `view["name"]` reads it as it is; properties of the views convert.

    Nothing is checked beforehand: what is not there raises `KeyError` when it is read. Two views are equal when their mappings are. Printed, a view shows what its properties say, payload included, which
    records of batchfold's own never do.
    """

    def __init__(self, data: Any, json_deserializer: Callable[[str], Any] | None = None) -> None:
        self._data = data
        self._json_deserializer = json_deserializer or json.loads

    @property
    def raw_event(self) -> Any:
        """The mapping itself, neither changed nor copied."""
        return self._data

    def __getitem__(self, key: str) -> Any:
        return self._data[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._data)

    def __len__(self) -> int:
        return len(self._data)

    def get(self, key: object, default: Any = None) -> Any:
        """What stands under `key`, or the default where nothing does."""
        return self._data.get(str(key), default)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, DictWrapper) and self._data == other._data

    __hash__ = None  # type: ignore[assignment]  # a raw record is a mapping, and mappings have no hash

    def __str__(self) -> str:
        return str(_shown(self))


def _shown(view: DictWrapper) -> dict[str, Any]:
    kind = type(view)
    names = [name for name in dir(kind) if isinstance(getattr(kind, name), property | cached_property)]
    return {name: "[SENSITIVE]" if name == "raw_event" else _shown_property(view, name) for name in names}


def _shown_property(view: DictWrapper, name: str) -> Any:
    try:
        value = getattr(view, name)
    except Exception:  # noqa: BLE001  # what cannot be read must not keep the rest from being printed
        return "[Cannot be deserialized]"
    return _shown(value) if isinstance(value, DictWrapper) else value
