"""The event builders, with Powertools' parser models and boto3's deserializer as the ones who must be able to read."""

import base64
import json
import re
from decimal import Decimal
from importlib import import_module
from typing import Any, cast

import pytest
from hypothesis import Phase, find, given, settings
from hypothesis import strategies as st

from batchfold.testing import (
    DynamoDBChange,
    KafkaMessage,
    KinesisData,
    SqsMessage,
    attribute_value,
    attribute_values,
    dynamodb_event,
    eventbridge_envelope,
    kafka_event,
    kinesis_event,
    sns_envelope,
    sqs_event,
)
from batchfold.testing import strategies as bst

# Their types are more than the strict checkers can follow, and only what they read matters here.
powertools: Any = import_module("aws_lambda_powertools.utilities.parser.models")
boto3_types: Any = import_module("boto3.dynamodb.types")

# Under beartype the checks of containers take a sample, with a random number that changes nothing drawn.
pytestmark = pytest.mark.filterwarnings("ignore:Do not use the `random` module inside strategies")


@given(bst.sqs_events())
def test_powertools_reads_every_sqs_event(event: dict[str, Any]) -> None:
    records = powertools.SqsModel.model_validate(event).Records
    assert [record.messageId for record in records] == [raw["messageId"] for raw in event["Records"]]


@given(bst.kinesis_events(st.text(max_size=10)))
def test_powertools_reads_every_kinesis_event(event: dict[str, Any]) -> None:
    for record, raw in zip(
        powertools.KinesisDataStreamModel.model_validate(event).Records, event["Records"], strict=True
    ):
        assert record.kinesis.data == base64.b64decode(raw["kinesis"]["data"])


@given(bst.dynamodb_events())
def test_powertools_reads_every_dynamodb_event(event: dict[str, Any]) -> None:
    assert len(powertools.DynamoDBStreamModel.model_validate(event).Records) == len(event["Records"])


@given(bst.kafka_events(st.text(max_size=10)))
def test_powertools_reads_every_kafka_event(event: dict[str, Any]) -> None:
    for raws in event["records"].values():
        for raw in raws:
            raw.setdefault("key", "")  # a key may be absent, which Powertools' model does not know
    model = (
        powertools.KafkaMskEventModel if event["eventSource"] == "aws:kafka" else powertools.KafkaSelfManagedEventModel
    )
    if event["eventSource"] != "aws:kafka":
        event["eventSource"] = "SelfManagedKafka"  # AWS's own spelling is older than Powertools' model
    assert set(model.model_validate(event).records) == set(event["records"])


@given(st.one_of(bst.sqs_events(), bst.kinesis_events(), bst.dynamodb_events(), bst.kafka_events()))
def test_every_event_is_json(event: dict[str, Any]) -> None:
    assert json.loads(json.dumps(event)) == event


@given(bst.items())
def test_boto3_reads_every_attribute_value_back(item: dict[str, Any]) -> None:
    read = {
        name: boto3_types.TypeDeserializer().deserialize(_as_boto3_has_it(value))
        for name, value in attribute_values(item).items()
    }
    assert _plain(read) == _plain(item)


def _as_boto3_has_it(value: Any) -> Any:
    """boto3 decodes base64 on the wire; Lambda hands it over as it is."""
    ((kind, content),) = value.items()
    match kind:
        case "B":
            return {kind: base64.b64decode(content)}
        case "BS":
            return {kind: [base64.b64decode(member) for member in content]}
        case "L":
            return {kind: [_as_boto3_has_it(member) for member in content]}
        case "M":
            return {kind: {name: _as_boto3_has_it(member) for name, member in content.items()}}
        case _:
            return value


