"""Records and models read the same from every event as Powertools' own."""

import gzip
import itertools
import pickle
import re
import zlib
from collections.abc import Callable, Iterator, Mapping
from enum import Enum
from functools import cached_property
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from typing_extensions import TypeIs

from batchfold.testing import SqsMessage, dynamodb_event, kafka_event, kinesis_event, sns_envelope, sqs_event
from batchfold.testing.strategies import dynamodb_events, kafka_events, kinesis_events, sqs_events

VIEWS = ("SQSRecord", "KinesisStreamRecord", "DynamoDBRecord", "KafkaEventRecord")
MODELS = ("SqsRecordModel", "KinesisDataStreamRecord", "DynamoDBStreamRecordModel", "KafkaRecordModel")
METHODS = ("data_as_bytes", "data_as_text", "data_as_json", "data_zlib_compressed_as_json")


def raws_of(event: dict[str, Any]) -> list[Any]:
    return event["Records"] if "Records" in event else [raw for raws in event["records"].values() for raw in raws]


# an SQS body can be read as a nested event, unchecked by both; beartype, here, does check that it is a mapping
NESTED: tuple[dict[str, Any], ...] = ({"Message": "text"}, {"Records": []}, {"Records": [{"s3": {}}]})
BODIES = st.sampled_from((*NESTED, "no JSON", "", "é"))
RAWS: dict[str, st.SearchStrategy[list[Any]]] = {
    "SQSRecord": sqs_events(BODIES).map(raws_of),
    "KinesisStreamRecord": kinesis_events().map(raws_of),
    "DynamoDBRecord": dynamodb_events().map(raws_of),
    "KafkaEventRecord": kafka_events().map(raws_of),
}


def properties_of(view: Any) -> list[str]:
    kind: Any = view.__class__
    return [name for name in dir(kind) if isinstance(getattr(kind, name), property | cached_property)]


def read(view: Any, name: str) -> Any:
    """What reading a property, or calling a method, comes to, in a form that can be compared between libraries."""
    try:
        found = getattr(view, name)
        return told(found() if name in METHODS else found)
    except Exception as error:  # noqa: BLE001  # what it raises is what is compared
        return type(error).__name__


def is_mapping(value: object) -> TypeIs[Mapping[Any, Any]]:
    return isinstance(value, Mapping)


def is_iterator(value: object) -> TypeIs[Iterator[Any]]:
    return isinstance(value, Iterator)


def told(value: Any) -> Any:
    if hasattr(value, "raw_event"):
        names = [*properties_of(value), *(name for name in METHODS if hasattr(value, name))]
        return {name: read(value, name) for name in names}
    if is_mapping(value):
        return {name: told(item) for name, item in value.items()}
    if is_iterator(value):
        return [told(item) for item in value]
    return value.name if hasattr(value, "name") else value


@pytest.mark.parametrize("view", VIEWS)
@given(data=st.data())
def test_every_property_reads_the_same(view: str, ours: Any, theirs: Any, data: st.DataObject) -> None:
    for raw in data.draw(RAWS[view]):
        assert told(getattr(ours, view)(raw)) == told(getattr(theirs, view)(raw))


@pytest.mark.parametrize("view", VIEWS)
@given(data=st.data())
def test_a_record_that_lacks_what_it_should_have_reads_the_same(
    view: str, ours: Any, theirs: Any, data: st.DataObject
) -> None:
    for raw in data.draw(RAWS[view]):
        kept = data.draw(st.sets(st.sampled_from(sorted(raw)))) if raw else set[str]()
        bare = {key: value for key, value in raw.items() if key in kept}
        assert told(getattr(ours, view)(bare)) == told(getattr(theirs, view)(bare))


@pytest.mark.parametrize(("view", "model"), list(zip(VIEWS, MODELS, strict=True)))
@given(data=st.data())
def test_models_validate_the_same(view: str, model: str, ours: Any, theirs: Any, data: st.DataObject) -> None:
    for raw in data.draw(RAWS[view]):
        if model == "KafkaRecordModel":
            raw["headers"] = []  # theirs writes into them: see test_differences.py
        kept = data.draw(st.just(set(raw)) | st.sets(st.sampled_from(sorted(raw))))
        bare = {key: value for key, value in raw.items() if key in kept}
        assert validated(getattr(ours, model), bare) == validated(getattr(theirs, model), bare)


