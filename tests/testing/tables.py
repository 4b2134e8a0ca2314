# printing is what it is for
"""Print the tables by which users choose a lane: `python tests/testing/tables.py`.

Each row is a run, or the mean of many, of the model of Lambda in `batchfold.testing`: batchfold's own functions and
those of Powertools on the same records with the same failures. The page of `batchfold.testing` holds them as printed.
"""

import base64
import logging
import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from importlib import import_module
from statistics import mean
from typing import Any

from returns.result import safe

from batchfold import (
    Lane,
    as_lambda_handler,
    by_message_group,
    by_partition_key,
    by_topic_partition,
    each_record,
    kafka,
    kinesis,
    sqs,
    whole_batch,
)
from batchfold.testing import (
    Effect,
    FailureSchedule,
    Fate,
    History,
    KafkaShareGroup,
    KinesisStream,
    LambdaFunction,
    MakeFunction,
    SqsQueue,
    drain,
)

powertools: Any = import_module("aws_lambda_powertools.utilities.batch")  # its types are not complete

RECORDS = 100
RUNS = 50
SEED = 20_231_114
FINITE = KinesisStream(maximum_retry_attempts=3, on_failure_destination=True)


@dataclass(frozen=True)
class Way:
    """A way of reading a source: what the table calls it, and the function."""

    title: str
    make: MakeFunction


def of_kinesis(lane: Lane, *, settles: bool = False) -> MakeFunction:
    """batchfold's function for a Kinesis data stream; with `settles`, what fails is settled on its first failure."""

    def make(effect: Effect) -> LambdaFunction:
        @safe
        def handle(record: Any) -> None:
            effect(record.data)

        @safe
        def settle(failed: Any) -> None:
            effect.settle(failed.record.data)

        options: dict[str, Any] = {"settle": settle} if settles else {}
        return as_lambda_handler(handle, kinesis(lane=lane), **options)

    return make


def of_powertools(effect: Effect) -> LambdaFunction:
    """Powertools' function for a Kinesis data stream."""
    processor = powertools.BatchProcessor(powertools.EventType.KinesisDataStreams)

    def handle(record: Any) -> None:
        effect(base64.b64decode(record.kinesis.data))

    return lambda event, context: powertools.process_partial_response(
        event=event, record_handler=handle, processor=processor, context=context
    )


def of_fifo(lane: Lane) -> MakeFunction:
    """batchfold's function for a FIFO queue."""

    def make(effect: Effect) -> LambdaFunction:
        @safe
        def handle(record: Any) -> None:
            effect(record.body)

        return as_lambda_handler(handle, sqs(lane=lane))

    return make


def of_kafka(lane: Lane) -> MakeFunction:
    """batchfold's function for Kafka."""

    def make(effect: Effect) -> LambdaFunction:
        @safe
        def handle(record: Any) -> None:
            effect(record.value)

        return as_lambda_handler(handle, kafka(lane=lane))

    return make


KINESIS_WAYS = (
    Way("`whole_batch`, the default", of_kinesis(whole_batch)),
    Way("`by_partition_key`, 10 keys", of_kinesis(by_partition_key)),
    Way("`each_record`", of_kinesis(each_record)),
    Way("Powertools", of_powertools),
)


def names(keys: int) -> list[str]:
    """100 names that take turns among the keys: `A1 B1 ... A2 B2 ...`."""
    return [f"{chr(ord('A') + position % keys)}{position // keys + 1}" for position in range(RECORDS)]


def failing_once(held: Sequence[str], probability: float, run: int) -> FailureSchedule:
    """Each record fails at its first attempt with this probability."""
    chance = random.Random(SEED + run)  # noqa: S311  # a figure, no secret
    return FailureSchedule({name: ("fails",) for name in held if chance.random() < probability})


def each_fails_once(probability: float, runs: int = RUNS) -> Iterable[Sequence[str]]:
    """100 Kinesis records in one batch, each failing once with this probability: what draining them costs."""
    held = names(10)
    schedules = [failing_once(held, probability, run) for run in range(runs)]
    for way in KINESIS_WAYS:
        of_shard = [drain(way.make, source=KinesisStream(), records=held, schedule=each) for each in schedules]
        of_key = [
            drain(way.make, source=KinesisStream(), records=held, schedule=each, lane=by_partition_key)
            for each in schedules
        ]
        yield (
            way.title,
            f"{mean(history.invocation_count for history in of_shard):.1f}",
            f"{mean(history.repeated_effects for history in of_shard):.1f}",
            f"{mean(len(history.order_violations) for history in of_shard):.1f}",
            f"{mean(len(history.order_violations) for history in of_key):.1f}",
        )


def poison(source: KinesisStream, position: int) -> Iterable[Sequence[str]]:
    """100 Kinesis records of which one never succeeds, with finite retries: what becomes of the others."""
    held = names(10)
    schedule = FailureSchedule(never_succeed={held[position]})
    settling = Way("`whole_batch`, and `settle`", of_kinesis(whole_batch, settles=True))
    for way in (*KINESIS_WAYS[:3], settling, KINESIS_WAYS[3]):
        history = drain(way.make, source=source, records=held, schedule=schedule, most_invocations=2_000)
        yield (way.title, *what_became_of(history))


