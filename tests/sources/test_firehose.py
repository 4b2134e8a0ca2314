"""Firehose: every record is answered once, whatever becomes of it, and the response never outgrows its limit."""

import asyncio
import json
import logging
import pickle
import subprocess
import sys
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any, cast

import pytest
from aws_lambda_powertools.utilities.data_classes import (
    KinesisFirehoseDataTransformationRecord,
    KinesisFirehoseDataTransformationResponse,
    KinesisFirehoseEvent,
)
from aws_lambda_powertools.utilities.data_classes.kinesis_firehose_event import (
    KinesisFirehoseDataTransformationRecordMetadata,
)
from hypothesis import given
from hypothesis import strategies as st
from returns.result import Failure, Result, Success

from batchfold import (
    AnyBatch,
    Batch,
    BatchProcessingError,
    Crashed,
    Dropped,
    Failed,
    FirehoseAnswer,
    FirehoseOut,
    FirehoseRecord,
    FirehoseResponse,
    Malformed,
    ResponseFullError,
    Settled,
    Succeeded,
    UnexpectedEventError,
    Unprocessed,
    caused_by,
    dead_letter,
    discard,
    fetched,
    firehose,
    fold_batch,
    fold_batch_async,
    in_chunks,
    of_record,
    process_batch,
    whole_batch,
)
from batchfold.sources import firehose as module
from batchfold.testing import Clock, FirehoseData, LambdaContext, firehose_event
from batchfold.testing import strategies as bst

OF_A_KINESIS_STREAM: dict[str, Any] = {
    "recordId": "record1",
    "approximateArrivalTimestamp": 1510772160000,
    "data": "SGVsbG8gV29ybGQ=",
    "kinesisRecordMetadata": {
        "shardId": "shardId-000000000000",
        "partitionKey": "4d1ad2b9-24f8-4b9d-a088-76e9947c317a",
        "approximateArrivalTimestamp": "2012-04-23T18:25:43.511Z",
        "sequenceNumber": "49546986683135544286507457936321625675700192471156785154",
        "subsequenceNumber": "",
    },
}
OF_MSK: dict[str, Any] = {
    "recordId": "0000",
    "approximateArrivalTimestamp": 1716369573887,
    "mskRecordMetadata": {"offset": "12", "partitionId": "1", "approximateArrivalTimestamp": "1716369573000"},
    "kafkaRecordValue": "eyJOYW1lIjoiSGVsbG8gV29ybGQifQ==",
}
PUT: dict[str, Any] = {"recordId": "7", "data": "SGVsbG8="}

Made = FirehoseOut | Dropped
Part = str
"""What a record is made to do; its data, too."""

PARTS = st.sampled_from(["out", "keys", "dropped", "rejected", "raises", "none", "number", "malformed", "settled"])


@pytest.mark.parametrize(
    ("raw", "name", "expected"),
    [
        (OF_A_KINESIS_STREAM, "record_id", "record1"),
        (OF_A_KINESIS_STREAM, "data", b"Hello World"),
        (OF_A_KINESIS_STREAM, "approximate_arrival_time", datetime(2017, 11, 15, 18, 56, tzinfo=UTC)),
        (OF_A_KINESIS_STREAM, "stream_arrival_time", datetime(2012, 4, 23, 18, 25, 43, 511000, tzinfo=UTC)),
        (OF_A_KINESIS_STREAM, "shard_id", "shardId-000000000000"),
        (OF_A_KINESIS_STREAM, "partition_key", "4d1ad2b9-24f8-4b9d-a088-76e9947c317a"),
        (OF_A_KINESIS_STREAM, "sequence_number", "49546986683135544286507457936321625675700192471156785154"),
        (OF_A_KINESIS_STREAM, "sub_sequence_number", None),
        (OF_A_KINESIS_STREAM, "offset", None),
        (OF_A_KINESIS_STREAM, "partition_id", None),
        ({"kinesisRecordMetadata": {"subsequenceNumber": 3}}, "sub_sequence_number", 3),
        (OF_MSK, "data", b'{"Name":"Hello World"}'),
        (OF_MSK, "stream_arrival_time", datetime(2024, 5, 22, 9, 19, 33, tzinfo=UTC)),
        (OF_MSK, "offset", 12),
        (OF_MSK, "partition_id", 1),
        (OF_MSK, "shard_id", None),
        (PUT, "data", b"Hello"),
        (PUT, "approximate_arrival_time", None),
        (PUT, "stream_arrival_time", None),
        (PUT, "sequence_number", None),
    ],
)
def test_a_record_has_what_aws_delivers(raw: dict[str, Any], name: str, expected: object) -> None:
    assert getattr(FirehoseRecord(raw), name) == expected


