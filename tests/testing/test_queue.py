"""The model of SQS: visibility, receive count, dead letters, message groups."""

from asyncio import CancelledError
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

from batchfold.testing import (
    Effect,
    FailureSchedule,
    Fate,
    LambdaFunction,
    MakeFunction,
    QueueState,
    Raised,
    Returned,
    SqsQueue,
    TimedOut,
    drain,
    name_records,
)


def batches(state: QueueState) -> list[str]:
    assert state.delivery is not None
    return [record.name for record in state.delivery.records]


def begin(queue: SqsQueue, *names: str) -> QueueState:
    return queue.begin(name_records(names, queue.default_payload))


def naming(state: QueueState, *names: str) -> Returned:
    """The response that names these records of the batch on its way."""
    assert state.delivery is not None
    identifiers = dict(zip((record.name for record in state.delivery.records), state.delivery.identifiers, strict=True))
    return Returned({"batchItemFailures": [{"itemIdentifier": identifiers[name]} for name in names]})


def handling(handle: Callable[[list[Any], Effect], Any]) -> MakeFunction:
    """A function that hands raw records and effect to `handle`."""

    def make(effect: Effect) -> LambdaFunction:
        return lambda event, _context: handle(event["Records"], effect)

    return make


def naming_every_failure(raws: list[Any], effect: Effect) -> Any:
    failures: list[Any] = []
    for raw in raws:
        try:
            effect(raw["body"])
        except Exception:  # noqa: BLE001  # whatever the effect raises
            failures.append({"itemIdentifier": raw["messageId"]})
    return {"batchItemFailures": failures}


def test_what_is_not_named_is_deleted_and_what_is_named_comes_back_after_the_visibility_timeout() -> None:
    state = begin(SqsQueue(visibility_timeout_seconds=45), "A1", "A2", "A3")
    _, state = state.step(naming(state, "A2"), ended_at=2)
    assert (batches(state), state.now) == (["A2"], 45)
    assert state.removed == {0: "done", 2: "done"}


def test_a_complete_failure_deletes_nothing() -> None:
    state = begin(SqsQueue(), "A1", "A2")
    _, state = state.step(Raised("no"), ended_at=1)
    assert batches(state) == ["A1", "A2"]
    assert state.removed == {}


def test_the_receive_count_is_told_to_the_function() -> None:
    state = begin(SqsQueue(), "A1")
    _, state = state.step(Raised("no"), ended_at=0)
    assert state.delivery is not None
    assert state.delivery.event["Records"][0]["attributes"]["ApproximateReceiveCount"] == "2"


def test_a_drained_queue_has_no_next_batch_and_takes_no_answer() -> None:
    state = begin(SqsQueue(), "A1")
    _, state = state.step(Returned(None), ended_at=0)
    assert state.delivery is None
    with pytest.raises(ValueError, match="drained"):
        state.step(Returned(None), ended_at=0)


def test_a_message_goes_to_the_dead_letters_instead_of_being_received_once_too_often() -> None:
    state = begin(SqsQueue(max_receive_count=2), "A1")
    _, state = state.step(Raised("no"), ended_at=0)
    assert batches(state) == ["A1"]
    _, state = state.step(Raised("no"), ended_at=30)
    assert state.delivery is None
    assert state.removed == {0: "dead-letter"}


def test_a_standard_queue_goes_on_with_other_messages_while_one_is_in_flight() -> None:
    state = begin(SqsQueue(batch_size=2), "A1", "A2", "A3")
    _, state = state.step(naming(state, "A1"), ended_at=1)
    assert (batches(state), state.now) == (["A3"], 1)


def test_a_fifo_queue_blocks_its_group_while_a_message_is_in_flight() -> None:
    state = begin(SqsQueue(fifo=True, batch_size=2), "A1", "A2", "A3", "B1")
    _, state = state.step(naming(state, "A2"), ended_at=1)
    assert batches(state) == ["B1"]
    _, state = state.step(Returned(None), ended_at=2)
    assert (batches(state), state.now) == (["A2", "A3"], 30)


def test_a_fifo_queue_goes_on_with_a_group_whose_first_message_went_to_the_dead_letters() -> None:
    state = begin(SqsQueue(fifo=True, max_receive_count=1), "A1", "A2")
    _, state = state.step(naming(state, "A1"), ended_at=1)
    assert state.delivery is None
    assert state.removed == {0: "dead-letter", 1: "done"}


def test_a_receive_of_a_fifo_queue_takes_all_it_can_of_one_group_before_another() -> None:
    assert batches(begin(SqsQueue(fifo=True, batch_size=3), "A1", "B1", "A2", "B2")) == ["A1", "A2", "B1"]


def test_without_report_batch_item_failures_what_was_named_is_deleted() -> None:
    state = begin(SqsQueue(report_batch_item_failures=False), "A1", "A2")
    _, state = state.step(naming(state, "A1", "A2"), ended_at=0)
    assert state.removed == {0: "done", 1: "done"}


