"""What failed comes back later each time: a function of the batch, between `fold_batch` and `respond`."""

from collections.abc import Callable

from returns.result import safe

from batchfold import ChangesVisibility, PartialResponse, SqsRecord, fold_batch, respond, sqs, sqs_backoff


def reserve(record: SqsRecord) -> int:
    return int(record.body)


def make(client: ChangesVisibility) -> Callable[[dict[str, object], object], PartialResponse]:
    back_off = sqs_backoff("https://orders", base_seconds=30, client=client)

    def lambda_handler(event: dict[str, object], _context: object) -> PartialResponse:
        return respond(back_off(fold_batch(event, safe(reserve), sqs())))

    return lambda_handler