def handle(record: FirehoseRecord[str]) -> Result[Made, str]:
    value: Any = {"none": None, "number": 7}.get(record.data)
    match record.data:
        case "out":
            return Success(FirehoseOut(f"{record.data}\n".encode()))
        case "keys":
            return Success(FirehoseOut(b"", {"year": "2026", "ort": "Köln"}, otf_metadata={"operation": "insert"}))
        case "dropped":
            return Success(Dropped())
        case "rejected" | "settled":
            return Failure(record.data)
        case "raises":
            raise RuntimeError
        case _:
            return Success(value)


async def handle_async(record: FirehoseRecord[str]) -> Result[Made, str]:
    await asyncio.sleep(0)
    return handle(record)


def part_of(data: bytes) -> str:
    if data == b"malformed":
        raise ValueError
    return data.decode()


SOURCE = firehose(decode=part_of)
Options = dict[str, Any]
Folded = Batch[Made, str, FirehoseRecord, FirehoseResponse]


def is_of(part: Part) -> Callable[[Failed[object, Any]], bool]:
    return lambda failed: failed.record.data == part.encode()


def fold_one_by_one(event: Any, options: Options) -> Folded:
    return fold_batch(event, handle, SOURCE, **options)


def fold_in_chunks(event: Any, options: Options) -> Folded:
    return fold_batch(event, in_chunks(handle_chunk, size=2), SOURCE, **options)


def handle_chunk(records: list[FirehoseRecord[str]]) -> list[Result[Made, str]]:
    return list(map(guarded, records))


def guarded(record: FirehoseRecord[str]) -> Result[Made, str]:
    return Failure("raises") if record.data == "raises" else handle(record)


def fold_in_threads(event: Any, options: Options) -> Folded:
    with ThreadPoolExecutor(3) as executor:
        return fold_batch(event, handle, SOURCE, executor=executor, **options)


def fold_on_a_loop(event: Any, options: Options) -> Folded:
    return asyncio.run(fold_batch_async(event, handle_async, SOURCE, **options))


every_way = pytest.mark.parametrize("fold", [fold_one_by_one, fold_in_chunks, fold_in_threads, fold_on_a_loop])
Fold = Callable[[Any, Options], Folded]

RESULTS = {"out": "Ok", "keys": "Ok", "dropped": "Dropped", "settled": "Dropped"}


@every_way
@given(parts=st.lists(PARTS, max_size=8), origin=st.sampled_from(["put", "kinesis", "msk"]), stops=st.booleans())
def test_every_record_is_answered_once_and_in_order(fold: Fold, parts: list[Part], origin: Any, *, stops: bool) -> None:
    event = firehose_event(*parts, origin=origin)
    payload = "kafkaRecordValue" if origin == "msk" else "data"
    options: Options = {"settle": discard(when=is_of("settled"))}
    if stops:
        options["stop_when"] = is_of("rejected")
    batch = fold(event, options)
    answers = cast("Sequence[Any]", batch.response["records"])
    assert [answer["recordId"] for answer in answers] == [raw["recordId"] for raw in event["records"]]
    json.dumps(answers)
    for part, raw, answer, outcome in zip(parts, event["records"], answers, batch.outcomes, strict=True):
        if isinstance(outcome, Unprocessed):
            assert stops
            assert answer["result"] == "ProcessingFailed"
        else:
            assert answer["result"] == RESULTS.get(part, "ProcessingFailed")
        expected = {"Ok": b64encode({"out": b"out\n"}.get(part, b"")).decode(), "Dropped": ""}
        assert answer[payload] == expected.get(answer["result"], raw[payload])
        assert ("data" in answer) is (payload == "data")


