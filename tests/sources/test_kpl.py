"""KPL aggregates, beside `aws_kinesis_agg`: whole ones in every form of the message, broken ones, and what is none."""

import sys
from base64 import b64decode, b64encode
from collections.abc import Sequence
from contextlib import suppress
from hashlib import md5
from typing import Any, TypeAlias

import pytest
from aws_kinesis_agg import aggregator, deaggregator, messages_pb2
from hypothesis import given
from hypothesis import strategies as st
from returns.result import Failure, Success

from batchfold import by_partition_key, each_record, fetched, fold_batch, of_record, pipes
from batchfold.core.faults import PayloadError
from batchfold.core.outcomes import Failed
from batchfold.sources.kinesis import KinesisRecord, kinesis
from batchfold.sources.kpl import MAGIC, columns_of, deaggregated
from batchfold.testing import KinesisData, KplRecord, kinesis_event, kpl_aggregate, pipes_event
from batchfold.testing.strategies import kpl_records

UserRecord: TypeAlias = tuple[str, str | None, bytes]
"""Partition key, explicit hash key, data."""


def aggregate_of(message: bytes) -> bytes:
    return MAGIC + message + md5(message).digest()  # noqa: S324  # the format's


def user_raws(*data: object) -> Sequence[Any]:
    event = kinesis_event(*data)
    return deaggregated(event["Records"], [raw["kinesis"]["sequenceNumber"] for raw in event["Records"]])[0]


def user_records(data: bytes) -> list[UserRecord]:
    partition_keys, hash_keys, contents = columns_of(data)
    return [(partition_keys[at], hash_keys.get(at), content) for at, content in enumerate(contents)]


def read_by_aws(data: bytes) -> list[UserRecord]:
    raws = deaggregator.deaggregate_records(kinesis_event(data)["Records"])
    return [
        (raw["kinesis"]["partitionKey"], raw["kinesis"]["explicitHashKey"], b64decode(raw["kinesis"]["data"]))
        for raw in raws
    ]


def content_of(record: KplRecord) -> bytes:
    assert isinstance(record.data, bytes)
    return record.data


def expected(records: Sequence[KplRecord]) -> list[UserRecord]:
    return [(record.partition_key, record.explicit_hash_key, content_of(record)) for record in records]


def key_of(record: KinesisRecord) -> str:
    return record.partition_key


def data_of(record: KinesisRecord) -> bytes:
    return record.data


def why_broken(data: bytes) -> str:
    with pytest.raises(PayloadError) as broken:
        user_records(data)
    return str(broken.value).partition("a whole one: ")[2]


RECORDS = st.lists(kpl_records(), min_size=1, max_size=12)


# ------------------------------------------------------------ whole aggregates
@given(RECORDS)
def test_deaggregation_inverts_aggregation(records: list[KplRecord]) -> None:
    assert user_records(kpl_aggregate(*records)) == expected(records)


@given(RECORDS)
def test_aws_reads_what_the_builder_builds(records: list[KplRecord]) -> None:
    has_hash_key = [record for record in records if record.explicit_hash_key is not None]
    # AWS's library gives a user record without the first of the table, if others in its aggregate have one
    for alike in filter(None, (has_hash_key, [record for record in records if record.explicit_hash_key is None])):
        assert read_by_aws(kpl_aggregate(*alike)) == expected(alike)


@given(RECORDS)
def test_the_user_records_of_what_aws_builds_are_read(records: list[KplRecord]) -> None:
    made = aggregator.RecordAggregator()
    for record in records:
        made.add_user_record(record.partition_key, content_of(record), record.explicit_hash_key)
    assert user_records(made.clear_and_get().get_contents()[2]) == expected(records)


