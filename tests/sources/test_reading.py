"""Reading events of SQS, Kinesis and DynamoDB Streams: what is refused, and how the user is told."""

from typing import Any

import pytest

from batchfold.core.records import UnexpectedEventError
from batchfold.core.source import Source
from batchfold.sources.dynamodb import dynamodb
from batchfold.sources.kinesis import kinesis
from batchfold.sources.sqs import sqs

AnySource = Source[Any, Any]


def sqs_raw(message_id: object = "m-1", **more: object) -> dict[str, Any]:
    return {"messageId": message_id, "eventSource": "aws:sqs", "body": "secret", **more}


def kinesis_raw(sequence_number: object = "1") -> dict[str, Any]:
    return {"eventSource": "aws:kinesis", "kinesis": {"sequenceNumber": sequence_number, "data": ""}}


def dynamodb_raw(sequence_number: object = "1") -> dict[str, Any]:
    return {"eventSource": "aws:dynamodb", "dynamodb": {"SequenceNumber": sequence_number}}


def refusal(source: AnySource, *raws: object, **more: object) -> str:
    with pytest.raises(UnexpectedEventError) as caught:
        source.read({"Records": list(raws), **more})
    return str(caught.value)


@pytest.mark.parametrize("source", [sqs(), kinesis(), dynamodb()])
def test_an_empty_list_of_records_is_an_empty_batch(source: AnySource) -> None:
    assert source.read({"Records": []}) == ([], [])


def test_a_healthy_record_is_named_by_its_identifier() -> None:
    assert list(sqs().read({"Records": [sqs_raw()]})[1]) == ["m-1"]
    assert list(kinesis().read({"Records": [kinesis_raw("0042")]})[1]) == ["0042"]
    assert list(dynamodb().read({"Records": [dynamodb_raw("7")]})[1]) == ["7"]


@pytest.mark.parametrize("raw", [None, "text", 3, ["messageId"]])
@pytest.mark.parametrize("source", [sqs(), kinesis(), dynamodb()])
def test_a_raw_record_that_is_no_mapping_is_refused_with_its_position(source: AnySource, raw: object) -> None:
    told = refusal(source, raw)
    assert "Records[0]" in told
    assert f"to be a mapping, found a value of type {type(raw).__name__}" in told


def test_the_position_of_the_bad_record_is_named_and_not_that_of_a_good_one() -> None:
    assert "Records[2]" in refusal(sqs(), sqs_raw("a"), sqs_raw("b"), sqs_raw(""), sqs_raw("c"))


@pytest.mark.parametrize("message_id", ["", None, 3, True, ["m"], {"m": 1}])
def test_an_sqs_record_without_a_usable_message_id_is_refused(message_id: object) -> None:
    assert "expected 'messageId' of Records[0] to be text that is not empty" in refusal(sqs(), sqs_raw(message_id))


@pytest.mark.parametrize("sequence_number", ["", None, 3, "12a", "-1", "1.5", " 1", ["1"]])
def test_a_stream_record_without_a_usable_sequence_number_is_refused(sequence_number: object) -> None:
    expected = "of Records[0] to be a decimal number, as text"
    assert f"'kinesis.sequenceNumber' {expected}" in refusal(kinesis(), kinesis_raw(sequence_number))
    assert f"'dynamodb.SequenceNumber' {expected}" in refusal(dynamodb(), dynamodb_raw(sequence_number))


@pytest.mark.parametrize("inside", [{}, None, 3, "text", []])
def test_a_record_whose_identifier_is_missing_is_refused(inside: object) -> None:
    told = refusal(kinesis(), {"eventSource": "aws:kinesis", "kinesis": inside})
    assert "expected Records[0] to have 'kinesis.sequenceNumber', which names the record to Lambda, found none" in told
    assert "'messageId'" in refusal(sqs(), {"eventSource": "aws:sqs"})


def test_a_record_of_another_source_is_refused_with_both_names() -> None:
    told = refusal(sqs(), sqs_raw(), sqs_raw(eventSource="aws:kinesis"))
    assert "expected Records[1] to have the eventSource of SQS, 'aws:sqs', found 'aws:kinesis'" in told
    assert "mapped to another kind of source" in told


@pytest.mark.parametrize("event_source", [None, ["aws:sqs"], {"aws": "sqs"}, 3])
def test_an_event_source_that_is_no_text_is_refused_by_its_type(event_source: object) -> None:
    assert f"found a value of type {type(event_source).__name__}" in refusal(sqs(), sqs_raw(eventSource=event_source))


def test_a_record_without_an_event_source_is_refused() -> None:
    assert "found none" in refusal(sqs(), {"messageId": "m-1", "body": ""})


@pytest.mark.parametrize("source", [sqs(), kinesis(), dynamodb()])
@pytest.mark.parametrize("more", [{"window": {}, "state": {}}, {"window": {}}, {"state": {}}])
def test_an_event_of_a_tumbling_window_is_refused_with_what_to_switch_off(
    source: AnySource, more: dict[str, object]
) -> None:
    told = refusal(source, **more)
    assert "tumbling window" in told
    assert "TumblingWindowInSeconds" in told


def test_a_refusal_says_that_everything_comes_back() -> None:
    assert "No record was handled; if this invocation fails, all of them come back." in refusal(sqs(), None)


def test_what_is_too_long_to_be_a_name_is_not_quoted() -> None:
    told = refusal(sqs(), sqs_raw(eventSource="x" * 61))
    assert "found a value of type str" in told
    assert "xxx" not in told


def test_the_error_for_an_event_without_records_names_where_they_were_looked_for() -> None:
    with pytest.raises(UnexpectedEventError, match="listed under 'Records', found an event without 'Records'"):
        sqs().read({"records": {}})
    with pytest.raises(UnexpectedEventError, match="found a value of type str"):
        sqs().read({"Records": "text"})


@pytest.mark.parametrize("source", [sqs(), kinesis(), dynamodb()])
def test_a_list_of_records_is_told_to_be_one_of_eventbridge_pipes(source: AnySource) -> None:
    with pytest.raises(
        UnexpectedEventError,
        match=r"found a value of type list, as EventBridge Pipes passes .* wrap the source in pipes\(",
    ):
        source.read([sqs_raw()])


@pytest.mark.parametrize("event_source", ["aws:docdb", "aws:rmq", "aws:mq"])
def test_an_event_of_another_service_without_records_is_refused_with_its_name(event_source: str) -> None:
    with pytest.raises(UnexpectedEventError, match=f"without 'Records', with the eventSource '{event_source}'"):
        sqs().read({"eventSource": event_source, "events": []})
