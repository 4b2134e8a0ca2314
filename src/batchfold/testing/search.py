"""The scenarios that `assert_safe` plays: outages in a fixed order, then what Hypothesis draws, and the shortening of both.

A random search hardly ever lets everything fail, so outages come first. Hypothesis is imported only here and in
`strategies`.
"""

import logging
import warnings
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace

from batchfold.testing.effect import Attempt, FailureSchedule
from batchfold.testing.event_source import EventSource, key_of

_KEYS = "ABC"
_FAILS: tuple[Attempt, ...] = ("fails",)
_MANY_FAILURES = 12
"""More than any receive count at which functions are known to give up."""
_MOST_DELIVERIES_TRIED = 25
_MOST_PLAYED_TO_SHORTEN = 300

_is_quiet = ContextVar("batchfold.testing.quiet", default=False)


@dataclass(frozen=True)
class Scenario:
    """A source, the names of the records that it holds, and how each attempt at them ends."""

    source: EventSource
    records: tuple[str, ...]
    schedule: FailureSchedule

    @property
    def enough_invocations(self) -> int:
        """How often a function may be invoked: twice for each record, and four times for each failure.

        That is room for a function that does one record in each invocation, and for a circuit breaker that refuses
        everything in three.
        """
        failures = sum(len(attempts) for attempts in self.schedule.attempts.values())
        # a window has a final invocation, and may end early after each record
        enough = (5 if self.source.is_windowed else 2) * len(self.records) + 4 * failures
        if self.schedule.never_succeed and self.source.most_deliveries is not None:
            enough += 2 * (len(self.records) + 1) * self.source.most_deliveries
        return enough

    @property
    def drains(self) -> bool:
        """Return whether a function can drain the source: nothing in it fails for ever and comes back for ever."""
        return not self.schedule.never_succeed or self.source.most_deliveries is not None


def outages(source: EventSource, *, overruns: bool, duplicates: bool, max_records: int) -> Iterator[Scenario]:
    """Yield the scenarios that are always tried, the shortest first.

    Nothing fails, everything fails once, the first or the last record does, for 1 to `max_records` records in one batch
    and for a full batch; one record fails often, or for ever if the source gives up; everything fails for long. With
    `overruns`, attempts outlast the timeout, and with `duplicates` the source delivers everything twice.
    """
    gives_up = gives_up_before_long(source)
    for size in range(1, max_records + 1):
        for names in _names(size):
            first, last = names[0], names[-1]
            yield Scenario(source, names, FailureSchedule())
            if duplicates and (twice := source.delivering_twice(names)) is not source:
                yield Scenario(twice, names, FailureSchedule())
                yield Scenario(twice, names, _failing(names))
            yield Scenario(source, names, _failing(names))
            if size > 1:
                yield Scenario(source, names, _failing([last]))
                yield Scenario(source, names, _failing([first]))
            if overruns:
                yield Scenario(source, names, _failing([last], "overruns"))
            if gives_up:
                yield Scenario(source, names, FailureSchedule(never_succeed=frozenset({first})))
        if size == 1:
            yield Scenario(source, ("A1",), FailureSchedule({"A1": _FAILS * _MANY_FAILURES}))
            # on a source with windows: counted, and then not finished
            yield Scenario(source, ("A1",), FailureSchedule({"A1": ("succeeds", "fails")}))
    longest = _names(max_records)[-1]
    yield Scenario(source, longest, FailureSchedule(dict.fromkeys(longest, _FAILS * 3)))
    if source.batch_size > max_records:
        full = _names(source.batch_size)[-1]
        yield Scenario(source, full, FailureSchedule())
        yield Scenario(source, full, _failing([full[-1]]))
        if source.batch_size <= 2 * max_records:
            yield Scenario(source, full, _failing(full))


def gives_up_before_long(source: EventSource) -> bool:
    """Return whether the source gives up on a record soon enough to try records that never succeed."""
    most = source.most_deliveries
    return most is not None and most <= _MOST_DELIVERIES_TRIED


def numbered(keys: Sequence[str]) -> tuple[str, ...]:
    """Return the names of records with these keys: each key counts by itself.

    >>> numbered("ABA")
    ('A1', 'B1', 'A2')
    """
    seen = dict.fromkeys(keys, 0)
    names: list[str] = []
    for key in keys:
        seen[key] += 1
        names.append(f"{key}{seen[key]}")
    return tuple(names)


