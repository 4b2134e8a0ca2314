"""`batchfold poll`: Lambda's poller on a developer's machine, over the real APIs of SQS, Kinesis and DynamoDB Streams."""

import signal
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from batchfold.cli.aws import Aws, endpoint_of
from batchfold.cli.call import Interrupted
from batchfold.cli.checkpoint import checkpoint_in
from batchfold.cli.environment import Environment
from batchfold.cli.poll_board import Board
from batchfold.cli.poll_queue import LONG_POLL_SECONDS, notes_on, poll_queue, queue_facts
from batchfold.cli.poll_stream import poll_stream
from batchfold.cli.polling import Poller
from batchfold.cli.report import errors_told, fail
from batchfold.cli.scene import SceneError, with_settings
from batchfold.cli.shard import PipeMapping, StreamMapping
from batchfold.cli.stopping import Stopping
from batchfold.cli.stream_apis import DynamoDBApi, KinesisApi, StreamApi
from batchfold.shell.sqs_client import region_of
from batchfold.testing import EventSource, SqsPipe, SqsQueue

_OF_QUEUES = ("batch_size", "maximum_batching_window_in_seconds", "report_batch_item_failures")
_OF_STREAMS = (
    *_OF_QUEUES,
    "bisect_batch_on_function_error",
    "maximum_record_age_in_seconds",
    "maximum_retry_attempts",
    "seconds_between_retries",
    "tumbling_window_in_seconds",
)
_OF_PIPES = (*_OF_STREAMS, "automatic_bisect")  # those that a pipe has not, its model refuses, and says why

_MOST_NAMES = 5

_CLOCKS_MAY_DIFFER_BY_SECONDS = 5.0
"""The records of so many seconds before the start are read again rather than missed, if a run is continued from LATEST."""


class StartingPosition(StrEnum):
    """Where a stream is read from, in AWS's words."""

    TRIM_HORIZON = "TRIM_HORIZON"
    LATEST = "LATEST"