def _plain(value: Any) -> Any:
    """Numbers of one type, sequences of one type, bytes without boto3's wrapping: the rest must be equal as it is."""
    kind = type(cast("object", value))  # what is Any cannot be narrowed
    if kind is dict:
        return {name: _plain(member) for name, member in value.items()}
    if kind in {list, tuple}:
        return [_plain(member) for member in value]
    if kind in {set, frozenset}:
        return {_plain(member) for member in value}
    if kind is boto3_types.Binary:
        return value.value
    return Decimal(value) if kind is int else value


def test_the_same_payloads_make_the_same_event() -> None:
    assert sqs_event("a", "b") == sqs_event("a", "b")
    assert len({raw["messageId"] for raw in sqs_event("a", "a")["Records"]}) == 2


def test_a_fifo_queue_says_so_and_gives_every_message_a_group() -> None:
    first, second = sqs_event("a", SqsMessage("b", message_group_id="g"), fifo=True)["Records"]
    assert first["eventSourceARN"].endswith(":orders.fifo")
    assert (first["attributes"]["MessageGroupId"], second["attributes"]["MessageGroupId"]) == ("default", "g")
    assert int(first["attributes"]["SequenceNumber"]) < int(second["attributes"]["SequenceNumber"])


def test_a_standard_queue_may_carry_groups_without_being_fifo() -> None:
    (raw,) = sqs_event(SqsMessage("a", message_group_id="g"))["Records"]
    assert raw["attributes"]["MessageGroupId"] == "g"
    assert "SequenceNumber" not in raw["attributes"]
    assert not raw["eventSourceARN"].endswith(".fifo")


def test_message_attributes_are_typed_by_their_data_type() -> None:
    message = SqsMessage("a", message_attributes={"s": "text", "n": Decimal("1.5"), "b": b"\x00"})
    attributes = sqs_event(message)["Records"][0]["messageAttributes"]
    assert {name: attribute["dataType"] for name, attribute in attributes.items()} == {
        "s": "String",
        "n": "Number",
        "b": "Binary",
    }
    assert attributes["b"]["binaryValue"] == "AA=="


def test_a_receipt_handle_is_another_one_at_each_receipt_and_never_the_message_id() -> None:
    first, again = (sqs_event(SqsMessage("a", approximate_receive_count=count))["Records"][0] for count in (1, 2))
    assert first["messageId"] == again["messageId"]
    assert len({first["receiptHandle"], again["receiptHandle"], first["messageId"]}) == 3


def test_kinesis_data_is_base64_of_bytes_text_or_json() -> None:
    event = kinesis_event(b"\xff", "text", {"id": 1}, KinesisData("keyed", partition_key="k"))
    data = [base64.b64decode(raw["kinesis"]["data"]) for raw in event["Records"]]
    assert data == [b"\xff", b"text", b'{"id": 1}', b"keyed"]
    assert event["Records"][3]["kinesis"]["partitionKey"] == "k"


def test_sequence_numbers_rise_as_numbers_and_not_as_text() -> None:
    event = dynamodb_event({"id": "a"}, {"id": "b"}, {"id": "c"})
    numbers = [raw["dynamodb"]["SequenceNumber"] for raw in event["Records"]]
    assert numbers == sorted(numbers, key=int)
    assert numbers != sorted(numbers)


@pytest.mark.parametrize(
    ("change", "event_name"),
    [
        (DynamoDBChange({"id": "a"}, new_image={"id": "a"}), "INSERT"),
        (DynamoDBChange({"id": "a"}, new_image={"id": "a"}, old_image={"id": "a"}), "MODIFY"),
        (DynamoDBChange({"id": "a"}, old_image={"id": "a"}), "REMOVE"),
        (DynamoDBChange({"id": "a"}, old_image={"id": "a"}, expired=True), "REMOVE"),
        (DynamoDBChange({"id": "a"}, event_name="MODIFY"), "MODIFY"),
    ],
)
def test_the_images_say_what_happened_to_an_item(change: DynamoDBChange, event_name: str) -> None:
    (raw,) = dynamodb_event(change)["Records"]
    assert raw["eventName"] == event_name
    assert ("userIdentity" in raw) == change.expired


