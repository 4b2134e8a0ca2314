"""What is given amiss is refused at once, as a user without type checker meets it: in an interpreter without beartype.

Each of these would otherwise try nothing, or something else than was meant, and let a broken function's test pass.
"""

import json
import subprocess
import sys

import pytest

PROGRAM = """
import json, sys
from decimal import Decimal
from batchfold import by_item_key, by_message_group, by_message_key, by_partition_key, by_topic_partition, each_record
from batchfold.testing import *
from batchfold.testing.strategies import failure_schedules, record_names

def make(effect):
    def forgetful(event, context):
        for record in event["Records"]:
            try:
                effect(record["body"])
            except Exception:
                pass
    return forgetful

def drained(**given):
    return drain(**{"make": make, "source": SqsQueue(), "records": ["A1", "A2"], **given})

def searched(**given):
    return assert_safe(**{"make": make, "source": SqsQueue(), **given})

class NeedsTwo(Exception):
    def __init__(self, code, text): ...

history = drained()
said = {}
for call in json.load(sys.stdin):
    try:
        said[call] = f"nothing, but returned {eval(call)!r}"
    except Exception as error:
        said[call] = f"{type(error).__name__}: {error}"
print(json.dumps(said))
"""

TEXT_FOR_A_COLLECTION = [
    (
        "FailureSchedule({'A2': ('fails')})",
        "TypeError: attempts['A2'] is a tuple, such as (\"fails\",) with its comma, not the text 'fails'.",
    ),
    ("FailureSchedule('A2')", "TypeError: attempts is a mapping by name"),
    ("FailureSchedule({'A2': {'fails'}})", "TypeError: attempts['A2'] is a tuple"),
    ("FailureSchedule(never_succeed='A1')", "TypeError: never_succeed is a set of names, such as {\"A1\"}, not the text 'A1'."),
    ("FailureSchedule(never_succeed=b'A1')", "TypeError: never_succeed is a set of names"),
    ("FailureSchedule(never_succeed=1)", "not a value of type int"),
    ("drained(records='A1')", "TypeError: records is a list of names, such as [\"A1\", \"A2\"], not the text 'A1'."),
    ("drained(records='AB')", "TypeError: records is a list of names"),
    ("drained(records=[b'A1'])", "TypeError: A record's name is text, such as 'A1', not a value of type bytes."),
    ("name_records('AB', str)", "TypeError: records is a list of names"),
    ("pipes_event(sqs_event('a')['Records'])", "TypeError: event is an event of an event source mapping"),
    ("failure_schedules('AB')", "TypeError: names is a list of names"),
    ("read_answer(Returned(None), ['a'], report_batch_item_failures=True)", "TypeError: identifiers is a mapping"),
]  # fmt: skip

NAMES_AND_WORDS_THAT_ARE_NOT_THERE = [
    (
        "FailureSchedule({'A2': ('fail',)})",
        "ValueError: attempts['A2'][0] is one of 'succeeds', 'fails', 'overruns', not 'fail'.",
    ),
    ("FailureSchedule({'A2': ('fails', None)})", "ValueError: attempts['A2'][1] is one of"),
    (
        "drained(schedule=FailureSchedule({'a2': ('fails',)}))",
        "ValueError: The schedule speaks of 'a2', which nothing would come of: the records are 'A1', 'A2'.",
    ),
    ("drained(schedule=FailureSchedule(never_succeed={'Z', 'Y'}))", "ValueError: The schedule speaks of 'Y', 'Z',"),
    ("drained(schedule={'A2': ('fails',)})", "TypeError: schedule is a FailureSchedule, such as FailureSchedule({"),
    ("KafkaTopic(redelivery='from_lowest')", "ValueError: redelivery is one of 'named', 'from_lowest_offset', not"),
    ("history.with_fate('lost')", "TypeError: A fate is one of Fate, such as Fate.LOST, not a value of type str."),
    ("history.removed_as('dead letter')", "ValueError: A removal is one of 'done', 'dead-letter', 'discarded', 'archived', 'error output', not"),
    ("history.invocations[0].that('fails')", "ValueError: What an attempt came to is one of 'performed', 'failed'"),
    ("drained(lane=by_partition_key)", "ValueError: lane=by_partition_key is a lane of KinesisStream, not of SqsQueue."),
    ("searched(lane=by_item_key)", "ValueError: lane=by_item_key is a lane of DynamoDBStream, not of SqsQueue."),
    ("drained(source=KinesisStream(), lane=by_message_group)", "ValueError: lane=by_message_group is a lane of SqsQueue"),
    ("drained(source=SqsQueue(), lane=by_topic_partition)", "is a lane of KafkaTopic"),
    ("drained(source=SqsQueue(), lane=by_message_key)", "is a lane of KafkaTopic"),
    ("drained(lane=lambda raw: raw['kinesis'])", "ValueError: lane=<lambda> cannot tell the records of SqsQueue apart: it raised KeyError('kinesis')."),
    ("drained(lane='by_message_group')", "TypeError: lane is a function from raw record to lane"),
]  # fmt: skip

