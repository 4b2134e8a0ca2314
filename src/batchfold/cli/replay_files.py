"""The files of a replay: documents of an on-failure destination, and messages that the AWS CLI has received."""

import base64
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from batchfold.cli.event_file import event_text
from batchfold.cli.replay_given_up import Letter
from batchfold.core._guards import is_list, is_mapping


def letters_of(path: Path) -> Iterator[Letter]:
    """The documents of a file, or of all files of a folder."""
    if path.is_dir():
        for file in sorted(path.rglob("*")):
            if file.is_file() and not file.name.startswith("."):
                yield from letters_of(file)
        return
    name, text = str(path), event_text(path)
    try:
        content: Any = json.loads(text)
    except (ValueError, RecursionError):
        yield Letter(name=name, body=text)  # it is told and left
        return
    messages: object = content.get("Messages") if is_mapping(content) else None
    if is_list(messages):
        yield from (_received(message, f"{name}[{position}]") for position, message in enumerate(messages))
    elif is_list(content) and not _is_piped(content):
        yield from (Letter(name=f"{name}[{position}]", body=json.dumps(each)) for position, each in enumerate(content))
    else:
        yield Letter(name=name, body=text)


def _is_piped(listed: Sequence[Any]) -> bool:
    return bool(listed) and all(is_mapping(each) and "eventSource" in each for each in listed)


def _received(message: object, name: str) -> Letter:
    """A message as `aws sqs receive-message` prints it."""
    if not is_mapping(message) or not isinstance(message.get("Body"), str):
        return Letter(name=name, body=json.dumps(message))
    found: object = message.get("MessageAttributes")
    attributes: Mapping[str, Any] = found if is_mapping(found) else {}
    usable: dict[str, Any] = {
        name: {**value, **_bytes_of(value)}
        for name, value in attributes.items()
        if is_mapping(value) and "DataType" in value
    }
    whole: dict[str, Any] = {"MessageId": name, "ReceiptHandle": "", **message, "MessageAttributes": usable}
    return Letter(name=str(whole["MessageId"]), body=message["Body"], message=whole)


def _bytes_of(value: Mapping[str, Any]) -> dict[str, bytes]:
    with suppress(ValueError, TypeError, KeyError):
        return {"BinaryValue": base64.b64decode(value["BinaryValue"])}
    return {}
