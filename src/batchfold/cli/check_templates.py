"""The connections in a template of CloudFormation or SAM: its mappings and pipes, their queues and functions.

Everything that knows the resources of CloudFormation, and that asks SAM's translator, is in this file. A resource is found
by a reference to it, or by the name that an ARN ends in. The translator is asked about one event at a time, in a template
that holds nothing but the function with that event, so that neither another resource nor a local path keeps it from
answering.
"""

import re
from collections.abc import Iterator, Mapping
from copy import deepcopy
from pathlib import Path

from batchfold.cli.check_intrinsics import Intrinsics, mentions_of
from batchfold.cli.check_links import Links
from batchfold.cli.check_model import Connection, Dialect, Document, Function, Kind, Part, Place, Reference, as_mapping
from batchfold.core._guards import is_mapping, is_plain_list

_SAM = "AWS::Serverless-2016-10-31"
_SAM_FUNCTION = "AWS::Serverless::Function"
_FUNCTION = "AWS::Lambda::Function"
_MAPPING = "AWS::Lambda::EventSourceMapping"
_QUEUE = "AWS::SQS::Queue"
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

_POLLED: dict[str, Kind] = {
    "SQS": "sqs",
    "Kinesis": "kinesis",
    "DynamoDB": "dynamodb",
    "MSK": "kafka",
    "SelfManagedKafka": "kafka",
}
"""The types of SAM's events that become a mapping with a partial response."""

_GLOBALS = ("Timeout", "ReservedConcurrentExecutions", "Handler", "CodeUri")
"""The settings of a function that the rules ask for, which SAM takes from the `Globals` where it has none."""

_DEAD_LETTERS = frozenset(("RedrivePolicy", "OnFailure", "DeadLetterConfig", "DeadLetterQueue"))


def template_document(template: Mapping[str, object], file: str) -> Document:
    """Return what the template connects. It never raises for what a template can hold."""
    reader = _Reader(template, file)
    connections = tuple(reader.connections())
    return Document(file, connections, tuple(reader.notes))


class _Reader:
    def __init__(self, template: Mapping[str, object], file: str) -> None:
        self.notes: list[tuple[Place, str]] = []
        self._file = file
        self._intrinsics = Intrinsics(template)
        transform = template.get("Transform")
        is_sam = transform == _SAM or (is_plain_list(transform) and _SAM in transform)
        self._dialect: Dialect = "sam" if is_sam else "cloudformation"
        of_functions = as_mapping(as_mapping(template.get("Globals")).get("Function"))
        self._globals = {name: of_functions[name] for name in _GLOBALS if name in of_functions}
        self._types: dict[str, str] = {}
        self._properties: dict[str, Mapping[str, object]] = {}
        self._places: dict[str, Place] = {}
        self._read_resources(as_mapping(template.get("Resources")))
        functions = {name: self._function(name) for name in self._of_types(_SAM_FUNCTION, _FUNCTION)}
        aliases = {
            name: self._intrinsics.resolve(self._properties[name].get("FunctionName"))
            for name in self._of_types(*_POINTERS)
        }
        self._links = Links(
            queues={name: self._part(name) for name in self._of_types(_QUEUE)},
            types={name: _KINDS.get(kind, "") for name, kind in self._types.items()},
            functions=functions,
            aliases=aliases,
            callable=frozenset((*functions, *aliases)),
            given_up_into=mentions_of([self._intrinsics.resolve(value) for value in _dead_letters(template)]),
        )

    def _read_resources(self, resources: Mapping[str, object]) -> None:
        for key, resource in resources.items():
            name, place = str(key), place_of(key, self._file)
            if is_mapping(resource) and isinstance(resource.get("Type"), str):
                self._types[name] = str(resource["Type"])
                self._properties[name] = as_mapping(resource.get("Properties"))
                self._places[name] = place
            elif name.startswith("Fn::ForEach"):
                self.notes.append((place, f"the resources that {name} makes are not read"))

    def _of_types(self, *types: str) -> list[str]:
        return [name for name, kind in self._types.items() if kind in types]

    def connections(self) -> Iterator[Connection]:
        for name, kind in self._types.items():
            if kind == _MAPPING:
                yield from self._links.mapping(self._part(name))
            elif kind == "AWS::Pipes::Pipe":
                yield from self._links.pipe(self._part(name))
            elif kind == _SAM_FUNCTION:
                for key, event in as_mapping(self._properties[name].get("Events")).items():
                    if is_mapping(event) and isinstance(event.get("Type"), str) and event["Type"] in _POLLED:
                        yield from self._event(name, key, event)

    def _event(self, function: str, key: str, event: Mapping[str, object]) -> Iterator[Connection]:
        name = f"{function}.{key}"
        place = place_of(key, self._file, self._places[function])
        made = _translated(function, str(key), event)
        if isinstance(made, str):
            self.notes.append((place, f"SAM refuses the event {key} of {function}: {made}"))
            return
        properties = as_mapping(event.get("Properties"))
        part = Part(name, place, "sam", self._resolved(made), self._places_in(properties))
        yield from self._links.mapping(part, function=Reference(function), kind=_POLLED[str(event["Type"])])

    def _function(self, name: str) -> Function:
        if self._types[name] == _FUNCTION:  # its `Code` is uploaded
            part = self._part(name)
            return Function(part, part.get("Handler"))
        settings = {**self._globals, **self._properties[name]}
        part = Part(name, self._places[name], self._dialect, self._resolved(settings), self._places_in(settings))
        code = part.get("CodeUri")
        is_local = isinstance(code, str) and not code.startswith("s3://")
        return Function(part, part.get("Handler"), Path(self._file).parent / str(code) if is_local else None)

    def _part(self, name: str) -> Part:
        own = self._properties[name]
        return Part(name, self._places[name], self._dialect, self._resolved(own), self._places_in(own))

    def _resolved(self, properties: Mapping[str, object]) -> dict[str, object]:
        resolved = {str(name): self._intrinsics.resolve(value) for name, value in properties.items()}
        return {name: value for name, value in resolved.items() if value is not None}

    def _places_in(self, properties: Mapping[str, object]) -> dict[str, Place]:
        """The positions of the properties, and of what is nested in them where no property has that name."""
        nested = [value for value in properties.values() if is_mapping(value)]
        places = {name: place for value in nested for name, place in self._places_in(value).items()}
        return places | {str(name): place_of(name, self._file) for name in properties}


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