NUMBERS_OUT_OF_RANGE = [
    ("drained(most_invocations=0)", "ValueError: most_invocations is at least 1, not 0."),
    ("drained(timeout_seconds=-1)", "ValueError: timeout_seconds is at least 1, not -1."),
    ("drained(timeout_seconds=31)", "ValueError: visibility_timeout_seconds=30 is shorter than the function's timeout_seconds=31: AWS refuses"),
    ("searched(timeout_seconds=31)", "ValueError: visibility_timeout_seconds=30 is shorter than the function's timeout_seconds=31: AWS refuses"),
    ("SqsQueue(batch_size=11)", "ValueError: batch_size of a standard queue without maximum_batching_window_in_seconds is 1 to 10, not 11."),
    ("SqsQueue(batch_size=10_001, maximum_batching_window_in_seconds=1)", "ValueError: batch_size of a standard queue is 1 to 10000, not 10001."),
    ("SqsQueue(fifo=True, batch_size=11)", "ValueError: batch_size of a FIFO queue is 1 to 10, not 11."),
    ("SqsQueue(fifo=True, maximum_batching_window_in_seconds=1)", "ValueError: A FIFO queue has no batching window"),
    ("SqsQueue(fifo=True, delivered_twice={'A1'})", "ValueError: A FIFO queue delivers no message again that is done"),
    ("KinesisStream(shards=0)", "ValueError: shards is at least 1, not 0."),
    ("KinesisStream(parallelization_factor=11)", "ValueError: parallelization_factor is 1 to 10, not 11."),
    ("KinesisStream(on_failure_destination='sqs')", "ValueError: on_failure_destination is one of 'SQS', 'SNS', 'S3', not 'sqs'."),
    ("KafkaShareGroup(delivery_limit=0)", "ValueError: delivery_limit is at least 1, not 0."),
    ("drained(ages={'A3': 1})", "ValueError: ages has 'A3', but the records are 'A1', 'A2'."),
    ("drained(ages={'A1': -1})", "ValueError: ages['A1'] is at least 0, not -1."),
    ("searched(repeats='no')", "ValueError: repeats is one of 'needed', 'never', not 'no'."),
    ("drained(effect_seconds=-1)", "ValueError: effect_seconds is at least 0, not -1."),
    ("drained(effect_seconds=float('nan'))", "ValueError: effect_seconds is at least 0, not nan."),
    ("searched(effect_seconds=40)", "ValueError: effect_seconds is at most timeout_seconds, 30.0, not 40: no function could"),
    ("searched(timeout_seconds='30')", "TypeError: timeout_seconds is a number of seconds, not a value of type str."),
    ("searched(max_records=0)", "ValueError: max_records is at least 1, not 0."),
    ("searched(max_examples=0)", "ValueError: max_examples is at least 1, not 0."),
    ("record_names(max_records=0)", "ValueError: max_records is at least 1, not 0."),
    ("tell(history, most_invocations=-1)", "ValueError: most_invocations is at least 0, not -1."),
    ("SqsQueue(batch_size=2.5)", "TypeError: batch_size of a standard queue without maximum_batching_window_in_seconds is a whole number, not a value of type float."),
    ("SqsQueue(batch_size=True)", "maximum_batching_window_in_seconds is a whole number, not a value of type bool."),
    ("SqsQueue(max_receive_count=1_001)", "ValueError: max_receive_count is 1 to 1000, not 1001."),
    ("SqsQueue(visibility_timeout_seconds=43_201)", "ValueError: visibility_timeout_seconds is 0 to 43200, not 43201."),
    ("KinesisStream(maximum_record_age_in_seconds=59)", "if it is not -1, is 60 to 604800, not 59."),
    ("KinesisStream(seconds_between_retries=float('inf'))", "ValueError: seconds_between_retries is at least 0, not inf."),
    ("Clock().advance(float('nan'))", "ValueError: A clock only goes forward: seconds is at least 0, not nan."),
    ("LambdaContext(timeout_seconds=-1)", "ValueError: timeout_seconds is at least 0, not -1."),
]  # fmt: skip

