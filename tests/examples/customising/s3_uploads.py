"""Uploads to a bucket, which tells a topic, which tells a queue. The test event has no records, and so nothing to do."""

from returns.result import Failure, Result, Success

from batchfold import S3Notification, Sns, SqsRecord, as_lambda_handler, sqs

indexed: dict[str, int] = {}


def index(record: SqsRecord[Sns[S3Notification]]) -> Result[None, str]:
    for event in record.body.message.records:
        if not event.event_name.startswith("ObjectCreated:") or event.object.size is None:
            return Failure(f"nothing to index in {event.event_name}")
        indexed[f"{event.bucket.name}/{event.object.key}"] = event.object.size
    return Success(None)


lambda_handler = as_lambda_handler(index, sqs(Sns[S3Notification]))
