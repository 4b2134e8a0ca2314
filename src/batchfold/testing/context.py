"""A Lambda context for tests, and the clock that the test moves. Nobody sleeps, and no real clock is read."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TypeAlias

from batchfold.testing.event_parts import arn, deterministic_id, iso
from batchfold.testing.refuse import refuse_other_seconds

Seconds: TypeAlias = int | float
"""A length of time, or a moment on the model's clock."""


def timestamp(seconds: Seconds) -> str:
    """Return a moment, in seconds since the epoch, as AWS writes it."""
    return iso(datetime.fromtimestamp(seconds, UTC))


class Clock:
    """Seconds that pass only when a test says so.

    >>> clock = Clock()
    >>> clock.advance(1.5)
    >>> clock.now
    1.5
    """

    __slots__ = ("_now",)

    def __init__(self, now: Seconds = 0.0) -> None:
        self._now = now

    @property
    def now(self) -> Seconds:
        """Seconds since the clock's beginning."""
        return self._now

    def advance(self, seconds: Seconds) -> None:
        """Let time pass.

        Raises:
            ValueError: `seconds` is negative.
        """
        refuse_other_seconds("A clock only goes forward: seconds", seconds, 0)
        self._now += seconds


@dataclass(frozen=True, kw_only=True)
class LambdaContext:
    """The context object of one invocation, with the fields of Lambda's own.

    https://docs.aws.amazon.com/lambda/latest/dg/python-context.html. The deadline is `timeout_seconds` after what the
    `clock` said when the context was made; `context.clock.advance(2)` lets two seconds pass.

    >>> context = LambdaContext(timeout_seconds=3)
    >>> context.clock.advance(2)
    >>> context.get_remaining_time_in_millis()
    1000
    """

    timeout_seconds: Seconds = 30.0
    clock: Clock = field(default_factory=Clock)
    function_name: str = "orders-function"
    function_version: str = "$LATEST"
    memory_limit_in_mb: str = "128"
    """Text, as the Python runtime hands it over."""
    aws_request_id: str = deterministic_id("invocation", 0)
    log_stream_name: str = "2023/11/14/[$LATEST]0123456789abcdef0123456789abcdef"
    identity: None = None
    client_context: None = None
    tenant_id: None = None
    _deadline: Seconds = field(init=False, repr=False)

    def __post_init__(self) -> None:
        refuse_other_seconds("timeout_seconds", self.timeout_seconds, 0)
        object.__setattr__(self, "_deadline", self.clock.now + self.timeout_seconds)

    @property
    def invoked_function_arn(self) -> str:
        """The ARN that the invocation named."""
        return arn("lambda", f"function:{self.function_name}")

    @property
    def log_group_name(self) -> str:
        """The function's log group."""
        return f"/aws/lambda/{self.function_name}"

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until Lambda ends the invocation, never below 0."""
        return max(0, round((self._deadline - self.clock.now) * 1_000))

    def log(self, message: object) -> None:
        """Write to the log, as the context of the real runtime does; here it is dropped."""
