"""Watched raw records: they are the raw records, but for telling when their payload is read."""

import copy
import json
import pickle
from typing import Any

import pytest

from batchfold.cli.injection import Watched, with_watched
from batchfold.testing import DynamoDBChange, dynamodb_event, kafka_event, kinesis_event, sqs_event

RAWS: list[tuple[dict[str, Any], tuple[str, ...]]] = [
    (sqs_event("one")["Records"][0], ("body",)),
    (kinesis_event("one")["Records"][0], ("kinesis", "data")),
    (
        dynamodb_event(DynamoDBChange(keys={"id": "a"}, new_image={"id": "a"}))["Records"][0],
        ("dynamodb", "NewImage"),
    ),
    (kafka_event("one")["records"]["orders-0"][0], ("value",)),
]


@pytest.mark.parametrize(("raw", "path"), RAWS)
def test_only_reading_the_payload_is_told(raw: dict[str, Any], path: tuple[str, ...]) -> None:
    reads: list[None] = []
    watched = Watched(raw, lambda: reads.append(None))
    assert watched == raw
    for key in raw.keys() - {path[0]}:
        assert watched[key] == watched.get(key) == raw[key]
    assert "missing" not in watched
    assert watched.get("missing", 7) == 7
    holder: Any = watched
    for key in path[:-1]:
        holder = holder[key]
    assert reads == []
    assert holder[path[-1]] == holder.get(path[-1])
    assert len(reads) == 2


@pytest.mark.parametrize(("raw", "path"), RAWS)
def test_a_copy_is_an_ordinary_record(raw: dict[str, Any], path: tuple[str, ...]) -> None:
    def fail() -> None:
        raise AssertionError(path)

    watched = Watched(raw, fail)
    for copied in (copy.deepcopy(watched), pickle.loads(pickle.dumps(watched)), json.loads(json.dumps(watched))):  # noqa: S301  # ours
        assert copied == raw
        assert type(copied) is dict


def test_an_attribute_with_the_name_of_a_payload_is_none() -> None:
    def fail() -> None:
        raise AssertionError

    message = Watched({"messageAttributes": {"body": 1, "data": 2, "value": 3}}, fail)
    assert [message["messageAttributes"][name] for name in ("body", "data", "value")] == [1, 2, 3]
    change = Watched({"dynamodb": {"Keys": {"NewImage": 1, "value": 2}}}, fail)
    assert change["dynamodb"]["Keys"]["NewImage"] + change["dynamodb"]["Keys"]["value"] == 3


def test_records_are_replaced_wherever_they_stand_in_the_event() -> None:
    event = kafka_event("one", "two")
    raws = event["records"]["orders-0"]
    watched = {id(raw): Watched(raw, lambda: None) for raw in raws}
    replaced = with_watched(event, watched)
    assert replaced == event
    assert [type(raw) for raw in replaced["records"]["orders-0"]] == [Watched, Watched]
    assert type(with_watched(raws, watched)[0]) is Watched