OTHER_KINDS = [
    ("drained(source=SqsQueue)", "TypeError: source is an event source, such as SqsQueue(), not the class SqsQueue."),
    ("searched(source=SqsQueue)", "TypeError: source is an event source, such as SqsQueue(), not the class SqsQueue."),
    ("searched(make=None)", "TypeError: make is a function that takes the effect and returns the Lambda function, not None."),
    ("searched(make=lambda effect: None)", "TypeError: What make returns is the Lambda function, which takes event and context, not None."),
    ("drained(payload={})", "TypeError: payload is a function from a record's name to its payload, not a value of type dict."),
    ("searched(error=NeedsTwo)", "TypeError: NeedsTwo.__init__() missing 1 required positional argument: 'text'"),
    ("searched(error=ValueError('no'))", "TypeError: error is an exception class, or a function that makes an exception"),
    ("searched(error=str)", "TypeError: What error makes of a name is the exception that the effect raises, not a value of type str."),
    ("read_answer({}, {}, report_batch_item_failures=True)", "TypeError: answer is Returned, Raised or TimedOut, such as Returned(response), not a value of type dict."),
]  # fmt: skip

EVENTS_THAT_LAMBDA_NEVER_SENDS = [
    ("eventbridge_envelope({}, resources='arn:aws:s3:::a')", "TypeError: resources is a list of ARNs, not the text"),
    ("SqsQueue(delivered_twice='A1')", "TypeError: delivered_twice is a set of names, such as {\"A1\"}, not the text 'A1'."),
    ("sns_envelope('a', message_attributes='tenant')", "TypeError: message_attributes is a mapping"),
    ("SqsMessage('a', message_attributes='tenant')", "TypeError: message_attributes is a mapping"),
    ("KafkaMessage('a', headers='trace')", "TypeError: headers is a mapping from names to bytes"),
    ("KafkaMessage('a', headers=[('trace', b'1')])", 'such as {"trace": b"1"}, not a value of type list.'),
    ("dynamodb_event('id')", "TypeError: A change is a DynamoDBChange or the new image, a mapping, not a value of type str."),
    ("dynamodb_event(DynamoDBChange(keys='id'))", "TypeError: An item of DynamoDB is a mapping"),
    ("DynamoDBChange(keys={'id': 'a'}, event_name='INSRT')", "ValueError: event_name is one of 'INSERT', 'MODIFY', 'REMOVE'"),
    ("DynamoDBChange({'id': 'a'}, new_image={'id': 'a'}, expired=True)", "ValueError: A REMOVE has no new image: the item is gone."),
    ("DynamoDBChange({'id': 'a'}, new_image={'id': 'a'}, event_name='REMOVE')", "ValueError: A REMOVE has no new image"),
    ("DynamoDBChange({'id': 'a'}, old_image={'id': 'a'}, event_name='INSERT')", "ValueError: An INSERT has no old image: there was no item."),
    ("DynamoDBChange({'id': 'a'}, event_name='MODIFY', expired=True)", "ValueError: An expiry is a REMOVE, not a change of event_name='MODIFY'."),
    (
        "dynamodb_event({'id': 'a'}, DynamoDBChange({'id': 'a'}, {'id': 'a'}, {'id': 'a'}), DynamoDBChange({'id': 'a'}))",
        "these changes: INSERT with new_image, MODIFY with new_image and old_image, REMOVE with no image. Give each",
    ),
    ("SqsMessage('a', approximate_receive_count=0)", "ValueError: approximate_receive_count is at least 1, not 0."),
    ("KafkaMessage('a', partition=-1)", "ValueError: partition is at least 0, not -1."),
    ("KafkaMessage('a', offset=-1)", "ValueError: offset is at least 0, not -1."),
    ("sqs_event({'price': float('nan')})", "ValueError: Out of range float values are not JSON compliant"),
    ("attribute_value(Decimal('1E+126'))", "ValueError: A DynamoDB number is of the order 1E-130 to 1E+125; this one is of 1E+126."),
    ("KinesisData('a', sequence_number='first')", "ValueError: sequence_number is text of digits, such as '21', not 'first'."),
    ("DynamoDBChange(keys={'id': 'a'}, sequence_number=21)", "TypeError: sequence_number is text of digits"),
    ("SqsMessage('a', message_attributes={'price': 1.5})", "TypeError: message_attributes['price'] is text, int, Decimal or bytes, not a value of type float."),
    ("SqsMessage('a', message_attributes={'paid': True})", "TypeError: message_attributes['paid'] is text, int, Decimal or bytes, not a value of type bool."),
    ("s3_notification('a', 3)", "TypeError: keys[1] is the key of an object, text, not a value of type int."),
    ("cloudwatch_logs('START', control=True)", "ValueError: A control message has no lines of yours: leave them out."),
    ("sns_envelope('a', message_attributes={'paid': 1})", "TypeError: message_attributes['paid'] is text, not a value of type int."),
    ("KafkaMessage('a', headers={'trace': 'secret'})", "TypeError: headers['trace'] is bytes, such as text.encode() makes, not a value of type str."),
    ("attribute_value({1: 'a'})", "TypeError: The name of a DynamoDB attribute is text, not a value of type int."),
]  # fmt: skip