@given(RECORDS, st.data())
def test_the_form_of_the_message_changes_nothing(records: list[KplRecord], data: st.DataObject) -> None:
    """Unused and repeated keys, tables behind the records, fields in any order, fields of a later form."""
    keys = data.draw(st.permutations([*sorted({record.partition_key for record in records}), "unused"]))
    used = {record.explicit_hash_key for record in records if record.explicit_hash_key is not None}
    hash_keys = data.draw(st.permutations([*sorted(used), "unused", "unused"]))
    unknown = st.sampled_from(
        (
            b"",
            b"\x20\x07",  # field 4, a number
            b"\x20\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",  # the largest one
            b"\x29" + b"\xff" * 8,  # field 5, eight bytes
            b"\x32\x03abc",  # field 6, bytes
            b"\xb2\x01\x03abc",  # field 22, whose tag takes two bytes
            b"\x80\x80\x01\x07",  # field 2,048, whose tag takes three
            b"\x35" + b"\xff" * 4,  # field 6, four bytes
            b"\x3b\x08\x01\x43\x0a\x01a\x44\x3c",  # field 7, a group that holds a number and a group
        )
    )

    def part(*fields: bytes) -> bytes:
        shuffled = data.draw(st.permutations(fields))
        return b"".join(data.draw(unknown) + each for each in shuffled) + data.draw(unknown)

    def of_bytes(tag: int, content: bytes) -> bytes:
        return bytes((tag,)) + varint(len(content)) + content

    def entry(record: KplRecord) -> bytes:
        hash_key = record.explicit_hash_key
        fields = [b"\x08" + varint(keys.index(record.partition_key)), of_bytes(0x1A, content_of(record))]
        return of_bytes(
            0x1A, part(*fields, *([] if hash_key is None else [b"\x10" + varint(hash_keys.index(hash_key))]))
        )

    def varint(number: int) -> bytes:
        padding = data.draw(st.integers(0, 2))
        low, rest = number & 0x7F, number >> 7
        if rest:
            return bytes((low | 0x80,)) + varint(rest)
        return bytes((low | 0x80,)) + b"\x80" * (padding - 1) + b"\x00" if padding else bytes((low,))

    tables = [of_bytes(0x0A, key.encode()) for key in keys], [of_bytes(0x12, key.encode()) for key in hash_keys]
    parts = [b"".join(tables[0]), b"".join(tables[1]), b"".join(map(entry, records))]
    message = part(*parts)
    assert user_records(aggregate_of(message)) == expected(records)
    if all(record.explicit_hash_key is not None for record in records):
        assert read_by_aws(aggregate_of(message)) == expected(records)


def test_of_a_repeated_field_the_last_one_counts() -> None:
    message = b"\x0a\x01a\x0a\x01b\x1a\x0a\x08\x00\x1a\x01x\x08\x01\x1a\x01y"
    assert user_records(aggregate_of(message)) == read_by_aws(aggregate_of(message)) == [("b", None, b"y")]


def test_a_record_without_a_hash_key_has_none_though_another_one_in_the_aggregate_has() -> None:
    records = [KplRecord(b"", explicit_hash_key="7"), KplRecord(b"")]
    assert [hash_key for _, hash_key, _ in user_records(kpl_aggregate(*records))] == ["7", None]


# ------------------------------------------------------------ raw records
@given(RECORDS)
def test_a_user_record_has_keys_data_and_a_place_of_its_own_and_else_what_its_record_had(
    records: list[KplRecord],
) -> None:
    (raw,) = kinesis_event(KinesisData(kpl_aggregate(*records), encryption_type="KMS"))["Records"]
    raws, item_ids = deaggregated([raw], ["1"])
    assert list(item_ids) == ["1"] * len(records)
    for at, (user_raw, record) in enumerate(zip(raws, records, strict=True)):
        own = {
            "partitionKey": record.partition_key,
            "data": b64encode(content_of(record)).decode(),
            "subSequenceNumber": at,
            "explicitHashKey": record.explicit_hash_key,
        }
        own = {name: value for name, value in own.items() if value is not None}
        assert user_raw == {**raw, "kinesis": {**raw["kinesis"], **own}}


def test_the_event_is_not_changed() -> None:
    event = kinesis_event(kpl_aggregate("a", "b"))
    raws, _ = kinesis(aggregated=True).read(event)
    raws[0]["kinesis"]["data"] = "other"
    assert event == kinesis_event(kpl_aggregate("a", "b"))
    assert KinesisRecord(raws[1]).data == b"b"


