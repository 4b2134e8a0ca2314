"""CloudFormation's intrinsic functions, as far as a template alone can tell their values.

Everything that decides the value of a function is in this file. A parameter has its default, for that is the value that
the template's author expects. A function whose value cannot be known becomes `Unknown`; none of them raises.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from batchfold.cli.check_model import Reference, Unknown, as_mapping
from batchfold.core._guards import is_mapping, is_plain_list

_VARIABLE = re.compile(r"\$\{([^!}][^}]*)\}")
_UNKNOWN_PART = "\N{HORIZONTAL ELLIPSIS}"


class Intrinsics:
    """The values of the intrinsic functions of one template."""

    def __init__(self, template: Mapping[str, object]) -> None:
        self._parameters = as_mapping(template.get("Parameters"))
        self._mappings = as_mapping(template.get("Mappings"))
        self._resources = as_mapping(template.get("Resources"))
        self._functions: Mapping[str, Callable[[object], object]] = {
            "Ref": self._ref,
            "Fn::GetAtt": self._get_att,
            "Fn::Sub": self._sub,
            "Fn::Join": self._join,
            "Fn::If": self._if,
            "Fn::FindInMap": self._find_in_map,
            "Fn::Select": self._select,
        }

    def resolve(self, value: object) -> object:
        """Return the value with every function in it replaced: by its value, a `Reference` or an `Unknown`."""
        if is_mapping(value):
            name = _function_name(value)
            if name is not None:
                function = self._functions.get(name)
                if function is not None:
                    return function(value[name])
                is_import = name == "Fn::ImportValue"
                return Unknown("it is imported from another stack" if is_import else f"it is computed by {name}")
            resolved = {str(key): self.resolve(item) for key, item in value.items()}
            return {key: item for key, item in resolved.items() if item is not None}  # AWS::NoValue leaves it out
        if is_plain_list(value):
            return [item for item in map(self.resolve, value) if item is not None]
        if isinstance(value, str) and "{{resolve:" in value:
            return Unknown("it is a dynamic reference")
        return value

    def _ref(self, argument: object) -> object:
        name = str(argument)
        if name == "AWS::NoValue":
            return None
        if name in self._resources:
            return Reference(name)
        parameter = self._parameters.get(name)
        if not is_mapping(parameter):
            return Unknown(f"it is {name}", text=_UNKNOWN_PART)
        default = parameter.get("Default")
        if default is None or str(parameter.get("Type", "")).startswith("AWS::SSM"):
            return Unknown(f"the parameter {name} has no default", text=_UNKNOWN_PART)
        if "List" in str(parameter.get("Type", "")) and isinstance(default, str):
            return [item.strip() for item in default.split(",")]
        return default

    def _get_att(self, argument: object) -> object:
        if isinstance(argument, str):
            name, _, attribute = argument.partition(".")
        elif is_plain_list(argument) and argument and all(isinstance(part, str) for part in argument):
            name, attribute = str(argument[0]), ".".join(argument[1:])
        else:
            return Unknown("it is an attribute whose name is computed")
        return Reference(name, attribute)

    def _sub(self, argument: object) -> object:
        text, variables = argument, dict[str, object]()
        if is_plain_list(argument) and len(argument) == 2 and is_mapping(argument[1]):  # noqa: PLR2004
            text, variables = argument[0], dict(argument[1])
        if not isinstance(text, str):
            return Unknown("it is a computed text")
        parts: list[object] = list(_VARIABLE.split(text))  # a text, a variable, a text, and so on
        parts[1::2] = [self._variable(str(name).strip(), variables) for name in parts[1::2]]
        return _text([part for part in parts if part != ""], "")

    def _variable(self, name: str, variables: Mapping[str, object]) -> object:
        if name in variables:
            return self.resolve(variables[name])
        return self._get_att(name) if "." in name else self._ref(name)

    def _join(self, argument: object) -> object:
        if not is_plain_list(argument) or len(argument) != 2:  # noqa: PLR2004
            return Unknown("it is a computed text")
        delimiter, parts = argument[0], self.resolve(argument[1])
        if not isinstance(delimiter, str) or not is_plain_list(parts):
            return Unknown("it is a computed text", mentions=mentions_of(parts))
        return _text(parts, delimiter)

    def _if(self, argument: object) -> object:
        if not is_plain_list(argument) or len(argument) != 3:  # noqa: PLR2004
            return Unknown("it depends on a condition")
        chosen, otherwise = self.resolve(argument[1]), self.resolve(argument[2])
        if chosen == otherwise:
            return chosen
        return Unknown(
            f"it depends on the condition {argument[0]}",
            text=_UNKNOWN_PART,
            mentions=mentions_of(chosen) | mentions_of(otherwise),
            may_be_absent=chosen is None or otherwise is None,
        )

    def _find_in_map(self, argument: object) -> object:
        value: object = self._mappings
        keys = self.resolve(argument)
        for key in keys if is_plain_list(keys) else [None]:
            value = value.get(key) if is_mapping(value) and isinstance(key, str) else None
        return value if value is not None else Unknown("it is looked up in Mappings", text=_UNKNOWN_PART)

    def _select(self, argument: object) -> object:
        resolved = self.resolve(argument)
        if is_plain_list(resolved) and len(resolved) == 2:  # noqa: PLR2004
            index, items = str(resolved[0]), resolved[1]
            if is_plain_list(items) and index.isdecimal() and int(index) < len(items):
                return items[int(index)]
        return Unknown("it is selected from a list", text=_UNKNOWN_PART, mentions=mentions_of(resolved))


def _function_name(value: Mapping[Any, Any]) -> str | None:
    if len(value) != 1:
        return None
    (name,) = value
    is_function = name in ("Ref", "Condition") or str(name).startswith("Fn::")
    return str(name) if is_function else None


def _text(parts: Sequence[object], delimiter: str) -> object:
    """The text of these parts: known, the one reference that it consists of, or unknown in part."""
    if len(parts) == 1 and not isinstance(parts[0], str | int | float):
        return parts[0]
    text = delimiter.join(
        part.text if isinstance(part, Unknown) else _UNKNOWN_PART if isinstance(part, Reference) else str(part)
        for part in parts
    )
    whys = [part.why for part in parts if isinstance(part, Unknown)]
    if whys or any(isinstance(part, Reference) for part in parts):
        return Unknown(whys[0] if whys else "it is made of other resources", text=text, mentions=mentions_of(parts))
    return text


def mentions_of(value: object) -> frozenset[str]:
    """The names of the resources that a resolved value refers to, at any depth."""
    if isinstance(value, Reference):
        return frozenset((value.name,))
    if isinstance(value, Unknown):
        return value.mentions
    if is_mapping(value):
        return frozenset[str]().union(*map(mentions_of, value.values()))
    if is_plain_list(value):
        return frozenset[str]().union(*map(mentions_of, value))
    return frozenset()