def validated(model: Any, raw: Any) -> Any:
    try:
        return model.model_validate(raw).model_dump()
    except ValidationError as error:
        return type(error).__name__, error.errors(include_url=False, include_input=False, include_context=False)


def test_a_record_reads_as_a_mapping(library: Any) -> None:
    (raw,) = sqs_event(SqsMessage("text", message_attributes={"tenant": "blue"}))["Records"]
    record = library.SQSRecord(raw)
    assert (record["body"], record.get("body"), record.get("nothing"), record.get("nothing", 1)) == (
        "text",
        "text",
        None,
        1,
    )
    assert (dict(record), len(record), "body" in record) == (raw, len(raw), True)
    assert record == library.SQSRecord(raw)
    assert record != library.SQSRecord({**raw, "body": "other"})
    assert record.raw_event is raw
    assert record.message_attributes["tenant"].string_value == "blue"
    assert record.message_attributes["nobody's"] is None
    assert [(name, item.data_type) for name, item in record.message_attributes.items()] == [("tenant", "String")]
    with pytest.raises(KeyError):
        record["nothing"]
    with pytest.raises(TypeError):
        hash(record)


@pytest.mark.parametrize("view", VIEWS)
@settings(max_examples=20)  # a record that is printed is read as a whole
@given(data=st.data())
def test_every_record_prints_the_same(view: str, ours: Any, theirs: Any, data: st.DataObject) -> None:
    for raw in data.draw(RAWS[view]):
        kept = data.draw(st.just(set(raw)) | st.sets(st.sampled_from(sorted(raw))))
        bare = {key: value for key, value in raw.items() if key in kept}
        printed, expected = (addresses_out_of(str(getattr(library, view)(bare))) for library in (ours, theirs))
        assert printed == expected


def addresses_out_of(text: str) -> str:
    return re.sub(r"<(?:[a-z_]+\.)+(\w+) object", r"<\1 object", re.sub(r" at 0x\w+", "", text))


def test_a_subclass_says_what_is_not_printed(library: Any) -> None:
    hiding = type("Hiding", (library.SQSRecord,), {"_sensitive_properties": ["body"]})
    assert "'body': '[SENSITIVE]'" in str(hiding(sqs_event("text")["Records"][0]))


def test_json_is_read_as_one_asks(library: Any) -> None:
    (raw,) = sqs_event("text")["Records"]
    assert library.SQSRecord(raw, json_deserializer=str.upper).json_body == "TEXT"


def test_headers_are_found_in_any_case(library: Any) -> None:
    (raw,) = kafka_event("value")["records"]["orders-0"]
    headers = library.KafkaEventRecord({**raw, "headers": [{"Trace-Id": [97, -30, -126, -84]}]}).decoded_headers
    assert headers["TRACE-ID"] == headers.get("trace-id") == "a€".encode()
    assert "Trace-ID" in headers
    assert headers.get("other") is None
    with pytest.raises(KeyError):
        headers["other"]


def test_a_body_may_hold_a_message_of_sns(library: Any) -> None:
    (raw,) = sqs_event(sns_envelope({"id": "a-1"}))["Records"]
    message = library.SQSRecord(raw).decoded_nested_sns_event
    assert message.message == '{"id": "a-1"}'
    assert message.message_id
    assert message.topic_arn.startswith("arn:aws:sns:")
    assert message.get_type == "Notification"


