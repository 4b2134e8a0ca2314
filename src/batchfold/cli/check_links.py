"""How a mapping or a pipe finds its queue and its function among the resources of a file.

Everything that follows a reference, an ARN or a name is in this file, for templates and for Terraform's plans. A pipe gets
the settings of a mapping, so that a rule about retries is written once.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from batchfold.cli.check_model import Connection, Function, Kind, Part, Poller, Reference, Unknown, as_mapping
from batchfold.core._guards import is_mapping

_SERVICE = re.compile(r"^arn:[^:]*:(?P<service>[a-z0-9-]+):")
_KINDS: dict[str, Kind] = {
    "sqs": "sqs",
    "kinesis": "kinesis",
    "dynamodb": "dynamodb",
    "kafka": "kafka",
    "stream": "stream",
}
"""The sources whose mappings are judged; a service has the same name in an ARN."""

_STREAMS_OF_PIPES = ("KinesisStreamParameters", "DynamoDBStreamParameters")
_SOURCES_OF_PIPES = (
    *_STREAMS_OF_PIPES,
    "SqsQueueParameters",
    "ManagedStreamingKafkaParameters",
    "SelfManagedKafkaParameters",
)


@dataclass(frozen=True, slots=True)
class Links:
    """The resources of one file by their names in it."""

    queues: Mapping[str, Part]
    types: Mapping[str, str]
    """Which kind of source each resource is; empty for the others."""
    functions: Mapping[str, Function]
    aliases: Mapping[str, object]
    """The function that an alias or a version stands for."""
    callable: frozenset[str]
    """The functions, aliases and versions."""
    given_up_into: frozenset[str]
    """The resources that something is put into when it is given up."""

    def mapping(
        self, part: Part, poller: Poller = "mapping", *, function: object = None, kind: str = ""
    ) -> Iterator[Connection]:
        """Yield the connection that the part makes, if it is one with partial responses.

        `function` and `kind`, the source, are given where the part itself does not name them.
        """
        source = part.get("EventSourceArn")
        found = kind_of(part, kind or self._type_of(source))
        if found is None:
            return
        queue = self._queue(source) if found == "sqs" else None
        is_dead_letter_queue = any(queue is self.queues.get(name, self) for name in self.given_up_into)
        target = self._function(function or part.get("FunctionName"))
        yield Connection(part, poller, found, source, queue, target, is_dead_letter_queue)

    def pipe(self, part: Part) -> Iterator[Connection]:
        """Yield the connection that a pipe makes, if its target is a Lambda function."""
        target = part.get("Target")
        text = target if isinstance(target, str) else _text(target)
        is_lambda = ":lambda:" in text if text.startswith("arn:") else None
        if isinstance(target, Reference):
            is_lambda = target.name in self.callable
        parameters = as_mapping(part.settings.get("TargetParameters"))
        # where the target does not tell, parameters for Lambda do
        if is_lambda or (is_lambda is None and "LambdaFunctionParameters" in parameters):
            yield from self.mapping(replace(part, settings=_settings_of_pipe(part)), "pipe")

    def _type_of(self, source: object) -> str:
        names = _names(source)
        kinds = {self.types.get(name, "") for name in names} - {""}
        return kinds.pop() if len(kinds) == 1 else ""

    def _queue(self, source: object) -> Part | Unknown:
        found = [self.queues[name] for name in _names(source) if name in self.queues]
        if not found:
            name = _text(source).rpartition(":")[2]
            found = [queue for queue in self.queues.values() if name and queue.get("QueueName") == name]
        return found[0] if len(found) == 1 else Unknown(_not_found(source, "queue"))

    def _function(self, target: object) -> Function | Unknown:
        names = [self._behind(name) for name in _names(target)]
        found = [self.functions[name] for name in names if name in self.functions]
        if not found:
            known = _text(target)
            found = [function for function in self.functions.values() if _is_named(function.part, known)]
        return found[0] if len(found) == 1 else Unknown(_not_found(target, "function"))

    def _behind(self, name: str) -> str:
        for _ in self.aliases:  # an alias of a version of a function; a circle of them ends too
            names = _names(self.aliases.get(name))
            if len(names) != 1:
                break
            (name,) = names
        return name


def kind_of(part: Part, linked: str) -> Kind | None:
    """Return the kind of a mapping's source, `None` for one whose responses are always whole, such as MQ.

    Where the ARN is unknown, the other settings tell: only streams have a starting position, and only Kafka has topics.
    """
    source = part.get("EventSourceArn")
    service = _SERVICE.match(_text(source))
    kind = linked or (service["service"] if service is not None else "")
    if not kind:
        names = part.settings
        if any(
            name.endswith("KafkaEventSourceConfig") or name in ("Topics", "SelfManagedEventSource") for name in names
        ):
            kind = "kafka"
        elif "Queues" in names or "DocumentDBEventSourceConfig" in names:
            kind = "other"
        else:
            kind = "stream" if "StartingPosition" in names else "sqs"
    return _KINDS.get(kind)


def _settings_of_pipe(pipe: Part) -> dict[str, object]:
    """Return the settings under the names that an event source mapping has for them."""
    settings: dict[str, object] = {
        "EventSourceArn": pipe.get("Source"),
        "FunctionName": pipe.get("Target"),
        "InvocationType": _at(pipe.get("TargetParameters"), "LambdaFunctionParameters", "InvocationType"),
    }
    parameters = pipe.get("SourceParameters")
    if isinstance(parameters, Unknown):
        unknown = ("BatchSize", "MaximumRetryAttempts", "MaximumRecordAgeInSeconds", "OnPartialBatchItemFailure")
        return {**settings, **dict.fromkeys((*unknown, "DestinationConfig"), parameters)}
    for name in _SOURCES_OF_PIPES:
        source = as_mapping(parameters).get(name)
        if not is_mapping(source):
            continue
        settings |= source
        dead_letters = settings.pop("DeadLetterConfig", None)
        if dead_letters is not None:
            settings["DestinationConfig"] = {"OnFailure": {"Destination": _at(dead_letters, "Arn")}}
        if name in _STREAMS_OF_PIPES:
            settings.setdefault("StartingPosition", "LATEST")
        elif "Kafka" in name:
            settings["Topics"] = source.get("TopicName")
    return {name: value for name, value in settings.items() if value is not None}


def _at(value: object, *path: str) -> object:
    """Return the value at the end of the path, or the unknown one that is met on the way."""
    for key in path:
        if isinstance(value, Unknown):
            return value
        value = as_mapping(value).get(key)
    return value


def as_redrive_policy(value: object) -> object:
    """Return a redrive policy as a mapping; Terraform and the API have it as JSON in a text."""
    if isinstance(value, str):
        try:
            parsed: object = json.loads(value)
        except ValueError:
            return Unknown("it is no JSON")
        return parsed if is_mapping(parsed) else Unknown("it is no JSON object")
    return value


def _names(value: object) -> frozenset[str]:
    if isinstance(value, Reference):
        return frozenset((value.name,))
    return value.mentions if isinstance(value, Unknown) else frozenset()


def _text(value: object) -> str:
    if isinstance(value, Unknown):
        return value.text
    return value if isinstance(value, str) else ""


def _is_named(function: Part, known: str) -> bool:
    name = function.get("FunctionName")
    if not isinstance(name, str) or not known:
        return False
    before, _, after = known.partition(":function:")
    return name == (after.partition(":")[0] if after else before)


def _not_found(value: object, what: str) -> str:
    if isinstance(value, Unknown) and not value.mentions:
        return f"which {what} it is cannot be known: {value.why}"
    return f"the {what} is not in this file"