def test_a_hash_key_of_the_record_is_not_that_of_its_user_records() -> None:
    (raw,) = kinesis_event(kpl_aggregate("a"))["Records"]
    (user_raw,) = deaggregated([{**raw, "kinesis": {**raw["kinesis"], "explicitHashKey": "7"}}], ["1"])[0]
    assert KinesisRecord(user_raw).explicit_hash_key is None


def test_records_that_are_not_aggregated_stand_for_themselves() -> None:
    event = kinesis_event("a", kpl_aggregate("b", "c"), b"", b"\xf3\x89\x9a\xc3", b"\xf3\x89\x9a")
    raws, item_ids = kinesis(aggregated=True).read(event)
    numbers = [raw["kinesis"]["sequenceNumber"] for raw in event["Records"]]
    assert list(item_ids) == [numbers[0], numbers[1], *numbers[1:]]
    assert [raws[at] for at in (0, 3, 4, 5)] == [event["Records"][at] for at in (0, 2, 3, 4)]
    records = [kinesis(aggregated=True).parse(raw) for raw in raws]
    assert [record.sub_sequence_number for record in records] == [None, 0, 1, None, None, None]
    assert [record.data for record in records] == [b"a", b"b", b"c", b"", b"\xf3\x89\x9a\xc3", b"\xf3\x89\x9a"]


def test_a_batch_without_aggregates_is_read_as_it_is() -> None:
    event = kinesis_event("a", "b")
    assert kinesis(aggregated=True).read(event)[0] is event["Records"]


@pytest.mark.parametrize("data", [None, 7, "84maw", "84maw?", "84maé"])
def test_data_that_are_not_base64_stay_as_they_are(data: object) -> None:
    raw = {"kinesis": {"data": data}}
    assert deaggregated([raw], ["1"])[0] == [raw]
    with pytest.raises(ValueError, match=r"base64|ASCII|padding|base 64|Excess|Invalid"):
        kinesis(aggregated=True).parse(raw)


@pytest.mark.parametrize("aggregated", [True, False])
def test_user_records_that_aws_took_out_are_read(aggregated: bool) -> None:  # noqa: FBT001  # pytest gives it
    raws = deaggregator.deaggregate_records(kinesis_event(kpl_aggregate("a", "b"))["Records"])
    source = kinesis(aggregated=aggregated)
    records = [source.parse(raw) for raw in source.read({"Records": raws})[0]]
    assert [(record.data, record.sub_sequence_number) for record in records] == [(b"a", 0), (b"b", 1)]


@given(RECORDS)
def test_a_user_record_may_hold_an_aggregate(records: list[KplRecord]) -> None:
    inside = kpl_aggregate(*records)
    for content in (inside, inside[:-1]):
        source = kinesis(aggregated=True)
        (raw,) = source.read(kinesis_event(kpl_aggregate(content)))[0]
        assert source.parse(raw).data == content
        assert source.read({"Records": [raw]})[0] == [raw]


def test_a_record_shows_which_user_record_it_is() -> None:
    _, second = user_raws(kpl_aggregate(KplRecord("a"), KplRecord("b", "k", "7")))
    record = KinesisRecord(second)
    assert (record.partition_key, record.explicit_hash_key, record.sub_sequence_number) == ("k", "7", 1)
    assert repr(record).endswith("', sub_sequence_number=1)")


# ------------------------------------------------------------ broken aggregates
WHOLE = kpl_aggregate(KplRecord("one", "a", "7", {"tag": "value"}), KplRecord("two", "b"))


@pytest.mark.parametrize("length", range(len(MAGIC), len(WHOLE)))
def test_an_aggregate_that_was_cut_off_is_malformed(length: int) -> None:
    assert why_broken(WHOLE[:length]).startswith("the MD5 digest")
    (raw,) = user_raws(WHOLE[:length])
    with pytest.raises(PayloadError, match="the MD5 digest"):
        kinesis(aggregated=True).parse(raw)


@given(st.integers(0, len(WHOLE) - 1), st.integers(1, 255))
def test_an_aggregate_with_another_byte_is_malformed_or_no_aggregate(at: int, change: int) -> None:
    mutated = bytearray(WHOLE)
    mutated[at] ^= change
    (raw,) = user_raws(bytes(mutated))
    source = kinesis(aggregated=True)
    if at < len(MAGIC):
        assert source.parse(raw).data == mutated
    else:
        with pytest.raises(PayloadError, match="the MD5 digest"):
            source.parse(raw)