CASES = (
    TEXT_FOR_A_COLLECTION
    + NAMES_AND_WORDS_THAT_ARE_NOT_THERE
    + NUMBERS_OUT_OF_RANGE
    + OTHER_KINDS
    + EVENTS_THAT_LAMBDA_NEVER_SENDS
)


@pytest.fixture(scope="module")
def said() -> dict[str, str]:
    """What each of the calls came to, in one interpreter for all."""
    calls = json.dumps([call for call, _ in CASES])
    ran = subprocess.run([sys.executable, "-c", PROGRAM], input=calls, capture_output=True, text=True, check=True)
    answers: dict[str, str] = json.loads(ran.stdout)
    return answers


@pytest.mark.parametrize(("call", "expected"), CASES, ids=[call for call, _ in CASES])
def test_misuse_is_refused_at_once_with_what_was_expected_and_what_came(
    call: str, expected: str, said: dict[str, str]
) -> None:
    assert expected in said[call]


def test_a_header_s_value_is_never_told(said: dict[str, str]) -> None:
    assert "secret" not in said["KafkaMessage('a', headers={'trace': 'secret'})"]


def test_what_is_meant_is_not_refused() -> None:
    """Lists for tuples and sets read the same; checkers have the stricter word."""
    program = (
        "from batchfold.testing import *\n"
        "schedule = FailureSchedule({'A1': ['fails', 'overruns']}, never_succeed=['A1'])\n"
        "assert schedule.attempt('A1', 0) == 'fails' and schedule.attempt('A1', 2) == 'fails'\n"
        "assert schedule.names == ('A1',)\n"
        "drain(lambda effect: lambda event, context: None, source=SqsQueue(), records=('A1',), schedule=schedule)\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
