"""`batchfold replay`: give a function what was given up, tell what becomes of it, and delete what is done.

Everything that decides what is read, what is deleted and how the command ends lives in this file.
"""

import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any

import typer

from batchfold.cli.account import Call
from batchfold.cli.aws import endpoint_of
from batchfold.cli.environment import Environment
from batchfold.cli.replay_aws import AwsError, Clients, Queue, StreamReader
from batchfold.cli.replay_files import letters_of
from batchfold.cli.replay_given_up import GivenUp, Letter
from batchfold.cli.replay_recognised import recognised
from batchfold.cli.replay_report import as_json, now, what_became, what_is_there
from batchfold.cli.replay_run import Replay, Replayed
from batchfold.cli.replay_windows import TOLD
from batchfold.cli.report import errors_told, fail, output, say, tell_ending, write
from batchfold.cli.scene import with_settings
from batchfold.cli.shard import StreamMapping
from batchfold.cli.stopping import Stopping

_NOT_DONE, _ERROR = 1, 2

_CALL_SECONDS = 60.0
"""The time that a call may take beside the function's: to start Python and batchfold, and to give account of it."""


def replay(
    function: Annotated[
        str, typer.Argument(metavar="FILE.py:FUNCTION", help="The Lambda function, such as app.py:lambda_handler.")
    ],
    *,
    origin: Annotated[
        list[str],
        typer.Option(
            "--from",
            metavar="QUEUE-URL|FILE",
            help="What was given up: the URL of a queue, or a file or folder with documents, such as those of an S3 "
            "destination. Files may be given several times; - reads standard input.",
        ),
    ],
    delete: Annotated[
        bool, typer.Option("--delete", help="Delete the messages of the queue whose records are all done.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Tell what is there. The function is not called.")] = False,
    source_arn: Annotated[
        str | None,
        typer.Option(
            metavar="ARN",
            help="Where messages that do not tell it come from: the source queue of dead letters, or the cluster of "
            "Kafka records.",
        ),
    ] = None,
    batch_size: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=10_000,
            metavar="COUNT",
            help="Records in one event. By default 10 messages of a queue, all records of a document, one record that was "
            "sent on its own.",
        ),
    ] = None,
    most_messages: Annotated[
        int, typer.Option(min=1, max=100_000, metavar="COUNT", help="Take no more messages of the queue than this.")
    ] = 1_000,
    whole_range: Annotated[
        bool,
        typer.Option(
            "--whole-range",
            help="Replay a range of a shard even if others lie between its records, which the batch did not have.",
        ),
    ] = False,
    by_pipe: Annotated[
        bool, typer.Option("--pipe", help="Deliver records as EventBridge Pipes does: the event is a list.")
    ] = False,
    setting: Annotated[
        list[str] | None,
        typer.Option(
            "--mapping",
            "-m",
            metavar="NAME=VALUE",
            help="TumblingWindowInSeconds=60: deliver records of streams in windows of this length, each with an empty state.",
        ),
    ] = None,
    timeout: Annotated[
        float, typer.Option(min=1, max=40_000, metavar="SECONDS", help="The function's timeout.")
    ] = 30.0,
    endpoint_url: Annotated[
        str | None, typer.Option(metavar="URL", help="Where AWS's APIs are, for LocalStack, moto and the like.")
    ] = None,
    region: Annotated[
        str | None, typer.Option(metavar="REGION", help="The region, where the URL or an ARN does not tell it.")
    ] = None,
    json_: Annotated[bool, typer.Option("--json", help="Print what became of each record as JSON.")] = False,
    all_rows: Annotated[
        bool, typer.Option("--all", help="Show every record, also those of many that are done.")
    ] = False,
    show_traceback: Annotated[
        bool, typer.Option("--traceback", help="Write what batchfold logs, with tracebacks, to the error output.")
    ] = False,
) -> None:
    """Give a function again what was given up, and tell what becomes of each record.

    Reads dead-letter queues of SQS; on-failure destinations of Kinesis and DynamoDB streams, whose records it fetches
    from the shard; what sqs_sender sent; and the documents and dead letters of asynchronous invocations. Each event is
    made again as Lambda made it. The function is called for real, in a process of its own.

    Without --delete the queue is left as it was found, but for the count of receives. A message that is not recognised,
    or of which one record is not done, always stays.

    The exit status is 0 if everything is done, 1 if something is not, and 2 for an error. With --dry-run it is 0 unless
    there is an error.
    """
    urls = _urls_in(origin, delete=delete, dry_run=dry_run)
    stopping = Stopping()
    with errors_told("Interrupted: what was not done by then stays where it was."):
        windows = with_settings(StreamMapping, {}, setting or [], only=("tumbling_window_in_seconds",))
        if windows.is_windowed and by_pipe:
            fail("-m TumblingWindowInSeconds and --pipe exclude each other: a pipe has no tumbling windows")
        session = _Session(
            queue=_queue(urls, Clients(endpoint_url or endpoint_of(origin[0]), region), timeout),
            files=[] if urls else [letter for each in origin for letter in letters_of(Path(each))],
            source_arn=source_arn,
            most_messages=most_messages,
            stopping=stopping,
        )
        streams = StreamReader(Clients(endpoint_url, region), session.may_go_on)
        with stopping.heeded(), _environment(function, timeout, stopping, log_aloud=show_traceback) as environment:

            def call(event: Any, is_invocation: bool) -> Call:  # noqa: FBT001  # as `CallFunction` says
                with stopping.running():
                    return environment.invoke(event, is_invocation=is_invocation)

            run = Replay(
                call=call,
                streams=streams,
                before_call=session.may_go_on,
                is_held=session.is_held,
                after_call=session.delete_done if delete else lambda _replayed: None,
                on_call=_tell,
                batch_size=batch_size,
                by_pipe=by_pipe,
                whole_ranges=whole_range,
                windows=windows,
                is_windowed=lambda: environment.is_windowed,
            )
            if not dry_run:
                with stopping.waiting():
                    environment.start()  # before a message is received: receives are counted
            try:
                replayed = session.replayed(None if dry_run else run, goes_round=delete)
            finally:
                session.release()
            has_failed = session.has_failed or run.has_failed
        _write(replayed, as_text=not json_, dry_run=dry_run, all_rows=all_rows)
        session.tell(replayed, delete=delete, dry_run=dry_run)
        if run.has_made_windows:
            say(TOLD)
        stopping.check()
    if has_failed:
        raise typer.Exit(_ERROR)
    raise typer.Exit(0 if dry_run or all(each.is_done for each in replayed) else _NOT_DONE)


