"""The part of `aws_kinesis_agg.messages_pb2` that is used."""

from typing import Any

AggregatedRecord: Any