def poll(
    function: Annotated[
        str, typer.Argument(metavar="FILE.py:FUNCTION", help="The Lambda function, such as app.py:lambda_handler.")
    ],
    *,
    queue_url: Annotated[str | None, typer.Option(metavar="URL", help="Poll this SQS queue.")] = None,
    stream: Annotated[
        str | None, typer.Option(metavar="NAME", help="Poll this Kinesis data stream, by name or ARN.")
    ] = None,
    table: Annotated[str | None, typer.Option(metavar="NAME", help="Poll the stream of this DynamoDB table.")] = None,
    endpoint_url: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            help="The endpoint of an emulator. By default the one that the queue's URL names, or AWS_ENDPOINT_URL, or AWS.",
        ),
    ] = None,
    region: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="The AWS region. By default the one that the queue's URL or your settings name."
        ),
    ] = None,
    setting: Annotated[
        list[str] | None,
        typer.Option(
            "--mapping",
            "-m",
            metavar="NAME=VALUE",
            help="A setting of the event source mapping, in AWS's spelling or ours: BatchSize=5, "
            "MaximumBatchingWindowInSeconds=2, MaximumRetryAttempts=3, BisectBatchOnFunctionError=true, "
            "TumblingWindowInSeconds=30, ReportBatchItemFailures=false; of a pipe OnPartialBatchItemFailure=AUTOMATIC_BISECT. "
            "A wrong name lists them all.",
        ),
    ] = None,
    timeout: Annotated[
        float,
        typer.Option(
            min=0.001, max=1e6, metavar="SECONDS", help="The function's timeout: it is ended when that is over."
        ),
    ] = 30.0,
    starting_position: Annotated[
        StartingPosition,
        typer.Option(help="Where to begin on a stream: at its oldest record, or with those that come from now on."),
    ] = StartingPosition.TRIM_HORIZON,
    checkpoint: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Keep in this file up to where each shard is done with. If it is there, the run goes on from there.",
        ),
    ] = None,
    max_batches: Annotated[
        int | None, typer.Option(min=1, metavar="COUNT", help="End after so many invocations.")
    ] = None,
    by_pipe: Annotated[
        bool,
        typer.Option(
            "--pipe",
            help="Deliver as EventBridge Pipes does: the event is a list, and of a stream only what is named comes back.",
        ),
    ] = False,
    until_empty: Annotated[
        bool,
        typer.Option(
            "--until-empty",
            help="End once the queue is empty, or every shard is read to its end and its windows are finished.",
        ),
    ] = False,
    show_traceback: Annotated[
        bool, typer.Option("--traceback", help="Write what batchfold logs, with tracebacks, to the error output.")
    ] = False,
) -> None:
    """Poll a queue or a stream as Lambda does, and call a function on what comes.

    The command receives messages and reads shards over the API of AWS or of an emulator, and calls the function in a process
    of its own, which is kept from batch to batch and ended when the timeout is over. It reads responses by the rules that
    'batchfold simulate' plays: a message that is done is deleted, a shard goes on behind the records that are done, and the
    rest comes back. With TumblingWindowInSeconds, a shard goes on behind the windows that are finished. One batch is under way at a time, so message groups and shards keep their order. Messages stay hidden while
    the function runs, however long that takes.

    Ctrl-C and SIGTERM stop the command once the invocation that is under way has ended. A second signal ends the function too,
    and its records come back.

    The exit status is 0 if the command ended by --max-batches or --until-empty and everything that was delivered is done. It
    is 1 if some records are not done, and 2 for an error, or if a record is lost. A signal ends the command with 128 and the
    signal's number: 130 for Ctrl-C.
    """
    sources = [each for each in (queue_url, stream, table) if each is not None]
    if len(sources) != 1:
        fail(f"expected one of --queue-url, --stream and --table, got {len(sources) or 'none'}")
    if queue_url is not None and checkpoint is not None:
        fail("--checkpoint is for --stream and --table: a queue itself knows what is done")
    if queue_url is not None and not queue_url.startswith(("http://", "https://")):
        fail(
            f"expected --queue-url to be a queue's URL, such as http://localhost:4566/000000000000/orders, got {queue_url!r}"
        )
    run = _Run(function, timeout, max_batches, until_empty=until_empty, log_aloud=show_traceback)
    with errors_told():
        aws = Aws(
            "batchfold poll",
            "poll",
            region=region or (region_of(queue_url) if queue_url else None),
            endpoint_url=endpoint_url or (endpoint_of(queue_url) if queue_url else None),
        )
        if queue_url is not None:
            exit_status = _poll_queue(run, aws, queue_url, setting or [], by_pipe=by_pipe)
        else:
            api = KinesisApi(aws, stream) if stream is not None else DynamoDBApi(aws, table or "")
            mapping = _stream_mapping(setting or [], timeout, by_pipe=by_pipe)
            exit_status = _poll_stream(run, aws, api, mapping, starting_position, checkpoint)
    raise typer.Exit(exit_status)


def _poll_queue(run: "_Run", aws: Aws, url: str, settings: list[str], *, by_pipe: bool) -> int:
    client = aws.client("sqs", wait_seconds=LONG_POLL_SECONDS)
    facts = queue_facts(client, url, aws.endpoint_url)
    given = {"fifo": facts.name.endswith(".fifo")}
    mapping = with_settings(SqsPipe if by_pipe else SqsQueue, given, settings, only=_OF_QUEUES)
    board = Board(run.title(f"SQS queue {facts.name}", mapping, by_pipe=by_pipe), "queue")
    return run.polled(
        board,
        mapping,
        notes_on(facts, run.timeout),
        lambda poller: poll_queue(poller, aws, client, facts, mapping),
        "the queue is empty",
    )


def _stream_mapping(settings: list[str], timeout: float, *, by_pipe: bool) -> StreamMapping:
    if not by_pipe:
        return with_settings(StreamMapping, {}, settings, only=_OF_STREAMS)
    pipe = with_settings(PipeMapping, {}, settings, only=_OF_PIPES)
    try:
        pipe.check_timeout(timeout)
    except ValueError as error:
        raise SceneError(str(error)) from None
    return pipe


