"""The types of Powertools' batch utility. Where its own vocabulary is untyped, so is this."""

from typing import Any, TypeAlias

from batchfold.core.records import ItemFailure, KafkaItemId, PartialResponse
from batchfold.powertools.records import DynamoDBRecord, KafkaEventRecord, KinesisStreamRecord, SQSRecord

EventSourceDataClassTypes: TypeAlias = SQSRecord | KinesisStreamRecord | DynamoDBRecord | KafkaEventRecord
"""What handlers are called with where the processor has no `model=`."""

BatchTypeModels: TypeAlias = type[Any] | None
"""A pydantic model, or none. Naming pydantic's class here would import it."""

BatchSqsTypeModel: TypeAlias = BatchTypeModels
"""As `BatchTypeModels`."""

BatchEventTypes: TypeAlias = Any
"""A raw record (in a `SuccessResponse`), a record, or an instance of the model (in a `FailureResponse`)."""

SuccessResponse: TypeAlias = tuple[str, Any, BatchEventTypes]
"""`("success", what the handler returned, raw record)`."""

FailureResponse: TypeAlias = tuple[str, str, BatchEventTypes]
"""`("fail", "<class>:<message>", record)`."""

KafkaItemIdentifier: TypeAlias = KafkaItemId
"""batchfold's `KafkaItemId`."""

PartialItemFailures: TypeAlias = ItemFailure
"""batchfold's `ItemFailure`."""

PartialItemFailureResponse: TypeAlias = PartialResponse
"""batchfold's `PartialResponse`."""
