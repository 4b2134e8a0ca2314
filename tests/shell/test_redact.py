"""Exceptions about to be printed: no payload in them, whatever the user's exceptions are like and however they hang together."""

import copy
import gc
import pickle
import sys
import traceback
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError
from returns.result import Failure, Result, Success

from batchfold import BatchProcessingError, Outcome, SqsRecord, fold_batch, process_batch, sqs
from batchfold.core.redaction import is_group, redact, redact_validation_error
from batchfold.testing import sqs_event

SECRET = "s3cr3t"  # noqa: S105  # stands for a payload


@dataclass(frozen=True)
class OutOfStockError(Exception):
    """An error as typed programs like to write them. Python's own `add_note` and `raise ... from` work on it only in C."""

    sku: str


class Plain(Exception):  # noqa: N818  # one of the kinds below
    pass


class Groupish(ExceptionGroup[Exception]):
    def derive(self, excs: Any) -> Any:
        return Groupish(self.message, excs)


def validation_error() -> ValidationError:
    try:
        TypeAdapter(dict[str, int]).validate_python({SECRET: SECRET})
    except ValidationError as error:
        return error
    raise AssertionError


class Around(Exception):  # noqa: N818  # one of the kinds below
    """Holds what it was raised for, as `raise BadOrderError(error) from error` does: its text is the inner one's."""


LEAVES: dict[str, Callable[[], Exception]] = {
    "plain": lambda: Plain("plain"),
    "frozen": lambda: OutOfStockError("a"),
    "validation": validation_error,
}


@st.composite
def exceptions(draw: st.DrawFn) -> Exception:
    """Exceptions with causes, contexts and members of groups from among each other, in circles too."""
    drawn: list[Exception] = []
    for kind in draw(st.lists(st.sampled_from([*LEAVES, "around", "group", "own group"]), min_size=1, max_size=7)):
        if kind in LEAVES:
            each = LEAVES[kind]()
        elif kind == "around":
            each = Around("about", draw(st.sampled_from(drawn or [Plain("only")])))
        else:
            members = draw(st.lists(st.sampled_from(drawn or [Plain("only")]), min_size=1, max_size=3))
            each = (ExceptionGroup if kind == "group" else Groupish)("several", members)
        if not isinstance(each, OutOfStockError) and draw(st.booleans()):
            each.add_note("a note")
        drawn.append(each)
    for each in drawn:
        for link in ("__cause__", "__context__"):
            if draw(st.booleans()):
                object.__setattr__(each, link, draw(st.sampled_from(drawn)))
        object.__setattr__(each, "__suppress_context__", draw(st.booleans()))
    return draw(st.sampled_from(drawn))


def shape(error: BaseException) -> list[tuple[Any, ...]]:
    """All that can be reached from an exception, by type and place, in the order in which it is met."""
    number: dict[int, int] = {}
    met: list[BaseException] = []

    def meet(each: BaseException | None) -> int | None:
        if each is not None and id(each) not in number:
            number[id(each)] = len(met)
            met.append(each)
        return None if each is None else number[id(each)]

    meet(error)
    told: list[tuple[Any, ...]] = []
    for each in met:  # it grows meanwhile
        members = each.exceptions if is_group(each) else [arg for arg in each.args if isinstance(arg, BaseException)]
        links = (meet(each.__cause__), meet(each.__context__), *map(meet, members))
        notes = tuple(getattr(each, "__notes__", ()))
        told.append((type(each).__name__, notes, each.__suppress_context__, each.__traceback__ is None, links))
    return told


@given(exceptions())
def test_no_payload_is_left_and_all_else_is_as_it_was(error: Exception) -> None:
    before = shape(error)
    clean = redact(error)
    assert SECRET not in "".join(traceback.format_exception(clean))
    assert shape(clean) == before
    assert redact(error) is error or "ValidationError" in str(before)


def test_a_validation_error_that_a_group_has_twice_is_hidden_twice() -> None:
    error = validation_error()
    group = ExceptionGroup("several", [error, ExceptionGroup("inner", [error])])
    group.__context__ = error
    clean = redact(group)
    assert SECRET not in "".join(traceback.format_exception(clean))
    assert is_group(clean)
    assert clean.__context__ is clean.exceptions[0]


@pytest.mark.parametrize("arguments", [1, 2])
def test_an_exception_made_of_a_validation_error_keeps_its_type_and_shows_no_payload(arguments: int) -> None:
    inner = validation_error()
    around = Around(*[inner] * arguments)
    around.__cause__ = inner
    group = ExceptionGroup("several", [around])
    clean = redact(group)
    assert is_group(clean)
    assert type(clean.exceptions[0]) is Around
    written = "".join(traceback.format_exception(clean))
    assert SECRET not in written
    assert "int_parsing" in written