@every_way
def test_a_value_that_cannot_be_answered_with_makes_its_record_crashed(fold: Fold) -> None:
    seen: list[object] = []
    batch = fold(firehose_event("number", "none", "out"), {"observe": seen.append})
    assert [type(outcome) for outcome in batch.outcomes] == [Failed, Failed, Succeeded]
    assert len(seen) == 3
    assert isinstance(batch.failed[0].fault, Crashed)
    assert str(batch.failed[0].fault.error) == (
        "the handler's Success holds a int, expected FirehoseOut(data) or Dropped()"
    )


def test_a_value_that_was_not_checked_is_answered_as_failed() -> None:
    batch = fold_batch(firehose_event("number"), handle, SOURCE.replace(check_of=None))
    assert isinstance(batch.outcomes[0], Succeeded)
    assert batch.response["records"][0]["result"] == "ProcessingFailed"


def test_time_that_runs_out_leaves_no_record_without_an_answer() -> None:
    clock = Clock()

    def slow(record: FirehoseRecord) -> Result[Made, str]:
        clock.advance(2.0)
        return Success(FirehoseOut(record.data))

    context = LambdaContext(timeout_seconds=5.0, clock=clock)
    response = process_batch(firehose_event(*"abcd"), slow, firehose(), context=context, reserve_ms=1_000)
    assert [each["result"] for each in response["records"]] == ["Ok", "Ok", "ProcessingFailed", "ProcessingFailed"]


def test_nothing_is_raised_by_default_though_every_record_failed() -> None:
    event = firehose_event("rejected", "raises")
    assert [each["result"] for each in process_batch(event, handle, SOURCE)["records"]] == ["ProcessingFailed"] * 2
    with pytest.raises(BatchProcessingError):
        process_batch(event, handle, SOURCE, raise_on="any_failure")


def test_the_log_says_where_records_go_that_are_not_done(caplog: pytest.LogCaptureFixture) -> None:
    stop = {"stop_when": caused_by(RuntimeError)}
    with caplog.at_level(logging.WARNING, "batchfold"):
        process_batch(firehose_event("rejected", "raises", "out"), handle, SOURCE, **stop)  # type: ignore[arg-type]
    lines = [record.getMessage() for record in caplog.records]
    assert "failed and goes to the error output: the handler returned a Failure (str: rejected)" in lines[0]
    assert "1 of 3 records were not started and go to the error output" in lines[2]


# ------------------------------------------------------------ the size of the response
@pytest.fixture
def small_response(monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(module, "MOST_RESPONSE_BYTES", 2_000)
    return 2_000


@given(
    sizes=st.lists(st.tuples(st.integers(0, 60), st.integers(0, 900), st.booleans()), min_size=1, max_size=12),
    origin=st.sampled_from(["put", "kinesis", "msk"]),
)
def test_the_response_stays_within_its_limit_and_records_that_have_no_room_fail(
    sizes: list[tuple[int, int, bool]], origin: Any
) -> None:
    limit = 2_000
    given_sizes = iter(sizes)
    data = [
        FirehoseData(b"o" * original, f'{at}"ö\\' if original % 3 else None)
        for at, (original, _, _) in enumerate(sizes)
    ]
    event = firehose_event(*data, origin=origin)

    def grow(_record: FirehoseRecord) -> Result[Made, str]:
        _, size, has_keys = next(given_sizes)
        return Success(FirehoseOut(b"m" * size, {"ort": 'K"öln'} if has_keys else None))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "MOST_RESPONSE_BYTES", limit)
        batch = fold_batch(event, grow, firehose())
    answers: list[Any] = [_failed(raw) for raw in event["records"]]
    written_at_least = len(json.dumps({"records": answers}))
    expected: list[str] = []
    for at, (raw, (_, size, has_keys)) in enumerate(zip(event["records"], sizes, strict=True)):
        with_it = [*answers[:at], _transformed(raw, b"m" * size, has_keys=has_keys), *answers[at + 1 :]]
        written = len(json.dumps({"records": with_it}))
        fits = written <= max(limit, len(json.dumps({"records": answers})))
        answers = with_it if fits else answers
        expected.append("Ok" if fits else "ProcessingFailed")
    assert [each["result"] for each in batch.response["records"]] == expected
    assert batch.response == {"records": answers}
    assert len(json.dumps(batch.response)) <= max(limit, written_at_least)
    assert all(isinstance(failed.fault.error, ResponseFullError) for failed in batch.failed)


