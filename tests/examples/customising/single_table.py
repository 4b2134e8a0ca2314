"""A single table: the key says which type an item is parsed into, and items of no interest do not block the shard."""

from pydantic import BaseModel
from returns.result import Result, Success

from batchfold import DynamoDBRecord, as_lambda_handler, by_hash_key, dynamodb, of_record


class Order(BaseModel):
    quantity: int


class Customer(BaseModel):
    name: str


def by_sort_key(record: DynamoDBRecord) -> Order | Customer | None:
    kind = str(record.keys["sk"]).partition("#")[0]
    models: dict[str, type[Order | Customer]] = {"ORDER": Order, "CUSTOMER": Customer}
    return models[kind].model_validate(record.new_image) if kind in models else None


def follow(record: DynamoDBRecord[Order | Customer | None]) -> Result[str, str]:
    match record.new_image:
        case Order(quantity=quantity):
            return Success(f"{quantity} ordered")
        case Customer(name=name):
            return Success(f"hello {name}")
        case None:  # removed, or an item of another kind
            return Success("nothing to do")


lambda_handler = as_lambda_handler(follow, dynamodb(decode=of_record(by_sort_key), lane=by_hash_key("pk")))
