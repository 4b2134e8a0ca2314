"""Both libraries, asked the same: one response, the same processed messages, hook calls, texts and exceptions.

Hypothesis makes up events, models, hooks, settings, and several invocations one after the other: by the function, in
blocks, in a pool of threads that is kept, with a forgotten call, with handlers that append records or call the processor.
Where the two differ on purpose, `test_differences.py` says so and why.
"""

import copy
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.powertools.scenarios import (
    Call,
    Hooks,
    Kind,
    Logger,
    Meanwhile,
    Modelling,
    OwnError,
    Plan,
    Scenario,
    event_of,
    handler_of,
    model_of,
)

from batchfold.testing import LambdaContext

POOL = ThreadPoolExecutor(1)
"""Kept over all invocations, as functions keep theirs in a module. One thread keeps the order."""


def told(record: Any) -> Any:
    """A record as it can be compared between libraries."""
    if hasattr(record, "raw_event"):
        return type(record).__name__, record.raw_event
    if hasattr(record, "model_dump"):
        return type(record).__name__, record.model_dump()
    return record


def told_exception(exception: Any) -> tuple[Any, ...]:
    kind, value, traceback = exception
    message = "" if issubclass(kind, NotImplementedError) else shortened(str(value))  # theirs says nothing
    return kind.__name__, message, traceback is None


def told_entry(entry: Any) -> Any:
    if not entry or entry[0] != "fail":
        return entry
    kind, _, message = str(entry[1]).partition(":")
    return (
        "fail",
        kind.rpartition(".")[2],
        "" if kind.endswith("NotImplementedError'>") else shortened(message),
        told(entry[2]),
    )


def shortened(message: str) -> str:
    """A message without the names of modules, in which the libraries differ."""
    return message.partition("\n")[0].replace("scenarios.", "")


def processor_of(library: Any, scenario: Scenario, logger: Logger) -> Any:
    """A processor, its class with the scenario's hooks."""
    base: Any = library.AsyncBatchProcessor if scenario.asynchronous else library.BatchProcessor
    model = model_of(library, scenario.kind, scenario.modelling)
    settings: dict[str, Any] = {"model": model, "logger": logger if scenario.with_logger else None}
    if scenario.kind == "FIFO":
        base = library.SqsFifoPartialProcessor
        settings["skip_group_on_error"] = scenario.skip_group_on_error
    else:
        settings["event_type"] = library.EventType[scenario.kind]
        settings["raise_on_entire_batch_failure"] = scenario.raise_on_entire_batch_failure

    def success_handler(self: Any, record: Any, result: Any) -> Any:
        self.calls.append(("success", told(record), result, sys.exc_info()[0]))
        if scenario.hooks == "success raises" and result[0]:
            raise OwnError("a hook raised")
        return base.success_handler(self, record=record, result=result)

    def failure_handler(self: Any, record: Any, exception: Any) -> Any:
        self.calls.append(("failure", told(record), told_exception(exception), sys.exc_info()[0] is exception[0]))
        if scenario.hooks == "swallowing":
            return "swallowed", told(record)
        if scenario.hooks == "by hand":
            self.fail_messages.append(record)
            self.exceptions.append(exception)
            return None
        if scenario.hooks == "failure raises" and len(self.calls) > 1:
            raise OwnError("a hook raised")
        return base.failure_handler(self, record=record, exception=exception)

    hooks = {"success_handler": success_handler, "failure_handler": failure_handler}
    kind: Any = base if scenario.hooks == "inherited" else type("Hooked", (base,), hooks)
    processor = kind(**settings)
    processor.calls = []
    return processor


