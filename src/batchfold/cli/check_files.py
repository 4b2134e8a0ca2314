"""The files that `batchfold check` reads, and what kind each of them is.

Everything that decides whether a file is a template, a plan or the output of the AWS CLI is in this file. In a folder,
files of another kind are passed over; a file that is named must be of one of them.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from batchfold.cli.check_links import kind_of
from batchfold.cli.check_model import Connection, Document, Part, Place, Unknown, as_mapping
from batchfold.cli.check_plans import plan_document
from batchfold.cli.check_templates import place_of, template_document
from batchfold.core._guards import is_mapping, is_plain_list

_SUFFIXES = frozenset((".yaml", ".yml", ".json", ".template"))
_PASSED_OVER = frozenset(("node_modules", "__pycache__", "venv"))
_SIGNS = ("AWS::", "aws_lambda_event_source_mapping", "aws_pipes_pipe", "EventSourceMappings", "EventSourceMappingArn")
"""One of these stands in every file that has something to check."""


class CannotReadError(Exception):
    """A file that was named, or that claims to hold something to check, cannot be read."""


def documents(paths: Sequence[Path]) -> Iterator[Document | CannotReadError]:
    """Yield what was read from the files, and from the files in the folders, in order, each of them once.

    A file that cannot be read as what it claims to be yields its error, and the others are read all the same.
    Raises `CannotReadError` for a path that is not there.
    """
    seen: set[Path] = set()
    for path in paths:
        for file, is_named in _files(path):
            if file.resolve() in seen:
                continue
            seen.add(file.resolve())
            try:
                found = _document(file, is_named=is_named)
            except CannotReadError as error:
                yield error
                continue
            if found is not None:
                yield found


def _files(path: Path) -> Iterator[tuple[Path, bool]]:
    if path.is_file():
        yield path, True
    elif path.is_dir():
        for file in sorted(path.rglob("*")):
            folders = file.relative_to(path).parts[:-1]
            hidden = any(name.startswith(".") or name in _PASSED_OVER for name in folders)
            if file.suffix in _SUFFIXES and not hidden and file.is_file():
                yield file, False
    else:
        raise CannotReadError(f"there is no file and no folder {path}")


def _document(file: Path, *, is_named: bool) -> Document | None:
    try:
        text = file.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise CannotReadError(f"{file} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        if not is_named:
            return None
        raise CannotReadError(f"{file} is not UTF-8: {error.reason} at byte {error.start}") from None
    if not is_named and not any(sign in text for sign in _SIGNS):
        return None
    try:
        found = _read(text, str(file), is_named=is_named)
    except RecursionError:
        raise CannotReadError(f"{file} is nested too deep") from None
    if found is None and is_named:
        raise CannotReadError(
            f"{file}: expected a template of CloudFormation or SAM, the output of `terraform show -json`, or of "
            "`aws lambda get-event-source-mapping` or `list-event-source-mappings`, got something else"
        )
    return found


def _read(text: str, file: str, *, is_named: bool) -> Document | None:
    if '"terraform_version"' in text or '"planned_values"' in text:
        plan = _plan(text)
        if plan is not None:
            return plan_document(plan, text, file)
    content = _decoded(text, file, is_named=is_named)
    if is_mapping(content.get("Resources")):
        return template_document(content, file)
    listed = content.get("EventSourceMappings")
    if is_plain_list(listed):
        return Document(file, tuple(_described(listed, file)))
    if "UUID" in content and "FunctionArn" in content:
        return Document(file, tuple(_described([content], file)))
    return None


def _plan(text: str) -> Mapping[str, object] | None:
    """A plan is long and in one line, so it is read by JSON's own reader, and positions are found by addresses."""
    try:
        plan: object = json.loads(text)
    except ValueError:
        return None
    return plan if is_mapping(plan) and "format_version" in plan else None


def _decoded(text: str, file: str, *, is_named: bool) -> Mapping[str, object]:
    """The content, with positions. A file that was not named and does not parse is taken for one of another kind."""
    from cfnlint.decode import decode_str  # noqa: PLC0415  # it takes most of a second
    from cfnlint.decode.cfn_json import loads  # noqa: PLC0415

    content, problems = decode_str(text)
    if problems and text.lstrip().startswith("{"):  # YAML does not read all of JSON: not an escaped pair of surrogates
        with suppress(ValueError, TypeError):  # which of them, depends on where the JSON breaks
            content, problems = loads(text), []
    if problems:
        if not is_named and "Resources" not in text:
            return {}
        problem = problems[0]
        raise CannotReadError(f"{file}:{problem.linenumber}: {problem.message}")
    return as_mapping(content)


def _described(mappings: Sequence[object], file: str) -> Iterator[Connection]:
    """The mappings as Lambda's API describes them. Their queues and functions it does not describe."""
    for described in mappings:
        if not is_mapping(described):
            continue
        places = {str(name): place_of(name, file) for name in described}
        settings = {str(name): value for name, value in described.items() if value is not None}
        settings["FunctionName"] = settings.get("FunctionArn")
        source = settings.get("EventSourceArn")
        function_name = str(settings.get("FunctionArn", "")).rpartition(":function:")[2]
        name = f"{function_name or settings.get('UUID')} from {_name_in(source)}"
        part = Part(name, places.get("UUID", Place(file)), "aws", settings, places)
        kind = kind_of(part, "")
        if kind is not None:
            absent = Unknown("the AWS CLI does not describe it with the mapping")
            yield Connection(part, "mapping", kind, source, absent if kind == "sqs" else None, absent)


def _name_in(arn: object) -> str:
    resource = str(arn or "Kafka").split(":", 5)[-1]
    return resource.split("/")[1] if "/" in resource else resource
