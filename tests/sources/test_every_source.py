"""What holds for all sources: how events are read, and how records behave as values."""

import copy
import pickle
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchfold.core._guards import is_mapping
from batchfold.core.lanes import Lane, each_record, whole_batch
from batchfold.core.records import Record, UnexpectedEventError
from batchfold.core.source import Source
from batchfold.sources.dynamodb import by_hash_key, by_item_key, dynamodb
from batchfold.sources.firehose import firehose
from batchfold.sources.kafka import by_message_key, by_topic_partition, kafka
from batchfold.sources.kinesis import by_partition_key, kinesis
from batchfold.sources.sqs import by_message_group, sqs
from batchfold.testing import strategies as bst

AnySource = Source[Any, Any, Any, Any]

# Under beartype the checks of containers take a sample, with a random number that changes nothing drawn.
pytestmark = pytest.mark.filterwarnings("ignore:Do not use the `random` module inside strategies")

SECRET = "s3cr3t"  # noqa: S105  # it stands for a payload
SECRET_JSON_BASE64 = "InMzY3IzdCI="  # noqa: S105  # as above


class Case(NamedTuple):
    """One source, with what the tests need to know about it."""

    source: AnySource
    text_source: AnySource
    events: st.SearchStrategy[dict[str, Any]]
    raws_of: Callable[[dict[str, Any]], Sequence[Mapping[str, Any]]]
    item_id_of: Callable[[Mapping[str, Any]], object]
    default_lane: Lane
    other_lanes: tuple[Lane, ...]
    raw_with_secret: dict[str, Any]