def _names(size: int) -> tuple[tuple[str, ...], ...]:
    """Return names of one key, and if there are several records, names of three keys that take turns."""
    one = numbered("A" * size)
    return (one,) if size == 1 else (one, numbered([_KEYS[at % len(_KEYS)] for at in range(size)]))


def _failing(names: Sequence[str], attempt: Attempt = "fails") -> FailureSchedule:
    return FailureSchedule(dict.fromkeys(names, (attempt,)))


def drawn(
    shows: Callable[[Scenario], bool],
    *,
    source: EventSource,
    overruns: bool,
    duplicates: bool,
    max_records: int,
    max_examples: int | None,
) -> Scenario | None:
    """Return the shortest scenario that Hypothesis finds: fewest records, then fewest failures. `None` if it finds none."""
    from hypothesis import HealthCheck, find, settings  # noqa: PLC0415  # an extra, and it takes long to import
    from hypothesis.errors import NoSuchExample  # noqa: PLC0415  # it comes with the one before

    from batchfold.testing.strategies import scenarios  # noqa: PLC0415  # it imports Hypothesis

    search = settings(
        settings() if max_examples is None else settings(max_examples=max_examples),
        deadline=None,
        database=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.nested_given],
    )
    tried = scenarios(source, overruns=overruns, duplicates=duplicates, max_records=max_records)
    with warnings.catch_warnings():
        # Under beartype the checks of containers take a sample, with a random number that changes nothing drawn.
        warnings.filterwarnings("ignore", message="Do not use the `random` module inside strategies")
        try:
            return find(tried, shows, settings=search)
        except NoSuchExample:
            return None


def shortened(scenario: Scenario, shows: Callable[[Scenario], bool]) -> Scenario:
    """Return a scenario that shows the same with fewer records and fewer failures, as far as leaving out parts leads."""
    shorter = _shorter(scenario)
    for _ in range(_MOST_PLAYED_TO_SHORTEN):
        tried = next(shorter, None)
        if tried is None:
            break
        if shows(tried):
            scenario, shorter = tried, _shorter(tried)
    return scenario


def _shorter(scenario: Scenario) -> Iterator[Scenario]:
    """Yield the scenario without some records (half of them, a quarter, one), and then without one failure."""
    count = len(scenario.records)
    size = count // 2
    while size:
        for start in range(0, count, size):
            if left := (*scenario.records[:start], *scenario.records[start + size :]):
                yield _with_only(scenario, left)
        size //= 2
    schedule = scenario.schedule
    for name, attempts in schedule.attempts.items():
        fewer = {**schedule.attempts, name: attempts[:-1]}
        left_over = {each: listed for each, listed in fewer.items() if listed}
        yield replace(scenario, schedule=replace(schedule, attempts=left_over))


def _with_only(scenario: Scenario, left: Sequence[str]) -> Scenario:
    """Return the scenario with these records only, numbered anew."""
    names = numbered([key_of(name) for name in left])
    named = dict(zip(left, names, strict=True))
    schedule = FailureSchedule(
        {named[name]: attempts for name, attempts in scenario.schedule.attempts.items() if name in named},
        frozenset(named[name] for name in scenario.schedule.never_succeed if name in named),
    )
    source = scenario.source
    is_duplicating = source.delivering_twice(()) != source
    return Scenario(source.delivering_twice(names) if is_duplicating else source, names, schedule)


@contextmanager
def quiet() -> Generator[None, None, None]:
    """Drop what the logger `batchfold` is told within, also in the tasks and threads in which batchfold runs handlers.

    A search fails thousands of records, and batchfold logs each of them. The context says whose log it is, so another
    thread's records are logged as ever, and two searches may run side by side. Level, handlers and filters of the logger
    stay as they are.
    """
    logger = logging.getLogger("batchfold")

    def is_loud(_record: logging.LogRecord) -> bool:  # one of its own each time, so that none removes another's
        return not _is_quiet.get()

    logger.addFilter(is_loud)
    before = _is_quiet.set(True)
    try:
        yield
    finally:
        _is_quiet.reset(before)
        logger.removeFilter(is_loud)
