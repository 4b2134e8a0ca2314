"""The sources: what is inferred of payloads, images, keys and decoders, and what is refused."""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated

from pydantic import BaseModel, Field
from returns.result import Failure, Result, Success, safe
from typing_extensions import assert_type

from batchfold import (
    Attribute,
    DynamoDBRecord,
    Item,
    KafkaRecord,
    KinesisRecord,
    OfRecord,
    Record,
    Source,
    SqsRecord,
    by_hash_key,
    by_item_key,
    dynamodb,
    fold_batch,
    from_attribute_values,
    kafka,
    kinesis,
    of_record,
    process_batch,
    sqs,
)


class Order(BaseModel):
    id: str


class Legacy(BaseModel):
    name: str


class Key(BaseModel):
    pk: str


class DecodeError(Exception): ...


event: dict[str, object] = {}


# --- text and bytes, and generics without parameters
assert_type(sqs(str), Source[SqsRecord[str], SqsRecord])
assert_type(kinesis(bytes), Source[KinesisRecord[bytes], KinesisRecord])
assert_type(kafka(Order, key=str), Source[KafkaRecord[Order, str], KafkaRecord])
assert_type(sqs(dict), Source[SqsRecord[dict[str, object]], SqsRecord])
assert_type(sqs(list), Source[SqsRecord[list[object]], SqsRecord])
assert_type(kinesis(dict), Source[KinesisRecord[dict[str, object]], KinesisRecord])
assert_type(kinesis(list), Source[KinesisRecord[list[object]], KinesisRecord])
assert_type(kafka(dict), Source[KafkaRecord[dict[str, object]], KafkaRecord])
assert_type(kafka(list, key=str), Source[KafkaRecord[list[object], str], KafkaRecord])
assert_type(sqs(dict[str, int]), Source[SqsRecord[dict[str, int]], SqsRecord])
assert_type(sqs(list[Order] | None), Source[SqsRecord[list[Order] | None], SqsRecord])
process_batch(event, lambda record: Success(record.body["id"].upper()), sqs(dict))  # BAD an object has no `upper`
process_batch(event, lambda record: Success(record.body[0].upper()), sqs(list))  # BAD an object has no `upper`


# --- decoders
def parse(text: str) -> Order:
    raise NotImplementedError


def parse_bytes(data: bytes) -> Order:
    raise NotImplementedError


def parse_result(text: str) -> Result[Order, DecodeError]:
    raise NotImplementedError


def parse_bytes_result(data: bytes) -> Result[Order, DecodeError]:
    raise NotImplementedError


def parse_item(item: Item) -> Order:
    raise NotImplementedError


def parse_item_result(item: Item) -> Result[Order, DecodeError]:
    raise NotImplementedError


assert_type(sqs(decode=parse), Source[SqsRecord[Order], SqsRecord])
assert_type(sqs(decode=parse_result), Source[SqsRecord[Order], SqsRecord])
assert_type(sqs(decode=safe(parse)), Source[SqsRecord[Order], SqsRecord])
assert_type(sqs(decode=safe(exceptions=(DecodeError,))(parse)), Source[SqsRecord[Order], SqsRecord])
assert_type(sqs(decode=lambda body: body.upper()), Source[SqsRecord[str], SqsRecord])
assert_type(kinesis(decode=parse_bytes), Source[KinesisRecord[Order], KinesisRecord])
assert_type(kinesis(decode=parse_bytes_result), Source[KinesisRecord[Order], KinesisRecord])
assert_type(kafka(decode=parse_bytes_result), Source[KafkaRecord[Order], KafkaRecord])
assert_type(kafka(decode=parse_bytes_result, key=int), Source[KafkaRecord[Order, int], KafkaRecord])
assert_type(kafka(decode=parse_bytes_result, decode_key=parse_bytes_result), Source[KafkaRecord[Order, Order], KafkaRecord])
assert_type(kafka(decode=parse_bytes_result, decode_key=bytes.decode), Source[KafkaRecord[Order, str], KafkaRecord])
assert_type(kafka(decode=parse_bytes, decode_key=parse_bytes_result), Source[KafkaRecord[Order, Order], KafkaRecord])
assert_type(kafka(Order, decode_key=parse_bytes_result), Source[KafkaRecord[Order, Order], KafkaRecord])
assert_type(dynamodb(decode=parse_item), Source[DynamoDBRecord[Order], DynamoDBRecord])
assert_type(dynamodb(decode=parse_item_result), Source[DynamoDBRecord[Order], DynamoDBRecord])
sqs(decode=parse_bytes)  # BAD a body is text
kinesis(decode=parse)  # BAD data are bytes
sqs(Order, decode=parse)  # BAD a type or a function


# --- decoders that see the record
def from_attributes(record: SqsRecord) -> Order | Legacy:
    raise NotImplementedError


def from_attributes_result(record: SqsRecord) -> Result[Order, DecodeError]:
    raise NotImplementedError


def from_registry(record: KafkaRecord) -> Order:
    raise NotImplementedError


def key_from_registry(record: KafkaRecord) -> int:
    raise NotImplementedError


def by_shard(record: KinesisRecord) -> Order:
    raise NotImplementedError


