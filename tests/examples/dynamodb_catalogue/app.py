"""Keep a catalogue in step with a DynamoDB table, with what `returns` has for results: `alt`, `map` and `lash`."""

from returns.pointfree import lash
from returns.result import Result, Success, safe
from typing_extensions import TypedDict

from batchfold import AnyResult, DynamoDBRecord, as_lambda_handler, by_item_key, dynamodb

catalogue: dict[str, str] = {}


class Item(TypedDict):
    id: str
    title: str


class NotListedError(Exception): ...


@safe(exceptions=(ValueError,))
def put(item: Item) -> str:
    if not 0 < len(item["title"]) <= 20:
        raise ValueError("a title has 1 to 20 characters")
    catalogue[item["id"]] = item["title"]
    return item["title"]


def follow(record: DynamoDBRecord[Item]) -> AnyResult[str, NotListedError]:
    item = record.new_image
    if item is None:  # the item was removed
        return Success(catalogue.pop(str(record.keys["id"]), "was not listed"))

    def put_shortened(_error: ValueError) -> Result[str, NotListedError]:
        shortened: Item = {"id": item["id"], "title": item["title"][:20]}
        return put(shortened).map(lambda title: f"{title}...").alt(lambda _: NotListedError(item["id"]))

    return lash(put_shortened)(put(item))  # a second attempt at what failed


lambda_handler = as_lambda_handler(follow, dynamodb(Item, lane=by_item_key))