def invoke(library: Any, scenario: Scenario, processor: Any, call: Call, event: Any, *, handler: Any) -> Any:
    context = LambdaContext() if scenario.with_context else None
    raws = [raw for raws in event["records"].values() for raw in raws] if "records" in event else event["Records"]
    process = processor.async_process if scenario.asynchronous else processor.process
    match call:
        case "function":
            function = (
                library.async_process_partial_response if scenario.asynchronous else library.process_partial_response
            )
            return function(event, handler, processor, context)
        case "decorator":
            decorator = library.async_batch_processor if scenario.asynchronous else library.batch_processor

            def lambda_handler(_event: Any, _context: Any) -> Any:
                return processor.response()

            return decorator(record_handler=handler, processor=processor)(lambda_handler)(event, context)
        case "no call":
            with processor:
                return [told_entry(entry) for entry in process()]
        case "no process":
            with processor(raws, handler, context):
                return []
        case _:
            with processor(raws, handler, context) as batch:
                entries = in_a_block(call, batch, process)
                if call == "block in a block":
                    with processor(raws[:1], handler, context):
                        entries += process()
            return [told_entry(entry) for entry in entries]


def in_a_block(call: Call, batch: Any, process: Any) -> list[Any]:
    """What a `with` block does with its processor."""
    match call:
        case "record by record in a pool":
            return list(POOL.map(batch._process_record, [*batch.records]))
        case "process in a pool":
            entries: list[Any] = POOL.submit(process).result()
            return entries
        case "process twice":
            return [*process(), *process()]
        case "failing context manager":
            process()
            raise OwnError("the block raised")
        case _:
            return [*process()]


def attributes_of(processor: object) -> list[str]:
    return sorted(vars(processor))


def observed(library: Any, scenario: Scenario) -> list[Any]:
    """All that can be seen of a library while a scenario is played."""
    logger = Logger()
    processor = processor_of(library, scenario, logger)
    handler = handler_of(library, scenario, processor)
    seen: list[Any] = []
    for call, plans in scenario.invocations:
        event = copy.deepcopy(event_of(scenario.kind, plans))
        before = copy.deepcopy(event)
        try:
            seen.append(("returned", invoke(library, scenario, processor, call, event, handler=handler)))
        except Exception as error:  # noqa: BLE001  # what is raised is what is compared
            children = [told_exception(child) for child in getattr(error, "child_exceptions", ())]
            seen.append(("raised", *told_exception((type(error), error, error.__traceback__)), children))
        assert event == before or scenario.meanwhile == "appends a record"
        seen.append([told(record) for record in processor.success_messages])
        seen.append([told(record) for record in processor.fail_messages])
        seen.append([told_exception(exception) for exception in processor.exceptions])
        seen.append(processor.response())
        seen.append(copy.deepcopy(processor.calls))
        seen.append(attributes_of(processor))
    return [*seen, logger.told]


@st.composite
def scenarios(draw: st.DrawFn) -> Scenario:
    kind: Kind = draw(st.sampled_from(("SQS", "FIFO", "KinesisDataStreams", "DynamoDBStreams", "Kafka")))
    modelling: Modelling = draw(st.sampled_from(("none", "plain", "typed")))
    hooks: tuple[Hooks, ...] = (
        "inherited",
        "extended",
        "swallowing",
        "by hand",
        "success raises",
        "failure raises",
    )
    calls: tuple[Call, ...] = get_args(Call)
    whiles: tuple[Meanwhile, ...] = get_args(Meanwhile)
    plans = st.builds(
        Plan,
        do=st.sampled_from(("succeed", "raise KeyError", "raise OwnError", "be refused by the model")),
        value=st.none() | st.integers(0, 2),
        naps=st.integers(0, 3),
        group=st.sampled_from("ab"),
        damage=st.sampled_from(("none", "no JSON", "no order", "bare", "no id")),
    )
    batches = st.lists(plans, max_size=6).map(tuple)
    return draw(
        st.builds(
            Scenario,
            kind=st.just(kind),
            asynchronous=st.just(value=False) if kind == "FIFO" else st.booleans(),
            modelling=st.just(modelling),
            hooks=st.sampled_from(hooks),
            meanwhile=st.sampled_from(whiles),
            invocations=st.lists(st.tuples(st.sampled_from(calls), batches), min_size=1, max_size=3).map(tuple),
        )
    )


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@given(scenario=scenarios())
def test_both_do_the_same(ours: Any, theirs: Any, scenario: Scenario) -> None:
    assert observed(ours, scenario) == observed(theirs, scenario)
