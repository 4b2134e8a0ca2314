"""What the tables say to those who choose a lane, held to what the model shows."""

import logging
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from runpy import run_path
from typing import Any

import pytest

from batchfold.testing import KinesisStream

tables: dict[str, Any] = run_path(str(Path(__file__).with_name("tables.py")))
PAGE = (Path(__file__).parents[2] / "src/batchfold/testing/README.md").read_text(encoding="utf-8")
FINITE = KinesisStream(maximum_retry_attempts=3, on_failure_destination=True)
BISECTED = KinesisStream(maximum_retry_attempts=3, on_failure_destination=True, bisect_batch_on_function_error=True)


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    logging.getLogger("batchfold").setLevel(logging.CRITICAL)
    yield
    logging.getLogger("batchfold").setLevel(logging.NOTSET)


def test_stopping_at_the_first_failure_repeats_nothing_and_costs_invocations() -> None:
    whole_batch, by_key, each_record, powertools = tables["each_fails_once"](0.05, runs=10)
    assert [float(figure) for figure in whole_batch[2:]] == [0, 0, 0]
    assert float(whole_batch[1]) > float(each_record[1])
    assert float(by_key[4]) == 0
    assert each_record[1:] == powertools[1:]
    assert float(each_record[2]) > 50


@pytest.mark.parametrize("position", [0, 40])
def test_finite_retries_without_bisect_drag_unstarted_records_along_unless_settled(position: int) -> None:
    whole_batch, _, each_record, settled, _ = tables["poison"](FINITE, position)
    never_started, repeated = 5, 6
    assert whole_batch[never_started] == str(99 - position)
    assert (each_record[never_started], int(each_record[repeated]) > 0) == ("0", True)
    assert (settled[never_started], settled[repeated], settled[1]) == ("0", "0", "1")


@pytest.mark.parametrize("position", [0, 40])
def test_bisecting_isolates_the_record_that_never_succeeds(position: int) -> None:
    whole_batch, *_ = tables["poison"](BISECTED, position)
    assert whole_batch[2:] == ("99", "0", "1", "0", "0")


def test_three_retries_are_enough_for_records_that_fail_once_because_progress_starts_them_anew() -> None:
    for _, done, done_if_counted_on in tables["finite_retries"](runs=3):
        assert float(done) == 100
        assert float(done_if_counted_on) <= 100
    whole_batch, *_ = tables["finite_retries"](runs=3)
    assert float(whole_batch[2]) < 50


def test_the_default_lane_costs_a_share_group_records_that_were_never_started() -> None:
    by_partition, each_record = tables["share_group_poison"]()
    assert (by_partition[5], each_record[5]) == ("4", "0")


def test_the_page_holds_the_tables_as_they_are_printed() -> None:
    ran = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("tables.py"))], capture_output=True, text=True, check=True
    )
    parts = ran.stdout.strip().split("\n\n")
    assert len(parts) == 10
    for title, table in zip(parts[::2], parts[1::2], strict=True):
        assert f"{title}\n\n{table}" in PAGE


def test_by_message_group_spares_the_neighbours_in_a_fifo_queue() -> None:
    whole_batch, by_group = tables["fifo_poison"]()
    assert (whole_batch[5], by_group[5]) == ("9", "2")
