"""The connections in a plan or a state of Terraform, as `terraform show -json` prints it.

Everything that knows the resources of Terraform's AWS provider is in this file. `check_plan_values` says what their
arguments are; here they get the names that CloudFormation has for them.
"""

import json
import re
from collections.abc import Iterator, Mapping

from batchfold.cli.check_intrinsics import mentions_of
from batchfold.cli.check_links import Links, as_redrive_policy, kind_of
from batchfold.cli.check_model import Connection, Document, Function, Part, Place, Poller, Reference
from batchfold.cli.check_pipes import lambda_settings
from batchfold.cli.check_plan_values import Planned, Resource, without_keys
from batchfold.core._guards import is_mapping, is_plain_list

_QUEUE = "aws_sqs_queue"
_FUNCTION = "aws_lambda_function"

_KINDS = {
    _QUEUE: "sqs",
    "aws_kinesis_stream": "kinesis",
    "aws_kinesis_stream_consumer": "kinesis",
    "aws_dynamodb_table": "dynamodb",
    "aws_msk_cluster": "kafka",
    "aws_msk_serverless_cluster": "kafka",
    "aws_mq_broker": "mq",
    "aws_docdb_cluster": "documentdb",
}

_RENAMED = {
    (_QUEUE, "visibility_timeout_seconds"): "VisibilityTimeout",
    (_QUEUE, "name"): "QueueName",
    ("", "dynamodb_stream_parameters"): "DynamoDBStreamParameters",
}
"""The arguments whose names are not CloudFormation's in another spelling, with the type of the resource."""


def plan_document(plan: Mapping[str, object], text: str, file: str) -> Document:
    """Return what the plan connects. It never raises for what a plan can hold."""
    reader = _Reader(plan, text, file)
    return Document(file, tuple(reader.connections()))


class _Reader:
    def __init__(self, plan: Mapping[str, object], text: str, file: str) -> None:
        self._text = text
        self._file = file
        planned = Planned(plan)
        self._parts = [(resource, self._part(resource, planned.arguments(resource))) for resource in planned.resources]
        self._links = Links(
            queues=self._queues(),
            types={name: _KINDS.get(kind, "") for name, kind in planned.types.items()},
            functions={
                name: Function(part, part.get("Handler")) for name, part in _alike(self._of_type(_FUNCTION)).items()
            },
            aliases={
                name: part.get("FunctionName") for name, part in _alike(self._of_type("aws_lambda_alias")).items()
            },
        )
        self._given_up_into = mentions_of(
            [part.settings.get(name) for _, part in self._parts for name in ("RedrivePolicy", "DestinationConfig")]
        )

    def connections(self) -> Iterator[Connection]:
        for resource, part in self._parts:
            if resource.type == "aws_lambda_event_source_mapping":
                yield from self._connection(part, part)
            elif resource.type == "aws_pipes_pipe":
                settings = lambda_settings(part.settings, is_lambda=self._is_lambda(part.get("Target")))
                if settings is not None:
                    yield from self._connection(Part(part.name, part.place, "terraform", settings), part)

    def _connection(self, part: Part, written: Part) -> Iterator[Connection]:
        source = part.get("EventSourceArn")
        kind = kind_of(part, self._links.type_of(source))
        if kind is None:
            return
        queue = self._links.queue(source) if kind == "sqs" else None
        is_dead_letter_queue = isinstance(queue, Part) and without_keys(queue.name) in self._given_up_into
        function = self._links.function(part.get("FunctionName"))
        poller: Poller = "mapping" if part is written else "pipe"
        yield Connection(part, poller, kind, source, queue, function, is_dead_letter_queue)

    def _is_lambda(self, target: object) -> bool | None:
        if isinstance(target, Reference):
            return f".{target.name}".rpartition(".")[0].endswith((f".{_FUNCTION}", ".aws_lambda_alias"))
        return ":lambda:" in target if isinstance(target, str) else None

    def _queues(self) -> dict[str, Part]:
        queues = _alike(self._of_type(_QUEUE))
        for _, policy in self._of_type("aws_sqs_queue_redrive_policy"):
            url = policy.get("QueueUrl")
            of = queues.get(url.name) if isinstance(url, Reference) else None
            if of is not None:
                settings = {**of.settings, "RedrivePolicy": policy.get("RedrivePolicy")}
                queues[without_keys(of.name)] = Part(of.name, of.place, of.dialect, settings)
        return queues

    def _of_type(self, kind: str) -> list[tuple[Resource, Part]]:
        return [(resource, part) for resource, part in self._parts if resource.type == kind]

    def _part(self, resource: Resource, arguments: Mapping[str, object]) -> Part:
        settings = {
            _renamed(resource.type, name): _as_cloudformation(value)
            for name, value in arguments.items()
            if value not in (None, [], {})
        }
        if "RedrivePolicy" in settings:
            settings["RedrivePolicy"] = as_redrive_policy(settings["RedrivePolicy"])
        if settings.get("ReservedConcurrentExecutions") == -1:  # Terraform's word for none
            del settings["ReservedConcurrentExecutions"]
        return Part(resource.address, self._place(resource.address), "terraform", settings)

    def _place(self, address: str) -> Place:
        found = re.search(rf'"address"\s*:\s*{re.escape(json.dumps(address))}', self._text)
        if found is None:
            return Place(self._file)
        line_start = self._text.rfind("\n", 0, found.start()) + 1
        return Place(self._file, self._text.count("\n", 0, found.start()) + 1, found.start() - line_start + 1)


def _alike(parts: list[tuple[Resource, Part]]) -> dict[str, Part]:
    """The parts by their addresses without keys, but for those whose instances are not set alike."""
    found: dict[str, Part] = {}
    differing: set[str] = set()
    for resource, part in parts:
        name = without_keys(resource.address)
        if name in found and _but_for_names(found[name]) != _but_for_names(part):
            differing.add(name)
        found.setdefault(name, part)
    return {name: part for name, part in found.items() if name not in differing}


def _but_for_names(part: Part) -> dict[str, object]:
    relevant = ("VisibilityTimeout", "RedrivePolicy", "FifoQueue", "Timeout", "ReservedConcurrentExecutions", "Handler")
    return {name: part.settings.get(name) for name in relevant}


def _renamed(kind: str, argument: str) -> str:
    words = "".join(word.capitalize() for word in argument.split("_"))
    return _RENAMED.get((kind, argument), _RENAMED.get(("", argument), words))


def _as_cloudformation(value: object) -> object:
    """Return a value with the names of CloudFormation; a block, which Terraform puts into a list, becomes a mapping."""
    if is_plain_list(value):
        if len(value) == 1 and is_mapping(value[0]):
            return _as_cloudformation(value[0])
        return [_as_cloudformation(item) for item in value]
    if is_mapping(value):
        given = ((name, item) for name, item in value.items() if item not in (None, [], {}))
        return {_renamed("", str(name)): _as_cloudformation(item) for name, item in given}
    return value
