"""The lines that mend a finding, in the language of the file: YAML, HCL, or a call of the AWS CLI.

Everything that knows how a setting is spelled in another language is in this file. Rules name CloudFormation's settings.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from batchfold.cli.check_model import Dialect, Part
from batchfold.core._guards import is_mapping, is_plain_list

_TERRAFORM = {
    "VisibilityTimeout": "visibility_timeout_seconds",
    "Destination": "destination_arn",
}
_JSON_IN_TERRAFORM = frozenset(("RedrivePolicy",))


class Arn:
    """The ARN of a queue for dead letters, which the reader has to make."""

    __slots__ = ()

    def __str__(self) -> str:
        return "!GetAtt DeadLetters.Arn"

    def as_json(self) -> object:
        """Return it as a template in JSON has it."""
        return {"Fn::GetAtt": ["DeadLetters", "Arn"]}


DEAD_LETTERS = Arn()


@dataclass(frozen=True, slots=True)
class Remedy:
    """Settings to write into the part that the finding is about, or a sentence where no setting mends it."""

    settings: Mapping[str, object] = field(default_factory=dict[str, object])
    """Settings with their values; `None` means to remove one."""
    advice: str = ""
    """A step to take beside it, or instead."""

    def text(self, part: Part) -> str:
        """Return it in the language that the part is written in."""
        lines = list(_lines(self.settings, part)) if self.settings else []
        return "\n".join([*([self.advice] if self.advice else []), *lines])


def _lines(settings: Mapping[str, object], part: Part) -> Iterator[str]:
    removed = [_spelled(name, part.dialect) for name, value in settings.items() if value is None]
    if removed and part.dialect != "aws":
        yield f"Remove {' and '.join(removed)}."
    written = {name: value for name, value in settings.items() if value is not None or part.dialect == "aws"}
    if not written:
        return
    if part.dialect == "terraform":
        yield from _hcl(written, "")
    elif part.dialect == "aws":
        yield from _call(written, part)
    elif part.place.file.endswith((".json", ".template")):
        yield from json.dumps(written, indent=2, default=Arn.as_json).splitlines()[1:-1]
    else:
        yield from _yaml(written, "")


def _spelled(name: str, dialect: Dialect) -> str:
    if dialect == "terraform":
        return _TERRAFORM.get(name) or re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()
    return name


def _yaml(settings: Mapping[str, object], indent: str) -> Iterator[str]:
    for name, value in settings.items():
        if is_mapping(value):
            yield f"{indent}{name}:"
            yield from _yaml(value, f"{indent}  ")
        elif is_plain_list(value):
            yield f"{indent}{name}:"
            yield from (f"{indent}  - {item}" for item in value)
        else:
            yield f"{indent}{name}: {_scalar(value)}"


def _hcl(settings: Mapping[str, object], indent: str) -> Iterator[str]:
    for name, value in settings.items():
        spelled = _spelled(name, "terraform")
        if name in _JSON_IN_TERRAFORM and is_mapping(value):
            yield f"{indent}{spelled} = jsonencode({{"
            yield from (f"{indent}  {inner} = {_hcl_value(item)}" for inner, item in value.items())
            yield f"{indent}}})"
        elif is_mapping(value):
            yield f"{indent}{spelled} {{"
            yield from _hcl(value, f"{indent}  ")
            yield f"{indent}}}"
        else:
            yield f"{indent}{spelled} = {_hcl_value(value)}"


def _hcl_value(value: object) -> str:
    return "aws_sqs_queue.dead_letters.arn" if isinstance(value, Arn) else json.dumps(value)


def _call(settings: Mapping[str, object], part: Part) -> Iterator[str]:
    """A call of the AWS CLI, one option a line. Only mappings are known from its output."""
    yield f"aws lambda update-event-source-mapping --uuid {part.get('UUID')} \\"
    options = [f"  --{_option(name)} {_argument(name, value)}" for name, value in settings.items()]
    yield from (f"{option} \\" for option in options[:-1])
    yield options[-1]


def _option(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "-", name).lower()


def _argument(name: str, value: object) -> str:
    if value is None:  # the API has no way to leave a setting out once it is there
        return "'{}'" if name.endswith("Config") else "0"
    if is_plain_list(value):
        return " ".join(map(str, value))
    return f"'{json.dumps(value, default=_arn_of_a_queue)}'" if is_mapping(value) else _scalar(value)


def _scalar(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _arn_of_a_queue(_: object) -> str:
    return "ARN-OF-A-QUEUE"
