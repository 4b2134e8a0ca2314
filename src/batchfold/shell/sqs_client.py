"""SQS clients: the interface that `sqs_sender` and `sqs_backoff` need, and the clients that they make for themselves.

Everything that decides how long a call of our own may take lives in this file. A function that has handled its records
and is then cut off, because it waited for SQS, repeats all of them.
"""

# ruff: noqa: D102, N803  # the methods of the protocols are boto3's

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib.util import find_spec
from threading import Lock
from typing import Any, Protocol, TypeVar, cast, runtime_checkable

from batchfold.shell.aws_calls import CALLS_AT_ONCE

T = TypeVar("T")


@runtime_checkable
class SendsMessages(Protocol):
    """The part of boto3's SQS client that `sqs_sender` calls."""

    def send_message(
        self,
        *,
        QueueUrl: str,
        MessageBody: str,
        MessageAttributes: Mapping[str, Any] = ...,
        MessageGroupId: str = ...,
        MessageDeduplicationId: str = ...,
    ) -> Mapping[str, Any]: ...


@runtime_checkable
class ChangesVisibility(Protocol):
    """The part of boto3's SQS client that `sqs_backoff` calls, from several threads at once."""

    def change_message_visibility_batch(self, *, QueueUrl: str, Entries: Sequence[Any]) -> Mapping[str, Any]: ...


_REGION = re.compile(r"(?:^|\.)(?:sqs|sqs-fips)\.([a-z]+(?:-[a-z]+)+-\d+)\.|^([a-z]+(?:-[a-z]+)+-\d+)\.queue\.")
_HOST = re.compile(r"^[a-z]+://([^/:]+)", re.IGNORECASE)


def clients_of(given: T | None, needed_by: str) -> Callable[[str], T]:
    """Return a function from a queue's URL to the client for it: the one that was given, else one of our own.

    Our own are made with boto3, one for each region: that of the URL, else that of the environment. A call takes at most 1 s
    to connect and 2 s to read, and is tried twice (boto3's defaults are 60 s, 60 s and five times). Making a client takes
    longer than importing batchfold, so boto3 is imported when the first client is needed.

    Raises `ImportError` if none was given and boto3 is not installed.
    """
    if given is not None:
        return lambda _queue_url: given
    # a module that was put into sys.modules, such as a test's fake, may have no spec
    found: object = sys.modules["boto3"] if "boto3" in sys.modules else find_spec("boto3")
    if found is None:
        raise ImportError(
            f"boto3 is not installed, and {needed_by} needs it (or a client=). "
            'Install the extra: pip install "batchfold[sqs]"'
        )
    by_region: dict[str | None, Any] = {}
    lock = Lock()  # boto3's default session makes one client at a time

    def client_of(queue_url: str) -> Any:
        region = region_of(queue_url)
        with lock:
            if region not in by_region:
                by_region[region] = _made(region)
            return by_region[region]

    return client_of


def _made(region: str | None) -> Any:
    import boto3  # noqa: PLC0415  # costs a cold start more than all of batchfold
    from botocore.config import Config  # noqa: PLC0415  # comes with boto3

    settings = Config(
        connect_timeout=1,
        read_timeout=2,
        retries={"mode": "standard", "total_max_attempts": 2},
        max_pool_connections=CALLS_AT_ONCE,
    )
    return cast("Any", boto3).client("sqs", region_name=region, config=settings)  # typed only where its stubs are


def region_of(queue_url: str) -> str | None:
    """Return the region that a queue's URL names, `None` if it names none.

    >>> region_of("https://sqs.cn-north-1.amazonaws.com.cn/123456789012/orders")
    'cn-north-1'
    >>> region_of("https://vpce-0a1b.sqs.us-gov-west-1.vpce.amazonaws.com/123456789012/orders")
    'us-gov-west-1'
    >>> region_of("http://localhost:4566/000000000000/orders")
    """
    host = _HOST.match(queue_url)
    found = None if host is None else _REGION.search(host[1].lower())
    return None if found is None else found[1] or found[2]
