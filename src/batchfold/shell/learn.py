"""Learning from the first call whether a handler is async, for those that nothing but a call can tell.

A lambda, a layered handler or one that returns `FutureResult` looks synchronous. Most handlers that look so are, and for
them asyncio, which costs a cold start 30 ms, must not be imported to find out.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextvars import Context, copy_context
from typing import Any

from batchfold.core.attempt import attempt_with
from batchfold.core.batch import Batch
from batchfold.core.ending import Ending
from batchfold.core.outcomes import Failed
from batchfold.core.progress import Progress
from batchfold.core.returned import is_awaitable
from batchfold.shell.begun import Begun
from batchfold.shell.mixed import OnLoop, awaitable_from, forget


class _TurnedOutAsync(BaseException):
    """Leaves a synchronous attempt with an awaitable: the handler's, or what `settle` returned for a failed record."""

    def __init__(self, awaitable: Awaitable[Any], failed: Failed[Any, Any] | None = None) -> None:
        super().__init__()
        self.awaitable = awaitable
        self.failed = failed


class _Watched:
    """A handler and its `settle`, watched until one of them has returned something.

    From then on what comes to be awaited all the same is awaited here, record by record.
    """

    def __init__(self, handler: Callable[[Any], Any], settle: Callable[[Failed[Any, Any]], Any] | None) -> None:
        self._handler = handler
        self._settle = settle
        self._on_loop = OnLoop()
        self._settle_on_loop = OnLoop()
        self.is_async: bool | None = None

    def handle(self, record: Any) -> Any:
        """What the handler returns, unless it is the first and an awaitable."""
        returned = self._handler(record)
        if self.is_async is False:
            return self._on_loop.result(returned)
        if is_awaitable(returned):
            raise _TurnedOutAsync(returned)
        self.is_async = False
        return returned

    def settle(self, failed: Failed[Any, Any]) -> Any:
        """What `settle` returns, unless it is an awaitable and the handler has not returned anything yet."""
        assert self._settle is not None  # noqa: S101  # asked for only if there is one
        last_word = self._settle(failed)
        if self.is_async is False:
            return self._settle_on_loop.result(last_word)
        if is_awaitable(last_word):
            raise _TurnedOutAsync(last_word, failed)
        return last_word

    @property
    def learned(self) -> bool | None:
        """Whether the handler is async; `None` if nothing was returned at all."""
        return True if self._on_loop.has_awaited else self.is_async


def fold_and_learn(
    progress: Progress[Any, Any, Any, Any],
    handler: Callable[[Any], Any],
    settle: Callable[[Failed[Any, Any]], Any] | None,
    max_concurrency: int,
) -> tuple[Batch[Any, Any, Any], bool | None]:
    """Fold, and learn from what is returned first whether the handler is async. If it is, go on as an async run.

    The second value is what was learned, for the invocations to come; `None` if each record raised.
    """
    watched = _Watched(handler, settle)
    attempt = attempt_with(watched.handle, progress.source, None if settle is None else watched.settle)
    while (position := progress.start()) is not None:
        raw, item_id = progress.raws[position], progress.item_ids[position]
        if watched.is_async is False:
            progress.finish(position, attempt(raw, item_id))
            continue
        # in a copy, for of an async handler no other record may see the context variables that it sets
        context = copy_context()
        ending: Ending[Any, Any, Any] | Begun
        try:
            ending = context.run(attempt, raw, item_id)
        except _TurnedOutAsync as turned_out:
            ending = Begun(position, turned_out.awaitable, turned_out.failed, context)
        if isinstance(ending, Begun):  # not above: whatever handlers raise would carry our exception as its context
            return _go_on_async(progress, handler, settle, max_concurrency, ending), True
        _adopt(context)
        progress.finish(position, ending)
    return progress.batch(), watched.learned


def _go_on_async(
    progress: Progress[Any, Any, Any, Any],
    handler: Callable[[Any], Any],
    settle: Callable[[Failed[Any, Any]], Any] | None,
    max_concurrency: int,
    begun: Begun,
) -> Batch[Any, Any, Any]:
    from batchfold.shell.loop import run_on_loop  # noqa: PLC0415  # asyncio costs a cold start 30 ms
    from batchfold.shell.side_by_side import fold_side_by_side  # noqa: PLC0415  # as above

    folding = fold_side_by_side(
        progress,
        awaitable_from(handler),
        settle,
        max_concurrency=max_concurrency,
        ms_before_cancelling=None,
        begun=begun,
    )
    try:
        return run_on_loop(folding)
    finally:
        forget(begun.awaitable)  # where no loop could run it, nobody has awaited it


def _adopt(context: Context) -> None:
    """Set the context variables as a synchronous handler has left them: a sequential fold has no contexts of its own."""
    for variable, value in context.items():
        variable.set(value)