KEYS = {"id": "a"}
INSERTED = DynamoDBChange(KEYS, new_image=KEYS)
MODIFIED = DynamoDBChange(KEYS, new_image=KEYS, old_image=KEYS)
REMOVED = DynamoDBChange(KEYS, old_image=KEYS)
EXPIRED = DynamoDBChange(KEYS, old_image=KEYS, expired=True)
WITHOUT_IMAGES = DynamoDBChange(KEYS)
NEW_OF_MODIFIED = DynamoDBChange(KEYS, new_image=KEYS, event_name="MODIFY")
OLD_OF_MODIFIED = DynamoDBChange(KEYS, old_image=KEYS, event_name="MODIFY")
NONE_OF_INSERTED = DynamoDBChange(KEYS, event_name="INSERT")


@pytest.mark.parametrize(
    ("changes", "view_type"),
    [
        ([INSERTED], "NEW_AND_OLD_IMAGES"),
        ([INSERTED, MODIFIED, REMOVED, EXPIRED], "NEW_AND_OLD_IMAGES"),
        ([WITHOUT_IMAGES], "KEYS_ONLY"),
        ([NONE_OF_INSERTED, WITHOUT_IMAGES], "KEYS_ONLY"),
        ([NEW_OF_MODIFIED], "NEW_IMAGE"),
        ([INSERTED, WITHOUT_IMAGES], "NEW_IMAGE"),
        ([NEW_OF_MODIFIED, INSERTED, WITHOUT_IMAGES], "NEW_IMAGE"),
        ([OLD_OF_MODIFIED], "OLD_IMAGE"),
        ([NONE_OF_INSERTED, EXPIRED], "OLD_IMAGE"),
    ],
)
def test_the_images_of_all_changes_say_which_view_type_the_stream_has(
    changes: list[DynamoDBChange], view_type: str
) -> None:
    raws = dynamodb_event(*changes)["Records"]
    assert {raw["dynamodb"]["StreamViewType"] for raw in raws} == {view_type}


@pytest.mark.parametrize(
    "changes", [[MODIFIED, WITHOUT_IMAGES], [MODIFIED, NEW_OF_MODIFIED], [INSERTED, NONE_OF_INSERTED]]
)
def test_changes_that_no_stream_carries_together_are_refused(changes: list[DynamoDBChange]) -> None:
    with pytest.raises(ValueError, match="A stream has one view type, and none of the four fits all of these"):
        dynamodb_event(*changes)


def what_no_stream_carries(raw: dict[str, Any]) -> set[str]:
    """The images that this record has too many or too few for its view type: the table of API_StreamSpecification."""
    change = raw["dynamodb"]
    carried = {
        "KEYS_ONLY": set[str](),
        "NEW_IMAGE": {"NewImage"},
        "OLD_IMAGE": {"OldImage"},
        "NEW_AND_OLD_IMAGES": {"NewImage", "OldImage"},
    }[change["StreamViewType"]]
    there = {"INSERT": {"NewImage"}, "MODIFY": {"NewImage", "OldImage"}, "REMOVE": {"OldImage"}}[raw["eventName"]]
    return (carried & there) ^ ({"NewImage", "OldImage"} & set(change))


@given(bst.dynamodb_events())
def test_every_dynamodb_event_is_of_one_view_type_and_has_its_images(event: dict[str, Any]) -> None:
    assert len({raw["dynamodb"]["StreamViewType"] for raw in event["Records"]}) == 1
    for raw in event["Records"]:
        assert what_no_stream_carries(raw) == set()
        assert "userIdentity" not in raw or raw["eventName"] == "REMOVE"


@given(st.lists(bst.dynamodb_changes(), min_size=1, max_size=5))
def test_any_dynamodb_changes_make_an_event_together(changes: list[DynamoDBChange]) -> None:
    for raw in dynamodb_event(*changes)["Records"]:
        assert what_no_stream_carries(raw) == set()


