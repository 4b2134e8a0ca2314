"""The scene of a simulation: the model of an event source, the records in it, and the failures that are asked for.

Which sources there are is for the models to say: every subclass of `EventSource` is one, those of the program too. Its
settings are its fields, by their own names or in AWS's spelling.
"""

import builtins
import inspect
import json
import re
import sys
from collections.abc import Callable, Collection, Hashable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import MISSING, Field, dataclass, fields
from datetime import datetime
from itertools import cycle, islice
from typing import Any, TypeVar, cast

from batchfold import each_record, whole_batch
from batchfold.cli.account import RefusedError
from batchfold.cli.event_file import AnySource, ReadEvent, parsed_event, read_event, sources_made, sources_of
from batchfold.core._guards import is_mapping
from batchfold.core.lanes import Lane, assign_lanes
from batchfold.core.records import RawRecord
from batchfold.testing import EventSource, name_records

SourceT = TypeVar("SourceT", bound=EventSource)

_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


class SimulatedError(Exception):
    """A failure that the simulation was asked for."""


class PoisonError(ValueError):
    """The failure of a payload that never parses."""


class SceneError(RefusedError):
    """The simulation cannot be set up as it was asked for."""


@dataclass(frozen=True, kw_only=True)
class Scene:
    """Everything that a simulation needs."""

    source: EventSource
    title: str
    names: tuple[str, ...]
    payloads: Mapping[str, object]
    by_item_id: Mapping[Hashable, str]
    fail: frozenset[str]
    poison: frozenset[str]
    fail_rate: float
    outage: int
    seed: int
    error: Callable[[str], Exception]
    most_invocations: int | None


def scene_of(
    function: object,
    *,
    event: str | None,
    kind: str | None,
    records: int | None,
    keys: int,
    payload: str | None,
    settings: Sequence[str],
    fail: Sequence[str],
    poison: Sequence[str],
    fail_rate: float,
    outage: int,
    seed: int,
    error: str | None,
    most_invocations: int | None,
) -> Scene:
    """Set the scene. Raises `SceneError` where that cannot be done."""
    read = None if event is None else read_event(parsed_event(event), function)
    model = _model(kind, read, function)
    of_event = {**_settings_of_function(model, function), **_settings_of_event(model, read)}
    source = with_settings(model, of_event, settings)
    payloads = _payloads(source, records, keys, payload) if read is None else _payloads_of(source, read, records)
    names = tuple(payloads)
    held = name_records(names, payloads.__getitem__)
    try:
        by_item_id = {
            item_id: record.name for record in held for item_id in source.deliver((record,), at=0.0).identifiers
        }
    except TypeError as cannot:  # the payload is none that the source can hold
        raise SceneError(str(cannot)) from None
    return Scene(
        source=source,
        title=_title(source),
        names=names,
        payloads=payloads,
        by_item_id=by_item_id,
        fail=_names(fail, names, "--fail"),
        poison=_names(poison, names, "--poison"),
        fail_rate=fail_rate,
        outage=outage,
        seed=seed,
        error=_error(error),
        most_invocations=most_invocations,
    )


def with_lane(model: EventSource, name: str) -> None:
    """Have the program's source read in another lane.

    A source is a value that the function holds; to compare lanes, that value is changed in this process, which plays one
    simulation and ends.
    """
    lanes: dict[str, Lane] = {getattr(lane, "__name__", ""): lane for lane in (each_record, whole_batch, *model.lanes)}
    if name not in lanes:
        raise SceneError(f"expected lane= to be one of {', '.join(lanes)}, got {name!r}")
    found = [source for source in sources_made() if source.name == model.source_name]
    if not found:
        raise SceneError(
            f"lane={name} needs a source of {model.source_name} that the program makes when it is imported, and it makes "
            "none: make the source outside of the function"
        )

    def lane_of(_raws: Sequence[RawRecord]) -> Lane:
        return lanes[name]

    for source in found:
        object.__setattr__(source, "lane_of", lane_of)


def kinds_of_source() -> dict[str, type[EventSource]]:
    """The models by the name that `--source` has for them: the service's, or where that is taken, the class's after it."""
    kinds: dict[str, type[EventSource]] = {}
    # the shortest names are those of the plain one: of KafkaTopic and KafkaShareGroup, the topic
    in_order = sorted(_concrete(EventSource), key=lambda each: (len(each.source_name), len(each.__name__)))  # type: ignore[type-abstract]  # none of it is made
    for model in in_order:
        service = model.source_name.split()[0].lower()
        kinds[service if service not in kinds else _dashed(model.__name__, service)] = model
    return kinds