def test_a_body_may_hold_a_notification_of_s3(library: Any) -> None:
    stored = {"key": "an+order.json", "size": 3, "eTag": "e", "sequencer": "1"}
    bucket = {"name": "orders", "arn": "arn:aws:s3:::orders", "ownerIdentity": {"principalId": "p"}}
    notification = {
        "Records": [
            {
                "eventName": "ObjectCreated:Put",
                "eventTime": "2023-11-14T22:13:20.000Z",
                "userIdentity": {"principalId": "p"},
                "requestParameters": {"sourceIPAddress": "192.0.2.1"},
                "s3": {"bucket": bucket, "object": stored, "configurationId": "c", "s3SchemaVersion": "1.0"},
            }
        ]
    }
    event = library.SQSRecord(sqs_event(notification)["Records"][0]).decoded_nested_s3_event
    assert (event.bucket_name, event.object_key) == ("orders", "an order.json")
    (happened,) = event.records
    assert (happened.event_name, happened.event_time) == ("ObjectCreated:Put", "2023-11-14T22:13:20.000Z")
    assert happened.user_identity.principal_id == happened.s3.bucket.owner_identity.principal_id == "p"
    assert happened.request_parameters.source_ip_address == "192.0.2.1"
    assert (happened.s3.configuration_id, happened.s3.s3_schema_version) == ("c", "1.0")
    assert happened.s3.bucket.arn == "arn:aws:s3:::orders"
    assert (happened.s3.get_object.size, happened.s3.get_object.etag, happened.s3.get_object.version_id) == (
        3,
        "e",
        None,
    )
    assert happened.glacier_event_data is None
    assert happened.intelligent_tiering_event_data is None


def test_a_notification_of_s3_may_tell_of_a_restore_or_a_tier(library: Any) -> None:
    restored = {"lifecycleRestorationExpiryTime": "1970-01-01T00:00:00.000Z", "lifecycleRestoreStorageClass": "GLACIER"}
    happened = {
        "s3": {"bucket": {"name": "orders"}, "get_object": {"key": "an+order.json"}},
        "glacierEventData": {"restoreEventData": restored},
        "intelligentTieringEventData": {"destinationAccessTier": "ARCHIVE_ACCESS"},
    }
    event = library.SQSRecord(sqs_event({"Records": [happened]})["Records"][0]).decoded_nested_s3_event
    assert (event.object_key, event.record.s3.get_object.key) == ("an order.json", "an+order.json")
    restore = event.record.glacier_event_data.restore_event_data
    assert restore.lifecycle_restoration_expiry_time == "1970-01-01T00:00:00.000Z"
    assert restore.lifecycle_restore_storage_class == "GLACIER"
    assert event.record.intelligent_tiering_event_data.destination_access_tier == "ARCHIVE_ACCESS"


def test_headers_are_a_dictionary_in_any_case(library: Any) -> None:
    (raw,) = kafka_event("value")["records"]["orders-0"]
    headers = library.KafkaEventRecord({**raw, "headers": [{"Trace-Id": [97]}, {"X": [98]}]}).decoded_headers
    headers["TRACE-ID"] = b"b"
    assert dict(headers) == {"trace-id": b"b", "x": b"b"}
    assert headers == {"Trace-ID": b"b", "X": b"b"}
    assert headers.copy() == headers
    assert headers != {"Trace-ID": b"b"}
    assert headers != "no mapping"
    assert headers | {"Y": 1} == {"y": 1} | headers == {"x": b"b", "y": 1, "trace-id": b"b"}
    assert hash(headers) == hash(headers.copy())
    headers |= {"Y": 1}
    headers.update(Z=2)
    assert (headers.setdefault("z", 3), headers.setdefault("W", 3), headers.pop("Y"), headers.pop("Y", None)) == (
        2,
        3,
        1,
        None,
    )
    del headers["Trace-ID"]
    assert dict(headers) == {"x": b"b", "z": 2, "w": 3}
    for value in (1, None):
        with pytest.raises(TypeError):
            _ = headers | value
        with pytest.raises(TypeError):
            _ = value | headers


def test_schemas_of_kafka_and_attributes_of_sns_are_read(library: Any) -> None:
    (raw,) = kafka_event("value")["records"]["orders-0"]
    metadata = {"dataFormat": "AVRO", "schemaId": "1"}
    record = library.KafkaEventRecord({**raw, "keySchemaMetadata": metadata, "valueSchemaMetadata": metadata})
    assert record.key_schema_metadata.data_format == record.value_schema_metadata.data_format == "AVRO"
    assert record.key_schema_metadata.schema_id == "1"
    body = {"MessageAttributes": {"tenant": {"Type": "String", "Value": "blue"}}}
    message = library.SQSRecord(sqs_event(body)["Records"][0]).decoded_nested_sns_event
    assert [(name, item.get_type, item.value) for name, item in message.message_attributes.items()] == [
        ("tenant", "String", "blue")
    ]