def of_any(record: Record) -> Order:
    raise NotImplementedError


def of_change(record: DynamoDBRecord) -> Order:
    assert_type(record.keys, Item)
    raise NotImplementedError


assert_type(of_record(from_attributes_result), OfRecord[SqsRecord, Order])
assert_type(sqs(decode=of_record(from_attributes)), Source[SqsRecord[Order | Legacy], SqsRecord])
assert_type(sqs(decode=of_record(from_attributes_result)), Source[SqsRecord[Order], SqsRecord])
assert_type(sqs(decode=of_record(of_any)), Source[SqsRecord[Order], SqsRecord])
assert_type(sqs(decode=of_record(lambda record: len(record.body))), Source[SqsRecord[int], SqsRecord])
assert_type(kafka(decode=of_record(from_registry)), Source[KafkaRecord[Order], KafkaRecord])
assert_type(
    kafka(decode=of_record(from_registry), decode_key=of_record(key_from_registry)),
    Source[KafkaRecord[Order, int], KafkaRecord],
)
assert_type(kafka(decode=of_record(from_registry), decode_key=bytes.decode), Source[KafkaRecord[Order, str], KafkaRecord])
assert_type(kinesis(decode=of_record(by_shard)), Source[KinesisRecord[Order], KinesisRecord])
assert_type(dynamodb(decode=of_record(of_change)), Source[DynamoDBRecord[Order], DynamoDBRecord])
sqs(decode=from_attributes)  # BAD it takes the record: of_record
sqs(decode=of_record(from_registry))  # BAD another source's record
sqs(decode=of_record(parse))  # BAD it takes the payload
kafka(decode=of_record(from_attributes))  # BAD another source's record
kafka(decode=of_record(from_registry), decode_key=of_record(from_attributes))  # BAD another source's record
sqs(Order, decode=of_record(from_attributes))  # BAD a type or a function
sqs(decode=of_record(lambda record: record.nonsense))  # BAD attribute in a lambda

# --- images and keys
assert_type(dynamodb(), Source[DynamoDBRecord[Item, Item, Item], DynamoDBRecord])
assert_type(dynamodb(Order), Source[DynamoDBRecord[Order, Order, Item], DynamoDBRecord])
assert_type(dynamodb(Order | Legacy), Source[DynamoDBRecord[Order | Legacy], DynamoDBRecord])
assert_type(dynamodb(new=Order), Source[DynamoDBRecord[Order, Item], DynamoDBRecord])
assert_type(dynamodb(old=Order), Source[DynamoDBRecord[Item, Order], DynamoDBRecord])
assert_type(dynamodb(new=Order, old=Legacy), Source[DynamoDBRecord[Order, Legacy], DynamoDBRecord])
assert_type(dynamodb(keys=Key), Source[DynamoDBRecord[Item, Item, Key], DynamoDBRecord])
assert_type(dynamodb(Order, keys=Key), Source[DynamoDBRecord[Order, Order, Key], DynamoDBRecord])
assert_type(dynamodb(decode=parse_item, keys=Key), Source[DynamoDBRecord[Order, Order, Key], DynamoDBRecord])
assert_type(dynamodb(dict), Source[DynamoDBRecord[dict[str, object], dict[str, object]], DynamoDBRecord])
assert_type(from_attribute_values({}), Item)
assert_type(from_attribute_values({}, Order), Order)
dynamodb(Order, new=Order)  # BAD one type for both or one for each
dynamodb(lane=by_hash_key("pk"))
dynamodb(lane=by_item_key)
dynamodb(lane=by_hash_key)  # BAD the name of the key is missing


def on_order(record: DynamoDBRecord[Order]) -> Result[str, DecodeError]:
    order, before = record.new_image, record.old_image
    assert_type(order, Order | None)
    assert_type(before, Order | None)
    return Success(order.id) if order is not None else Failure(DecodeError())


def on_order_of_legacy(record: DynamoDBRecord[Order, Item, Key]) -> Result[str, DecodeError]:
    assert_type(record.old_image, Item | None)
    return Success(record.keys.pk)


process_batch(event, on_order, dynamodb(Order))
process_batch(event, on_order, dynamodb(Order, keys=Key))  # BAD the handler has other keys
process_batch(event, on_order_of_legacy, dynamodb(new=Order, keys=Key))
process_batch(event, on_order_of_legacy, dynamodb(Order, keys=Key))  # BAD its old image is an Order
process_batch(event, on_order, dynamodb(new=Order))  # BAD its old image is none of Order


def on_item(record: DynamoDBRecord) -> Result[Decimal, DecodeError]:
    image = record.new_image or {}
    price: Attribute = image["price"]
    if isinstance(price, Mapping):
        price = price["amount"]
    if isinstance(price, Decimal):
        return Success(price)
    image["id"].upper()  # BAD it may be anything that an attribute is
    return Failure(DecodeError())


process_batch(event, on_item, dynamodb())
fold_batch(event, lambda record: Success(record.keys["id"].upper()), dynamodb())  # BAD it may be anything that a key is
process_batch(event, lambda record: Success(json.dumps(record.keys["id"])), dynamodb())
assert_type(sqs(Annotated[str, Field(max_length=3)]), Source[SqsRecord[str], SqsRecord])
