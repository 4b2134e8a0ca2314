"""Idempotency of each record, with Powertools' `idempotent_function` and its DynamoDB layer, on a table of moto's."""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from aws_lambda_powertools.utilities.idempotency import (
    DynamoDBPersistenceLayer,
    IdempotencyConfig,
    idempotent_function,
)
from moto import mock_aws
from returns.result import Result, safe

from batchfold import KinesisRecord, as_lambda_handler, each_record, fold_batch, kinesis, sqs
from batchfold.testing import (
    Effect,
    KinesisStream,
    LambdaContext,
    LambdaFunction,
    SqsQueue,
    assert_safe,
    kinesis_event,
    sqs_event,
)

Load = Callable[[str], Any]
DONE: dict[str, list[object]] = {"batchItemFailures": []}


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    with mock_aws():
        yield


def new_store() -> DynamoDBPersistenceLayer:
    """A persistence layer on an empty table."""
    client = boto3.client("dynamodb")  # pyright: ignore[reportUnknownMemberType]  # stubs of other services are missing
    name = f"claims-{len(client.list_tables()['TableNames'])}"
    client.create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    return DynamoDBPersistenceLayer(table_name=name)


class Charges:
    """The effect: it fails as often as it is told for an order, and then happens."""

    def __init__(self, failing: dict[str, int] | None = None) -> None:
        self.failing: Counter[str] = Counter(failing or {})
        self.happened: Counter[str] = Counter()

    def __call__(self, order_id: str) -> int:
        if self.failing[order_id]:
            self.failing[order_id] -= 1
            raise TimeoutError(order_id)
        self.happened[order_id] += 1
        return 3


def named(response: Any) -> list[str]:
    return [entry["itemIdentifier"] for entry in response["batchItemFailures"]]


EVENTS = {
    "idempotency": sqs_event("a", "b"),
    "idempotency_by_payload": kinesis_event({"id": "a"}, {"id": "b"}),
}
FIRST_OF = {
    "idempotency": EVENTS["idempotency"]["Records"][0]["messageId"],
    "idempotency_by_payload": EVENTS["idempotency_by_payload"]["Records"][0]["kinesis"]["sequenceNumber"],
}
by_message_and_by_payload = pytest.mark.parametrize("example", EVENTS)


@pytest.mark.usefixtures("aws")
@by_message_and_by_payload
def test_a_second_delivery_has_no_second_effect(example: str, load: Load) -> None:
    charges = Charges()
    lambda_handler = load(example).make(new_store(), charges)
    for _ in range(2):
        assert lambda_handler(EVENTS[example], LambdaContext()) == DONE
    assert charges.happened == {"a": 1, "b": 1}


@pytest.mark.usefixtures("aws")
@by_message_and_by_payload
def test_a_record_that_failed_is_tried_again_and_one_that_was_done_is_not(example: str, load: Load) -> None:
    charges = Charges(failing={"a": 2})
    lambda_handler = load(example).make(new_store(), charges)
    answers = [named(lambda_handler(EVENTS[example], LambdaContext())) for _ in range(4)]
    assert answers == [[FIRST_OF[example]], [FIRST_OF[example]], [], []]
    assert charges.happened == {"a": 1, "b": 1}


@pytest.mark.usefixtures("aws")
@by_message_and_by_payload
def test_a_record_in_progress_elsewhere_comes_back(example: str, load: Load) -> None:
    store, charges = new_store(), Charges()
    elsewhere: list[Any] = []
    module = load(example)
    here_and_there = [module.make(store, charges)]

    def charge(order_id: str) -> int:
        if order_id == "a":  # while it is in progress here, it is delivered a second time
            elsewhere.append(here_and_there[0](EVENTS[example], LambdaContext()))
        return charges(order_id)

    assert module.make(store, charge)(EVENTS[example], LambdaContext()) == DONE
    assert [named(response) for response in elsewhere] == [[FIRST_OF[example]]]
    assert charges.happened == {"a": 1, "b": 1}


