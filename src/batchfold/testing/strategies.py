"""Hypothesis strategies: for events and what they are made of, for settings of mappings, for schedules and scenarios.

Needs Hypothesis: `pip install "batchfold[testing]"`. Each strategy shrinks towards the shortest thing of its kind, in
which nothing fails and no setting differs from AWS's defaults.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from decimal import Decimal
from itertools import product
from typing import Any, TypeVar, get_args

try:
    from hypothesis import strategies as st
except ImportError as error:
    raise ImportError(
        'Hypothesis is not installed, and this needs it. Install the extra: pip install "batchfold[testing]"'
    ) from error

from batchfold.sources.dynamodb import EventName, StreamViewType
from batchfold.testing.change_events import DynamoDBChange, dynamodb_event, images_of
from batchfold.testing.effect import Attempt, FailureSchedule
from batchfold.testing.event_source import EventSource
from batchfold.testing.firehose_streams import FirehoseData, FirehoseOrigin, FirehoseStream, firehose_event
from batchfold.testing.kafka_topics import KafkaShareGroup, KafkaTopic
from batchfold.testing.kpl_aggregates import AggregatedKinesisStream, KplRecord, kpl_aggregate
from batchfold.testing.piped import DynamoDBPipe, KinesisPipe, SqsPipe, pipes_event
from batchfold.testing.queue_events import SqsMessage, sqs_event
from batchfold.testing.refuse import refuse_other_numbers, refuse_text
from batchfold.testing.search import Scenario, gives_up_before_long, numbered
from batchfold.testing.sqs_queue import SqsQueue
from batchfold.testing.stream_events import KafkaMessage, KinesisData, kafka_event, kinesis_event
from batchfold.testing.stream_retries import ENDLESS
from batchfold.testing.streams import DynamoDBStream, KinesisStream

_KEYS = st.sampled_from("ABC")
_Built = TypeVar("_Built")


def sqs_messages(bodies: st.SearchStrategy[Any] | None = None) -> st.SearchStrategy[SqsMessage]:
    """Messages with any body that SQS takes (or from `bodies`), with and without group and attributes.

    SQS takes no empty text, neither as a body nor in an attribute, and no character that XML does not have:
    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html.
    """
    attributes = _sqs_text() | _numbers() | st.binary(min_size=1, max_size=8)
    return st.builds(
        SqsMessage,
        body=_json(_sqs_text()) if bodies is None else bodies,
        message_group_id=st.none() | _KEYS,
        message_attributes=st.dictionaries(_names(), attributes, max_size=2),
        approximate_receive_count=st.integers(1, 5),
    )


def sqs_events(
    bodies: st.SearchStrategy[Any] | None = None, *, fifo: bool | None = None, max_size: int = 10
) -> st.SearchStrategy[dict[str, Any]]:
    """Events of an SQS queue, FIFO or standard as `fifo` says; both if it is `None`."""
    return _events(sqs_event, sqs_messages(bodies), max_size, fifo=_either(fifo))


def kinesis_data(data: st.SearchStrategy[Any] | None = None) -> st.SearchStrategy[KinesisData]:
    """Kinesis records with any bytes (or from `data`)."""
    return st.builds(KinesisData, data=_payloads(data), partition_key=_KEYS)


def kpl_records(data: st.SearchStrategy[Any] | None = None) -> st.SearchStrategy[KplRecord]:
    """User records of the KPL with any bytes (or from `data`), with and without explicit hash key and tags."""
    return st.builds(
        KplRecord,
        data=_payloads(data),
        partition_key=_KEYS | _text(),
        explicit_hash_key=st.none() | st.integers(0, 2**128 - 1).map(str),
        tags=st.dictionaries(_names(), _text(), max_size=2),
    )


def kpl_aggregates(data: st.SearchStrategy[Any] | None = None, *, max_size: int = 10) -> st.SearchStrategy[bytes]:
    """The data of Kinesis records that hold user records of the KPL, for `kinesis_data` and `kinesis_events`."""
    return _events(kpl_aggregate, kpl_records(data), max_size)


def kinesis_events(
    data: st.SearchStrategy[Any] | None = None, *, max_size: int = 10
) -> st.SearchStrategy[dict[str, Any]]:
    """Events of a shard of a Kinesis data stream."""
    return _events(kinesis_event, kinesis_data(data), max_size)


def items() -> st.SearchStrategy[dict[str, Any]]:
    """Items of a DynamoDB table, as plain Python values, of every type that DynamoDB has."""
    scalars = st.none() | st.booleans() | _text() | st.binary(max_size=8) | _numbers()
    sets = (
        st.frozensets(_text(), min_size=1, max_size=3)
        | st.frozensets(_numbers(), min_size=1, max_size=3)
        | st.frozensets(st.binary(max_size=4), min_size=1, max_size=3)
    )
    values = st.recursive(
        scalars | sets,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_names(), inner, max_size=3),
        max_leaves=6,
    )
    return st.dictionaries(_names(), values, max_size=4)


def dynamodb_changes(images: st.SearchStrategy[dict[str, Any]] | None = None) -> st.SearchStrategy[DynamoDBChange]:
    """Insertions, modifications, removals and expiries of items whose key is `id`.

    They are those of a stream of new and old images, so that any of them make an event together.
    """
    return _changes("NEW_AND_OLD_IMAGES", items() if images is None else images)


def dynamodb_events(
    images: st.SearchStrategy[dict[str, Any]] | None = None, *, max_size: int = 10
) -> st.SearchStrategy[dict[str, Any]]:
    """Events of a shard of a DynamoDB stream, of each view type; all changes of an event are of one."""
    image = items() if images is None else images
    view_types = st.sampled_from(get_args(StreamViewType))
    return view_types.flatmap(lambda view_type: _events(dynamodb_event, _changes(view_type, image), max_size))


def kafka_messages(values: st.SearchStrategy[Any] | None = None) -> st.SearchStrategy[KafkaMessage]:
    """Kafka records with any bytes or none (or from `values`), with and without key and headers."""
    return st.builds(
        KafkaMessage,
        value=st.none() | st.binary(max_size=32) if values is None else values,
        key=st.none() | _KEYS,
        topic=st.sampled_from(("orders", "order-refunds")),
        partition=st.integers(0, 2),
        headers=st.dictionaries(_names(), st.binary(max_size=8), max_size=2),
    )


def kafka_events(
    values: st.SearchStrategy[Any] | None = None, *, self_managed: bool | None = None, max_size: int = 10
) -> st.SearchStrategy[dict[str, Any]]:
    """Events of Kafka topics, self-managed or Amazon MSK as `self_managed` says; both if it is `None`."""
    return _events(kafka_event, kafka_messages(values), max_size, self_managed=_either(self_managed))


def firehose_data(data: st.SearchStrategy[Any] | None = None) -> st.SearchStrategy[FirehoseData]:
    """Firehose records with any bytes (or from `data`)."""
    return st.builds(FirehoseData, data=_payloads(data), partition_key=_KEYS)


def firehose_events(
    data: st.SearchStrategy[Any] | None = None, *, max_size: int = 10
) -> st.SearchStrategy[dict[str, Any]]:
    """Events of delivery streams that have their records from producers, a Kinesis stream or Amazon MSK."""
    origins = st.sampled_from(get_args(FirehoseOrigin))
    return _events(firehose_event, firehose_data(data), max_size, origin=origins)


def pipes_events(
    events: st.SearchStrategy[dict[str, Any]] | None = None, *, max_size: int = 10
) -> st.SearchStrategy[list[dict[str, Any]]]:
    """Events of EventBridge Pipes with the records of `events`, or of SQS, Kinesis and DynamoDB Streams."""
    if events is None:
        events = sqs_events(max_size=max_size) | kinesis_events(max_size=max_size) | dynamodb_events(max_size=max_size)
    return events.map(pipes_event)


def sqs_queues(*, fifo: bool | None = None) -> st.SearchStrategy[SqsQueue]:
    """Queues and their mappings, with and without a dead-letter queue."""
    return st.builds(
        SqsQueue,
        fifo=_either(fifo),
        batch_size=st.integers(1, 10),
        visibility_timeout_seconds=st.sampled_from((30.0, 45.0, 180.0)),
        max_receive_count=st.none() | st.integers(1, 5),
    )


def kinesis_streams() -> st.SearchStrategy[KinesisStream]:
    """Shards of Kinesis data streams and their mappings, with every setting."""
    return st.builds(KinesisStream, **_stream_settings())


def aggregated_kinesis_streams() -> st.SearchStrategy[AggregatedKinesisStream]:
    """Kinesis data streams that the KPL writes to, and their mappings, with every setting."""
    return st.builds(
        AggregatedKinesisStream, **_stream_settings(), shards=st.integers(1, 3), aggregate_size=st.integers(1, 4)
    )


def dynamodb_streams() -> st.SearchStrategy[DynamoDBStream]:
    """Shards of DynamoDB streams and their mappings, with every setting."""
    return st.builds(DynamoDBStream, **_stream_settings())


def kafka_topics() -> st.SearchStrategy[KafkaTopic]:
    """Kafka topics and their mappings, with every setting, and both ways in which Lambda may deliver again."""
    return st.builds(
        KafkaTopic,
        **_stream_settings(),
        partitions=st.integers(1, 3),
        redelivery=st.sampled_from(("named", "from_lowest_offset")),
        self_managed=st.booleans(),
    )


def kafka_share_groups() -> st.SearchStrategy[KafkaShareGroup]:
    """Kafka share groups and their mappings, with every setting."""
    return st.builds(
        KafkaShareGroup,
        batch_size=st.integers(1, 10),
        delivery_limit=st.integers(1, 5),
        partitions=st.integers(1, 3),
    )


def firehose_streams() -> st.SearchStrategy[FirehoseStream]:
    """Delivery streams of Firehose, with every setting."""
    return st.builds(
        FirehoseStream,
        batch_size=st.integers(1, 10),
        origin=st.sampled_from(get_args(FirehoseOrigin)),
        number_of_retries=st.integers(0, 5),
    )


def sharded_streams() -> st.SearchStrategy[KinesisStream | DynamoDBStream]:
    """Kinesis and DynamoDB streams of which several batches are under way at once, with every setting."""
    several = {"shards": st.integers(1, 3), "parallelization_factor": st.integers(1, 3)}
    of_kinesis = st.builds(KinesisStream, **_stream_settings(), **several)
    return of_kinesis | st.builds(DynamoDBStream, **_stream_settings(), **several)


def event_pipes() -> st.SearchStrategy[SqsPipe | KinesisPipe | DynamoDBPipe]:
    """Queues and streams that a pipe reads, with every setting."""
    of_stream = _stream_settings()
    of_stream["automatic_bisect"] = of_stream.pop("bisect_batch_on_function_error")
    queues = st.builds(
        SqsPipe, fifo=st.booleans(), batch_size=st.integers(1, 10), max_receive_count=st.none() | st.integers(1, 5)
    )
    return queues | st.builds(KinesisPipe, **of_stream) | st.builds(DynamoDBPipe, **of_stream)


def event_sources() -> st.SearchStrategy[EventSource]:
    """Event sources of every kind, with every setting but `ReportBatchItemFailures` off; streams have one shard."""
    return sqs_queues() | kinesis_streams() | dynamodb_streams() | kafka_topics()


def record_names(*, max_records: int = 6) -> st.SearchStrategy[tuple[str, ...]]:
    """Names of records in arrival order, such as `("A1", "B1", "A2")`: up to three keys, numbered each."""
    refuse_other_numbers("max_records", max_records, 1)
    return st.lists(_KEYS, min_size=1, max_size=max_records).map(numbered)


def failure_schedules(
    names: Sequence[str], *, overruns: bool = False, never_succeed: bool = False
) -> st.SearchStrategy[FailureSchedule]:
    """Schedules of how up to three attempts at each of these records end.

    With `never_succeed`, some records fail for ever; with `overruns`, some attempts outlast the function's timeout.

    Raises:
        TypeError: `names` is a text, which would be read letter by letter.
    """
    refuse_text("names", names, 'a list of names, such as ["A1", "A2"]', kind=Sequence)
    attempts = _attempts(overruns=overruns)
    poison = st.frozensets(st.sampled_from(list(names)), max_size=2) if never_succeed else st.just(frozenset[str]())

    return st.builds(_schedule, st.fixed_dictionaries(dict.fromkeys(names, attempts)), poison)


@st.composite
def scenarios(
    draw: st.DrawFn,
    source: EventSource,
    *,
    overruns: bool = False,
    duplicates: bool = False,
    max_records: int = 6,
) -> Scenario:
    """Scenarios of this source: the records that it holds, in batches up to its batch size, and what fails.

    Records that never succeed are among them only if the source gives up on them before long. With `duplicates`, the
    source delivers some records twice, if it does that at all.
    """
    refuse_other_numbers("max_records", max_records, 1)
    never = st.booleans() if gives_up_before_long(source) else st.just(value=False)
    twice = st.booleans() if duplicates else st.just(value=False)
    # A record is drawn together with what happens to it, so that shrinking can drop both at once.
    one = st.tuples(_KEYS, _attempts(overruns=overruns), never, twice)
    listed = draw(st.lists(one, min_size=1, max_size=max_records))
    names = numbered([key for key, *_ in listed])
    by_name = list(zip(names, listed, strict=True))
    schedule = _schedule(
        {name: attempts for name, (_, attempts, _, _) in by_name},
        frozenset(name for name, (_, _, poison, _) in by_name if poison),
    )
    source = draw(st.sampled_from(source.variations()))
    largest = min(source.batch_size, len(names))
    if smaller_by := draw(st.integers(0, largest - 1)):
        source = replace(source, batch_size=largest - smaller_by)
    if repeated := [name for name, (*_, is_repeated) in by_name if is_repeated]:
        source = source.delivering_twice(repeated)
    return Scenario(source, names, schedule)


def _schedule(attempts: dict[str, tuple[Attempt, ...]], never_succeed: frozenset[str]) -> FailureSchedule:
    return FailureSchedule({name: listed for name, listed in attempts.items() if listed}, never_succeed)


def _attempts(*, overruns: bool) -> st.SearchStrategy[tuple[Attempt, ...]]:
    ends: tuple[Attempt, ...] = ("fails", "succeeds", "overruns") if overruns else ("fails", "succeeds")
    # All there are, the shortest first; what ends in a success says no more than without it.
    all_attempts = (attempts for most in range(4) for attempts in product(ends, repeat=most))
    return st.sampled_from([attempts for attempts in all_attempts if attempts[-1:] != ("succeeds",)])


def _events(
    build: Callable[..., _Built], records: st.SearchStrategy[Any], max_size: int, **options: st.SearchStrategy[Any]
) -> st.SearchStrategy[_Built]:
    def built(given: list[Any], **drawn: Any) -> _Built:
        return build(*given, **drawn)

    return st.builds(built, st.lists(records, min_size=1, max_size=max_size), **options)


def _either(wanted: bool | None) -> st.SearchStrategy[bool]:  # noqa: FBT001  # as the option of an event says
    return st.booleans() if wanted is None else st.just(wanted)


def _payloads(given: st.SearchStrategy[Any] | None) -> st.SearchStrategy[Any]:
    return st.binary(max_size=32) if given is None else given


def _stream_settings() -> dict[str, st.SearchStrategy[Any]]:
    return {
        "batch_size": st.integers(1, 10),
        "maximum_retry_attempts": st.just(ENDLESS) | st.integers(0, 5),
        "maximum_record_age_in_seconds": st.sampled_from((ENDLESS, 60)),
        "bisect_batch_on_function_error": st.booleans(),
        "on_failure_destination": st.booleans(),
        "retries_reset_on_progress": st.booleans(),
        "seconds_between_retries": st.sampled_from((1.0, 10.0)),
    }


def _changes(view_type: StreamViewType, image: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[DynamoDBChange]:
    return st.one_of([_changes_of(event_name, view_type, image) for event_name in get_args(EventName)])


def _changes_of(
    event_name: EventName, view_type: StreamViewType, image: st.SearchStrategy[dict[str, Any]]
) -> st.SearchStrategy[DynamoDBChange]:
    has_new, has_old = images_of(event_name, view_type)

    def change(key: str, new: dict[str, Any], old: dict[str, Any], *, expired: bool) -> DynamoDBChange:
        keys = {"id": key}
        new_image, old_image = {**new, **keys} if has_new else None, {**old, **keys} if has_old else None
        return DynamoDBChange(keys, new_image, old_image, event_name, expired=expired)

    nothing = st.just(dict[str, Any]())
    return st.builds(
        change,
        key=_KEYS,
        new=image if has_new else nothing,
        old=image if has_old else nothing,
        expired=st.booleans() if event_name == "REMOVE" else st.just(value=False),
    )


def _json(texts: st.SearchStrategy[str]) -> st.SearchStrategy[Any]:
    """JSON values. A text by itself is one of `texts`, for as a body it is not written as JSON."""
    scalars = st.none() | st.booleans() | st.integers(-(2**53), 2**53)
    nested = st.recursive(
        scalars,
        lambda inner: st.lists(inner | _text(), max_size=3) | st.dictionaries(_text(), inner | _text(), max_size=3),
        max_leaves=6,
    )
    return nested | texts


def _text() -> st.SearchStrategy[str]:
    return st.text(st.characters(exclude_categories=["Cs"]), max_size=12)


def _sqs_text() -> st.SearchStrategy[str]:
    controls = [chr(code) for code in range(0x20) if chr(code) not in "\t\n\r"]
    characters = st.characters(exclude_categories=["Cs"], exclude_characters=[*controls, "\ufffe", "\uffff"])
    return st.text(characters, min_size=1, max_size=12)


def _names() -> st.SearchStrategy[str]:
    return st.text("abcdefgh", min_size=1, max_size=6)


def _numbers() -> st.SearchStrategy[int | Decimal]:
    return st.integers(-(10**37), 10**37) | st.decimals(
        min_value=-(10**6), max_value=10**6, places=3, allow_nan=False, allow_infinity=False
    )
