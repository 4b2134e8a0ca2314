"""Each example does what it says, as a function and through `batchfold run`."""

import importlib.util
import json
import sys
from base64 import b64decode
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from typer.testing import CliRunner

from batchfold.cli.command import app as command
from batchfold.testing import LambdaContext

EXAMPLES = Path(__file__).parent

COMES_BACK: dict[str, list[int]] = {
    "dynamodb_catalogue/event.json": [1],
    "kafka_visits/event.json": [1, 3],
    "kinesis_dead_letters/event.json": [],
    "kinesis_readings/event.json": [2],
    "kinesis_totals/event.json": [],
    "pipes_returns/event.json": [1, 2],
    "sqs_fifo_transfers/event.json": [1, 2, 4],
    "sqs_orders/event.json": [],
    "sqs_orders/failing.json": [1, 2],
    "sqs_own_layer/event.json": [1],
    "sqs_shipments/event.json": [1],
}
"""The records that the response names, by their place in the event."""


@pytest.fixture
def application(request: pytest.FixtureRequest) -> Iterator[ModuleType]:
    """The module of an example, fresh for each test, for the applications keep what they learn in it."""
    folder = EXAMPLES / str(request.param)
    spec = importlib.util.spec_from_file_location(f"example_{folder.name}", folder / "app.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


Event = dict[str, Any] | list[dict[str, Any]]


def read(event: str) -> Event:
    parsed: Event = json.loads((EXAMPLES / event).read_text())
    return parsed


def item_ids(event: Event) -> list[Any]:
    if isinstance(event, list):
        return [raw["messageId"] for raw in event]
    if "records" in event:
        return [
            {"partition": listed, "offset": raw["offset"]} for listed, raws in event["records"].items() for raw in raws
        ]
    names = (("messageId",), ("kinesis", "sequenceNumber"), ("dynamodb", "SequenceNumber"))
    path = next(path for path in names if path[0] in event["Records"][0])
    return [raw[path[0]] if len(path) == 1 else raw[path[0]][path[1]] for raw in event["Records"]]


STATES: dict[str, dict[str, Any]] = {
    "kinesis_totals/event.json": {"sales": 10, "cents": {"tea": 3800, "honey": 900}},
}
"""The state in the response to an event of a tumbling window."""


def expected_response(name: str) -> dict[str, Any]:
    ids = item_ids(read(name))
    failures = [{"itemIdentifier": ids[position]} for position in COMES_BACK[name]]
    state = {"state": STATES[name]} if name in STATES else {}
    return {**state, "batchItemFailures": failures}


FIREHOSE = "firehose_clicks/event.json"


def results_of(response: Any) -> list[tuple[str, str]]:
    return [(each["result"], b64decode(each["data"]).decode()) for each in response["records"]]


@pytest.mark.parametrize("application", ["firehose_clicks"], indirect=True)
def test_clicks_are_transformed_dropped_or_kept_as_they_came(application: ModuleType) -> None:
    assert results_of(run(application, FIREHOSE)) == [
        ("Ok", '{"path":"/","country":"de"}\n'),
        ("Dropped", ""),
        ("ProcessingFailed", '{"path": "/a", "country": "xx", "agent": "Firefox"}'),
        ("ProcessingFailed", "not JSON"),
    ]


def test_the_transformation_runs_from_the_command_line() -> None:
    function = f"{EXAMPLES}/firehose_clicks/app.py:lambda_handler"
    ran = CliRunner().invoke(command, ["run", function, "--event", str(EXAMPLES / FIREHOSE)])
    assert ran.exit_code == 1
    assert "1 delivered, 1 dropped, 2 written to the error output" in ran.stdout


def run(application: ModuleType, event: str) -> object:
    return application.lambda_handler(read(event), LambdaContext())


@pytest.mark.parametrize(
    ("application", "event"), [(name.partition("/")[0], name) for name in COMES_BACK], indirect=["application"]
)
def test_an_example_answers_its_event(application: ModuleType, event: str) -> None:
    assert run(application, event) == expected_response(event)


@pytest.mark.parametrize("event", COMES_BACK)
def test_an_example_runs_from_the_command_line(event: str) -> None:
    function = f"{EXAMPLES / event.partition('/')[0]}/app.py:lambda_handler"
    ran = CliRunner().invoke(command, ["run", function, "--event", str(EXAMPLES / event), "--json"])
    assert ran.exit_code == (1 if COMES_BACK[event] else 0)
    assert json.loads(ran.stdout) == expected_response(event)


def test_every_example_is_tested() -> None:
    folders = {name.partition("/")[0] for name in (*COMES_BACK, FIREHOSE)}
    assert folders == {path.parent.name for path in EXAMPLES.glob("*/app.py")} - {"customising"}


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*/app.py")), ids=lambda path: path.parent.name)
def test_an_example_is_short(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= 40


@pytest.mark.parametrize("application", ["dynamodb_catalogue"], indirect=True)
def test_the_catalogue_follows_the_table(application: ModuleType) -> None:
    run(application, "dynamodb_catalogue/event.json")
    assert application.catalogue == {}, "what expired is gone, what was not started is not there yet"


@pytest.mark.parametrize("application", ["kafka_visits"], indirect=True)
def test_visits_are_counted_for_each_host(application: ModuleType) -> None:
    run(application, "kafka_visits/event.json")
    assert application.visits == {"shop.example": 2, "blog.example": 1}


@pytest.mark.parametrize("application", ["kinesis_dead_letters"], indirect=True)
def test_what_never_succeeds_goes_to_the_dead_letters(application: ModuleType) -> None:
    run(application, "kinesis_dead_letters/event.json")
    assert application.dead_letters == [b'{"account": "closed", "cents": 5}', b"not JSON"]


@pytest.mark.parametrize("application", ["kinesis_readings"], indirect=True)
def test_the_highest_reading_is_kept(application: ModuleType) -> None:
    run(application, "kinesis_readings/event.json")
    assert application.highest == {"hall": 19.5, "attic": 27.25}


@pytest.mark.parametrize("application", ["kinesis_totals"], indirect=True)
def test_the_turnover_of_a_window_is_published_once(application: ModuleType) -> None:
    run(application, "kinesis_totals/event.json")
    assert [turnover.sales for turnover in application.published] == [10]


@pytest.mark.parametrize("application", ["pipes_returns"], indirect=True)
def test_what_is_returned_is_in_stock_again(application: ModuleType) -> None:
    run(application, "pipes_returns/event.json")
    assert application.stock == {"cup": 9, "plate": 3}


@pytest.mark.parametrize("application", ["sqs_fifo_transfers"], indirect=True)
def test_the_transfers_of_other_accounts_go_on(application: ModuleType) -> None:
    run(application, "sqs_fifo_transfers/event.json")
    assert application.balances == {"alice": 50, "bob": 20}


@pytest.mark.parametrize("application", ["sqs_own_layer"], indirect=True)
def test_the_layer_sees_every_record(application: ModuleType, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO"):
        run(application, "sqs_own_layer/event.json")
    assert len([record for record in caplog.records if " took " in record.getMessage()]) == 3
