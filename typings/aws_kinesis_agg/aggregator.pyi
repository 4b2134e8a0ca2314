"""The part of `aws_kinesis_agg.aggregator` that is used."""

class AggRecord:
    """An aggregate."""

    def get_contents(self) -> tuple[str, str | None, bytes]: ...

class RecordAggregator:
    """Makes aggregates."""

    def add_user_record(
        self, partition_key: str, data: bytes | str, explicit_hash_key: str | None = None
    ) -> AggRecord | None: ...
    def clear_and_get(self) -> AggRecord: ...