def test_a_standard_queue_delivers_once_more_what_is_done_if_it_is_told_to() -> None:
    state = begin(SqsQueue(delivered_twice={"A2"}), "A1", "A2")
    _, state = state.step(Returned(None), ended_at=4)
    assert state.delivery is not None
    assert (batches(state), state.now, state.removed) == (["A2"], 4, {0: "done"})
    assert state.delivery.repeated == {1}
    assert state.delivery.event["Records"][0]["attributes"]["ApproximateReceiveCount"] == "2"
    _, state = state.step(naming(state, "A2"), ended_at=5)
    assert state.delivery is not None
    assert (batches(state), state.delivery.repeated) == (["A2"], frozenset())
    _, state = state.step(Returned(None), ended_at=40)
    assert state.removed == {0: "done", 1: "done"}


def test_a_state_is_never_changed() -> None:
    state = begin(SqsQueue(), "A1", "A2")
    before = repr(state)
    assert state.step(naming(state, "A1"), ended_at=0) == state.step(naming(state, "A1"), ended_at=0)
    assert repr(state) == before


def test_the_history_tells_every_delivery_and_every_fate() -> None:
    schedule = FailureSchedule({"A1": ("fails",)}, never_succeed={"B1"})
    history = drain(
        handling(naming_every_failure),
        source=SqsQueue(max_receive_count=3),
        records=["A1", "A2", "B1"],
        schedule=schedule,
    )
    assert [invocation.delivered for invocation in history.invocations] == [("A1", "A2", "B1"), ("A1", "B1"), ("B1",)]
    assert [invocation.at for invocation in history.invocations] == [0, 30, 60]
    assert history.fates == {"A1": Fate.DONE, "A2": Fate.DONE, "B1": Fate.DEAD_LETTER}
    assert history.removed_as("dead-letter") == ("B1",)
    assert (history.repeated_effects, history.lost, history.drained) == (0, (), True)


def test_a_message_that_was_never_started_can_end_in_the_dead_letters() -> None:
    def stop_at_the_first_failure(raws: list[Any], effect: Effect) -> Any:
        for position, raw in enumerate(raws):
            try:
                effect(raw["body"])
            except Exception:  # noqa: BLE001  # whatever the effect raises
                return {"batchItemFailures": [{"itemIdentifier": left["messageId"]} for left in raws[position:]]}
        return None

    history = drain(
        handling(stop_at_the_first_failure),
        source=SqsQueue(fifo=True, max_receive_count=3),
        records=["A1", "A2", "B1"],
        schedule=FailureSchedule(never_succeed={"A1"}),
    )
    assert history.with_fate(Fate.DEAD_LETTER) == ("A1",)
    assert history.never_started == ("A2", "B1")


def test_a_record_that_the_function_settled_is_not_lost() -> None:
    def settle(raws: list[Any], effect: Effect) -> None:
        for raw in raws:
            effect.settle(raw["body"])

    history = drain(handling(settle), source=SqsQueue(), records=["A1"])
    assert history.fates == {"A1": Fate.SETTLED}


@pytest.mark.parametrize(
    "end", [ValueError("no"), SystemExit(1), CancelledError(), ExceptionGroup("no", [ValueError()])]
)
def test_whatever_ends_the_function_fails_the_invocation(end: BaseException) -> None:
    def ends(_raws: list[Any], _effect: Effect) -> None:
        raise end

    history = drain(handling(ends), source=SqsQueue(max_receive_count=1), records=["A1"])
    assert history.fates == {"A1": Fate.DEAD_LETTER_UNSTARTED}


def test_a_test_that_is_interrupted_is_no_failed_invocation() -> None:
    def interrupted(_raws: list[Any], _effect: Effect) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        drain(handling(interrupted), source=SqsQueue(), records=["A1"])


def test_a_function_that_catches_even_its_end_is_cut_off_all_the_same() -> None:
    def catches_everything(raws: list[Any], effect: Effect) -> None:
        for raw in raws:
            with suppress(BaseException):
                effect(raw["body"])

    history = drain(
        handling(catches_everything),
        source=SqsQueue(max_receive_count=1),
        records=["A1", "A2"],
        schedule=FailureSchedule({"A1": ("overruns",)}),
    )
    assert history.invocations[0].answer == TimedOut()
    assert history.fates == {"A1": Fate.DEAD_LETTER, "A2": Fate.DEAD_LETTER_UNSTARTED}


def test_an_effect_that_goes_on_after_the_function_has_returned_does_not_happen() -> None:
    kept: list[Effect] = []

    def make(effect: Effect) -> LambdaFunction:
        kept.append(effect)
        return lambda _event, _context: None

    history = drain(make, source=SqsQueue(), records=["A1"])
    with pytest.raises(RuntimeError, match="after the function had returned"):
        kept[0]("A1")
    assert history.lost == ("A1",)


def test_the_run_ends_at_its_limit() -> None:
    def refuse(_raws: list[Any], _effect: Effect) -> None:
        raise ValueError("no")

    history = drain(handling(refuse), source=SqsQueue(), records=["A1"], most_invocations=4)
    assert (history.invocation_count, history.drained) == (4, False)
    assert history.fates == {"A1": Fate.STILL_THERE}


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: SqsQueue(batch_size=0),
        lambda: SqsQueue(fifo=True, batch_size=11),
        lambda: SqsQueue(batch_size=11),
        lambda: SqsQueue(max_receive_count=0),
        lambda: SqsQueue(visibility_timeout_seconds=-1),
        lambda: name_records([], str),
        lambda: name_records(["A1", "A1"], str),
        lambda: name_records(["1"], str),
    ],
)
def test_what_aws_does_not_allow_is_refused(wrong: Callable[[], object]) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        wrong()
