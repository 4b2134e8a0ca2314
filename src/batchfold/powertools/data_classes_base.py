"""The base of Powertools' data classes: `DictWrapper`, a read-only view of a mapping out of an event, and its properties.

Nothing is checked beforehand: a key that is absent raises `KeyError` when its property is read, or an optional one reads as
`None`.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Protocol, Self, TypeVar, runtime_checkable

from batchfold.core._guards import is_mapping, is_plain_list

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


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
        """The mapping itself."""
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

    def __eq__(self, other: object) -> bool:
        return isinstance(other, DictWrapper) and self._data == other._data

    def __hash__(self) -> int:
        return hash(self._data)  # raises TypeError for a dictionary, as in Powertools

    def __str__(self) -> str:
        return str(self._str_helper())

    def _str_helper(self) -> dict[str, Any]:
        """Return what is printed: each property by its name. A subclass hides those in `_sensitive_properties`."""
        kind, hidden = type(self), {"raw_event", *getattr(self, "_sensitive_properties", ())}
        names = [name for name in dir(kind) if isinstance(getattr(kind, name), property)]
        return {name: "[SENSITIVE]" if name in hidden else self._printed(name) for name in names}

    def _printed(self, name: str) -> Any:
        try:
            value = getattr(self, name)
            return [self._printed_part(part) for part in value] if is_plain_list(value) else self._printed_part(value)
        except Exception:  # noqa: BLE001  # a property that cannot be read must not keep the rest from being printed
            return "[Cannot be deserialized]"

    @staticmethod
    def _printed_part(value: Any) -> Any:
        return value._str_helper() if isinstance(value, DictWrapper) else value  # noqa: SLF001  # a record's part


@runtime_checkable
class Property(Protocol[T_co]):
    """A property whose value is a `T_co`, to the type checkers. At run time it is Python's `property`."""

    def __get__(self, view: Any, kind: Any = None, /) -> T_co: ...


def anything(key: str, doc: str) -> Property[Any]:
    """Make a property that reads a key as it is."""
    return property(lambda view: view[key], doc=doc)


def text(key: str, doc: str) -> Property[str]:
    """Make a property that reads a text."""
    return anything(key, doc)


def number(key: str, doc: str) -> Property[int]:
    """Make a property that reads a number."""
    return anything(key, doc)


def optional_text(key: str, doc: str) -> Property[str | None]:
    """Make a property that reads a text, or `None` where the key is absent."""
    return property(lambda view: view.get(key), doc=doc)


def part(key: str, of: Callable[[Any], T], doc: str) -> Property[T]:
    """Make a property that reads a key and converts its value."""
    return property(lambda view: of(view[key]), doc=doc)


def optional_part(key: str, of: Callable[[Any], T], doc: str) -> Property[T | None]:
    """Make a property that reads a key and converts its value. It is `None` where the key is absent or `None`."""
    return property(lambda view: None if view.get(key) is None else of(view[key]), doc=doc)


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