def _poll_stream(
    run: "_Run", aws: Aws, api: StreamApi, mapping: StreamMapping, start: StartingPosition, file: Path | None
) -> int:
    since = time.time() - _CLOCKS_MAY_DIFFER_BY_SECONDS if start is StartingPosition.LATEST else None
    checkpoint = checkpoint_in(file, api.arn, since)
    board = Board(run.title(api.title, mapping, by_pipe=isinstance(mapping, PipeMapping)), "shard")
    notes = [f"going on from {file}"] if checkpoint.is_continued else [f"from {start.value} on"]
    return run.polled(
        board,
        mapping,
        notes,
        lambda poller: poll_stream(poller, aws, api, mapping, checkpoint, start.value),
        "every shard is read to its end" + (", its windows finished" if mapping.is_windowed else ""),
    )


@dataclass(frozen=True)
class _Run:
    """The options of a poll that do not depend on the source."""

    function: str
    timeout: float
    most_batches: int | None
    until_empty: bool
    log_aloud: bool

    def title(self, place: str, mapping: EventSource, *, by_pipe: bool) -> str:
        """Say in a line what is polled, how, and for which function."""
        windows = getattr(mapping, "tumbling_window_in_seconds", 0)
        how = [f"batches of {mapping.batch_size:,}", *([f"windows of {windows:,} s"] if windows else [])]
        return f"{place}{' through a pipe' if by_pipe else ''}, {', '.join(how)}, {self.function}"

    def polled(
        self,
        board: Board,
        mapping: EventSource,
        notes: list[str],
        poll: Callable[[Poller], None],
        when_drained: str,
    ) -> int:
        """Poll until that is to end, tell how it ended, and return the exit status."""
        stopping = Stopping()
        interrupted: Interrupted | None = None
        with stopping.heeded():
            poller = Poller(
                board=board,
                stopping=stopping,
                report_batch_item_failures=mapping.report_batch_item_failures,
                most_batches=self.most_batches,
                until_empty=self.until_empty,
            )
            try:
                with self._environment(poller) as environment:
                    with stopping.waiting():
                        environment.start()
                    poller.environment = environment
                    with board:
                        for note in notes:
                            poller.tell(note)
                        poll(poller)
            except Interrupted as signal:
                interrupted = signal
            with suppress(Interrupted):  # nobody reads the standard output any more
                board.line(*_ended(poller, interrupted, when_drained))
        if interrupted is not None:
            return interrupted.exit_status
        return 2 if board.totals["lost"] else 1 if poller.not_done else 0

    def _environment(self, poller: Poller) -> Environment:
        return Environment(
            self.function,
            timeout=self.timeout,
            log_aloud=self.log_aloud,
            take_output=poller.board.printed,
            meanwhile=poller.note_signals,
        )


def _ended(poller: Poller, interrupted: Interrupted | None, when_drained: str) -> Sequence[str]:
    """Say why it ended, and what became of everything."""
    board = poller.board
    if interrupted is not None:
        why = f"Stopped by {signal.Signals(interrupted.exit_status - 128).name}"
        if interrupted_ones := poller.ended:
            why += f": the function was ended, and its {interrupted_ones} records come back"
    elif poller.has_invoked_enough:
        why = "Ended: so many batches were asked for"
    else:
        why = f"Ended: {when_drained}"
    totals = board.totals
    told = [f"{totals['received']:,} received", f"{totals['done']:,} done", f"{totals['came_back']:,} came back"]
    told += [f"{totals[name]:,} {name.replace('_', ' ')}" for name in ("given_up", "lost") if totals[name]]
    lines = [f"{why}.", f"{', '.join(told)} in {board.counted_invocations}."]
    if poller.not_done:
        some = sorted(poller.not_done)[:_MOST_NAMES]
        more = f" and {len(poller.not_done) - len(some):,} more" if len(poller.not_done) > len(some) else ""
        lines.append(f"Not done: {', '.join(some)}{more}.")
    return lines
