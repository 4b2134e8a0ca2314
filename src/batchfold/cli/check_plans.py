"""The connections in a plan or a state of Terraform, as `terraform show -json` prints it.

Everything that knows Terraform is in this file: the resources of its AWS provider, and their arguments, which get the names
that CloudFormation has for them. A plan says three things of an argument in three places: its value, if it is known
already; that it will be known; and from which references its expression is made.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from batchfold.cli.check_intrinsics import mentions_of
from batchfold.cli.check_links import Links, as_redrive_policy
from batchfold.cli.check_model import Connection, Document, Function, Part, Place, Reference, Unknown, as_mapping
from batchfold.core._guards import is_mapping, is_plain_list

_QUEUE = "aws_sqs_queue"
_FUNCTION = "aws_lambda_function"
_ALIAS = "aws_lambda_alias"

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

_JUDGED = ("VisibilityTimeout", "RedrivePolicy", "FifoQueue", "Timeout", "ReservedConcurrentExecutions", "Handler")
"""The settings in which the instances of a queue or a function must agree."""

_KEY = re.compile(r"\[[^\]]*\]")
_RESOURCE = re.compile(r"^(?P<name>(?:data\.)?[a-z0-9_]+\.[\w-]+)(?:\.(?P<attribute>\w+))?")
_FAR = 20
"""Steps from module to module after which a reference is not followed further."""


@dataclass(frozen=True, slots=True)
class _Resource:
    """A resource as it will be."""

    address: str
    type: str
    values: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class _Module:
    """A module's configuration, and how it is called."""

    config: Mapping[str, object]
    call: Mapping[str, object]
    parent: str


class _Planned:
    """The resources of a plan, and what their arguments are."""

    def __init__(self, plan: Mapping[str, object]) -> None:
        values = as_mapping(plan.get("planned_values") or plan.get("values")).get("root_module")  # a state has no plan
        self.resources = list(_resources(as_mapping(values)))
        self.types: dict[str, str] = {}
        """The type of each resource that is configured, by its address without keys."""
        self._expressions: dict[str, Mapping[str, object]] = {}
        self._modules: dict[str, _Module] = {}
        self._unknown = {
            str(change.get("address")): as_mapping(as_mapping(change.get("change")).get("after_unknown"))
            for change in _mappings(plan.get("resource_changes"))
        }
        root = as_mapping(as_mapping(plan.get("configuration")).get("root_module"))
        self._read_module("", _Module(root, {}, ""))

    def arguments(self, resource: _Resource) -> dict[str, object]:
        """Return the arguments: a plain value, a `Reference`, an `Unknown`, or `None` for one that has its default."""
        unknown = self._unknown.get(resource.address, {})
        expressions = self._expressions.get(_without_keys(resource.address), {})
        module = _module_of(_without_keys(resource.address))
        return {
            str(name): self._argument(resource.values.get(name), unknown.get(name), expressions.get(name), module)
            for name in {**resource.values, **unknown}
        }

    def _argument(self, value: object, unknown: object, expression: object, module: str) -> object:
        if unknown is True:
            return None if expression is None else self._referred(expression, module)
        if is_mapping(value) or is_mapping(unknown):
            values, unknowns, expressions = as_mapping(value), as_mapping(unknown), as_mapping(expression)
            return {
                str(name): self._argument(values.get(name), unknowns.get(name), expressions.get(name), module)
                for name in {**values, **unknowns}
            }
        if is_plain_list(value) and is_plain_list(unknown) and len(value) == len(unknown):
            blocks = expression if is_plain_list(expression) and len(expression) == len(value) else [None] * len(value)
            return [self._argument(*item, module) for item in zip(value, unknown, blocks, strict=True)]
        return value

    def _referred(self, expression: object, module: str) -> object:
        """Return what an expression refers to whose value is not known yet."""
        references = [str(reference) for reference in _references(expression)]
        found = frozenset(target for reference in references for target in self._targets(reference, module, _FAR))
        names = frozenset(name for name, _ in found)
        attributes = {attribute for _, attribute in found} - {""}
        if len(names) == 1 and len(attributes) == 1:
            return Reference(*names, *attributes)
        return Unknown("it is known only after the plan is applied", mentions=names)

    def _targets(self, reference: str, module: str, far: int) -> Iterator[tuple[str, str]]:
        """Yield the resources, with an attribute, that a reference in a module leads to."""
        first, _, rest = _KEY.sub("", reference).partition(".")
        name, _, output = rest.partition(".")
        if far == 0:
            return
        if first == "var":
            called = self._modules[module]
            for outer in _references(as_mapping(called.call.get("expressions")).get(name)):
                yield from self._targets(str(outer), called.parent, far - 1)
        elif first == "module":
            inner = f"{module}module.{name}."
            if inner not in self._modules:
                return
            outputs = as_mapping(self._modules[inner].config.get("outputs"))
            declared = as_mapping(outputs.get(output.partition(".")[0]))
            for within in _references(declared.get("expression")):
                yield from self._targets(str(within), inner, far - 1)
        else:
            resource = _RESOURCE.match(_KEY.sub("", reference))
            if resource is not None and f"{module}{resource['name']}" in self.types:
                yield f"{module}{resource['name']}", resource["attribute"] or ""

    def _read_module(self, path: str, module: _Module) -> None:
        self._modules[path] = module
        for resource in _mappings(module.config.get("resources")):
            address = f"{path}{resource.get('address')}"
            self.types[address] = str(resource.get("type"))
            self._expressions[address] = as_mapping(resource.get("expressions"))
        for name, call in as_mapping(module.config.get("module_calls")).items():
            config = as_mapping(as_mapping(call).get("module"))
            self._read_module(f"{path}module.{name}.", _Module(config, as_mapping(call), path))


