"""boto3's SQS client, as far as it is needed here, so that any object with these methods serves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, cast, runtime_checkable


@runtime_checkable
class SendsMessages(Protocol):
    """What `sqs_sender` asks of a client."""

    def send_message(  # noqa: D102  # boto3's own
        self,
        *,
        QueueUrl: str,  # noqa: N803  # as AWS spells it
        MessageBody: str,  # noqa: N803  # as above
        MessageAttributes: Mapping[str, Any] = ...,  # noqa: N803  # as above
        MessageGroupId: str = ...,  # noqa: N803  # as above
        MessageDeduplicationId: str = ...,  # noqa: N803  # as above
    ) -> Mapping[str, Any]: ...


@runtime_checkable
class ChangesVisibility(Protocol):
    """What `sqs_backoff` asks of a client."""

    def change_message_visibility_batch(  # noqa: D102  # boto3's own
        self,
        *,
        QueueUrl: str,  # noqa: N803  # as AWS spells it
        Entries: Sequence[Any],  # noqa: N803  # as above
    ) -> Mapping[str, Any]: ...


def sqs_client(needed_by: str) -> Any:
    """A client as boto3 makes it from the function's environment. Raises `ImportError` if boto3 is not installed."""
    try:
        import boto3  # noqa: PLC0415  # costs a cold start more than all of batchfold
    except ImportError as error:
        raise ImportError(
            f"boto3 is not installed, and {needed_by} needs it (or a client=). "
            'Install the extra: pip install "batchfold[sqs]"'
        ) from error
    return cast("Any", boto3).client("sqs")  # typed only where its stubs are installed
