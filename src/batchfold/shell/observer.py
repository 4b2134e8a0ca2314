"""What an observer raises: it is logged, and changes nothing."""

from __future__ import annotations


def log_observer_error(error: Exception) -> None:
    """Write that an observer raised."""
    from batchfold.shell.log import log_observer  # noqa: PLC0415  # logging costs a cold start 7 ms

    log_observer(error)
