"""The search for the shortest scenario that shows something, by Hypothesis."""

import warnings
from collections.abc import Callable

from batchfold.testing.model.event_source import EventSource
from batchfold.testing.scenario import Scenario
from batchfold.testing.strategies import scenarios

from hypothesis import HealthCheck, find, settings  # isort: skip  # after strategies, whose error says how to get it
from hypothesis.errors import NoSuchExample  # isort: skip


def shortest(
    shows: Callable[[Scenario], bool],
    *,
    source: EventSource,
    overruns: bool,
    max_records: int,
    max_examples: int | None,
) -> Scenario | None:
    """The shortest scenario found that shows it: fewest records, then fewest failures. `None` if none was found."""
    search = settings(
        settings() if max_examples is None else settings(max_examples=max_examples),
        deadline=None,
        database=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.nested_given],
    )
    with warnings.catch_warnings():
        # Under beartype the checks of containers take a sample, with a random number that changes nothing drawn.
        warnings.filterwarnings("ignore", message="Do not use the `random` module inside strategies")
        try:
            return find(scenarios(source, overruns=overruns, max_records=max_records), shows, settings=search)
        except NoSuchExample:
            return None