def _concrete(model: type[EventSource]) -> Iterator[type[EventSource]]:
    for each in model.__subclasses__():
        # a simulation finds a record by its identifier, so it knows no model in which several records share one
        if not inspect.isabstract(each) and each.delivered_as is EventSource.delivered_as:
            yield each
        yield from _concrete(each)


def _dashed(name: str, service: str) -> str:
    """The name in small letters: `KafkaShareGroup` is `kafka-share-group`, and `DynamoDBPipe` is `dynamodb-pipe`."""
    begin, rest = (f"{service}-", name[len(service) :]) if name.lower().startswith(service) else ("", name)
    return begin + re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", rest).lower()


def _model(kind: str | None, read: ReadEvent | None, function: object) -> type[EventSource]:
    kinds = kinds_of_source()
    choice = f"--source is one of {', '.join(kinds)}"
    if kind is not None:
        if kind not in kinds:
            raise SceneError(f"{choice}; got {kind!r}")
        return kinds[kind]
    made: list[AnySource] = [read.source] if read is not None else sources_of(function) or sources_made()
    named = {source.name for source in made}
    plain = {model.source_name: model for model in reversed(kinds.values())}
    found = [model for name, model in plain.items() if name in named]
    if len(found) == 1:
        return found[0]
    if read is not None:
        raise SceneError(f"there is no model of {read.source.name}; {choice}")
    several = "makes several sources" if found else "makes no source when it is imported"
    raise SceneError(
        f"the program {several}, so it must be said which one is to be simulated: {choice}, or give --event"
    )


_IN_AWS_WORDS = {"OnPartialBatchItemFailure=AUTOMATIC_BISECT": "automatic_bisect=true"}
"""Settings that AWS spells in another way than ours, name and value."""


def with_settings(
    model: type[SourceT], given: Mapping[str, object], settings: Sequence[str], *, only: Collection[str] = ()
) -> SourceT:
    """Return the model with what is given, and with settings such as `BatchSize=5`.

    `only` are the fields that may be set, all by default. Raises `SceneError` for any other, and for what AWS refuses.
    """
    known = {_spelled(each.name): each for each in fields(model) if not only or each.name in only}
    values: dict[str, object] = dict(given)
    for setting in (_IN_AWS_WORDS.get(each, each) for each in settings):
        name, equals, value = setting.partition("=")
        field = known.get(_spelled(name))
        if not equals or field is None:
            raise SceneError(
                f"there is no setting {name!r} here: expected NAME=VALUE with one of "
                f"{', '.join(f'{each.name}={_default(each)}' for each in known.values())}"
            )
        values[field.name] = _value(field, value)
    try:
        return model(**cast("dict[str, Any]", values))  # its fields are known only now
    except (TypeError, ValueError) as error:
        raise SceneError(f"these settings cannot be: {error}") from None


def _spelled(name: str) -> str:
    """A setting's name without what AWS's spelling and ours differ in: `VisibilityTimeout`, `visibility_timeout_seconds`."""
    letters = re.sub(r"[^a-z0-9]", "", name.lower())
    return re.sub(r"(in)?seconds$", "", letters)


def _default(field: "Field[Any]") -> str:
    return "" if field.default is MISSING else str(field.default)


def _value(field: "Field[Any]", text: str) -> object:
    if isinstance(field.default, frozenset):
        return frozenset(text.split(","))
    if isinstance(field.default, str):
        return text
    try:
        value: object = json.loads(text.lower())
    except ValueError:
        value = text
    kinds = (bool,) if isinstance(field.default, bool) else (int, float)
    if value is not None and type(value) not in kinds and not (field.default is None and value == text):
        expected = "true or false" if kinds == (bool,) else "a number"
        raise SceneError(f"expected {field.name} to be {expected}, got {text!r}")
    return value


_WINDOW_SECONDS = 5
"""The length of the windows of a simulation, if nothing says another one. Records arrive a second apart."""


def _settings_of_function(model: type[EventSource], function: object) -> Mapping[str, object]:
    """The settings that the function shows: whether its source is made by `windowed`."""
    made = [source for source in sources_of(function) if source.name == model.source_name]
    return {"tumbling_window_in_seconds": _WINDOW_SECONDS} if any(source.for_event for source in made) else {}