MESSAGE = WHOLE[len(MAGIC) : -16]
BEGIN = b"\x0a\x01a"


@pytest.mark.parametrize("length", range(len(MESSAGE)))
def test_a_message_that_was_cut_off_before_its_digest_was_made_is_never_lost(length: int) -> None:
    try:
        inside = user_records(aggregate_of(MESSAGE[:length]))
    except PayloadError:
        return
    assert inside == user_records(WHOLE)[: len(inside)]  # it ended between two user records
    assert inside


@pytest.mark.parametrize(
    ("message", "why"),
    [
        (b"", "the MD5 digest"),
        (BEGIN, "it has no user record"),
        (b"\x22\x01a", "it has no user record"),
        (BEGIN + b"\x1a\x04\x08\x01\x1a\x00", "the index of a key"),
        (BEGIN + b"\x1a\x06\x08\x00\x10\x00\x1a\x00", "the index of a key"),
        (BEGIN + b"\x1a\x0d\x08" + b"\xff" * 9 + b"\x01\x1a\x00", "the index of a key"),
        (BEGIN + b"\x1a\x0d\x08" + b"\xff" * 9 + b"\x02\x1a\x00", "more than 64 bits"),
        (BEGIN + b"\x1a\x0e\x08" + b"\xff" * 10 + b"\x01\x1a\x00", "more than 64 bits"),
        (BEGIN + b"\x1a\x02\x08\x00", "no partition key, or no data"),
        (BEGIN + b"\x1a\x02\x1a\x00", "no partition key, or no data"),
        (BEGIN + b"\x1a\x00", "no partition key, or no data"),
        (BEGIN + b"\x1a\x05\x08\x00\x1a\x00", "ends too early"),
        (BEGIN + b"\x1a\x04\x08\x00\x1a\x01", "ends too early"),
        (BEGIN + b"\x1a\x04\x08\x00\x1a\x01x", "ends too early"),
        (BEGIN + b"\x1a\x04\x08\x00\x1a\x00\x32\x7f", "ends too early"),
        (BEGIN + b"\x1a\x04\x08\x00\x1a\x00\x0a\x7f", "cut off or not UTF-8"),
        (BEGIN + b"\x1a\x04\x08\x00\x1a\x00\x0a" + b"\xff" * 9 + b"\x01", "cut off or not UTF-8"),
        (BEGIN + b"\x1a\x04\x08\x00\x1a\x00\x2b" + b"\x33" * 100, "ends too early"),
        (b"\x0a\x01\xff\x1a\x04\x08\x00\x1a\x00", "not UTF-8"),
        (BEGIN + b"\x12\x01\xff\x1a\x04\x08\x00\x1a\x00", "not UTF-8"),
        (BEGIN + b"\x1a\x04\x08\x00\x1a\x00\x02\x00", "a field without a number"),
        (BEGIN + b"\x1a\x04\x08\x00\x1a\x00\x26\x00", "a field of no known kind"),
        (BEGIN + b"\x1a\x04\x08\x00\x1a\x00\x24\x00", "a field of no known kind"),
        (BEGIN + b"\x1a\x04\x08\x00\x1a\x00\x23\x2c", "a field of no known kind"),
        (BEGIN + b"\x1a\x04\x08\x00\x1a\x00\x9a\x00\x04\x08\x00\x1a\x00", "a tag of more bytes"),
    ],
)
def test_a_broken_message_is_malformed(message: bytes, why: str) -> None:
    assert why in why_broken(aggregate_of(message))
    (raw,) = user_raws(aggregate_of(message)) if message else user_raws(MAGIC)
    with pytest.raises(PayloadError, match=why) as broken:
        kinesis(aggregated=True).parse(raw)
    assert broken.value.__cause__ is broken.value.__context__ is None


