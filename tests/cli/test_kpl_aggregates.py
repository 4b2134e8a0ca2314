"""`batchfold run` and `batchfold simulate` with KPL aggregates, whose user records share an identifier."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from batchfold.cli.command import app
from batchfold.testing import KplRecord, kinesis_event, kpl_aggregate

PROGRAM = """
from returns.result import Failure, Success
from batchfold import as_lambda_handler, by_partition_key, kinesis, process_batch

SOURCE = kinesis(int, aggregated=True, lane=by_partition_key)

def handle(record):
    return Failure(ValueError()) if record.data == 3 else Success(None)

handler = as_lambda_handler(handle, SOURCE)

def by_hand(event, context):
    return process_batch(event, handle, SOURCE)
"""
EVENT = kinesis_event("1", kpl_aggregate(KplRecord("2", "a"), KplRecord("3", "b"), KplRecord("4", "a")), "5")
NUMBERS = [raw["kinesis"]["sequenceNumber"] for raw in EVENT["Records"]]


@pytest.fixture(name="folder")
def folder_of_a_program(tmp_path: Path) -> Path:
    (tmp_path / "app.py").write_text(PROGRAM)
    (tmp_path / "event.json").write_text(json.dumps(EVENT))
    return tmp_path


def rows(printed: str) -> list[list[str]]:
    return [line.split() for line in printed.splitlines() if line.strip().startswith(NUMBERS[0][:20])]


def test_each_user_record_has_a_row_of_its_own(folder: Path) -> None:
    result = CliRunner().invoke(app, ["run", f"{folder}/app.py:handler", "--event", f"{folder}/event.json"])
    assert result.exit_code == 1
    assert [" ".join(row) for row in rows(result.stdout)] == [
        f"{NUMBERS[0]} done",
        f"{NUMBERS[1]} (1 of 3) comes back handled, comes back all the same: the response names it",
        f"{NUMBERS[1]} (2 of 3) comes back the handler returned a Failure (ValueError)",
        f"{NUMBERS[1]} (3 of 3) comes back handled, comes back all the same: the response names it",
        f"{NUMBERS[2]} comes back handled, comes back all the same: it follows the one that is named",
    ]


def test_where_the_event_is_read_in_aggregates_the_one_that_is_not_done_counts(folder: Path) -> None:
    result = CliRunner().invoke(app, ["run", f"{folder}/app.py:by_hand", "--event", f"{folder}/event.json"])
    assert result.exit_code == 1
    assert [" ".join(row) for row in rows(result.stdout)] == [
        f"{NUMBERS[0]} done",
        f"{NUMBERS[1]} comes back the handler returned a Failure (ValueError)",
        f"{NUMBERS[2]} comes back handled, comes back all the same: it follows the one that is named",
    ]


def test_a_simulation_plays_the_user_records_of_an_event(folder: Path) -> None:
    event = folder / "event.json"
    asked = [f"{folder}/app.py:handler", "--event", str(event), "--fail", "A1", "--most-invocations", "3", "--json"]
    history: dict[str, Any] = json.loads(CliRunner().invoke(app, ["simulate", *asked]).stdout)
    ends = [[record["end"] for record in invocation["records"]] for invocation in history["invocations"]]
    assert ends[0] == ["failed", "performed", "failed", "performed", "not started"]
