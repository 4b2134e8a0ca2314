"""The part of `aws_kinesis_agg.deaggregator` that is used."""

from typing import Any

def deaggregate_records(records: list[dict[str, Any]]) -> list[dict[str, Any]]: ...
