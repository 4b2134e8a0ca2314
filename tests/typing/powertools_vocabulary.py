"""Programs in Powertools' vocabulary: right ones infer their types, a misspelt name is refused."""

import sys
from typing import Any, assert_type

import batchfold.powertools as b
from batchfold import PartialResponse
from batchfold.powertools import (
    AsyncBatchProcessor,
    BasePartialProcessor,
    BatchProcessor,
    DynamoDBRecord,
    DynamoDBRecordEventName,
    EventType,
    ExceptionInfo,
    FailureResponse,
    PartialItemFailureResponse,
    SqsFifoPartialProcessor,
    SQSRecord,
    SqsRecordModel,
    SuccessResponse,
    async_process_partial_response,
    batch_processor,
    process_partial_response,
)
from batchfold.powertools import BatchProcesor  # BAD
from batchfold.powertools import SqsRecord  # BAD

b.BatchProcesor  # BAD
b.EventType.Sqs  # BAD
BatchProcessor("SQS")  # BAD
BatchProcessor()  # BAD
SqsFifoPartialProcessor(skip_groups_on_error=True)  # BAD

processor = BatchProcessor(event_type=EventType.SQS, model=SqsRecordModel, raise_on_entire_batch_failure=False)


def reserve(record: SQSRecord, lambda_context: object = None) -> str:
    return assert_type(record.body, str)


async def reserve_async(record: SQSRecord) -> str | None:
    return record.attributes.message_group_id


def index(record: DynamoDBRecord) -> dict[str, Any]:
    if record.dynamodb is None or record.event_name == DynamoDBRecordEventName.REMOVE:
        return {}
    return record.dynamodb.new_image


def lambda_handler(event: dict[str, Any], context: object) -> PartialItemFailureResponse:
    response = process_partial_response(event=event, record_handler=reserve, processor=processor, context=context)
    return assert_type(response, PartialResponse)


def async_lambda_handler(event: dict[str, Any], context: object) -> PartialResponse:
    return async_process_partial_response(event, reserve_async, AsyncBatchProcessor(EventType.SQS), context)


@batch_processor(record_handler=reserve, processor=processor)
def decorated(event: dict[str, Any], context: object) -> PartialResponse:
    return processor.response()


assert_type(decorated({}, None), PartialResponse)


class Counting(SqsFifoPartialProcessor):
    def failure_handler(self, record: SQSRecord, exception: ExceptionInfo) -> FailureResponse:
        return super().failure_handler(record, exception)

    def success_handler(self, record: dict[str, Any], result: Any) -> SuccessResponse:
        return super().success_handler(record, result)


class Own(BasePartialProcessor):
    def _prepare(self) -> None: ...

    def _clean(self) -> None: ...

    def _process_record(self, record: dict[str, Any]) -> SuccessResponse | FailureResponse:
        try:
            return self.success_handler(record, self.handler(record=record))
        except KeyError:
            return self.failure_handler(record, sys.exc_info())

    async def _async_process_record(self, record: dict[str, Any]) -> SuccessResponse | FailureResponse:
        raise NotImplementedError


class Unfinished(BasePartialProcessor):
    def _prepare(self) -> None: ...


Unfinished()  # BAD

with Counting()([], reserve) as batch:
    assert_type(batch, Counting)
    assert_type(batch.process(), list[Any])