@pytest.mark.parametrize("compress", [gzip.compress, zlib.compress])
def test_compressed_data_are_read(compress: Callable[[bytes], bytes], library: Any) -> None:
    (raw,) = kinesis_event(compress(b'{"id": 1}'))["Records"]
    assert library.KinesisStreamRecord(raw).kinesis.data_zlib_compressed_as_json() == {"id": 1}
    model = library.KinesisDataStreamRecord.model_validate(raw)
    assert model.decompress_zlib_record_data_as_json() == {"id": 1}
    model.kinesis.data = model
    with pytest.raises(ValueError, match="decompress"):
        model.decompress_zlib_record_data_as_json()


def test_data_that_are_no_text_do_not_validate(library: Any) -> None:
    (raw,) = kinesis_event("data")["Records"]
    raw["kinesis"]["data"] = None
    with pytest.raises(ValidationError, match="base64"):
        library.KinesisDataStreamRecord.model_validate(raw)


ATTRIBUTE_VALUES: list[Any] = [
    {"N": "1.50"},
    {"N": ""},
    {"N": "."},
    {"N": "1" * 38},
    {"N": "1" * 38 + "00"},
    {"N": "1" * 39},
    {"N": "1E+125"},
    {"N": "1E+126"},
    {"N": "1E-131"},
    {"N": "no number"},
    {"N": 1},
    {"NULL": False},
    {"BOOL": "yes"},
    {"B": "YWI="},
    {"BS": ["YWI=", "YWI="]},
    {"NS": ["1", "1.0"]},
    {"SS": ["a", "b"]},
    {"L": [{"S": "a"}, {"M": {"n": {"N": "1"}}}]},
    {"s": "lower case"},
    {"X": "unknown"},
    {"S": "first", "N": "second"},
    {},
    "no mapping",
]


@pytest.mark.parametrize("attribute_value", ATTRIBUTE_VALUES, ids=str)
def test_attribute_values_of_any_form_read_the_same(attribute_value: Any, ours: Any, theirs: Any) -> None:
    raw = {"dynamodb": {"Keys": {"key": attribute_value}, "NewImage": {}, "OldImage": None}}
    assert told(ours.DynamoDBRecord(raw)) == told(theirs.DynamoDBRecord(raw))


@pytest.mark.parametrize("name", ["EventType", "StreamViewType", "DynamoDBRecordEventName"])
def test_members_of_enumerations_equal_theirs_by_name(name: str, ours: Any, theirs: Any) -> None:
    """A handler that moved its processor and kept this import must not skip every record."""
    our_kind, their_kind = getattr(ours, name), getattr(theirs, name)
    assert [member.name for member in our_kind] == [member.name for member in their_kind]
    assert [member.value for member in our_kind] == [member.value for member in their_kind]
    for our, their in itertools.product(our_kind, their_kind):
        same = our.name == their.name
        assert (our == their, their == our, our != their, their != our) == (same, same, not same, not same)
        our_set, their_set, their_dict = {our}, {their}, {their: 1}
        assert (our in their_set, their in our_set, our in their_dict) == (same, same, same)
    assert {*our_kind, *their_kind} == set(our_kind)
    assert pickle.loads(pickle.dumps([*our_kind])) == [*our_kind]  # noqa: S301  # it was pickled in this line


def test_members_of_different_enumerations_are_unequal(ours: Any, theirs: Any) -> None:
    their_insert = theirs.DynamoDBRecordEventName.INSERT
    other: Any = Enum("DynamoDBRecordEventName", ["INSERT"])  # type: ignore[misc]  # a class of that name elsewhere
    for ours_or_other in (ours.StreamViewType.KEYS_ONLY, ours.EventType.SQS, other.INSERT):
        assert ours_or_other != their_insert
        assert ours_or_other != "INSERT"
    assert ours.DynamoDBRecordEventName.INSERT != other.INSERT


def test_a_handler_matches_changes_with_either_import(ours: Any, theirs: Any) -> None:
    (raw,) = dynamodb_event({"id": "a"})["Records"]
    for library in (ours, theirs):
        match ours.DynamoDBRecord({**raw, "eventName": "INSERT"}).event_name:
            case library.DynamoDBRecordEventName.INSERT:
                pass
            case other:
                pytest.fail(f"{other} is an insert")