def _environment(target: str, timeout: float, stopping: Stopping, *, log_aloud: bool) -> Environment:
    has_noted = False

    def note_signals() -> None:
        nonlocal has_noted
        if stopping.is_asked and not has_noted:
            has_noted = True
            say("Stopping once the function has ended; a second signal ends it at once.")

    return Environment(target, timeout=timeout, log_aloud=log_aloud, take_output=_hand_on, meanwhile=note_signals)


def _tell(call: Call) -> None:
    """Write to the error output what is about no record: what the function raised, what batchfold logged."""
    tell_ending(call.ending)
    for aside in dict.fromkeys(call.asides):
        say(f"batchfold logged: {aside}.")


def _hand_on(printed: bytes) -> None:
    """Write what the function prints to the error output."""
    with suppress(AttributeError, OSError, ValueError):  # there may be none
        sys.stderr.buffer.write(printed)
        sys.stderr.buffer.flush()


def _urls_in(origin: Sequence[str], *, delete: bool, dry_run: bool) -> list[str]:
    """Return the queue's URL if it is one, and refuse what cannot be asked for together."""
    urls = [each for each in origin if "://" in each]
    if urls and len(origin) > 1:
        raise typer.BadParameter("--from takes one queue, or files and folders, and not both")
    if urls and not urls[0].startswith(("https://", "http://")):
        raise typer.BadParameter("expected the URL of a queue; aws s3 cp --recursive copies a bucket into a folder")
    if delete and not urls:
        raise typer.BadParameter("--delete is for messages of a queue; files are yours to delete")
    if delete and dry_run:
        raise typer.BadParameter("--delete and --dry-run exclude each other")
    return urls


def _queue(urls: Sequence[str], clients: Clients, timeout: float) -> Queue | None:
    return Queue(urls[0], clients, needed_seconds=2 * timeout + _CALL_SECONDS) if urls else None


