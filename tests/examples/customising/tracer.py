"""Powertools' Tracer makes a subsegment of each record: it reacts to exceptions, so it goes under `safe`."""

from aws_lambda_powertools import Tracer
from returns.result import safe

from batchfold import SqsRecord, as_lambda_handler, sqs

tracer = Tracer(service="orders")


@safe
@tracer.capture_method(capture_response=False)
def reserve(record: SqsRecord) -> int:
    tracer.put_annotation("message_id", record.message_id)
    return int(record.body)


lambda_handler = as_lambda_handler(reserve, sqs())
