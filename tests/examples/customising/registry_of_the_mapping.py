"""An event source mapping with a schema registry: Lambda took the frame off, and the record says what its value is."""

from google.protobuf.message import DecodeError
from google.protobuf.struct_pb2 import Struct
from returns.result import Result, Success, safe

from batchfold import KafkaRecord, as_lambda_handler, kafka, message_indexes, of_record

MESSAGES = {"7": Struct}
reserved: list[float] = []


@safe(exceptions=(DecodeError, ValueError))  # these are Malformed
def decode(record: KafkaRecord) -> Struct:
    schema = record.value_schema_metadata
    if schema is None:
        raise ValueError("a record without a schema")
    _indexes, message = message_indexes(record.value or b"")
    return MESSAGES[schema["schemaId"]].FromString(message)  # a KeyError is Crashed: the record comes back


def reserve(record: KafkaRecord[Struct]) -> Result[None, Exception]:
    reserved.append(0 if record.value is None else record.value.fields["quantity"].number_value)
    return Success(None)


lambda_handler = as_lambda_handler(reserve, kafka(decode=of_record(decode)))
