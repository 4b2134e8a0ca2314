"""`DictWrapper`: a read-only view of a mapping out of an event, the base of all record classes; and `CaseInsensitiveDict`.

Nothing is checked beforehand: a field that is absent raises `KeyError` when it is read, or reads as `None` where its
property says so.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Self

from batchfold.core._guards import is_mapping, is_plain_list


class DictWrapper(Mapping[str, Any]):
    """A mapping out of an event. `view["name"]` reads it as it is; properties of the views convert.

    Two views are equal when their mappings are. Printed, a view shows what its properties say, payload included, which
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
        """Return the value of `key`, or the default where there is none."""
        return self._data.get(str(key), default)

    def _text(self, key: str) -> str:
        """Read a text that is always there. The one place where the event's `Any` becomes a type, with the next."""
        found: str = self[key]
        return found

    def _optional_text(self, key: str) -> str | None:
        """Read a text that may be absent."""
        found: str | None = self.get(key)
        return found

    def __eq__(self, other: object) -> bool:
        return isinstance(other, DictWrapper) and self._data == other._data

    def __hash__(self) -> int:
        return hash(self._data)  # raises TypeError for a dictionary, as in Powertools

    def __str__(self) -> str:
        return str(self._str_helper())

    def _properties(self) -> list[str]:
        kind = type(self)
        return [name for name in dir(kind) if isinstance(getattr(kind, name), property)]

    def _str_helper(self) -> dict[str, Any]:
        """Return what is printed: each property by its name. A subclass hides those in `_sensitive_properties`."""
        hidden = {"raw_event", *getattr(self, "_sensitive_properties", ())}
        return {name: "[SENSITIVE]" if name in hidden else self._printed(name) for name in self._properties()}

    def _printed(self, name: str) -> Any:
        try:
            value = getattr(self, name)
            return [self._printed_part(part) for part in value] if is_plain_list(value) else self._printed_part(value)
        except Exception:  # noqa: BLE001  # a property that cannot be read must not keep the rest from being printed
            return "[Cannot be deserialized]"

    @staticmethod
    def _printed_part(value: Any) -> Any:
        return value._str_helper() if isinstance(value, DictWrapper) else value  # noqa: SLF001  # a record's part


class CaseInsensitiveDict(dict[str, Any]):
    """A dictionary of texts that keeps its keys in lower case and reads them in any."""

    def __init__(self, data: Mapping[str, Any] | Iterable[tuple[str, Any]] | None = None, **kwargs: Any) -> None:
        super().__init__()
        self.update(data, **kwargs)

    def __getitem__(self, key: str) -> Any:
        return super().__getitem__(key.lower())

    def __setitem__(self, key: str, value: Any) -> None:
        super().__setitem__(key.lower(), value)

    def __delitem__(self, key: str) -> None:
        super().__delitem__(key.lower())

    def __contains__(self, key: object) -> bool:
        return isinstance(key, str) and super().__contains__(key.lower())

    def __eq__(self, other: object) -> bool:
        return is_mapping(other) and dict(self) == {key.lower(): value for key, value in other.items()}

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:  # type: ignore[override]  # Powertools' has one, where a dict has none
        return hash(frozenset(self.items()))

    def get(self, key: str, default: Any = None) -> Any:
        """Return the value of `key`, or the default where there is none."""
        return super().get(key.lower(), default)

    def pop(self, key: str, *default: Any) -> Any:
        """Remove `key` and return its value, or the default where there is none."""
        return super().pop(key.lower(), *default)

    def setdefault(self, key: str, default: Any = None) -> Any:
        """Return the value of `key`, which is the default from now on where there is none."""
        return super().setdefault(key.lower(), default)

    # dict.update takes fewer forms in typeshed's overloads than it does at run time
    def update(  # type: ignore[override]
        self, data: Mapping[str, Any] | Iterable[tuple[str, Any]] | None = None, **kwargs: Any
    ) -> None:
        """Set each of these, under its key in lower case."""
        for key, value in dict(data or {}, **kwargs).items():
            self[key] = value

    def copy(self) -> Self:
        """Return a dictionary of the same kind with the same items."""
        return type(self)(self)

    def __or__(self, other: Any) -> Any:
        if not is_mapping(other):
            return NotImplemented
        merged = self.copy()
        merged.update(other)
        return merged

    def __ror__(self, other: Any) -> Any:
        return type(self)(other) | self if is_mapping(other) else NotImplemented

    def __ior__(self, other: Any) -> Self:  # type: ignore[override]  # not of the type of `|`, as in Powertools
        self.update(other)
        return self
