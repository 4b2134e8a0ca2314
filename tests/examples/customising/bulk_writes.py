"""Write many records at once: a handler of chunks, one `Result` for each record."""

from collections.abc import Sequence

from returns.result import Failure, Result, Success

from batchfold import KinesisRecord, as_lambda_handler, each_record, in_chunks, kinesis

written: list[list[int]] = []


def write_all(records: Sequence[KinesisRecord[int]]) -> list[Result[None, str]]:
    rows = [record.data for record in records]
    written.append(rows)  # stands for BatchWriteItem, which answers with what it has not written
    unprocessed = {row for row in rows if row < 0}
    return [Failure("not written") if row in unprocessed else Success(None) for row in rows]


lambda_handler = as_lambda_handler(in_chunks(write_all, size=25), kinesis(int, lane=each_record))
