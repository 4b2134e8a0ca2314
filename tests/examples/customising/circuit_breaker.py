"""A circuit breaker: while the service is down nothing more is tried, and what was not tried waits until it closes.

A message that is received and put back counts towards `maxReceiveCount`, so the backoff hides those too.
"""

from pybreaker import CircuitBreaker, CircuitBreakerError
from returns.result import safe

from batchfold import Failed, SqsRecord, as_lambda_handler, caused_by, sqs, sqs_backoff

breaker = CircuitBreaker(fail_max=3, reset_timeout=60)  # of this execution environment, over its invocations


def charge(order: str) -> int:
    return int(order)  # a call of the service


@safe
def reserve(record: SqsRecord) -> int:
    return breaker.call(charge, record.body)


def until_it_closes(failed: Failed[object, SqsRecord]) -> float | None:
    return 60 if isinstance(failed.fault.error, CircuitBreakerError) else None


lambda_handler = as_lambda_handler(
    reserve, sqs(), stop_when=caused_by(CircuitBreakerError), then=sqs_backoff(seconds=until_it_closes)
)