class _Session:
    """One replay: it reads, holds, deletes and releases messages."""

    def __init__(
        self,
        *,
        queue: Queue | None,
        files: list[Letter],
        source_arn: str | None,
        most_messages: int,
        stopping: Stopping,
    ) -> None:
        self._queue = queue
        self._files = files
        self._source_arn = source_arn
        self._most = most_messages
        self._stopping = stopping
        self._deleted = 0
        self._unreleased = 0
        self._waiting = 0
        self._is_cut = False
        self.has_failed = False

    def replayed(self, run: Replay | None, *, goes_round: bool) -> list[Replayed]:
        """Read what is there and replay it; without a `run`, only read it.

        A FIFO queue hands out no more of a group than ten messages, until these are deleted: then there is another round.
        """
        replayed: list[Replayed] = []
        while found := self._found(self._most - len(replayed)):
            deleted_before = self._deleted
            replayed += [Replayed(given_up) for given_up in found] if run is None else run.run(found)
            is_over = self._queue is None or not (goes_round and self._queue.is_fifo) or not self.may_go_on()
            if is_over or self._deleted == deleted_before or len(replayed) >= self._most:
                break
        if self._queue is not None:
            self._is_cut = len(replayed) >= self._most
            self._waiting = self._queue.waiting() if self._queue.is_fifo and not self._is_cut else 0
        return replayed

    def _found(self, most: int) -> list[GivenUp]:
        if self._queue is None:
            return [recognised(letter, source_arn=self._source_arn) for letter in self._files]
        source_arn = self._source_arn or self._queue.source_arn()
        letters = self._queue.receive(most, lambda: not self._stopping.is_asked)
        return [recognised(letter, source_arn=source_arn) for letter in letters]

    def may_go_on(self) -> bool:
        """Hold what is held for longer, and return whether nobody asks the command to end."""
        if self._queue is not None:
            self._queue.hold()
        return not self._stopping.is_asked

    def is_held(self, given_up: GivenUp) -> bool:
        """Return whether nobody else can have it by now."""
        return self._queue is None or self._queue.is_held(given_up.letter)

    def delete_done(self, replayed: Sequence[Replayed]) -> None:
        """Delete the messages whose records are all done."""
        done = [each for each in replayed if each.is_done]
        if self._queue is None or not done:
            return
        try:
            kept = self._queue.delete([each.of.letter for each in done])
        except AwsError as error:
            say(f"Error: {error}")
            kept = [each.of.letter for each in done]
        for each in done:
            each.is_deleted = each.of.letter not in kept
            self._deleted += each.is_deleted
        if kept:
            self.has_failed = True
            say(f"Error: done and not deleted: {', '.join(letter.name for letter in kept)}")

    def release(self) -> None:
        """Make visible again what was not deleted."""
        if self._queue is not None:
            self._unreleased = self._queue.release()

    def tell(self, replayed: Sequence[Replayed], *, delete: bool, dry_run: bool) -> None:
        """Write to the error output what became of the messages themselves."""
        if self._queue is None:
            return
        done = sum(each.is_done for each in replayed)
        if delete:
            say(f"{_messages(self._deleted)} deleted; {_messages(len(replayed) - self._deleted)} left in the queue.")
        elif done and not dry_run:
            say(f"{_messages(done)} could be deleted: --delete does it. Nothing was.")
        if self._unreleased:
            say(f"{_messages(self._unreleased)} could not be released: they are visible again within minutes.")
        if self._is_cut:
            say("There may be more: --most-messages takes more of them.")
        if self._waiting:
            say(
                f"About {_messages(self._waiting)} more: a FIFO queue hands out no more of a group while earlier ones "
                "are held. --delete goes on with them as far as these are done."
            )
        if self._queue.moves_on and replayed:
            say("The queue has a maxReceiveCount, and to read it counted as a receive of each message.")


def _messages(count: int) -> str:
    return f"{count} message{'' if count == 1 else 's'}"


def _write(replayed: Sequence[Replayed], *, as_text: bool, dry_run: bool, all_rows: bool) -> None:
    moment = now()
    try:
        if not as_text:
            write(f"{as_json(replayed, moment)}\n")
        elif dry_run:
            write(what_is_there([each.of for each in replayed], output(), moment))
        else:
            write(what_became(replayed, output(), all_rows=all_rows))
    except BrokenPipeError:
        pass  # whoever reads the report has read enough of it
    except OSError as error:
        fail(f"the report cannot be written: {error.strerror}")
