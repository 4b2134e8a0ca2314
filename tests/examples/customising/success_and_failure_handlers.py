"""Do something at each success and each failure: `observe`, instead of a processor's success_handler and failure_handler."""

from collections import Counter

from returns.result import safe

from batchfold import Failed, Outcome, SqsRecord, Succeeded, as_lambda_handler, sqs

seen: Counter[str] = Counter()


def count(outcome: Outcome[int, Exception, SqsRecord]) -> None:
    match outcome:
        case Succeeded(value=quantity):
            seen["reserved"] += quantity
        case Failed(record=record, fault=fault):
            seen[f"{type(fault.error).__name__} in {record.queue_name}"] += 1
        case _:
            pass


def reserve(record: SqsRecord) -> int:
    return int(record.body)


lambda_handler = as_lambda_handler(safe(reserve), sqs(), observe=count)