@pytest.mark.parametrize("view_type", ["KEYS_ONLY", "NEW_IMAGE", "OLD_IMAGE", "NEW_AND_OLD_IMAGES"])
def test_dynamodb_events_of_each_view_type_are_found(view_type: str) -> None:
    unshrunk = settings(phases=[Phase.generate])  # any event will do; making it small takes a quarter of a minute
    find(
        bst.dynamodb_events(),
        lambda event: event["Records"][0]["dynamodb"]["StreamViewType"] == view_type,
        settings=unshrunk,
    )


# What SQS takes as text: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html
SQS_TEXT = re.compile("[\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]+")


@given(bst.sqs_events())
def test_every_text_in_an_sqs_event_is_one_that_sqs_takes(event: dict[str, Any]) -> None:
    for raw in event["Records"]:
        assert SQS_TEXT.fullmatch(raw["body"])
        for attribute in raw["messageAttributes"].values():
            if attribute["dataType"] == "Binary":
                assert attribute["binaryValue"]
            else:
                assert SQS_TEXT.fullmatch(attribute["stringValue"])
            if attribute["dataType"] == "Number":
                assert len(Decimal(attribute["stringValue"]).as_tuple().digits) <= 38, "SQS keeps no more digits"


def test_an_image_without_its_key_is_refused() -> None:
    with pytest.raises(KeyError, match="key=\\.\\.\\."):
        dynamodb_event({"order": "a"})


@pytest.mark.parametrize("value", [1.5, {"id": 1.5}, object(), {1, "a"}, {True}])
def test_what_dynamodb_has_no_type_for_is_refused(value: object) -> None:
    with pytest.raises(TypeError, match="DynamoDB"):
        attribute_value(value)


@pytest.mark.parametrize("value", [set[str](), 10**38, Decimal("NaN"), Decimal("Infinity")])
def test_what_dynamodb_cannot_hold_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="DynamoDB"):
        attribute_value(value)


def test_kafka_records_are_listed_by_topic_and_partition_with_rising_offsets() -> None:
    event = kafka_event("a", KafkaMessage("b", topic="refunds", partition=2, offset=41), "c")
    assert {name: [raw["offset"] for raw in raws] for name, raws in event["records"].items()} == {
        "orders-0": [0, 1],
        "refunds-2": [41],
    }


def test_a_kafka_record_may_have_neither_key_nor_value() -> None:
    (raw,) = kafka_event(KafkaMessage(None))["records"]["orders-0"]
    assert "key" not in raw
    assert "value" not in raw


def test_kafka_headers_are_signed_bytes() -> None:
    (raw,) = kafka_event(KafkaMessage("a", headers={"h": b"\x00\x7f\x80\xff"}))["records"]["orders-0"]
    assert raw["headers"] == [{"h": [0, 127, -128, -1]}]


def test_a_self_managed_cluster_has_no_arn() -> None:
    event = kafka_event("a", self_managed=True)
    assert event["eventSource"] == "SelfManagedKafka"
    assert "eventSourceArn" not in event


def test_an_sns_message_in_a_queue_is_text_within_the_envelope() -> None:
    event = sqs_event(sns_envelope({"id": "a"}, subject="s", message_attributes={"kind": "order"}))
    notification = powertools.SnsNotificationModel.model_validate_json(event["Records"][0]["body"])
    assert isinstance(notification.Message, str)
    assert json.loads(notification.Message) == {"id": "a"}


def test_an_eventbridge_event_in_a_queue_holds_its_detail_as_it_is() -> None:
    event = sqs_event(eventbridge_envelope({"id": "a"}, detail_type="Order Placed"))
    assert powertools.EventBridgeModel.model_validate_json(event["Records"][0]["body"]).detail == {"id": "a"}


def test_a_payload_that_json_does_not_know_is_refused() -> None:
    with pytest.raises(TypeError, match="Encode it first"):
        sqs_event(object())