def records(event: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = event["Records"]
    return found


def records_of_kafka(event: dict[str, Any]) -> list[dict[str, Any]]:
    lists: dict[str, list[dict[str, Any]]] = event["records"]
    return [raw for listed in lists.values() for raw in listed]


def records_of_firehose(event: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = event["records"]
    return found


def record_id(raw: Mapping[str, Any]) -> object:
    return raw["recordId"]


def message_id(raw: Mapping[str, Any]) -> object:
    return raw["messageId"]


def kinesis_sequence_number(raw: Mapping[str, Any]) -> object:
    return raw["kinesis"]["sequenceNumber"]


def dynamodb_sequence_number(raw: Mapping[str, Any]) -> object:
    return raw["dynamodb"]["SequenceNumber"]


def partition_and_offset(raw: Mapping[str, Any]) -> object:
    return {"partition": f"{raw['topic']}-{raw['partition']}", "offset": raw["offset"]}


CASES = {
    "SQS": Case(
        sqs(),
        sqs(str),
        bst.sqs_events(fifo=False),
        records,
        message_id,
        each_record,
        (by_message_group, whole_batch),
        {"messageId": "m-1", "eventSource": "aws:sqs", "body": f'"{SECRET}"'},
    ),
    "Kinesis": Case(
        kinesis(),
        kinesis(str),
        bst.kinesis_events(),
        records,
        kinesis_sequence_number,
        whole_batch,
        (by_partition_key, each_record),
        {"eventSource": "aws:kinesis", "kinesis": {"sequenceNumber": "1", "data": SECRET_JSON_BASE64}},
    ),
    "DynamoDB": Case(
        dynamodb(),
        dynamodb(dict[str, str]),
        bst.dynamodb_events(),
        records,
        dynamodb_sequence_number,
        whole_batch,
        (by_item_key, each_record),
        {
            "eventSource": "aws:dynamodb",
            "dynamodb": {"SequenceNumber": "1", "Keys": {"id": {"S": "a"}}, "NewImage": {"name": {"S": SECRET}}},
        },
    ),
    "Kafka": Case(
        kafka(),
        kafka(str),
        bst.kafka_events(),
        records_of_kafka,
        partition_and_offset,
        by_topic_partition,
        (by_message_key, each_record),
        {"topic": "orders", "partition": 0, "offset": 1, "value": SECRET_JSON_BASE64},
    ),
    "Firehose": Case(
        firehose(),
        firehose(str),
        bst.firehose_events(),
        records_of_firehose,
        record_id,
        each_record,
        (whole_batch,),
        {"recordId": "1", "data": SECRET_JSON_BASE64},
    ),
}

every_source = pytest.mark.parametrize("case", CASES.values(), ids=CASES)


def properties_of(record: Record) -> list[str]:
    return [name for name in dir(type(record)) if isinstance(getattr(type(record), name), property)]


@every_source
@given(data=st.data())
def test_raw_records_are_read_in_arrival_order_and_never_copied(case: Case, data: st.DataObject) -> None:
    event = data.draw(case.events)
    raws, item_ids = case.source.read(event)
    assert len(raws) == len(case.raws_of(event))
    assert all(raw is listed for raw, listed in zip(raws, case.raws_of(event), strict=True))
    assert item_ids == [case.item_id_of(raw) for raw in raws]


@every_source
@given(data=st.data())
def test_raw_records_are_never_changed(case: Case, data: st.DataObject) -> None:
    event = data.draw(case.events)
    before = copy.deepcopy(event)
    raws, _ = case.source.read(event)
    for raw in raws:
        for record in (case.source.parse(raw), case.source.as_delivered(raw)):
            for name in properties_of(record):
                getattr(record, name)
        for lane in (case.source.lane_of(raws), *case.other_lanes):
            hash(lane(raw))
    assert event == before


@every_source
@given(data=st.data())
def test_a_record_survives_pickling_and_copying(case: Case, data: st.DataObject) -> None:
    raws, _ = case.source.read(data.draw(case.events))
    for raw in raws:
        for record in (case.source.parse(raw), case.source.as_delivered(raw)):
            for same in (pickle.loads(pickle.dumps(record)), copy.deepcopy(record), copy.copy(record)):  # noqa: S301  # what was just pickled
                assert same == record
                assert all(getattr(same, name) == getattr(record, name) for name in properties_of(record))


@every_source
@given(data=st.data())
def test_an_unparsed_record_equals_the_one_that_shows_it_as_delivered(case: Case, data: st.DataObject) -> None:
    raws, _ = case.source.read(data.draw(case.events))
    for raw in raws:
        assert case.source.parse(raw) == case.source.as_delivered(raw)


@every_source
def test_records_differ_by_payload_and_by_raw_record(case: Case) -> None:
    raw = case.raw_with_secret
    parsed = case.text_source.parse(raw)
    assert parsed == case.text_source.parse(raw)
    assert parsed != case.source.parse({**raw, "more": 1})
    assert parsed != case.text_source.parse({**raw, "more": 1})
    assert parsed != raw
    assert parsed.__eq__(raw) is NotImplemented


@every_source
def test_repr_shows_identity_and_never_the_payload(case: Case) -> None:
    for record in (case.text_source.parse(case.raw_with_secret), case.source.as_delivered(case.raw_with_secret)):
        assert SECRET not in repr(record)
        assert SECRET_JSON_BASE64 not in repr(record)
        assert "1" in repr(record)
        assert repr(record).startswith(type(record).__name__)


@every_source
def test_repr_works_on_a_raw_record_that_lacks_everything(case: Case) -> None:
    assert repr(case.source.as_delivered({})).endswith(")")


@every_source
def test_a_record_is_read_only(case: Case) -> None:
    record = case.source.as_delivered(case.raw_with_secret)
    for name in properties_of(record):
        with pytest.raises(AttributeError):
            setattr(record, name, "other")
    with pytest.raises(AttributeError):
        record.something_new = 1


@every_source
def test_the_default_lane_is_the_one_of_the_source(case: Case) -> None:
    assert case.source.lane_of([case.raw_with_secret]) is case.default_lane


@pytest.mark.parametrize("make", [sqs, kinesis, dynamodb, kafka, firehose])
def test_a_lane_that_was_asked_for_is_taken(make: Callable[..., AnySource]) -> None:
    assert make(lane=len).lane_of([{"eventSourceARN": "arn:q.fifo"}]) is len


async def async_lane(raw: Mapping[str, Any]) -> str:
    return str(raw)


@pytest.mark.parametrize("make", [sqs, kinesis, dynamodb, kafka, firehose])
def test_an_async_lane_function_is_refused_when_the_source_is_made(make: Callable[..., AnySource]) -> None:
    with pytest.raises(TypeError, match="lane= got an async function"):
        make(lane=async_lane)


LANES_OF: dict[str, tuple[Lane, ...]] = {
    "SQS": (by_message_group,),
    "Kinesis": (by_partition_key,),
    "DynamoDB": (by_item_key, by_hash_key("id")),
    "Kafka": (by_topic_partition, by_message_key),
}


@pytest.mark.parametrize(
    ("service", "lane", "other"),
    [(name, lane, other) for name, lanes in LANES_OF.items() for lane in lanes for other in CASES if other != name],
)
def test_a_lane_of_one_source_is_refused_for_the_records_of_another(service: str, lane: Lane, other: str) -> None:
    """In silence it would put all of them into one lane, or give each its own, and their order would be lost."""
    with pytest.raises(
        ValueError, match=f"orders records of {service}.*, and this is no record of {service}"
    ) as caught:
        lane(CASES[other].raw_with_secret)
    assert SECRET not in str(caught.value)
    assert all(each.__name__ in str(caught.value) for each in LANES_OF.get(other, ()) if "<" not in each.__qualname__)


@pytest.mark.parametrize("make", [sqs, kinesis, dynamodb, kafka, firehose])
def test_a_type_and_a_function_together_are_refused(make: Callable[..., AnySource]) -> None:
    with pytest.raises(TypeError, match="not both"):
        make(str, decode=str)


@every_source
@pytest.mark.parametrize("event", [None, [], "Records", 3])
def test_an_event_that_is_no_mapping_is_refused(case: Case, event: Any) -> None:
    with pytest.raises(UnexpectedEventError, match=f"a mapping, found a value of type {type(event).__name__}"):
        case.source.read(event)


@every_source
@pytest.mark.parametrize("event", [{}, {"Records": 3, "records": 3}, {"Records": None, "records": None}])
def test_an_event_without_records_is_refused(case: Case, event: dict[str, Any]) -> None:
    with pytest.raises(UnexpectedEventError, match="ecords"):
        case.source.read({"eventSource": "aws:kafka", **event})


@every_source
@given(data=st.data())
def test_an_event_of_another_source_is_refused(case: Case, data: st.DataObject) -> None:
    other = data.draw(st.sampled_from([name for name in CASES if CASES[name] is not case]))
    event = data.draw(CASES[other].events)
    with pytest.raises(UnexpectedEventError, match=r"expected .* found .* No record was handled"):
        case.source.read(event)


@every_source
@given(data=st.data())
def test_a_healthy_event_is_read_alike_whatever_kind_of_mapping_its_records_are(
    case: Case, data: st.DataObject
) -> None:
    class OtherMapping(dict[str, Any]):
        pass

    event = data.draw(case.events)
    expected = case.source.read(event)
    if "Records" in event:
        other: dict[str, Any] = {"Records": [OtherMapping(raw) for raw in event["Records"]]}
    elif isinstance(event["records"], list):
        other = {**event, "records": list(map(OtherMapping, records_of_firehose(event)))}
    else:
        lists = event["records"].items()
        other = {**event, "records": {key: tuple(map(OtherMapping, raws)) for key, raws in lists}}
    assert case.source.read(other) == expected


@every_source
@given(data=st.data())
def test_a_refusal_never_quotes_a_payload(case: Case, data: st.DataObject) -> None:
    raw = copy.deepcopy(case.raw_with_secret)
    path = data.draw(st.sampled_from(_paths(raw)))
    damage = data.draw(st.sampled_from(["drop", None, 3, 1.5, True, [SECRET], {SECRET: SECRET}, ""]))
    holder = raw
    for key in path[:-1]:
        holder = holder[key]
    if damage == "drop":
        del holder[path[-1]]
    else:
        holder[path[-1]] = damage
    event: dict[str, Any] = {"Records": [raw], "records": [raw]}
    if "topic" in case.raw_with_secret:
        event = {"eventSource": "aws:kafka", "records": {"orders-0": [raw]}}
    told = ""
    try:
        case.source.read(event)
    except UnexpectedEventError as error:
        told = "".join(map(repr, (error, error.__cause__, error.__context__)))
    assert SECRET not in told
    assert SECRET_JSON_BASE64 not in told


def _paths(raw: Mapping[str, Any], *above: str) -> list[tuple[str, ...]]:
    return [
        path
        for key, value in raw.items()
        for path in ((*above, key), *(_paths(value, *above, key) if is_mapping(value) else ()))
    ]