def place_of(node: object, file: str, otherwise: Place | None = None) -> Place:
    """Return the position that cfn-lint's decoder has kept on a node; of any other node, the beginning of the file."""
    mark = getattr(node, "start_mark", None)
    return (otherwise or Place(file)) if mark is None else Place(file, mark.line + 1, mark.column + 1)


_RESOURCE = re.compile(r"^.*?is invalid\. ", re.DOTALL)
"""The beginning of SAM's objections, which names the resource. The report does that itself."""


def _translated(name: str, event_name: str, event: Mapping[str, object]) -> Mapping[str, object] | str:
    from boto3.session import Session  # noqa: PLC0415  # they take half a second, and most files need them not
    from samtranslator.model.exceptions import InvalidDocumentException  # noqa: PLC0415
    from samtranslator.parser.parser import Parser  # noqa: PLC0415
    from samtranslator.translator.translator import Translator  # noqa: PLC0415

    session = Session(region_name="us-east-1")  # SAM asks it for the partition and calls nothing
    translator = Translator(managed_policy_map={}, sam_parser=Parser(), boto_session=session)
    try:
        translated = translator.translate(sam_template=_reduced(name, event_name, event), parameter_values={})
    except InvalidDocumentException as error:
        return "; ".join(_RESOURCE.sub("", cause.message) for cause in error.causes) or error.message
    except Exception as error:  # noqa: BLE001  # an event that breaks the translator must not break the check
        return f"SAM's translator raised {type(error).__name__}"
    finally:
        translator.metrics.publish()  # to nowhere; left out, the translator logs a warning
    for resource in translated["Resources"].values():
        if resource.get("Type") == _MAPPING:
            made: Mapping[str, object] = resource.get("Properties", {})
            return made
    return "SAM makes no event source mapping of it"


def _reduced(name: str, event_name: str, event: Mapping[str, object]) -> dict[str, object]:
    function = {
        "Handler": "app.handler",
        "Runtime": "python3.11",
        "InlineCode": "-",
        "Role": "arn:aws:iam::123456789012:role/any",  # or SAM makes one, with policies that nobody asks for
        "Events": {event_name: deepcopy(event)},  # SAM changes what it is given
    }
    return {"Transform": _SAM, "Resources": {name: {"Type": _SAM_FUNCTION, "Properties": function}}}
