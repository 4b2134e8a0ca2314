"""The arguments of the resources in a plan or a state of Terraform: literal, taken from another resource, or unknown.

A plan says three things of an argument in three places: its value, if it is known already; that it will be known; and
from which references its expression is made. Everything that brings them together is in this file.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from batchfold.cli.check_model import Reference, Unknown
from batchfold.core._guards import is_mapping, is_plain_list

_KEY = re.compile(r"\[[^\]]*\]")
_RESOURCE = re.compile(r"^(?P<name>(?:data\.)?[a-z0-9_]+\.[\w-]+)(?:\.(?P<attribute>\w+))?")
_FAR = 20
"""Steps from module to module after which a reference is not followed further."""


@dataclass(frozen=True, slots=True)
class Resource:
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


class Planned:
    """The resources of a plan, and what their arguments are."""

    def __init__(self, plan: Mapping[str, object]) -> None:
        values = _mapping(plan.get("planned_values") or plan.get("values")).get("root_module")  # a state has no plan
        self.resources = list(_resources(_mapping(values)))
        self.types: dict[str, str] = {}
        """The type of each resource that is configured, by its address without keys."""
        self._expressions: dict[str, Mapping[str, object]] = {}
        self._modules: dict[str, _Module] = {}
        self._unknown = {
            str(change.get("address")): _mapping(_mapping(change.get("change")).get("after_unknown"))
            for change in _mappings(plan.get("resource_changes"))
        }
        root = _mapping(_mapping(plan.get("configuration")).get("root_module"))
        self._read_module("", _Module(root, {}, ""))

    def arguments(self, resource: Resource) -> dict[str, object]:
        """Return the arguments: a plain value, a `Reference`, an `Unknown`, or `None` for one that has its default."""
        unknown = self._unknown.get(resource.address, {})
        expressions = self._expressions.get(without_keys(resource.address), {})
        module = _module_of(without_keys(resource.address))
        return {
            str(name): self._argument(resource.values.get(name), unknown.get(name), expressions.get(name), module)
            for name in {**resource.values, **unknown}
        }

    def _argument(self, value: object, unknown: object, expression: object, module: str) -> object:
        if unknown is True:
            return None if expression is None else self._referred(expression, module)
        if is_mapping(value) or is_mapping(unknown):
            values, unknowns, expressions = _mapping(value), _mapping(unknown), _mapping(expression)
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
            for outer in _references(_mapping(called.call.get("expressions")).get(name)):
                yield from self._targets(str(outer), called.parent, far - 1)
        elif first == "module":
            inner = f"{module}module.{name}."
            config = self._modules[inner].config if inner in self._modules else _mapping(None)
            declared = _mapping(_mapping(config.get("outputs")).get(output.partition(".")[0]))
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
            self._expressions[address] = _mapping(resource.get("expressions"))
        for name, call in _mapping(module.config.get("module_calls")).items():
            config = _mapping(_mapping(call).get("module"))
            self._read_module(f"{path}module.{name}.", _Module(config, _mapping(call), path))


def without_keys(address: str) -> str:
    """Return the address without the keys of `count` and `for_each`."""
    return _KEY.sub("", address)


def _resources(module: Mapping[str, object]) -> Iterator[Resource]:
    for resource in _mappings(module.get("resources")):
        if resource.get("mode", "managed") == "managed":
            address, kind = str(resource.get("address")), str(resource.get("type"))
            yield Resource(address, kind, _mapping(resource.get("values")))
    for child in _mappings(module.get("child_modules")):
        yield from _resources(child)


def _module_of(address: str) -> str:
    found = re.match(r"^(?:module\.[^.]+\.)*", address)
    return found[0] if found is not None else ""


def _references(expression: object) -> Iterator[object]:
    """Yield the references in an expression, also in those of nested blocks."""
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


def _mapping(value: object) -> Mapping[str, object]:
    return value if is_mapping(value) else {}


def _mappings(value: object) -> Iterator[Mapping[str, object]]:
    if is_plain_list(value):
        yield from (item for item in value if is_mapping(item))
