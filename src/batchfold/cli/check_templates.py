"""The connections in a template of CloudFormation or SAM: its mappings and pipes, their queues and functions.

Everything that knows the resources of CloudFormation is in this file. A resource is found by a reference to it, or by
the name that an ARN ends in.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

from batchfold.cli.check_intrinsics import Intrinsics, mentions_of
from batchfold.cli.check_links import Links, kind_of
from batchfold.cli.check_model import Connection, Dialect, Document, Function, Part, Place, Poller, Reference, Unknown
from batchfold.cli.check_pipes import lambda_settings
from batchfold.cli.check_sam import FUNCTION, MAPPING, events_of, is_sam, settings_of
from batchfold.core._guards import is_mapping, is_plain_list

_PIPE = "AWS::Pipes::Pipe"
_QUEUE = "AWS::SQS::Queue"
_PLAIN_FUNCTION = "AWS::Lambda::Function"
_POINTERS = frozenset(("AWS::Lambda::Alias", "AWS::Lambda::Version"))
"""A resource that names its function by `FunctionName`."""

_KINDS: dict[str, str] = {
    _QUEUE: "sqs",
    "AWS::Kinesis::Stream": "kinesis",
    "AWS::Kinesis::StreamConsumer": "kinesis",
    "AWS::DynamoDB::Table": "dynamodb",
    "AWS::DynamoDB::GlobalTable": "dynamodb",
    "AWS::Serverless::SimpleTable": "dynamodb",
    "AWS::MSK::Cluster": "kafka",
    "AWS::MSK::ServerlessCluster": "kafka",
    "AWS::AmazonMQ::Broker": "mq",
    "AWS::DocDB::DBCluster": "documentdb",
}


def template_document(template: Mapping[str, object], file: str) -> Document:
    """Return what the template connects. It never raises for what a template can hold."""
    reader = _Reader(template, file)
    connections = tuple(reader.connections())
    return Document(file, connections, tuple(reader.notes))


class _Reader:
    def __init__(self, template: Mapping[str, object], file: str) -> None:
        self.notes: list[tuple[Place, str]] = []
        self._template = template
        self._file = file
        self._intrinsics = Intrinsics(template)
        self._dialect: Dialect = "sam" if is_sam(template) else "cloudformation"
        self._resources: dict[str, Mapping[str, object]] = {}
        self._places: dict[str, Place] = {}
        self._read_resources()
        self._links = Links(
            queues={name: self._part(name) for name in self._resources if self._type(name) == _QUEUE},
            types={name: _KINDS.get(self._type(name), "") for name in self._resources},
            functions={name: self._function(name) for name in self._resources if self._is_function(name)},
            aliases={
                name: self._intrinsics.resolve(self._properties(name).get("FunctionName"))
                for name in self._resources
                if self._type(name) in _POINTERS
            },
        )

        self._given_up_into = mentions_of([self._intrinsics.resolve(value) for value in _dead_letters(template)])

    def _read_resources(self) -> None:
        resources = self._template.get("Resources")
        for key, resource in resources.items() if is_mapping(resources) else ():
            if is_mapping(resource) and isinstance(resource.get("Type"), str):
                self._resources[str(key)] = resource
                self._places[str(key)] = place_of(key, self._file, Place(self._file))
            elif str(key).startswith("Fn::ForEach"):
                place = place_of(key, self._file, Place(self._file))
                self.notes.append((place, f"the resources that {key} makes are not read"))

    def connections(self) -> Iterator[Connection]:
        for name in self._resources:
            if self._type(name) == MAPPING:
                yield from self._connection(self._part(name), "mapping")
            elif self._type(name) == _PIPE:
                yield from self._pipe(name)
            elif self._type(name) == FUNCTION:
                yield from self._events(name)

    def _events(self, name: str) -> Iterator[Connection]:
        for event in events_of(name, self._resources[name]):
            place = place_of(event.name, self._file, self._places[name])
            if isinstance(event.mapping, str):
                self.notes.append((place, f"SAM refuses the event {event.name} of {name}: {event.mapping}"))
                continue
            settings = self._resolved(event.mapping)
            part = Part(f"{name}.{event.name}", place, "sam", settings, self._places_in(event.properties))
            yield from self._connection(part, "mapping", of_function=name, kind_of_event=event.kind)

    def _pipe(self, name: str) -> Iterator[Connection]:
        part = self._part(name)
        settings = lambda_settings(part.settings, is_lambda=self._is_lambda(part.get("Target")))
        if settings is not None:
            yield from self._connection(Part(name, part.place, part.dialect, settings, part.places), "pipe")

    def _connection(
        self, part: Part, poller: Poller, of_function: str = "", kind_of_event: str = ""
    ) -> Iterator[Connection]:
        source = part.get("EventSourceArn")
        kind = kind_of(part, kind_of_event or self._links.type_of(source))
        if kind is None:
            return
        function = self._links.function(Reference(of_function) if of_function else part.get("FunctionName"))
        queue = self._links.queue(source) if kind == "sqs" else None
        is_dead_letter_queue = isinstance(queue, Part) and queue.name in self._given_up_into
        yield Connection(part, poller, kind, source, queue, function, is_dead_letter_queue)

    def _is_lambda(self, target: object) -> bool | None:
        """Return whether the target of a pipe is a function, `None` where it cannot be known."""
        if isinstance(target, Reference):
            return self._is_function(target.name) or self._type(target.name) in _POINTERS
        text = target.text if isinstance(target, Unknown) else str(target)
        return ":lambda:" in text if text.startswith("arn:") else None

    def _function(self, name: str) -> Function:
        own = self._resources[name]
        settings = settings_of(own, self._template) if self._type(name) == FUNCTION else self._properties(name)
        part = Part(name, self._places[name], self._dialect, self._resolved(settings), self._places_in(settings))
        code = part.get("CodeUri") if self._type(name) == FUNCTION else None  # `Code` of a plain function is uploaded
        is_local = isinstance(code, str) and not code.startswith("s3://")
        return Function(part, part.get("Handler"), Path(self._file).parent / str(code) if is_local else None)

    def _is_function(self, name: str) -> bool:
        return self._type(name) in (FUNCTION, _PLAIN_FUNCTION)

    def _part(self, name: str) -> Part:
        properties = self._properties(name)
        return Part(name, self._places[name], self._dialect, self._resolved(properties), self._places_in(properties))

    def _type(self, name: str) -> str:
        return str(self._resources[name]["Type"]) if name in self._resources else ""

    def _properties(self, name: str) -> Mapping[str, object]:
        properties = self._resources[name].get("Properties")
        return properties if is_mapping(properties) else {}

    def _resolved(self, properties: Mapping[str, object]) -> dict[str, object]:
        resolved = {str(name): self._intrinsics.resolve(value) for name, value in properties.items()}
        return {name: value for name, value in resolved.items() if value is not None}

    def _places_in(self, properties: Mapping[str, object]) -> dict[str, Place]:
        """The positions of the properties, and of what is nested in them where no property has that name."""
        nested = [value for value in properties.values() if is_mapping(value)]
        places = {name: place for value in nested for name, place in self._places_in(value).items()}
        return places | {str(name): place_of(name, self._file, Place(self._file)) for name in properties}


_DEAD_LETTERS = frozenset(("RedrivePolicy", "OnFailure", "DeadLetterConfig", "DeadLetterQueue"))


def _dead_letters(value: object) -> Iterator[object]:
    """Yield all that names where something goes that was given up, anywhere in a template."""
    if is_mapping(value):
        for name, item in value.items():
            if name in _DEAD_LETTERS:
                yield item
            else:
                yield from _dead_letters(item)
    elif is_plain_list(value):
        for item in value:
            yield from _dead_letters(item)


def place_of(node: object, file: str, otherwise: Place) -> Place:
    """Return the position that cfn-lint's decoder has kept on a node, if it is one."""
    mark = getattr(node, "start_mark", None)
    return otherwise if mark is None else Place(file, mark.line + 1, mark.column + 1)
