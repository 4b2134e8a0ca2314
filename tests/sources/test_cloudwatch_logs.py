"""Lines of CloudWatch Logs in Kinesis: gzip within a limit, control messages told apart, lines of any type."""

import gzip
import json
from collections.abc import Callable
from datetime import UTC, datetime
from importlib import import_module
from typing import Annotated, Any, ClassVar, assert_type

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from returns.result import Success

from batchfold import (
    CloudWatchLogEvent,
    CloudWatchLogs,
    KinesisRecord,
    Malformed,
    PayloadError,
    Source,
    fold_batch,
    kafka,
    kinesis,
    sqs,
)
from batchfold.testing import cloudwatch_logs, kafka_event, kinesis_event, sqs_event

# its types are more than the strict checkers can follow, and only what it reads matters here
data_classes: Any = import_module("aws_lambda_powertools.utilities.data_classes")
of_kinesis: Any = import_module("aws_lambda_powertools.utilities.data_classes.kinesis_stream_event")
powertools: Any = import_module("aws_lambda_powertools.utilities.parser.models")


class Line(BaseModel):
    model_config = ConfigDict(strict=True)

    level: str
    at: AwareDatetime


class Ping(BaseModel):
    ping: int


LINE = '{"level": "INFO", "at": "2026-01-01T00:00:00Z"}'
PARSED = Line(level="INFO", at=datetime(2026, 1, 1, tzinfo=UTC))

FULL = {
    "messageType": "DATA_MESSAGE",
    "owner": "123456789012",
    "logGroup": "CloudTrail",
    "logStream": "123456789012_CloudTrail_us-east-1",
    "subscriptionFilters": ["RootAccess"],
    "policyLevel": "ACCOUNT_LEVEL_POLICY",
    "logEvents": [
        {
            "id": "31953106606966983378809025079804211143289615424298221568",
            "timestamp": 1432826855000,
            "message": "a line",
            "extractedFields": {"level": "INFO", "rest": None},
        }
    ],
}


OF_ANY: Callable[[Any], Source[Any, Any]] = kinesis


def parsed(data: bytes, form: Any = CloudWatchLogs) -> Any:
    return OF_ANY(form).parse(kinesis_event(data)["Records"][0]).data


def packed(logs: object) -> bytes:
    return gzip.compress(json.dumps(logs).encode(), mtime=0)


def fault_of(data: bytes, form: Any = CloudWatchLogs[Line]) -> Any:
    return fold_batch(kinesis_event(data), Success, OF_ANY(form)).failed[0].fault


def test_sources_of_logs_have_the_types_of_their_lines() -> None:
    assert_type(kinesis(CloudWatchLogs), Source[KinesisRecord[CloudWatchLogs[str]], KinesisRecord])
    assert_type(kinesis(CloudWatchLogs[Line]), Source[KinesisRecord[CloudWatchLogs[Line]], KinesisRecord])
    raw = kinesis_event(cloudwatch_logs(LINE))["Records"][0]
    assert_type(kinesis(CloudWatchLogs[Line]).parse(raw).data.log_events[0].message, Line)


@given(st.lists(st.text()))
def test_lines_are_the_text_that_was_logged(lines: list[str]) -> None:
    logs = parsed(cloudwatch_logs(*lines))
    assert [event.message for event in logs.log_events] == lines
    assert not logs.is_control


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"])), min_size=1))
def test_powertools_reads_the_same_lines(lines: list[str]) -> None:
    event = kinesis_event(cloudwatch_logs(*lines), cloudwatch_logs(control=True))
    theirs = of_kinesis.extract_cloudwatch_logs_from_event(data_classes.KinesisStreamEvent(event))
    ours = [kinesis(CloudWatchLogs).parse(raw).data for raw in event["Records"]]
    assert [logs.message_type for logs in ours] == [logs.message_type for logs in theirs]
    assert [logs.log_group for logs in ours] == [logs.log_group for logs in theirs]
    assert [(each.id, each.message) for each in ours[0].log_events] == [
        (each.get_id, each.message) for each in theirs[0].log_events
    ]
    model = powertools.CloudWatchLogsDecode.model_validate_json(gzip.decompress(cloudwatch_logs(*lines)))
    assert [each.timestamp for each in ours[0].log_events] == [each.timestamp for each in model.logEvents]


def test_a_payload_has_every_field() -> None:
    logs = parsed(packed(FULL))
    assert logs.message_type == "DATA_MESSAGE"
    assert logs.owner == "123456789012"
    assert logs.log_group == "CloudTrail"
    assert logs.log_stream == "123456789012_CloudTrail_us-east-1"
    assert logs.subscription_filters == ("RootAccess",)
    assert logs.policy_level == "ACCOUNT_LEVEL_POLICY"
    [event] = logs.log_events
    assert event.id == "31953106606966983378809025079804211143289615424298221568"
    assert event.timestamp == datetime(2015, 5, 28, 15, 27, 35, tzinfo=UTC)
    assert event.message == "a line"
    assert event.extracted_fields == {"level": "INFO", "rest": None}