def plan_document(plan: Mapping[str, object], text: str, file: str) -> Document:
    """Return what the plan connects. It never raises for what a plan can hold."""
    planned = _Planned(plan)
    parts = [
        (resource, _part(resource, planned.arguments(resource), _place(resource.address, text, file)))
        for resource in planned.resources
    ]

    def of_type(kind: str) -> list[Part]:
        return [part for resource, part in parts if resource.type == kind]

    links = Links(
        queues=_with_policies(_alike(of_type(_QUEUE)), of_type("aws_sqs_queue_redrive_policy")),
        types={name: _KINDS.get(kind, "") for name, kind in planned.types.items()},
        functions={name: Function(part, part.get("Handler")) for name, part in _alike(of_type(_FUNCTION)).items()},
        aliases={name: part.get("FunctionName") for name, part in _alike(of_type(_ALIAS)).items()},
        callable=frozenset(name for name, kind in planned.types.items() if kind in (_FUNCTION, _ALIAS)),
        given_up_into=mentions_of(
            [part.settings.get(name) for _, part in parts for name in ("RedrivePolicy", "DestinationConfig")]
        ),
    )
    connections: list[Connection] = []
    for resource, part in parts:
        if resource.type == "aws_lambda_event_source_mapping":
            connections += links.mapping(part)
        elif resource.type == "aws_pipes_pipe":
            connections += links.pipe(part)
    return Document(file, tuple(connections))


def _with_policies(queues: dict[str, Part], policies: list[Part]) -> dict[str, Part]:
    for policy in policies:
        url = policy.get("QueueUrl")
        queue = queues.get(url.name) if isinstance(url, Reference) else None
        if queue is not None:
            settings = {**queue.settings, "RedrivePolicy": policy.get("RedrivePolicy")}
            queues[_without_keys(queue.name)] = replace(queue, settings=settings)
    return queues


def _part(resource: _Resource, arguments: Mapping[str, object], place: Place) -> Part:
    settings = {
        _renamed(resource.type, name): _as_cloudformation(value)
        for name, value in arguments.items()
        if value not in (None, [], {})
    }
    if "RedrivePolicy" in settings:
        settings["RedrivePolicy"] = as_redrive_policy(settings["RedrivePolicy"])
    if settings.get("ReservedConcurrentExecutions") == -1:  # Terraform's word for none
        del settings["ReservedConcurrentExecutions"]
    return Part(resource.address, place, "terraform", settings)


def _place(address: str, text: str, file: str) -> Place:
    found = re.search(rf'"address"\s*:\s*{re.escape(json.dumps(address))}', text)
    if found is None:
        return Place(file)
    line_start = text.rfind("\n", 0, found.start()) + 1
    return Place(file, text.count("\n", 0, found.start()) + 1, found.start() - line_start + 1)


def _alike(parts: list[Part]) -> dict[str, Part]:
    """The parts by their addresses without keys, but for those whose instances are not set alike."""
    found: dict[str, Part] = {}
    differing: set[str] = set()
    for part in parts:
        name = _without_keys(part.name)
        if name in found and any(found[name].settings.get(each) != part.settings.get(each) for each in _JUDGED):
            differing.add(name)
        found.setdefault(name, part)
    return {name: part for name, part in found.items() if name not in differing}


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


def _without_keys(address: str) -> str:
    """Leave out the keys of `count` and `for_each`."""
    return _KEY.sub("", address)


def _resources(module: Mapping[str, object]) -> Iterator[_Resource]:
    for resource in _mappings(module.get("resources")):
        if resource.get("mode", "managed") == "managed":
            address, kind = str(resource.get("address")), str(resource.get("type"))
            yield _Resource(address, kind, as_mapping(resource.get("values")))
    for child in _mappings(module.get("child_modules")):
        yield from _resources(child)


def _module_of(address: str) -> str:
    found = re.match(r"^(?:module\.[^.]+\.)*", address)
    return found[0] if found is not None else ""


def _references(expression: object) -> Iterator[object]:
    if is_mapping(expression):
        references = expression.get("references")
        if is_plain_list(references):
            yield from references
        else:
            for nested in expression.values():
                yield from _references(nested)
    elif is_plain_list(expression):
        for nested in expression:
            yield from _references(nested)


def _mappings(value: object) -> Iterator[Mapping[str, object]]:
    if is_plain_list(value):
        yield from (item for item in value if is_mapping(item))