def _failed(raw: Mapping[str, Any]) -> dict[str, Any]:
    payload = "data" if "data" in raw else "kafkaRecordValue"
    return {"recordId": raw["recordId"], "result": "ProcessingFailed", payload: raw[payload]}


def _transformed(raw: Mapping[str, Any], data: bytes, *, has_keys: bool) -> dict[str, Any]:
    payload = "data" if "data" in raw else "kafkaRecordValue"
    answer = {"recordId": raw["recordId"], "result": "Ok", payload: b64encode(data).decode()}
    return {**answer, "metadata": {"partitionKeys": {"ort": 'K"öln'}}} if has_keys else answer


def test_the_limit_is_that_of_lambda() -> None:
    event = firehose_event(*(b"o" * 1_000 for _ in range(3_000)))
    batch = fold_batch(event, lambda record: Success(FirehoseOut(record.data * 2)), firehose())
    written = len(json.dumps(batch.response))
    assert 6_285_000 < written <= 6 * 1024 * 1024
    assert 1_400 < len(batch.failed) < 2_200
    answers = cast("Sequence[Any]", batch.response["records"])
    assert all(b64decode(answers[at]["data"]) == b"o" * 1_000 for at in range(2_999, 2_990, -1))


@pytest.mark.usefixtures("small_response")
def test_a_record_without_room_can_be_settled() -> None:
    sent: list[bytes] = []

    def send(failed: Failed[object, FirehoseRecord]) -> Result[None, str]:
        sent.append(failed.record.data)
        return Success(None)

    response = process_batch(
        firehose_event("large", "small"),
        lambda record: Success(FirehoseOut(record.data * (1_000 if record.data == b"large" else 1))),
        firehose(),
        settle=dead_letter(send, when=caused_by(ResponseFullError)),
    )
    assert [each["result"] for each in response["records"]] == ["Dropped", "Ok"]
    assert sent == [b"large"]


@pytest.mark.usefixtures("small_response")
def test_a_record_without_room_says_what_to_do() -> None:
    batch = fold_batch(firehose_event("large"), lambda _record: Success(FirehoseOut(bytes(3_000))), firehose())
    assert "make the buffer before the function smaller (BufferSizeInMBs)" in str(batch.failed[0].fault.error)


def test_an_event_that_is_larger_than_any_response_still_lets_records_shrink() -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "MOST_RESPONSE_BYTES", 100)
        batch = fold_batch(
            firehose_event(b"o" * 300, b"o" * 300),
            lambda record: Success(FirehoseOut(record.data[:10] if batch_is_first(record) else record.data * 2)),
            firehose(),
        )
    assert [type(outcome) for outcome in batch.outcomes] == [Succeeded, Failed]


def batch_is_first(record: FirehoseRecord) -> bool:
    return record.record_id.endswith("000000000000")


# ------------------------------------------------------------ values
# beartype, here, refuses them before; a program of its own shows what users see
@pytest.mark.parametrize("data", ["text", None, 3, bytearray(b"")])
def test_data_that_are_not_bytes_are_refused(data: object) -> None:
    with pytest.raises(TypeError, match="FirehoseOut takes the transformed data as bytes"):
        module._refuse_no_bytes(data)  # pyright: ignore[reportPrivateUsage]


