"""The state of a tumbling window: how it goes into and out of JSON, and what becomes of it while one event is handled.

A state must come in as it went out, or counts would be lost in silence. So each is read back before it is returned.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from returns.result import Failure, Result, Success

from batchfold.core._guards import is_mapping
from batchfold.core.batch import AnyBatch
from batchfold.core.faults import Crashed
from batchfold.core.handlers import Giver, result_of
from batchfold.core.lanes import whole_batch
from batchfold.core.outcomes import Succeeded
from batchfold.core.records import Event, RawRecord
from batchfold.core.redaction import describe
from batchfold.core.source import CheckValue
from batchfold.sources.payload import validator_of
from batchfold.sources.reading import a_kind_of, refuse

_NEARS_THE_LIMIT = 900_000
"""Bytes of JSON. Lambda ends a window early once the state of a shard exceeds 1 MB."""


class StateForm:
    """The type of the state, and the JSON text of the state in which a window begins.

    Raises `TypeError` if a window cannot begin in that state, or if it does not survive JSON.
    """

    __slots__ = ("_write", "initial", "name", "read")

    def __init__(self, state: Any, initial: Any) -> None:
        self.name: str = getattr(state, "__name__", None) or repr(state)
        self.read: Callable[[bytes], Any] = validator_of(state, _reading)
        self._write: Callable[[Any], bytes] = validator_of(state, _writing)
        self.initial = self.write(self._empty() if initial is None else initial)

    def write(self, state: Any) -> bytes:
        """Return the JSON text of a state. Raises `TypeError`, without quoting it, for one that would not come back."""
        try:
            text = self._write(state)
            if text.startswith(b"{") and not self._is_changed(text, state):
                return text
            hint = "its JSON is no object, or a field of it is left out or renamed as it is written and read back"
        except ValueError:  # of pydantic's: its own text quotes the state
            hint = "a handler returns the next state in its Success"
        raise TypeError(
            f"expected the state of a window to be a {self.name} that survives JSON, found a value of type "
            f"{type(state).__name__} that does not: {hint}"
        )

    def _is_changed(self, text: bytes, state: object) -> bool:
        back = self.read(text)
        is_equal_to_itself_alone = type(state).__eq__ is object.__eq__
        return self._write(back) != text if is_equal_to_itself_alone else back != state

    def _empty(self) -> Any:
        try:
            return self.read(b"{}")
        except ValueError as error:
            said = describe(error)
        raise TypeError(
            f"a window begins with an empty state, and {{}} is no {self.name} ({said}): give its fields defaults, or give "
            "initial=. The state of a window is a JSON object: a model, a dataclass, a TypedDict or a mapping"
        )


def _reading(adapter: Any) -> Callable[[Any], Any]:
    validate_json: Callable[[Any], Any] = adapter.validator.validate_json
    return validate_json


def _writing(adapter: Any) -> Callable[[Any], Any]:
    to_json: Callable[..., bytes] = adapter.serializer.to_json
    # by the names that are read, and without computed fields, which are not
    return lambda state: to_json(state, by_alias=True, round_trip=True, warnings="error")


def is_last(event: Event) -> bool:
    """Return whether this is the last invocation of a window: the final one, or the one with which it ends early."""
    return event.get("isFinalInvokeForWindow") is True or event.get("isWindowTerminatedEarly") is True


class WindowState:
    """The state of a window while one event is handled, and what follows from it for the finished batch."""

    __slots__ = ("_before", "_event", "_finish", "_form", "_is_async", "_written", "state")

    state: Any
    """The state that the records so far have come to."""

    def __init__(self, form: StateForm, event: Event, finish: Callable[[Any], Any] | None, *, is_async: bool) -> None:
        if "window" not in event:
            refuse(
                "expected the event of a tumbling window, found one without 'window': set TumblingWindowInSeconds on the "
                "event source mapping, or read it without windowed(...)"
            )
        delivered: object = event.get("state")
        if delivered is not None and not is_mapping(delivered):
            refuse(f"expected 'state' of the event to be a mapping, found {a_kind_of(delivered)}")
        self._form = form
        self._event = event
        self._finish = finish
        self._is_async = is_async
        self._written: tuple[Succeeded[Any, Any] | None, bytes] | None = None
        self._before = json.dumps(delivered).encode() if delivered else form.initial
        self.state = self._state_before()

    def check_of(self, _raws: Sequence[RawRecord]) -> CheckValue:
        """Return what takes the next state: the value of each `Success`, before the next record is parsed."""
        return self._take

    def _take(self, _raw: RawRecord, state: Any) -> None:
        self.state = state

    def answer(self, batch: AnyBatch) -> dict[str, Any]:
        """Return the state for the response: of the records that are done, as JSON values."""
        answer: dict[str, Any] = json.loads(self._text(batch))
        return answer

    def finish(self, batch: AnyBatch) -> Result[str | None, object] | Awaitable[Result[str | None, object]]:
        """Finish a batch: let the user's function finish the window, if it ends, and warn of a large state."""
        remark = self._remark(batch)
        if self._finish is None or batch.count_not_done or not is_last(self._event):
            return Success(remark)
        try:
            returned = self._finish(self._state_after(batch))
        except Exception as error:  # noqa: BLE001  # whatever it is: the invocation fails
            return Failure(error)
        return _awaited(returned, remark) if self._is_async else _judged(returned, remark)

    def _remark(self, batch: AnyBatch) -> str | None:
        """Return a warning of a large state. Where the state is none, this says so before the window is finished."""
        if batch.count_not_done or (size := len(self._text(batch))) < _NEARS_THE_LIMIT:
            return None
        shard = self._event.get("shardId")
        return f"the state of a window of shard {shard!r} has {size:,} bytes of JSON: over 1 MB, Lambda ends the window early"

    def _text(self, batch: AnyBatch) -> bytes:
        last = self._last(batch)
        if self._written is None or self._written[0] is not last:
            text = self._form.write(self._state_after(batch))
            if text == b"{}" and self._form.initial != b"{}":
                raise TypeError(
                    "the state of a window came out empty, which to Lambda is where a window begins, and initial= is "
                    "another one: begin with an empty state, or keep something in it"
                )
            self._written = (last, text)
        return self._written[1]

    def _state_after(self, batch: AnyBatch) -> Any:
        last = self._last(batch)
        # read anew, for a step may have changed the one that it was given
        return self._state_before() if last is None else last.value

    def _last(self, batch: AnyBatch) -> Succeeded[Any, Any] | None:
        """Return the last success that does not come back: of an aggregate that is not done as a whole, all do."""
        if batch.source.lane_of(()) is not whole_batch:
            raise TypeError("the source of a window has one lane, whole_batch: its state goes from record to record")
        come_back = frozenset(map(str, batch.ids_not_done))  # sequence numbers
        last: Succeeded[Any, Any] | None = None
        for outcome in batch.outcomes:
            if outcome.item_id in come_back:
                break
            if isinstance(outcome, Succeeded):
                last = outcome
        return last

    def _state_before(self) -> Any:
        try:
            return self._form.read(self._before)
        except ValueError as error:
            said = describe(error)
        refuse(
            f"expected 'state' of the event to be a {self._form.name} ({said}): a window that is open keeps the state that an "
            "earlier version of the function returned, so give new fields defaults"
        )


async def _awaited(returned: Any, remark: str | None) -> Result[str | None, object]:
    try:
        result = await returned
    except Exception as error:  # noqa: BLE001  # whatever it is: the invocation fails
        return Failure(error)
    return _judged(result, remark)


def _judged(returned: object, remark: str | None) -> Result[str | None, object]:
    result = result_of(returned, Giver("finish"))
    return Failure(result.error) if isinstance(result, Crashed) else result.map(lambda _: remark)
