"""Lines of a log group in a Kinesis stream, each one JSON. Control messages have none."""

from pydantic import BaseModel
from returns.result import Result, Success

from batchfold import CloudWatchLogs, KinesisRecord, Malformed, as_lambda_handler, caused_by, discard, kinesis


class Line(BaseModel):
    level: str


counts: dict[tuple[str, str], int] = {}


def count(record: KinesisRecord[CloudWatchLogs[Line]]) -> Result[None, str]:
    logs = record.data
    for event in logs.log_events:
        key = logs.log_group, event.message.level
        counts[key] = counts.get(key, 0) + 1
    return Success(None)


lambda_handler = as_lambda_handler(count, kinesis(CloudWatchLogs[Line]), settle=discard(when=caused_by(Malformed)))