@given(
    st.binary(max_size=60)
    | st.lists(
        st.sampled_from([bytes((each,)) for each in b"\x0a\x12\x1a\x08\x10\x1a\x22\x23\x24\x00\x01\x02\x05a"])
    ).map(b"".join)
)
def test_of_any_message_ours_is_read_as_aws_reads_it_or_refused(message: bytes) -> None:
    try:
        inside = user_records(aggregate_of(message))
    except PayloadError:
        return
    theirs: Any = messages_pb2.AggregatedRecord()
    try:
        theirs.ParseFromString(message)
    except Exception:  # noqa: BLE001  # protobuf's own: a tag's own fields, and groups that are nested deep
        return
    assert [content for _, _, content in inside] == [record.data for record in theirs.records]
    assert [key for key, _, _ in inside] == [
        theirs.partition_key_table[record.partition_key_index] for record in theirs.records
    ]


@given(st.binary(max_size=60))
def test_whatever_begins_as_an_aggregate_is_read_or_malformed(rest: bytes) -> None:
    source = kinesis(aggregated=True)
    for data in (MAGIC + rest, aggregate_of(rest)):
        for raw in source.read(kinesis_event(data))[0]:
            with suppress(PayloadError):
                source.parse(raw)


# ------------------------------------------------------------ work
def steps_of(data: bytes) -> int:
    """The lines of Python that are run, and the bytes of the user records."""
    lines = 0

    def count(_frame: Any, what: str, _argument: object) -> Any:
        nonlocal lines
        lines += what == "line"
        return count

    before = sys.gettrace()
    sys.settrace(count)
    try:
        raws = user_raws(data)
    finally:
        sys.settrace(before)
    return lines + sum(len(raw["kinesis"]["data"]) for raw in raws)


@pytest.mark.parametrize(
    ("before", "repeated", "behind"),
    [
        (BEGIN, b"\x1a\x04\x08\x00\x1a\x00", b""),  # the smallest user records
        (b"\x0a\x7f" + b"k" * 127, b"\x1a\x04\x08\x00\x1a\x00", b""),  # that share a long key
        (b"", b"\x0a\x00", b"\x1a\x04\x08\x00\x1a\x00"),  # keys that none of them has
        (BEGIN + b"\x1a\x04\x08\x00\x1a\x00", b"\x2b", b""),  # groups in groups
        (BEGIN + b"\x1a\x04\x08\x00\x1a\x00", b"\x2b\x2c", b""),  # empty groups
        (BEGIN + b"\x1a\xff\xff\x03", b"\x1a\x01x", b""),  # data that are given again and again
        (BEGIN, b"\x1a\x80\x80\x00", b""),  # empty entries of a long length
    ],
)
def test_work_grows_with_the_data_and_no_more(before: bytes, repeated: bytes, behind: bytes) -> None:
    once, twice = (steps_of(aggregate_of(before + repeated * size + behind)) for size in (200, 400))
    assert twice <= 2.1 * once


# ------------------------------------------------------------ as part of a batch
def test_a_broken_aggregate_is_one_malformed_record_and_the_others_go_on() -> None:
    event = kinesis_event(kpl_aggregate("1", "2"), WHOLE[:-1], kpl_aggregate("3"))
    numbers = [raw["kinesis"]["sequenceNumber"] for raw in event["Records"]]
    batch = fold_batch(event, lambda record: Success(record.data), kinesis(int, aggregated=True, lane=by_partition_key))
    (failed,) = batch.failed
    assert [succeeded.value for succeeded in batch.succeeded] == [1, 2]
    assert (failed.item_id, type(failed.fault.error)) == (numbers[1], PayloadError)
    assert failed.record.data == WHOLE[:-1]
    assert batch.response == {"batchItemFailures": [{"itemIdentifier": numbers[1]}]}


def test_a_user_record_that_is_not_done_names_its_record() -> None:
    event = kinesis_event("1", kpl_aggregate("2", "3", "4"), "5")
    number = event["Records"][1]["kinesis"]["sequenceNumber"]
    seen: list[int] = []

    def handle(record: KinesisRecord[int]) -> Any:
        seen.append(record.data)
        return Failure("no") if record.data == 3 else Success(None)

    batch = fold_batch(event, handle, kinesis(int, aggregated=True))
    assert seen == [1, 2, 3]
    assert batch.response == {"batchItemFailures": [{"itemIdentifier": number}]}
    assert [outcome.item_id for outcome in batch.not_done][:2] == [number, number]