def _settings_of_event(model: type[EventSource], read: ReadEvent | None) -> Mapping[str, object]:
    """The settings that the event shows: whether its queue is FIFO, and how long its tumbling window is."""
    if read is not None and is_mapping(read.event) and is_mapping(window := read.event.get("window")):
        with suppress(LookupError, TypeError, ValueError):  # an event that is written by hand need not say it
            start, end = (datetime.fromisoformat(window[edge]) for edge in ("start", "end"))
            return {"tumbling_window_in_seconds": round((end - start).total_seconds())}
        return {"tumbling_window_in_seconds": _WINDOW_SECONDS}
    if read is None or "fifo" not in {field.name for field in fields(model)}:
        return {}
    raws, _ = read.source.read(read.event)
    return {"fifo": any(str(raw.get("eventSourceARN", "")).endswith(".fifo") for raw in raws)}


def _payloads(source: EventSource, records: int | None, keys: int, template: str | None) -> dict[str, object]:
    """Records of several keys in turn: A1, B1, C1, A2. In the payload, `{name}`, `{number}` and `{key}` are filled in."""
    count = 10 if records is None else records
    payloads: dict[str, object] = {}
    for position in range(count):
        key = _key(position % keys)
        name = f"{key}{position // keys + 1}"
        default = source.default_payload(name)
        if template is None:
            payloads[name] = default
            continue
        text = template
        for place, value in (("{name}", name), ("{number}", str(position + 1)), ("{key}", key)):
            text = text.replace(place, value)
        try:
            payloads[name] = text if isinstance(default, str) else json.loads(text)
        except ValueError as error:
            raise SceneError(f"expected --payload to be JSON for {source.source_name}: {error}") from None
    return payloads


def _payloads_of(source: EventSource, read: ReadEvent, records: int | None) -> dict[str, object]:
    """The payloads of the event's records, again from the first one where more records are asked for.

    Records that the source's lane keeps together have names of one letter.
    """
    raws, _ = read.source.read(read.event)
    if not raws:
        raise SceneError("the event holds no records to simulate")
    delivered = list(map(read.source.as_delivered, raws))
    attribute = source.payload_at.removeprefix("record.")
    lane: Lane = source.lanes[0] if source.lanes else whole_batch
    letters: dict[Hashable, str] = {}
    counts: dict[str, int] = {}
    payloads: dict[str, object] = {}
    each = zip(delivered, assign_lanes(lane, raws), strict=True)
    for record, in_lane in islice(cycle(list(each)), len(raws) if records is None else records):
        letter = letters.setdefault(in_lane, _key(len(letters)))
        counts[letter] = counts.get(letter, 0) + 1
        payload: object = getattr(record, attribute)
        payloads[f"{letter}{counts[letter]}"] = {} if payload is None else payload
    return payloads


def _key(number: int) -> str:
    """A, B, ... Z, AA, AB and so on."""
    more, letter = divmod(number, len(_LETTERS))
    return (_key(more - 1) if more else "") + _LETTERS[letter]


def _names(given: Sequence[str], names: Sequence[str], option: str) -> frozenset[str]:
    wanted = [part.strip() for text in given for part in text.split(",") if part.strip()]
    found: set[str] = set()
    for each in wanted:
        if each in names:
            found.add(each)
        elif each.isdecimal() and 1 <= int(each) <= len(names):
            found.add(names[int(each) - 1])
        else:
            raise SceneError(
                f"{option} {each} is no record: expected a number from 1 to {len(names)}, or a name from {names[0]} to "
                f"{names[-1]}"
            )
    return frozenset(found)


def _error(name: str | None) -> Callable[[str], Exception]:
    """The exception that injected failures raise: a built-in one, or one that a loaded module has."""
    if name is None:
        return SimulatedError
    module_name, _, attribute = name.rpartition(".")
    module: object = sys.modules.get(module_name) if module_name else builtins
    found: object = getattr(module, attribute, None)
    if isinstance(found, type) and issubclass(found, Exception):
        return cast("Callable[[str], Exception]", found)
    raise SceneError(f"expected --error to name an exception, such as TimeoutError or app.ServiceDown, got {name!r}")


def _title(source: EventSource) -> str:
    changed = [
        f"{setting.name}={getattr(source, setting.name)}"
        for setting in fields(source)
        if getattr(source, setting.name) != setting.default
    ]
    return f"{source.source_name} ({', '.join(changed)})" if changed else source.source_name
