"""Measuring in turns: both sides in every round, so that what the machine does to one it does to the other."""

import gc
import os
import statistics
import subprocess
import sys
import tracemalloc
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import perf_counter

Job = Callable[[], object]


@dataclass(frozen=True)
class Measured:
    """Two sides of a comparison, in seconds (or bytes) for one unit of work."""

    ours: float
    peer: float
    lowest: float
    """The lower quartile of the ratios of the rounds."""
    highest: float
    """The upper quartile."""

    @property
    def ratio(self) -> float:
        """Ours to the peer's: the ratio of medians."""
        return self.ours / self.peer


def in_turns(
    ours: Job, peer: Job, *, rounds: int, units: tuple[int, int] = (1, 1), least_seconds: float = 0.01
) -> Measured:
    """Run both in every round, often enough to take `least_seconds` each, with the garbage collector off."""
    jobs = (ours, peer)
    repeats = [_repeats(job, least_seconds) for job in jobs]
    times: tuple[list[float], list[float]] = ([], [])
    for number in range(rounds):
        for side in (0, 1) if number % 2 else (1, 0):
            times[side].append(_time(jobs[side], repeats[side]) / units[side])
    return _measured(*times)


def imports_in_turns(ours: str, peer: str, *, rounds: int) -> Measured:
    """Run both programs in fresh interpreters, and take off what an empty one costs."""
    bare: list[float] = []
    times: tuple[list[float], list[float]] = ([], [])
    for program in (ours, peer):
        _interpreter(program)  # writes the byte code
    for _ in range(rounds):
        bare.append(_interpreter("pass"))
        times[0].append(_interpreter(ours))
        times[1].append(_interpreter(peer))
    floor = statistics.median(bare)
    return _measured([time - floor for time in times[0]], [time - floor for time in times[1]])


def peak_bytes(job: Job) -> int:
    """The most memory that was in use at a time while the job ran, above what was in use before."""
    job()
    gc.collect()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    tracemalloc.reset_peak()
    kept = job()
    peak = tracemalloc.get_traced_memory()[1] - before
    tracemalloc.stop()
    del kept
    return peak


def _measured(ours: Sequence[float], peer: Sequence[float]) -> Measured:
    ratios = [a / b for a, b in zip(ours, peer, strict=True)]
    quartiles = statistics.quantiles(ratios, n=4)
    return Measured(statistics.median(ours), statistics.median(peer), quartiles[0], quartiles[2])


def _repeats(job: Job, least_seconds: float) -> int:
    job()
    return max(1, round(least_seconds / max(_time(job, 1), 1e-7)))


def _time(job: Job, repeats: int) -> float:
    gc.collect()
    gc.disable()
    try:
        start = perf_counter()
        for _ in range(repeats):
            job()
        return (perf_counter() - start) / repeats
    finally:
        gc.enable()


def _interpreter(program: str) -> float:
    # a package on Lambda carries its byte code, and pip has written the peer's: ours must not be compiled each time
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    start = perf_counter()
    subprocess.run([sys.executable, "-c", program], check=True, env=environment)
    return perf_counter() - start
