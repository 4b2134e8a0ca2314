"""How a mapping finds its queue and its function among the resources of a file.

Everything that follows a reference, an ARN or a name is in this file, for templates and for Terraform's plans.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from batchfold.cli.check_model import Function, Kind, Part, Reference, Unknown
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


@dataclass(frozen=True, slots=True)
class Links:
    """The resources of one file by their names in it."""

    queues: Mapping[str, Part] = field(default_factory=dict[str, Part])
    types: Mapping[str, str] = field(default_factory=dict[str, str])
    """Which kind of source each resource is; empty for the others."""
    functions: Mapping[str, Function] = field(default_factory=dict[str, Function])
    aliases: Mapping[str, object] = field(default_factory=dict[str, object])
    """The function that an alias or a version stands for."""

    def type_of(self, source: object) -> str:
        """Return the kind of source that the value refers to; empty where it refers to none of this file."""
        names = _names(source)
        kinds = {self.types.get(name, "") for name in names} - {""}
        return kinds.pop() if len(kinds) == 1 else ""

    def queue(self, source: object) -> Part | Unknown:
        """Return the queue with this ARN."""
        found = [self.queues[name] for name in _names(source) if name in self.queues]
        if not found:
            name = _text(source).rpartition(":")[2]
            found = [queue for queue in self.queues.values() if name and queue.get("QueueName") == name]
        return found[0] if len(found) == 1 else Unknown(_not_found(source, "queue"))

    def function(self, target: object) -> Function | Unknown:
        """Return the function with this name or ARN."""
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
