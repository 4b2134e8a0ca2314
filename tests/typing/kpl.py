"""KPL aggregates: `kinesis(..., aggregated=True)` infers as `kinesis(...)` does. Read by the type checkers, never run."""

from pydantic import BaseModel
from returns.result import Result, Success, safe
from typing_extensions import assert_type

from batchfold import (
    KinesisRecord,
    PartialResponse,
    Source,
    as_lambda_handler,
    by_partition_key,
    fetched,
    fold_batch,
    kinesis,
    of_record,
    process_batch,
)
from batchfold.testing import AggregatedKinesisStream, Effect, LambdaFunction, assert_safe, kpl_aggregate


class Order(BaseModel):
    id: str
    quantity: int


class OutOfStock(Exception): ...


event: dict[str, object] = {}


def reserve(record: KinesisRecord[Order]) -> Result[int, OutOfStock]:
    assert_type(record.explicit_hash_key, str | None)
    assert_type(record.sub_sequence_number, int | None)
    return Success(record.data.quantity)


assert_type(kinesis(aggregated=True), Source[KinesisRecord[bytes], KinesisRecord[bytes]])
assert_type(kinesis(Order, aggregated=True), Source[KinesisRecord[Order], KinesisRecord[bytes]])
assert_type(kinesis(list[Order], aggregated=True), Source[KinesisRecord[list[Order]], KinesisRecord[bytes]])
assert_type(kinesis(dict, aggregated=True), Source[KinesisRecord[dict[str, object]], KinesisRecord[bytes]])
assert_type(
    kinesis(Order, aggregated=True, lane=by_partition_key), Source[KinesisRecord[Order], KinesisRecord[bytes]]
)


def decode(data: bytes) -> Order:
    return Order.model_validate_json(data)


def decode_record(record: KinesisRecord) -> Order:
    return decode(record.data)


assert_type(kinesis(decode=decode, aggregated=True), Source[KinesisRecord[Order], KinesisRecord[bytes]])
assert_type(kinesis(decode=safe(decode), aggregated=True), Source[KinesisRecord[Order], KinesisRecord[bytes]])
assert_type(
    kinesis(decode=of_record(decode_record), aggregated=True), Source[KinesisRecord[Order], KinesisRecord[bytes]]
)


def fetch(record: KinesisRecord) -> dict[str, object]:
    return dict(record.raw)


assert_type(fetched(kinesis(Order, aggregated=True), fetch), Source[KinesisRecord[Order], KinesisRecord[bytes]])

process_batch(event, reserve, kinesis(Order, aggregated=True))
fold_batch(event, reserve, kinesis(decode=decode, aggregated=True))
assert_type(as_lambda_handler(reserve, kinesis(Order, aggregated=True))(event, None), PartialResponse)
assert_type(kpl_aggregate("a", b"b", {"id": "c"}), bytes)


def make(effect: Effect) -> LambdaFunction:
    def perform(record: KinesisRecord) -> None:
        effect(record.data)

    return as_lambda_handler(safe(perform), kinesis(aggregated=True))


assert_safe(make, source=AggregatedKinesisStream(aggregate_size=2, shards=2))

process_batch(event, reserve, kinesis(aggregated=True))  # BAD
process_batch(event, reserve, kinesis(int, aggregated=True))  # BAD
kinesis(Order, aggregated="yes")  # BAD
kinesis(Order, aggregate=True)  # BAD
kinesis(Order, True)  # BAD
KinesisRecord({}).sub_sequence_number + 1  # BAD
