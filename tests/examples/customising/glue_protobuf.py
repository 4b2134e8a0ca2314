"""Protobuf with AWS Glue's schema registry, with or without compression: the index in front of the message is taken off."""

from uuid import UUID

from google.protobuf.message import DecodeError
from google.protobuf.struct_pb2 import Struct
from returns.result import Result, Success, safe

from batchfold import KinesisRecord, as_lambda_handler, glue, glue_message_index, kinesis

KNOWN = {UUID("b7912285-527d-42de-88ee-e389a763225f")}
reserved: list[float] = []


@safe(exceptions=(DecodeError, ValueError))  # these are Malformed
def decode(payload: bytes, schema_id: UUID) -> Struct:
    if schema_id not in KNOWN:
        raise RuntimeError(f"deploy the schema {schema_id} first")  # Crashed: the record comes back
    _index, message = glue_message_index(payload)
    return Struct.FromString(message)


def reserve(record: KinesisRecord[Struct]) -> Result[None, Exception]:
    reserved.append(record.data.fields["quantity"].number_value)
    return Success(None)


lambda_handler = as_lambda_handler(reserve, kinesis(decode=glue(decode, max_bytes=1_000_000)))
