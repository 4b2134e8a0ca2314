"""`respond`: from a batch to what Lambda is told, or to the exception that makes it deliver everything again."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias, get_args

from batchfold.core.batch import Batch
from batchfold.core.response import PartialResponse

RaiseOn: TypeAlias = Literal["entire_batch", "any_failure", "never"]
"""When an invocation fails instead of answering:

- `"entire_batch"`: no record was done. Lambda delivers everything again either way, but counts an error, and
  `BisectBatchOnFunctionError` isolates a record that never succeeds.
- `"any_failure"`: any record is not done. For event source mappings without `ReportBatchItemFailures`, which ignore the
  response and would delete what it names.
- `"never"`.
"""

_RAISE_ON: tuple[str, ...] = get_args(RaiseOn)


def refuse_unknown_raise_on(raise_on: str) -> None:
    """Raise `ValueError` unless it is one of the three; asked before any record is handled."""
    if raise_on not in _RAISE_ON:
        raise ValueError(f"raise_on is one of {', '.join(map(repr, _RAISE_ON))}, got {raise_on!r}")


def respond(batch: Batch[Any, Any, Any], raise_on: RaiseOn = "entire_batch") -> PartialResponse:
    """Log what failed, raise if told to, and return the partial response.

    Raises `BatchProcessingError` as `raise_on` says; see there.
    """
    refuse_unknown_raise_on(raise_on)
    if batch.is_all_success:
        return batch.response
    from batchfold.shell.log import log_batch  # noqa: PLC0415  # logging costs a cold start 7 ms where nothing fails

    log_batch(batch)
    response = batch.response
    comes_back = batch.count_not_done
    if comes_back and (raise_on == "any_failure" or (raise_on == "entire_batch" and comes_back == len(batch))):
        from batchfold.shell.batch_error import batch_error  # noqa: PLC0415  # as above

        raise batch_error(batch)
    return response