def test_lanes_are_those_of_the_users_keys() -> None:
    event = kinesis_event(
        KinesisData(kpl_aggregate(KplRecord("1", "a"), KplRecord("2", "b"), KplRecord("3", "a")), "x")
    )
    seen: list[int] = []

    def handle(record: KinesisRecord[int]) -> Any:
        seen.append(record.data)
        return Failure("no") if record.data == 1 else Success(None)

    batch = fold_batch(event, handle, kinesis(int, aggregated=True, lane=by_partition_key))
    assert seen == [1, 2]
    assert batch.lanes == ["a", "b", "a"]


# ------------------------------------------------------------ without aggregated=True
@pytest.mark.parametrize(
    "source",
    [
        kinesis(),
        kinesis(int),
        kinesis(bytes),
        kinesis(str),
        kinesis(decode=len),
        kinesis(decode=of_record(key_of)),
    ],
)
def test_an_aggregate_is_told_where_it_is_not_asked_for(source: Any) -> None:
    (failed,) = fold_batch(kinesis_event(WHOLE), Success, source).failed
    assert isinstance(failed, Failed)
    assert isinstance(failed.fault.error, PayloadError)
    assert "kinesis(..., aggregated=True)" in str(failed.fault.error)
    assert failed.record.data == WHOLE


@given(st.binary().filter(lambda data: not data.startswith(MAGIC)), st.booleans())
def test_a_decoder_of_the_record_gets_data_that_are_not_aggregated(data: bytes, aggregated: bool) -> None:  # noqa: FBT001  # a strategy gives it
    (raw,) = kinesis_event(data)["Records"]
    assert kinesis(aggregated=aggregated).parse(raw).data == data
    assert kinesis(decode=of_record(data_of), aggregated=aggregated).parse(raw).data == data


@given(st.binary())
def test_other_data_are_handed_over_even_if_they_begin_as_an_aggregate_does(rest: bytes) -> None:
    (raw,) = kinesis_event(MAGIC + rest)["Records"]
    assert kinesis().parse(raw).data == MAGIC + rest
    assert kinesis(decode=of_record(data_of)).parse(raw).data == MAGIC + rest


@pytest.mark.parametrize("aggregated", [True, False])
def test_data_whose_base64_begins_like_that_of_an_aggregate_are_handed_over(aggregated: bool) -> None:  # noqa: FBT001  # as above
    (raw,) = kinesis_event(b"\xf3\x89\x9a\xc0")["Records"]
    assert raw["kinesis"]["data"].startswith("84maw")
    assert kinesis(decode=of_record(data_of), aggregated=aggregated).parse(raw).data == b"\xf3\x89\x9a\xc0"


def test_an_aggregate_whose_record_was_not_read_by_the_source_is_told_too() -> None:
    (raw,) = kinesis_event(WHOLE)["Records"]
    with pytest.raises(PayloadError, match="found a KPL aggregate"):
        kinesis(aggregated=True).parse(raw)


# ------------------------------------------------------------ adapters
def test_a_pipe_names_the_aggregate_of_a_user_record_that_is_not_done() -> None:
    event = pipes_event(kinesis_event("1", kpl_aggregate("2", "3", "4"), WHOLE[:-1], "5"))
    source = pipes(kinesis(int, aggregated=True, lane=each_record))
    batch = fold_batch(event, lambda record: Failure("no") if record.data == 3 else Success(record.data), source)
    assert [succeeded.value for succeeded in batch.succeeded] == [1, 2, 4, 5]
    assert batch.response == {"batchItemFailures": [{"itemIdentifier": event[at]["eventID"]} for at in (1, 2)]}


def test_the_payload_of_a_user_record_is_fetched_by_itself() -> None:
    contents = {b"a": "1", b"b": "2"}

    def fetch(record: KinesisRecord) -> Any:
        kinesis_part = record.raw["kinesis"]
        return {**record.raw, "kinesis": {**kinesis_part, "data": b64encode(contents[record.data].encode()).decode()}}

    source = fetched(kinesis(int, aggregated=True), fetch)
    batch = fold_batch(kinesis_event(kpl_aggregate("a", "b")), lambda record: Success(record.data), source)
    assert [succeeded.value for succeeded in batch.succeeded] == [1, 2]
