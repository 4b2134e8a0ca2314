"""Envelopes: every field that AWS documents, and the payload inside."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, Any, assert_type

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import AfterValidator, BaseModel, Field, ValidationError

from batchfold.core.source import Source
from batchfold.sources.envelopes import EventBridge, Sns, SnsMessageAttribute
from batchfold.sources.sqs import SqsRecord, sqs
from batchfold.testing import eventbridge_envelope, sns_envelope

NOTIFICATION = {
    "Type": "Notification",
    "MessageId": "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324",
    "TopicArn": "arn:aws:sns:us-west-2:123456789012:MyTopic",
    "Subject": "My First Message",
    "Message": "Hello world!",
    "Timestamp": "2012-05-02T00:54:06.655Z",
    "SignatureVersion": "1",
    "Signature": "EXAMPLEw6JRN...",
    "SigningCertURL": "https://sns.us-west-2.amazonaws.com/SimpleNotificationService-f3ecfb7224c7233fe7bb5f59f96de52f.pem",
    "UnsubscribeURL": "https://sns.us-west-2.amazonaws.com/?Action=Unsubscribe&SubscriptionArn=arn:aws:sns:us-west-2:1",
    "MessageAttributes": {"store": {"Type": "String", "Value": "example_corp"}},
}
EVENT = {
    "version": "0",
    "id": "6a7e8feb-b491-4cf7-a9f1-bf3703467718",
    "detail-type": "EC2 Instance State-change Notification",
    "source": "aws.ec2",
    "account": "111122223333",
    "time": "2017-12-22T18:43:48Z",
    "region": "us-west-1",
    "resources": ["arn:aws:ec2:us-west-1:123456789012:instance/i-1234567890abcdef0"],
    "detail": {"instance-id": "i-1234567890abcdef0", "state": "terminated"},
    "replay-name": "replay_archive",
}


class Order(BaseModel):
    id: str


def raw(body: object) -> dict[str, Any]:
    return {"messageId": "m-1", "body": json.dumps(body)}


def message_of(source: Source[SqsRecord[Sns[Any]], Any], message: str) -> object:
    return source.parse(raw({**NOTIFICATION, "Message": message})).body.message


def test_sources_of_envelopes_have_the_types_of_their_payloads() -> None:
    assert_type(sqs(Sns[Order]), Source[SqsRecord[Sns[Order]], SqsRecord[str]])
    assert_type(sqs(EventBridge[Order]), Source[SqsRecord[EventBridge[Order]], SqsRecord[str]])
    assert_type(sqs(Sns[Order]).parse(raw(sns_envelope({"id": "a"}))).body.message, Order)


def test_a_notification_has_every_field() -> None:
    sns = sqs(Sns[str]).parse(raw(NOTIFICATION)).body
    assert sns.type == "Notification"
    assert sns.message_id == NOTIFICATION["MessageId"]
    assert sns.topic_arn == "arn:aws:sns:us-west-2:123456789012:MyTopic"
    assert sns.subject == "My First Message"
    assert sns.message == "Hello world!"
    assert sns.timestamp == datetime(2012, 5, 2, 0, 54, 6, 655000, tzinfo=UTC)
    assert sns.signature_version == "1"
    assert sns.signature == "EXAMPLEw6JRN..."
    assert sns.signing_cert_url == NOTIFICATION["SigningCertURL"]
    assert sns.unsubscribe_url == NOTIFICATION["UnsubscribeURL"]
    assert sns.message_attributes == {"store": SnsMessageAttribute(type="String", value="example_corp")}
    assert sns.sequence_number is None


def test_a_notification_may_lack_what_is_optional() -> None:
    needed = ("Type", "MessageId", "TopicArn", "Message", "Timestamp")
    sns = sqs(Sns[str]).parse(raw({name: NOTIFICATION[name] for name in needed})).body
    assert (sns.subject, sns.signature, sns.signing_cert_url, sns.unsubscribe_url) == (None, None, None, None)
    assert sns.message_attributes == {}


def test_a_notification_of_a_fifo_topic_has_a_sequence_number() -> None:
    body = {**NOTIFICATION, "SequenceNumber": "10000000000000003000"}
    assert sqs(Sns[str]).parse(raw(body)).body.sequence_number == "10000000000000003000"


def test_the_message_is_validated_from_its_json() -> None:
    assert message_of(sqs(Sns[Order]), '{"id": "a"}') == Order(id="a")
    assert message_of(sqs(Sns[list[int]]), "[1, 2]") == [1, 2]
    assert message_of(sqs(Sns[Order | None]), "null") is None
    assert message_of(sqs(Sns[Any]), '{"any": 1}') == {"any": 1}


@given(st.text())
def test_a_message_wanted_as_text_is_the_text_itself(message: str) -> None:
    assert message_of(sqs(Sns[str]), message) == message


def test_a_constrained_text_is_the_text_itself() -> None:
    assert message_of(sqs(Sns[Annotated[str, Field(max_length=5)]]), "[1]") == "[1]"
    with pytest.raises(ValidationError, match="at most 5"):
        message_of(sqs(Sns[Annotated[str, Field(max_length=5)]]), "longer")


@pytest.mark.parametrize("message", ["text", "", '{"id": 1}', "[" * 50_000])
def test_a_message_of_another_form_is_malformed_and_not_quoted(message: str) -> None:
    with pytest.raises(ValidationError, match="Message") as caught:
        message_of(sqs(Sns[Order]), message)
    assert "input_value" not in str(caught.value)


@pytest.mark.parametrize("body", [{**NOTIFICATION, "Type": "SubscriptionConfirmation"}, {"id": "a"}, "text", None])
def test_a_body_that_is_no_notification_is_malformed(body: object) -> None:
    with pytest.raises(ValidationError):
        sqs(Sns[Order]).parse(raw(body))


def test_an_event_has_every_field() -> None:
    event = sqs(EventBridge[dict[str, str]]).parse(raw(EVENT)).body
    assert event.version == "0"
    assert event.id == "6a7e8feb-b491-4cf7-a9f1-bf3703467718"
    assert event.detail_type == "EC2 Instance State-change Notification"
    assert event.source == "aws.ec2"
    assert event.account == "111122223333"
    assert event.time == datetime(2017, 12, 22, 18, 43, 48, tzinfo=UTC)
    assert event.region == "us-west-1"
    assert event.resources == ("arn:aws:ec2:us-west-1:123456789012:instance/i-1234567890abcdef0",)
    assert event.detail == {"instance-id": "i-1234567890abcdef0", "state": "terminated"}
    assert event.replay_name == "replay_archive"


@pytest.mark.parametrize("body", [{**EVENT, "detail": {"id": 1}}, {**EVENT, "detail": None}, {"id": "a"}, []])
def test_a_body_that_is_no_event_of_that_detail_is_malformed(body: object) -> None:
    with pytest.raises(ValidationError):
        sqs(EventBridge[Order]).parse(raw(body))


def test_an_event_may_be_inside_a_notification() -> None:
    body = sns_envelope(eventbridge_envelope({"id": "a"}))
    assert sqs(Sns[EventBridge[Order]]).parse(raw(body)).body.message.detail == Order(id="a")


def test_envelopes_are_read_only_values() -> None:
    source = sqs(EventBridge[Order])
    event = source.parse(raw(eventbridge_envelope({"id": "a"}))).body
    assert event == event.model_copy(deep=True)
    with pytest.raises(ValidationError, match="frozen"):
        setattr(event, "region", "other")  # noqa: B010  # the checkers refuse the plain assignment


def test_envelopes_can_be_made_by_the_names_of_their_fields() -> None:
    made = EventBridge[Order](
        version="0",
        id="e-1",
        detail_type="Placed",
        source="shop",
        account="1",
        time=datetime(2026, 1, 1, tzinfo=UTC),
        region="eu-west-1",
        resources=(),
        detail=Order(id="a"),
    )
    assert made.detail_type == "Placed"


@pytest.mark.parametrize("message", [Order(id="a"), '{"id": "a"}'])
def test_a_notification_can_be_made_with_the_payload_that_its_type_says(message: Any) -> None:
    made = Sns[Order](
        type="Notification",
        message_id="m-1",
        topic_arn="arn:aws:sns:eu-west-1:123456789012:orders",
        message=message,
        timestamp=datetime(2026, 1, 1, tzinfo=UTC),
    )
    assert made.message == Order(id="a")


def test_a_text_is_read_as_json_however_the_notification_is_made() -> None:
    notification = {**NOTIFICATION, "Message": "abc"}
    with pytest.raises(ValidationError, match="Invalid JSON"):
        Sns[int | str].model_validate(notification)
    with pytest.raises(ValidationError, match="Invalid JSON"):
        Sns[int | str].model_validate_json(json.dumps(notification))


def test_a_payload_that_is_no_text_is_none_where_it_was_delivered() -> None:
    """Lambda delivers JSON, and SNS puts the message into it as text."""
    with pytest.raises(ValidationError, match="JSON input should be"):
        sqs(Sns[Order]).parse(raw({**NOTIFICATION, "Message": {"id": "a"}}))


@pytest.mark.parametrize("absent", ["version", "resources", "replay-name"])
def test_an_event_may_lack_what_is_optional_or_have_it_as_null(absent: str) -> None:
    lacking = {name: value for name, value in EVENT.items() if name != absent}
    for body in (lacking, {**EVENT, absent: None}):
        event = sqs(EventBridge[dict[str, str]]).parse(raw(body)).body
        assert getattr(event, absent.replace("-", "_")) in (None, ())


def test_a_notification_may_have_null_for_what_is_optional() -> None:
    nulls = dict.fromkeys(("Subject", "MessageAttributes", "SequenceNumber", "Signature", "UnsubscribeURL"))
    notification = sqs(Sns[str]).parse(raw({**NOTIFICATION, **nulls})).body
    assert (notification.subject, notification.message_attributes, notification.signature) == (None, {}, None)


@pytest.mark.parametrize("message", ["plain", '"quoted"', "[1]", ""])
@pytest.mark.parametrize(
    "form", [str, Annotated[str, Field(max_length=9)], Annotated[str, AfterValidator(str)]], ids=str
)
def test_a_message_of_any_text_type_is_the_text_itself(form: Any, message: str) -> None:
    of_any: Callable[..., Source[Any, Any]] = sqs
    assert message_of(of_any(Sns[form]), message) == message