@pytest.mark.usefixtures("aws")
@by_message_and_by_payload
def test_a_claim_ends_with_the_invocation_that_was_cut_off(example: str, load: Load) -> None:
    store, charges = new_store(), Charges()
    module = load(example)

    def cut_off(_order_id: str) -> int:
        raise SystemExit

    with pytest.raises(SystemExit):
        module.make(store, cut_off)(EVENTS[example], LambdaContext(timeout_seconds=0.5))
    lambda_handler = module.make(store, charges)
    assert named(lambda_handler(EVENTS[example], LambdaContext())) == [FIRST_OF[example]]
    assert charges.happened == {"b": 1}
    time.sleep(0.6)
    assert lambda_handler(EVENTS[example], LambdaContext()) == DONE
    assert charges.happened == {"a": 1, "b": 1}


@pytest.mark.usefixtures("aws")
def test_a_message_whose_key_is_missing_fails(load: Load) -> None:
    event = kinesis_event({"id": "a"}, {"id": ""})
    answer = load("idempotency_by_payload").make(new_store(), Charges())(event, LambdaContext())
    assert named(answer) == [event["Records"][1]["kinesis"]["sequenceNumber"]]


def test_over_safe_a_record_that_failed_would_not_be_tried_again(aws: None) -> None:
    del aws
    charges, config = Charges(failing={"a": 1}), IdempotencyConfig()
    context: Any = LambdaContext()  # Powertools asks for a class of its own
    config.register_lambda_context(context)

    def reserve(order_id: str) -> Result[int, Exception]:
        return safe(charges)(order_id)

    reserve_once: Any = idempotent_function(
        reserve, data_keyword_argument="order_id", persistence_store=new_store(), config=config
    )
    for _ in range(3):
        assert len(fold_batch(sqs_event("a"), lambda record: reserve_once(order_id=record.body), sqs()).failed) == 1
    assert charges.happened == {}


# ------------------------------------------------------------ under `assert_safe`
class Counted:
    """Counts how often each effect happens, under every schedule that `assert_safe` tries."""

    def __init__(self, make: Callable[[Callable[[str], int]], LambdaFunction]) -> None:
        self._make = make
        self.schedules: list[Counter[str]] = []

    def __call__(self, effect: Effect) -> LambdaFunction:
        happened: Counter[str] = Counter()
        self.schedules.append(happened)

        def charge(name: str) -> int:
            effect(name)
            happened[name] += 1
            return 3

        return self._make(charge)

    @property
    def most(self) -> int:
        return max(count for happened in self.schedules for count in happened.values())


@pytest.mark.usefixtures("aws")
def test_under_every_schedule_a_message_has_its_effect_at_most_once(load: Load) -> None:
    module = load("idempotency")
    counted = Counted(lambda charge: module.make(new_store(), charge))
    assert_safe(counted, source=SqsQueue(), max_records=3, max_examples=12)
    assert counted.most == 1


def assert_safe_in_any_order(make: Counted) -> None:
    assert_safe(
        make,
        source=KinesisStream(),
        lane=each_record,
        payload=lambda name: {"id": name},
        max_records=3,
        max_examples=12,
    )


@pytest.mark.usefixtures("aws")
def test_under_every_schedule_a_shard_that_goes_on_repeats_no_effect(load: Load) -> None:
    module = load("idempotency_by_payload")
    counted = Counted(lambda charge: module.make(new_store(), charge))
    assert_safe_in_any_order(counted)
    assert counted.most == 1


def test_without_idempotency_a_shard_that_goes_on_repeats_effects() -> None:
    def make(charge: Callable[[str], int]) -> LambdaFunction:
        def reserve(record: KinesisRecord[dict[str, str]]) -> int:
            return charge(record.data["id"])

        return as_lambda_handler(safe(reserve), kinesis(dict[str, str], lane=each_record))

    counted = Counted(make)
    assert_safe_in_any_order(counted)
    assert counted.most > 1
