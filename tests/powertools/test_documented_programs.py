"""What the documentation of Powertools' batch utility shows, as programs: they run with only an import changed."""

import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import sentry_sdk

from batchfold.testing import (
    LambdaContext,
    SqsMessage,
    dynamodb_event,
    kafka_event,
    kinesis_event,
    sqs_event,
)

PROGRAMS = Path(__file__).parent / "programs"
GOOD, BAD = '{"quantity": 2}', "{}"


def event_for(program: str, orders: Sequence[str]) -> dict[str, Any]:
    match program.removeprefix("pydantic_").partition("_")[0]:
        case "kinesis":
            return kinesis_event(*orders)
        case "dynamodb":
            return dynamodb_event(*({"id": str(at), "order": order} for at, order in enumerate(orders)))
        case "kafka":
            return kafka_event(*orders)
        case "fifo":
            groups = ("a", "b", "a", "b")
            return sqs_event(*map(SqsMessage, orders, groups), fifo=True)
        case _:
            return sqs_event(*orders)


def named_in(response: Any, event: dict[str, Any]) -> list[int]:
    """The positions of the records that a response names."""
    raws: list[Any] = event["Records"] if "Records" in event else event["records"]["orders-0"]
    named = [failure["itemIdentifier"] for failure in response["batchItemFailures"]]
    ids = [
        raw.get("messageId")
        or raw.get("kinesis", {}).get("sequenceNumber")
        or raw.get("dynamodb", {}).get("SequenceNumber")
        or {"partition": f"{raw['topic']}-{raw['partition']}", "offset": raw["offset"]}
        for raw in raws
    ]
    return [ids.index(item_id) for item_id in named]


def load(name: str, library: Any) -> Any:
    """Run a program with the names of a library."""
    source = (PROGRAMS / f"{name}.py").read_text()
    assert source.count("batchfold") == 1, "one import is all that a program knows of batchfold"
    program = ModuleType(f"{name}_with_{library.__name__}")
    exec(compile(source.replace("batchfold.powertools", library.__name__), name, "exec"), vars(program))  # noqa: S102  # our own
    return program


def names_of_programs() -> list[str]:
    return sorted(path.stem for path in PROGRAMS.glob("*.py"))


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("name", names_of_programs())
def test_the_record_that_failed_comes_back(name: str, library: Any) -> None:
    program = load(name, library)
    comes_back = {
        "fifo": [1, 2, 3],
        "fifo_context_manager": [1, 2, 3],
        "fifo_decorator": [1, 2, 3],
        "fifo_skip_group_on_error": [1, 3],
        "total_failure_without_raising": [0, 1, 2, 3],
    }.get(name, [1])
    for _ in range(2):  # two warm invocations
        event = event_for(name, [GOOD, BAD, GOOD, GOOD])
        response = program.lambda_handler(event, LambdaContext())
        assert named_in(response, event) == comes_back


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("name", [name for name in names_of_programs() if name != "total_failure_without_raising"])
def test_nothing_comes_back_when_all_went_well(name: str, library: Any) -> None:
    program = load(name, library)
    assert program.lambda_handler(event_for(name, [GOOD, GOOD]), LambdaContext()) == {"batchItemFailures": []}


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize(
    "name", [name for name in names_of_programs() if name not in {"own_processor", "total_failure_without_raising"}]
)
def test_a_batch_that_failed_as_a_whole_raises(name: str, library: Any) -> None:
    program = load(name, library)
    with pytest.raises(library.BatchProcessingError) as raised:
        program.lambda_handler(event_for(name, [BAD, BAD]), LambdaContext())
    assert len(raised.value.child_exceptions) == 2
    assert program.processor.response() == {"batchItemFailures": []}


@pytest.mark.parametrize("name", ["sqs_decorator", "async_decorator", "fifo_decorator"])
def test_decorators_say_that_they_are_deprecated(name: str, library: Any) -> None:
    program = load(name, library)
    with pytest.warns(DeprecationWarning, match="process_partial_response"):
        program.lambda_handler(event_for(name, [GOOD]), LambdaContext())


def test_a_program_can_be_tested_by_what_its_processor_kept(library: Any) -> None:
    program = load("sqs", library)
    event = sqs_event(GOOD, BAD)
    program.lambda_handler(event, LambdaContext())
    assert program.processor.success_messages == [event["Records"][0]]
    assert [record.raw_event for record in program.processor.fail_messages] == [event["Records"][1]]
    assert [kind for kind, _, _ in program.processor.exceptions] == [KeyError]


class Outcomes:
    """A plugin of pytest that keeps what its tests came to, and how those that failed did."""

    def __init__(self) -> None:
        self.of_tests: list[tuple[str, str]] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "call" or not report.passed:
            self.of_tests.append((report.outcome, report.longreprtext))


def test_a_program_s_own_test_passes(library: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = load("tested", library)
    project = shutil.copytree(PROGRAMS / "tests", tmp_path / "project")
    # pytest keeps the modules of tests by name, so each library has its own
    own_test = (project / "of_tested.py").rename(project / f"test_with_{library.__name__.replace('.', '_')}.py")
    monkeypatch.setitem(sys.modules, "tests.powertools.programs.tested", program)
    monkeypatch.chdir(project)
    options = ["-c", os.devnull, "--rootdir", str(project), "--import-mode=importlib", "-p", "no:cacheprovider", "-q"]
    outcomes = Outcomes()
    pytest.main([*options, str(own_test)], plugins=[outcomes])
    assert outcomes.of_tests == [("passed", ""), ("passed", "")]
    assert program.processor.success_messages, "it was this program that the test called"


def test_processed_messages_are_read_from_the_context_manager(library: Any) -> None:
    program = load("processed_messages", library)
    event = sqs_event(GOOD, BAD)
    program.lambda_handler(event, LambdaContext())
    first, second = (raw["messageId"] for raw in event["Records"])
    assert program.told == [("success", 2, first), ("fail", "<class 'KeyError'>:'quantity'", second)]


def test_hooks_measure(library: Any) -> None:
    program = load("extended_hooks", library)
    program.lambda_handler(sqs_event(GOOD, BAD, GOOD), LambdaContext())
    assert program.metrics == {"reserved": 4, "KeyError": 1}


def test_a_processor_of_ones_own_writes_what_succeeded(library: Any) -> None:
    program = load("own_processor", library)
    event = sqs_event(GOOD, BAD)
    program.lambda_handler(event, LambdaContext())
    assert program.table == [event["Records"][0]]


def test_a_bare_capture_exception_finds_the_exception(library: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[Any] = []
    monkeypatch.setenv("SENTRY_SPOTLIGHT", "")
    with sentry_sdk.new_scope() as scope:
        scope.set_client(
            sentry_sdk.Client(dsn=None, transport=None, default_integrations=False, before_send=_keep(sent))
        )
        load("sentry", library).lambda_handler(sqs_event(GOOD, BAD), LambdaContext())
    assert [event["exception"]["values"][-1]["type"] for event in sent] == ["KeyError"]


def _keep(sent: list[Any]) -> Any:
    def before_send(event: Any, _hint: Any) -> None:
        sent.append(event)

    return before_send


def test_a_logger_is_told_of_each_failure(library: Any, caplog: pytest.LogCaptureFixture) -> None:
    load("failures_logged", library).lambda_handler(sqs_event(GOOD, BAD), LambdaContext())
    (logged,) = (record for record in caplog.records if record.name == "orders")
    assert logged.levelname == "WARNING"
    assert logged.exc_info is not None
    assert logged.exc_info[0] is KeyError