def test_what_is_optional_may_be_absent_or_null() -> None:
    lines = [
        {"id": "1", "timestamp": 5, "message": "a", "extractedFields": None},
        {"id": "2", "timestamp": 5, "message": ""},
    ]
    for logs in (
        parsed(packed({**FULL, "subscriptionFilters": None, "policyLevel": None, "logEvents": lines})),
        parsed(
            packed(
                {
                    **{k: v for k, v in FULL.items() if k not in {"subscriptionFilters", "policyLevel"}},
                    "logEvents": lines,
                }
            )
        ),
    ):
        assert (logs.subscription_filters, logs.policy_level) == ((), None)
        assert [event.extracted_fields for event in logs.log_events] == [None, None]
        assert logs.log_events[0].timestamp == datetime(1970, 1, 1, 0, 0, 0, 5000, tzinfo=UTC)


def test_lines_are_validated_from_their_json_as_strictly_as_a_body() -> None:
    [event] = parsed(cloudwatch_logs(LINE), CloudWatchLogs[Line]).log_events
    assert event.message == PARSED
    assert type(event) is CloudWatchLogEvent[Line]


def test_a_control_message_has_no_lines_whatever_lines_are() -> None:
    logs = parsed(cloudwatch_logs(control=True), CloudWatchLogs[Line])
    assert (logs.is_control, logs.message_type, logs.log_events) == (True, "CONTROL_MESSAGE", ())


@pytest.mark.parametrize(
    ("form", "payload", "value"),
    [
        (CloudWatchLogs[Line] | Ping, b'{"ping": 1}', Ping(ping=1)),
        (Ping | CloudWatchLogs[Line], b'{"ping": 1}', Ping(ping=1)),
        (CloudWatchLogs[Line] | None, b"null", None),
    ],
)
def test_a_union_with_logs_takes_the_other_payloads_too(form: Any, payload: bytes, value: object) -> None:
    assert parsed(payload, form) == value
    assert parsed(cloudwatch_logs(LINE), form).log_events[0].message == PARSED


def test_annotated_logs_and_subclasses_are_decompressed() -> None:
    class Described(CloudWatchLogs[Line]):
        """Lines of one application."""

    for form in (Annotated[CloudWatchLogs[Line], Field(description="lines")], Described):
        assert parsed(cloudwatch_logs(LINE), form).log_events[0].message == PARSED


class Tree(BaseModel):
    leaves: "list[Tree]" = []


def test_lines_may_be_of_a_recursive_type() -> None:
    [event] = parsed(cloudwatch_logs('{"leaves": [{}]}'), CloudWatchLogs[Tree]).log_events
    assert event.message == Tree(leaves=[Tree()])


def test_logs_come_by_way_of_kafka_and_decompressed_through_a_queue() -> None:
    of_kafka = kafka(CloudWatchLogs).parse(kafka_event(cloudwatch_logs("a"))["records"]["orders-0"][0]).value
    assert of_kafka is not None
    of_sqs = sqs(CloudWatchLogs).parse(sqs_event(FULL)["Records"][0]).body
    assert (of_kafka.log_events[0].message, of_sqs.log_events[0].message) == ("a", "a line")


@given(st.data())
def test_damaged_gzip_is_malformed(data: st.DataObject) -> None:
    good = cloudwatch_logs("s3cr3t")
    cut = data.draw(st.integers(2, len(good) - 1))
    for broken in (good[:cut], good + good, good + b"s3cr3t", good[:10] + b"\xff" + good[11:]):
        fault = fault_of(broken)
        assert isinstance(fault, Malformed)
        assert isinstance(fault.error, PayloadError)
        assert "s3cr3t" not in str(fault.error)


def test_a_payload_that_decompresses_to_more_than_the_limit_is_malformed() -> None:
    class Short(CloudWatchLogs[str]):
        max_bytes: ClassVar[int] = 1_000

    assert "larger than max_bytes, 33554432," in str(fault_of(gzip.compress(bytes(60_000_000))).error)
    assert "larger than max_bytes, 1000," in str(fault_of(cloudwatch_logs("a" * 1_000), Short).error)
    assert parsed(cloudwatch_logs("a"), Short).log_events[0].message == "a"


@pytest.mark.parametrize(
    "payload",
    [
        b"s3cr3t",
        b"",
        gzip.compress(b"s3cr3t", mtime=0),
        packed({**FULL, "messageType": "s3cr3t"}),
        packed({**FULL, "logEvents": "s3cr3t"}),
        packed({name: value for name, value in FULL.items() if name != "logEvents"}),
        packed({**FULL, "logEvents": [{"id": "1", "timestamp": 1, "message": "s3cr3t"}]}),
        packed({**FULL, "logEvents": [{"id": "1", "timestamp": 1, "message": '{"s3cr3t": 1}'}]}),
        packed(
            {**FULL, "logEvents": [{"id": "1", "timestamp": 1, "message": '{"level": ["s3cr3t"], "at": "s3cr3t"}'}]}
        ),
        packed({**FULL, "logEvents": [{"id": "1", "timestamp": 1, "message": LINE, "extractedFields": "s3cr3t"}]}),
    ],
)
def test_what_is_no_payload_of_such_lines_is_malformed_and_not_quoted(payload: bytes) -> None:
    fault = fault_of(payload)
    assert isinstance(fault, Malformed)
    assert "s3cr3t" not in str(fault.error)


def test_a_broken_line_is_named_by_its_position_and_field() -> None:
    lines = [
        {"id": "1", "timestamp": 1, "message": text} for text in (LINE, '{"level": 3, "at": "2026-01-01T00:00:00Z"}')
    ]
    error = fault_of(packed({**FULL, "logEvents": lines})).error
    assert [each["loc"] for each in error.errors()] == [("logEvents", 1, "message", "level")]
