"""Tell Sentry of every failure. batchfold's own log lines are left out, or each would be told twice."""

import sentry_sdk
from returns.result import safe
from sentry_sdk.integrations.logging import ignore_logger

from batchfold import Failed, Outcome, RejectedError, SqsRecord, as_lambda_handler, sqs

ignore_logger("batchfold")


def tell_sentry(outcome: Outcome[object, object]) -> None:
    if isinstance(outcome, Failed):
        error = outcome.fault.error
        with sentry_sdk.new_scope() as scope:
            scope.set_tag("item_id", str(outcome.item_id))
            scope.capture_exception(error if isinstance(error, Exception) else RejectedError(error))


def reserve(record: SqsRecord) -> int:
    return int(record.body)


lambda_handler = as_lambda_handler(safe(reserve), sqs(), observe=tell_sentry)
