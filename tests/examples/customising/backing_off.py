"""Failed messages come back when their error says, the others later each time."""

from returns.result import safe

from batchfold import ChangesVisibility, Failed, LambdaFunction, SqsRecord, as_lambda_handler, sqs, sqs_backoff


class Throttled(Exception):  # noqa: N818  # as HTTP calls it
    def __init__(self, retry_after: int) -> None:
        super().__init__(retry_after)
        self.retry_after = retry_after


@safe
def reserve(record: SqsRecord) -> int:
    if record.body == "busy":
        raise Throttled(retry_after=300)
    return int(record.body)


def wait(failed: Failed[object, SqsRecord]) -> float | None:
    return failed.fault.error.retry_after if isinstance(failed.fault.error, Throttled) else None


def make(client: ChangesVisibility | None = None) -> LambdaFunction[object]:
    return as_lambda_handler(reserve, sqs(), then=sqs_backoff(seconds=wait, base_seconds=30, client=client))
