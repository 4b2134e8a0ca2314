"""The settings of an EventBridge pipe under the names that an event source mapping has for them.

Everything that knows how a pipe is written is in this file, so that a rule about retries is written once.
"""

from collections.abc import Mapping

from batchfold.cli.check_model import Unknown
from batchfold.core._guards import is_mapping

_STREAMS = ("KinesisStreamParameters", "DynamoDBStreamParameters")
_SOURCES = (*_STREAMS, "SqsQueueParameters", "ManagedStreamingKafkaParameters", "SelfManagedKafkaParameters")


def lambda_settings(pipe: Mapping[str, object], *, is_lambda: bool | None) -> dict[str, object] | None:
    """Return the settings of a pipe to a Lambda function, `None` for a pipe to anything else.

    Where the ARN does not tell, parameters for Lambda do.
    """
    target = _mapping(pipe.get("TargetParameters"))
    if is_lambda is False or (is_lambda is None and "LambdaFunctionParameters" not in target):
        return None
    settings: dict[str, object] = {"EventSourceArn": pipe.get("Source"), "FunctionName": pipe.get("Target")}
    invocation = target.get("LambdaFunctionParameters")
    settings["InvocationType"] = (
        invocation if isinstance(invocation, Unknown) else _mapping(invocation).get("InvocationType")
    )
    parameters = pipe.get("SourceParameters")
    if isinstance(parameters, Unknown):
        unknown = ("BatchSize", "MaximumRetryAttempts", "MaximumRecordAgeInSeconds", "OnPartialBatchItemFailure")
        return {**settings, **dict.fromkeys((*unknown, "DestinationConfig"), parameters)}
    for name in _SOURCES:
        source = _mapping(parameters).get(name)
        if is_mapping(source):
            settings |= _renamed(source)
            if name in _STREAMS:
                settings.setdefault("StartingPosition", "LATEST")
            elif "Kafka" in name:
                settings["Topics"] = source.get("TopicName")
    return {name: value for name, value in settings.items() if value is not None}


def _renamed(source: Mapping[str, object]) -> dict[str, object]:
    renamed = {str(name): value for name, value in source.items()}
    dead_letters = renamed.pop("DeadLetterConfig", None)
    if dead_letters is not None:
        arn = dead_letters if isinstance(dead_letters, Unknown) else _mapping(dead_letters).get("Arn")
        renamed["DestinationConfig"] = {"OnFailure": {"Destination": arn}}
    return renamed


def _mapping(value: object) -> Mapping[str, object]:
    return value if is_mapping(value) else {}