def finite_retries(runs: int = RUNS) -> Iterable[Sequence[str]]:
    """100 Kinesis records, each failing once with 20 %, three retries: how many are done, by how retries are counted."""
    held = names(10)
    schedules = [failing_once(held, 0.2, run) for run in range(runs)]
    for way in KINESIS_WAYS:
        done = [
            mean(
                len(drain(way.make, source=source, records=held, schedule=each).with_fate(Fate.DONE))
                for each in schedules
            )
            for source in (FINITE, replace(FINITE, retries_reset_on_progress=False))
        ]
        yield (way.title, *(f"{mean_done:.1f}" for mean_done in done))


def share_group_poison() -> Iterable[Sequence[str]]:
    """Ten records of a Kafka share group, of which the first never succeeds."""
    held = [f"{'AB'[position % 2]}{position // 2 + 1}" for position in range(10)]
    for title, lane in (("`by_topic_partition`, the default", by_topic_partition), ("`each_record`", each_record)):
        history = drain(
            of_kafka(lane), source=KafkaShareGroup(), records=held, schedule=FailureSchedule(never_succeed={held[0]})
        )
        yield (title, *what_became_of(history))


def what_became_of(history: History) -> Sequence[str]:
    """The columns of the tables with a record that never succeeds."""
    return (
        str(history.invocation_count),
        str(len(history.with_fate(Fate.DONE))),
        str(len(history.with_fate(Fate.SETTLED))),
        str(len(history.with_fate(Fate.DISCARDED, Fate.DEAD_LETTER))),
        str(len(history.never_started)),
        str(history.repeated_effects),
    )


def fifo_poison() -> Iterable[Sequence[str]]:
    """A FIFO batch of ten in four groups, whose first message never succeeds; `maxReceiveCount` is 3."""
    held = [f"{'ABCD'[position % 4]}{position // 4 + 1}" for position in range(10)]
    for title, lane in (("`whole_batch`, the default", whole_batch), ("`by_message_group`", by_message_group)):
        history = drain(
            of_fifo(lane),
            source=SqsQueue(fifo=True, max_receive_count=3),
            records=held,
            schedule=FailureSchedule(never_succeed={held[0]}),
        )
        yield (title, *what_became_of(history))


@dataclass(frozen=True)
class Table:
    """A table of the page: its title, its columns and its rows."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]

    def __str__(self) -> str:
        lines = [f"{self.title}:", "", _line(self.columns), f"|{'---|' * len(self.columns)}", *map(_line, self.rows)]
        return "\n".join(lines)


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def side_by_side(first: Iterable[Sequence[str]], second: Iterable[Sequence[str]]) -> Sequence[Sequence[str]]:
    """The rows of two tables as one: each figure of the first beside that of the second."""
    return [
        (title, *(f"{one} / {other}" for one, other in zip(figures, others, strict=True)))
        for (title, *figures), (_, *others) in zip(first, second, strict=True)
    ]


def with_powertools_beside(rows: Iterable[Sequence[str]]) -> Sequence[Sequence[str]]:
    """The rows without that of Powertools, where its figures are those of `each_record`."""
    all_rows = list(rows)
    by_title = {title: figures for title, *figures in all_rows}
    if by_title["`each_record`"] != by_title["Powertools"]:
        return all_rows
    renamed = {"`each_record`": "`each_record`, and Powertools"}
    return [(renamed.get(title, title), *figures) for title, *figures in all_rows if title != "Powertools"]


def without_settled(rows: Iterable[Sequence[str]]) -> Iterable[Sequence[str]]:
    """Rows of `what_became_of` in which what was settled counts as done."""
    for title, invocations, done, settled, *others in rows:
        yield (title, invocations, str(int(done) + int(settled)), *others)


def tables(runs: int = RUNS) -> Iterator[Table]:
    """All tables of the page."""
    became = ("invocations", "done", "given up, started", "given up, never started", "repeated effects")
    yield Table(
        f"{RECORDS} Kinesis records in one batch, each of which fails once with a probability of 5 % / of 20 % (mean of "
        f"{runs} runs)",
        ("lane", "invocations", "repeated effects", "out of the shard's order", "out of their key's order"),
        with_powertools_beside(side_by_side(each_fails_once(0.05, runs), each_fails_once(0.2, runs))),
    )
    yield Table(
        f"The same with 20 % and `MaximumRetryAttempts` 3 (mean of {runs} runs)",
        ("lane", "done", "done, if retries were counted through partial progress"),
        with_powertools_beside(finite_retries(runs)),
    )
    bisecting = replace(FINITE, bisect_batch_on_function_error=True)
    yield Table(
        f"{RECORDS} Kinesis records of which the 41st never succeeds, `MaximumRetryAttempts` 3, without bisect / with it",
        ("lane", *became),
        with_powertools_beside(
            side_by_side(without_settled(poison(FINITE, 40)), without_settled(poison(bisecting, 40)))
        ),
    )
    yield Table(
        "A FIFO batch of 10 in 4 groups whose first message never succeeds, `maxReceiveCount` 3",
        ("lane", *became),
        list(without_settled(fifo_poison())),
    )
    yield Table(
        "10 records of a Kafka share group whose first never succeeds, delivery limit 5",
        ("lane", *became),
        list(without_settled(share_group_poison())),
    )


def main() -> None:
    """Print all tables."""
    logging.getLogger("batchfold").setLevel(logging.CRITICAL)
    print("\n\n".join(map(str, tables())))


if __name__ == "__main__":
    main()
