"""Two records side by side in threads, each with a tag in Sentry's scope: prints whether either saw the other's."""

import threading
from concurrent.futures import ThreadPoolExecutor

import sentry_sdk
from returns.result import Result, Success

from batchfold import SqsRecord, fold_batch, sqs
from batchfold.testing import sqs_event

BOTH_RUN = threading.Barrier(2)


def handle(record: SqsRecord) -> Result[bool, str]:
    scope = sentry_sdk.get_isolation_scope()
    scope.set_extra("body", record.body)
    BOTH_RUN.wait(10)
    # Sentry has no other way to read it back
    return Success(scope._extras["body"] == record.body)  # pyright: ignore[reportPrivateUsage]


sentry_sdk.init(dsn="https://key@sentry.test/1", transport=lambda *_arguments, **_named: None)
with ThreadPoolExecutor(2) as executor:
    batch = fold_batch(sqs_event("a", "b"), handle, sqs(), executor=executor)
print(all(each.value for each in batch.succeeded), len(batch.succeeded))
