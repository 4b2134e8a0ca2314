"""User records that the Kinesis Producer Library aggregated, each of which is counted once.

An aggregate comes back as a whole, so that user records which were done are delivered again. The sequence number and the
place in the aggregate name a user record.
"""

from pydantic import BaseModel
from returns.result import safe

from batchfold import KinesisRecord, as_lambda_handler, by_partition_key, kinesis

totals: dict[str, int] = {}
counted: set[tuple[str, int | None]] = set()  # in production a table, written in one transaction with the total


class Reading(BaseModel):
    value: int


@safe
def count(record: KinesisRecord[Reading]) -> None:
    key = (record.sequence_number, record.sub_sequence_number)
    if key not in counted:
        totals[record.partition_key] = totals.get(record.partition_key, 0) + record.data.value
        counted.add(key)


lambda_handler = as_lambda_handler(count, kinesis(Reading, aggregated=True, lane=by_partition_key))