@pytest.mark.parametrize("keys", [3, "ab", [("a", "b")], {"year": 2026}, {1: "a"}])
def test_keys_that_are_not_text_are_refused(keys: object) -> None:
    with pytest.raises(TypeError, match="partition_keys is a mapping from text to text"):
        module._checked_texts("partition_keys", keys)  # pyright: ignore[reportPrivateUsage]


def test_a_handler_that_makes_a_wrong_answer_is_crashed() -> None:
    program = (
        "from batchfold import *; from returns.result import Success\n"
        "event = {'records': [{'recordId': str(at), 'data': ''} for at in range(2)]}\n"
        "def handle(record): return Success(FirehoseOut('x') if record.record_id == '0' else FirehoseOut(b'', {'a': 1}))\n"
        "for failed in fold_batch(event, handle, firehose()).failed: print(failed.fault.error)\n"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ran.stdout.splitlines() == [
        "FirehoseOut takes the transformed data as bytes, such as text.encode(), got a str",
        "partition_keys is a mapping from text to text, found a int in it",
    ]


def test_values_are_values() -> None:
    out = FirehoseOut(b"secret", {"a": "b"}, otf_metadata={"operation": "insert"})
    assert out == FirehoseOut(b"secret", {"a": "b"}, otf_metadata={"operation": "insert"})
    assert out != FirehoseOut(b"secret")
    assert hash(out) == hash(pickle.loads(pickle.dumps(out)))  # noqa: S301  # what was just pickled
    assert (out.data, out.partition_keys, out.otf_metadata) == (b"secret", {"a": "b"}, {"operation": "insert"})
    assert repr(out) == "FirehoseOut(6 bytes)"
    assert (Dropped(), repr(Dropped())) == (Dropped(), "Dropped()")


def test_partition_keys_and_iceberg_metadata_stand_under_the_names_that_firehose_reads() -> None:
    answer: FirehoseAnswer = fold_batch(firehose_event("keys"), handle, SOURCE).response["records"][0]
    assert answer.get("metadata") == {
        "partitionKeys": {"year": "2026", "ort": "Köln"},
        "otfMetadata": {"operation": "insert"},
    }


# ------------------------------------------------------------ reading
@pytest.mark.parametrize(
    ("records", "says"),
    [
        (
            [PUT, 3],
            r"expected records\[1\] of an event of Firehose to be a mapping, found a value of type int",
        ),
        ([{"data": ""}], r"expected records\[0\] to have a 'recordId', .*; found none"),
        ([{"recordId": ""}], "found ''"),
        ([{"recordId": 7}], "found a value of type int"),
        ([PUT, OF_MSK, PUT], r"a 'recordId' of its own, found that of records\[0\] in records\[2\]"),
        ({"orders-0": []}, "with its records listed under 'records', found a value of type dict"),
    ],
)
def test_a_record_that_cannot_be_named_fails_the_invocation_before_anything_is_handled(
    records: object, says: str
) -> None:
    with pytest.raises(UnexpectedEventError, match=says):
        firehose().read({"records": records})


@pytest.mark.parametrize("data", ["SGVsbG8", None, 3])
@pytest.mark.parametrize("key", ["data", "kafkaRecordValue"])
def test_data_that_are_no_base64_are_malformed_and_answered_as_they_came(data: Any, key: str) -> None:
    event = {"records": [{"recordId": "1", key: data}]}
    batch = fold_batch(event, lambda record: Success(FirehoseOut(record.data)), firehose())
    assert isinstance(batch.failed[0].fault, Malformed)
    assert batch.response == {
        "records": [{"recordId": "1", "result": "ProcessingFailed", key: data if isinstance(data, str) else ""}]
    }
    assert FirehoseRecord(event["records"][0]) == FirehoseRecord(event["records"][0])


def test_data_are_parsed_into_a_type_or_by_a_function() -> None:
    raw = firehose_event({"id": "7"})["records"][0]
    assert firehose(dict[str, int]).parse(raw).data == {"id": 7}
    assert firehose(str).parse(raw).data == '{"id": "7"}'
    assert firehose(decode=len).parse(raw).data == 11
    assert firehose(decode=of_record(first_byte)).parse(raw).data == b"{"


def first_byte(record: FirehoseRecord) -> bytes:
    return record.data[:1]


def test_an_adapter_keeps_the_check() -> None:
    async def fetch(record: FirehoseRecord) -> Mapping[str, Any]:
        return record.raw

    async def number(_record: FirehoseRecord) -> Result[Any, str]:
        return Success(3)

    batch = asyncio.run(fold_batch_async(firehose_event("a"), number, fetched(firehose(), fetch)))
    assert isinstance(batch.failed[0].fault.error, TypeError)
    assert batch.response["records"][0]["result"] == "ProcessingFailed"


def test_a_lane_stops_where_it_is_asked_to() -> None:
    batch: AnyBatch = fold_batch(firehose_event("rejected", "out"), handle, firehose(str, lane=whole_batch))
    assert [type(outcome) for outcome in batch.outcomes] == [Failed, Unprocessed]


def test_settled_is_dropped() -> None:
    batch = fold_batch(firehose_event("settled"), handle, SOURCE, settle=discard(when=caused_by(str)))
    assert isinstance(batch.outcomes[0], Settled)
    assert batch.response["records"][0]["result"] == "Dropped"


# ------------------------------------------------------------ against Powertools' data classes
@given(event=bst.firehose_events(st.sampled_from(["out", "keys", "dropped", "rejected"])))
def test_powertools_reads_the_same_and_answers_the_same(event: dict[str, Any]) -> None:
    if "sourceMSKArn" in event:  # its classes have no Amazon MSK
        return
    response = KinesisFirehoseDataTransformationResponse()
    for theirs, raw in zip(KinesisFirehoseEvent(event).records, event["records"], strict=True):
        ours = FirehoseRecord(raw)
        assert ours.record_id == theirs.record_id
        assert ours.data == theirs.data_as_bytes
        if theirs.metadata is not None:
            assert ours.shard_id == theirs.metadata.shard_id
            assert ours.partition_key == theirs.metadata.partition_key
            assert ours.sequence_number == theirs.metadata.sequence_number
            assert ours.sub_sequence_number == theirs.metadata.subsequence_number
        response.add_record(_as_powertools_would(theirs.record_id, theirs.data, theirs.data_as_text))
    mine = fold_batch(event, handle, SOURCE).response
    for answer in mine["records"]:
        answer.get("metadata", {}).pop("otfMetadata", None)  # type: ignore[attr-defined]  # nor Iceberg tables
    assert mine == cast("Any", response).asdict()


def _as_powertools_would(record_id: str, data: str, part: str) -> KinesisFirehoseDataTransformationRecord:
    match part:
        case "out":
            return KinesisFirehoseDataTransformationRecord(record_id, "Ok", b64encode(b"out\n").decode())
        case "keys":
            keys = KinesisFirehoseDataTransformationRecordMetadata({"year": "2026", "ort": "Köln"})
            return KinesisFirehoseDataTransformationRecord(record_id, "Ok", "", keys)
        case "dropped":
            return KinesisFirehoseDataTransformationRecord(record_id, "Dropped")
        case _:
            return KinesisFirehoseDataTransformationRecord(record_id, "ProcessingFailed", data)


def test_a_builder_takes_what_the_position_would_decide() -> None:
    at = datetime(2026, 1, 2, tzinfo=UTC)
    event = firehose_event(FirehoseData("a", record_id="r", approximate_arrival_time=at), origin="kinesis")
    record = FirehoseRecord(event["records"][0])
    assert (record.record_id, record.approximate_arrival_time, record.stream_arrival_time) == ("r", at, at)
    absent = firehose_event(FirehoseData("a", approximate_arrival_time="absent"))["records"][0]
    assert FirehoseRecord(absent).approximate_arrival_time is None
