"""The two rules that name records in a partial response, and when an invocation fails instead of answering.

https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html and the same pages for Kinesis, DynamoDB
Streams and Kafka describe how Lambda reads it.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from typing import Literal, TypeAlias, cast

from batchfold.core.batch import AnyBatch
from batchfold.core.records import ItemFailure, ItemId, PartialResponse

RaiseOn: TypeAlias = Literal["entire_batch", "any_failure", "never"]
"""When an invocation fails instead of answering:

- `"entire_batch"`: no record was done. Lambda delivers everything again either way, but counts an error, and
  `BisectBatchOnFunctionError` isolates a record that never succeeds.
- `"any_failure"`: any record is not done. For event source mappings without `ReportBatchItemFailures`, which ignore the
  response and would delete what it names.
- `"never"`.
"""


def name_every_record(batch: AnyBatch) -> PartialResponse:
    """Name each record that is not done, once, in arrival order: the rule of SQS and Kafka."""
    return {"batchItemFailures": []} if batch.is_all_success else name_each(batch.ids_not_done)


def name_each(item_ids: Iterable[ItemId]) -> PartialResponse:
    """Name each of these records once."""
    named: dict[Hashable, ItemFailure] = {}
    for item_id in item_ids:
        key = item_id if isinstance(item_id, str) else (item_id["partition"], item_id["offset"])
        named.setdefault(key, {"itemIdentifier": item_id})
    return {"batchItemFailures": list(named.values())}


def name_lowest_sequence_number(batch: AnyBatch) -> PartialResponse:
    """Name the lowest sequence number that is not done: Lambda delivers a stream again from there.

    Sequence numbers are decimal numbers of differing length, so they are compared as numbers.
    """
    # a stream's item identifiers are sequence numbers: its source has read them as decimal numbers
    not_done = cast("list[str]", batch.ids_not_done)
    return {"batchItemFailures": [{"itemIdentifier": min(not_done, key=int)}] if not_done else []}
