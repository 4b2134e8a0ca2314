"""The checkpoint: up to where each shard of a stream is done with, in a file, so that the next run goes on from there.

The file is replaced as a whole after every batch, so whatever ends the command, it is there and true.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from batchfold.cli.account import RefusedError


@dataclass
class Checkpoint:
    """Where the shards of one stream have got to.

    `since` is the time, in seconds since the epoch, from which on the records of a shard count that has got nowhere yet;
    `None`: from the oldest one on. Without a `file`, nothing is kept.
    """

    file: Path | None
    stream_arn: str
    since: float | None
    after: dict[str, str] = field(default_factory=dict[str, str])
    """The sequence number of the last record that is done with, by shard."""
    finished: set[str] = field(default_factory=set[str])
    """The shards of which every record is done with, and that will have no more."""
    is_continued: bool = False
    """True if the file was there."""

    def move(self, shard_id: str, sequence_number: str) -> None:
        """Note that everything up to this record is done with."""
        if self.after.get(shard_id) != sequence_number:
            self.after[shard_id] = sequence_number
            self.write()

    def finish(self, shard_id: str) -> None:
        """Note that the shard is done with."""
        if shard_id not in self.finished:
            self.finished.add(shard_id)
            self.after.pop(shard_id, None)
            self.write()

    def write(self) -> None:
        """Replace the file. Raises `RefusedError` if that is not possible."""
        if self.file is None:
            return
        content: dict[str, Any] = {
            "stream": self.stream_arn,
            "since": self.since,
            "shards": {
                **{shard_id: {"after": number} for shard_id, number in sorted(self.after.items())},
                **{shard_id: {"finished": True} for shard_id in sorted(self.finished)},
            },
        }
        file = self.file.resolve()  # a link stays a link
        draft = file.with_name(f".{file.name}.{os.getpid()}")
        try:
            draft.write_text(json.dumps(content, indent=2) + "\n", encoding="ascii")
            draft.replace(file)
        except OSError as error:
            draft.unlink(missing_ok=True)
            raise RefusedError(f"the checkpoint cannot be written to {self.file}: {error.strerror}") from None


def checkpoint_in(file: Path | None, stream_arn: str, since: float | None) -> Checkpoint:
    """Return the checkpoint that the file holds; a new one, if there is no such file. Raises `RefusedError`."""
    if file is None:
        return Checkpoint(None, stream_arn, since)
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        return Checkpoint(file, stream_arn, since)
    except (OSError, UnicodeDecodeError) as error:
        raise RefusedError(f"the checkpoint cannot be read from {file}: {error}") from None
    try:
        return _read(file, stream_arn, json.loads(text))
    except (ValueError, TypeError, KeyError, AttributeError):
        raise RefusedError(f"{file} is no checkpoint that this command has written") from None


def _read(file: Path, stream_arn: str, content: Any) -> Checkpoint:
    if content["stream"] != stream_arn:
        raise RefusedError(f"{file} is the checkpoint of {content['stream']}, not of {stream_arn}: give another file")
    shards = cast("Mapping[str, Mapping[str, Any]]", content["shards"])
    since = content["since"]
    return Checkpoint(
        file=file,
        stream_arn=stream_arn,
        since=None if since is None else float(since),
        after={shard_id: str(each["after"]) for shard_id, each in shards.items() if "after" in each},
        finished={shard_id for shard_id, each in shards.items() if each.get("finished")},
        is_continued=True,
    )
