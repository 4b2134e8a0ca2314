# printing is what it is for
"""Print the tables by which users choose a lane: `python tests/testing/tables.py`.

Each row is a run, or the mean of many, of the model of Lambda in `batchfold.testing`: batchfold's own functions and
those of Powertools on the same records with the same failures.
"""

import base64
import logging
import random
from collections.abc import Iterable, Sequence
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
    each_record,
    kinesis,
    sqs,
    whole_batch,
)
from batchfold.testing import (
    Effect,
    FailureSchedule,
    Fate,
    History,
    KinesisStream,
    LambdaFunction,
    MakeFunction,
    SqsQueue,
    drain,
)

powertools: Any = import_module("aws_lambda_powertools.utilities.batch")  # its types are not complete

RECORDS = 100
RUNS = 200
SEED = 20_231_114


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


KINESIS_WAYS = (
    Way("batchfold, `whole_batch` (the default)", of_kinesis(whole_batch)),
    Way("batchfold, `by_partition_key`, 10 keys", of_kinesis(by_partition_key)),
    Way("batchfold, `each_record`", of_kinesis(each_record)),
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
    settling = Way("batchfold, `whole_batch` and `settle`", of_kinesis(whole_batch, settles=True))
    for way in (*KINESIS_WAYS[:3], settling, KINESIS_WAYS[3]):
        history = drain(way.make, source=source, records=held, schedule=schedule, most_invocations=2_000)
        yield (way.title, *what_became_of(history))


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
    for title, lane in (("`whole_batch` (the default)", whole_batch), ("`by_message_group`", by_message_group)):
        history = drain(
            of_fifo(lane),
            source=SqsQueue(fifo=True, max_receive_count=3),
            records=held,
            schedule=FailureSchedule(never_succeed={held[0]}),
        )
        yield (title, *what_became_of(history))


def show(title: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print one table in Markdown."""
    print(f"\n{title}\n")
    print(f"| {' | '.join(columns)} |")
    print(f"|{'---|' * len(columns)}")
    for row in rows:
        print(f"| {' | '.join(row)} |")


def main() -> None:
    """Print all tables."""
    logging.getLogger("batchfold").setLevel(logging.CRITICAL)
    for probability in (0.05, 0.2):
        show(
            f"{RECORDS} Kinesis records, one batch, each fails once with probability {probability:.0%} (mean of {RUNS} runs)",
            (
                "how it is read",
                "invocations",
                "repeated effects",
                "out of the shard's order",
                "out of their key's order",
            ),
            each_fails_once(probability),
        )
    finite = KinesisStream(maximum_retry_attempts=3, on_failure_destination=True)
    became = ("invocations", "done", "settled", "given up, started", "given up, never started", "repeated effects")
    sources: list[tuple[str, KinesisStream]] = [
        ("without bisect", finite),
        ("with bisect", replace(finite, bisect_batch_on_function_error=True)),
        ("without bisect, retries start anew after progress", replace(finite, retries_reset_on_progress=True)),
    ]
    for described, source in sources:
        for position in (0, 40):
            show(
                f"{RECORDS} Kinesis records, record {position + 1} never succeeds, MaximumRetryAttempts 3, {described}",
                ("how it is read", *became),
                poison(source, position),
            )
    show(
        "A FIFO batch of 10 in 4 groups, the first never succeeds, maxReceiveCount 3",
        ("lane", *became),
        fifo_poison(),
    )


if __name__ == "__main__":
    main()
