"""A right mapping for each source as a stack of the AWS CDK in Python.

A stack holds the function, the mapping, the source, and where failures end.
The event sources of the CDK give the function the permissions to read; the destination grants its own.
"""

_IMPORTS = """\
from aws_cdk import Duration, Stack
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_lambda_event_sources as event_sources
"""

_STACK = """\
from constructs import Construct


class FunctionStack(Stack):
    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id)
        function = lambda_.Function(
            self,
            "Function",
            runtime=lambda_.Runtime.PYTHON_3_13,
            handler="app.lambda_handler",
            code=lambda_.Code.from_asset("src"),
            timeout=Duration.seconds(30),
        )
"""

_DEAD_LETTERS = """\
        dead_letters = sqs.Queue(self, "DeadLetters", retention_period=Duration.days(14))
"""

_RETRIES = """\
                report_batch_item_failures=True,
                bisect_batch_on_error=True,
                retry_attempts=10,
                on_failure=event_sources.SqsDlq(dead_letters),
"""


def sqs(*, fifo: bool) -> str:
    """Return a stack for a queue."""
    is_fifo = "            fifo=True,\n" if fifo else ""
    dead_letters = _DEAD_LETTERS.replace("retention", "fifo=True, retention") if fifo else _DEAD_LETTERS
    return f"""{_IMPORTS}\
from aws_cdk import aws_sqs as sqs
{_STACK}{dead_letters}\
        queue = sqs.Queue(
            self,
            "Queue",
{is_fifo}\
            visibility_timeout=Duration.seconds(180),  # six times the function's timeout, plus the batching window
            dead_letter_queue=sqs.DeadLetterQueue(queue=dead_letters, max_receive_count=5),
        )
        function.add_event_source(event_sources.SqsEventSource(queue, batch_size=10, report_batch_item_failures=True))
"""


STREAMS = {
    "kinesis": f"""{_IMPORTS}\
from aws_cdk import aws_kinesis as kinesis
from aws_cdk import aws_sqs as sqs
{_STACK}{_DEAD_LETTERS}\
        stream = kinesis.Stream(self, "Stream", stream_mode=kinesis.StreamMode.ON_DEMAND)
        function.add_event_source(
            event_sources.KinesisEventSource(
                stream,
                starting_position=lambda_.StartingPosition.TRIM_HORIZON,
                batch_size=100,
{_RETRIES}\
            )
        )
""",
    "dynamodb": f"""{_IMPORTS}\
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_sqs as sqs
{_STACK}{_DEAD_LETTERS}\
        table = dynamodb.Table(
            self,
            "Table",
            partition_key=dynamodb.Attribute(name="id", type=dynamodb.AttributeType.STRING),
            billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
            stream=dynamodb.StreamViewType.NEW_AND_OLD_IMAGES,
        )
        function.add_event_source(
            event_sources.DynamoEventSource(
                table,
                starting_position=lambda_.StartingPosition.TRIM_HORIZON,
                batch_size=100,
{_RETRIES}\
            )
        )
""",
    "kafka": f"""{_IMPORTS}\
from aws_cdk import aws_sqs as sqs
{_STACK.replace("construct_id: str)", "construct_id: str, *, cluster_arn: str, topic: str)")}\
        # the cluster's VPC needs an endpoint for SQS
{_DEAD_LETTERS}\
        function.add_event_source(
            event_sources.ManagedKafkaEventSource(
                cluster_arn=cluster_arn,
                topic=topic,
                starting_position=lambda_.StartingPosition.TRIM_HORIZON,
                batch_size=100,
                # Lambda reads partial responses of Kafka in provisioned mode only
                provisioned_poller_config=event_sources.ProvisionedPollerConfig(minimum_pollers=1, maximum_pollers=2),
{_RETRIES}\
            )
        )
""",
}
"""A stack for each of the other sources."""