def test_an_exception_that_is_one_of_its_own_arguments_is_not_shown() -> None:
    around = Around(validation_error())
    around.args = (*around.args, around)
    assert str(redact(around)).startswith("a Around that is not shown")
    other = Around("no payload")
    other.args = (other,)
    assert redact(other) is other


def test_redacting_leaves_nothing_to_the_cyclic_collector() -> None:
    class WeakError(Exception):
        pass

    group = ExceptionGroup("several", [WeakError(), validation_error(), Around(validation_error())])
    alive = weakref.ref(group.exceptions[0])
    gc.collect()
    gc.disable()
    try:
        redact(group)
        del group
        assert alive() is None
    finally:
        gc.enable()


def through_pickle(error: Any) -> Any:
    return pickle.loads(pickle.dumps(error))  # noqa: S301  # its own


COPIES: list[Callable[[Any], Any]] = [copy.copy, copy.deepcopy, through_pickle]


@pytest.mark.parametrize("copied", COPIES)
def test_a_redacted_error_keeps_its_names_here_and_a_copy_shows_no_more_than_it(copied: Callable[[Any], Any]) -> None:
    clean = redact_validation_error(validation_error(), {SECRET})
    assert redact_validation_error(clean) is clean
    assert redact(clean) is clean
    assert "int_parsing" in str(redact(copied(clean)))


def test_an_exception_that_cannot_be_made_clean_is_not_shown() -> None:
    class Stubborn(ExceptionGroup[Exception]):
        def derive(self, excs: Any) -> Any:
            raise NotImplementedError(excs)

    shown = redact(Stubborn("several", [validation_error()]))
    assert str(shown).startswith("a Stubborn that is not shown")
    assert SECRET not in "".join(traceback.format_exception(shown))


def test_a_cause_at_each_of_very_many_levels_is_no_reason_to_fail() -> None:
    def sink(level: int) -> None:
        try:
            sink(level + 1)
        except RecursionError as error:
            raise Plain(level) from error
        except Plain as error:
            raise Plain(level) from error

    def handler(_record: SqsRecord[str]) -> Result[None, Exception]:
        sink(0)
        return Success(None)

    assert sys.getrecursionlimit() < 100_000
    assert len(process_batch(sqs_event("a"), handler, sqs(), raise_on="never")["batchItemFailures"]) == 1


# ------------------------------------------------------------ frozen exceptions, all the way
def reject_or_raise(record: SqsRecord[str]) -> Result[None, OutOfStockError]:
    match record.body:
        case "reject":
            return Failure(OutOfStockError("a"))
        case "raise":
            raise OutOfStockError("a") from KeyError(record.body)
        case "validate":
            try:
                TypeAdapter(int).validate_json(f'"{SECRET}"')
            except ValidationError as error:
                raise OutOfStockError("a") from error
        case _:
            pass
    return Success(None)


@pytest.mark.parametrize("fails", ["reject", "raise", "validate"])
def test_a_frozen_exception_brings_back_its_record_and_no_other(fails: str, caplog: pytest.LogCaptureFixture) -> None:
    event = sqs_event("a", fails, "b")
    response = process_batch(event, reject_or_raise, sqs())
    assert response == {"batchItemFailures": [{"itemIdentifier": event["Records"][1]["messageId"]}]}
    assert "OutOfStockError" in caplog.text
    assert SECRET not in caplog.text


@pytest.mark.parametrize("fails", ["reject", "raise", "validate"])
def test_a_frozen_exception_stands_in_the_group_with_its_notes(fails: str) -> None:
    event = sqs_event(fails, fails)
    with pytest.raises(BatchProcessingError) as raised:
        process_batch(event, reject_or_raise, sqs())
    written = "".join(traceback.format_exception(raised.value))
    assert all(raw["messageId"] in written for raw in event["Records"])
    assert SECRET not in written


def test_a_frozen_exception_from_an_observer_changes_nothing() -> None:
    def observe(outcome: Outcome[Any, Any, Any]) -> None:
        raise OutOfStockError("a") from KeyError(outcome.item_id)

    event = sqs_event("a", "reject")
    batch = fold_batch(event, reject_or_raise, sqs(), observe=observe)
    assert batch.response == {"batchItemFailures": [{"itemIdentifier": event["Records"][1]["messageId"]}]}


def test_a_decoders_error_shows_no_input_of_a_validation_error_behind_it() -> None:
    def decode(body: str) -> int:
        try:
            return TypeAdapter(int).validate_json(body)
        except ValidationError as error:
            raise ValueError("bad order") from error

    with pytest.raises(BatchProcessingError) as raised:
        process_batch(sqs_event(SECRET), lambda _record: Success(None), sqs(decode=decode))
    written = "".join(traceback.format_exception(raised.value))
    assert "bad order" in written
    assert SECRET not in written
