"""Who and where: the account, the region, the time and the ids of built events. All of them are always the same."""

from uuid import NAMESPACE_URL, uuid5

from batchfold.testing.refuse import refuse_other_kinds

ACCOUNT = "123456789012"
REGION = "eu-west-1"

SENT_AT_MS = 1_700_000_000_000
"""When the first record of an event was sent: milliseconds since the epoch. Each further one is a second younger."""


def arn(service: str, resource: str) -> str:
    """The ARN of a resource of the test account, such as `arn:aws:sqs:eu-west-1:123456789012:orders`."""
    return f"arn:aws:{service}:{REGION}:{ACCOUNT}:{resource}"


def deterministic_id(of: str, position: int) -> str:
    """A UUID that depends on nothing but what it identifies.

    >>> deterministic_id("orders", 0) == deterministic_id("orders", 0) != deterministic_id("orders", 1)
    True
    """
    return str(uuid5(NAMESPACE_URL, f"{of}/{position}"))


def refuse_other_sequence_numbers(given: str | None) -> None:
    """Raise for what is no sequence number, nor `None`: AWS writes them as text of digits."""
    if given is None:
        return
    refuse_other_kinds("sequence_number", given, str, "text of digits, such as '21'")
    if not (given.isascii() and given.isdigit()):
        raise ValueError(f"sequence_number is text of digits, such as '21', not {given!r}.")
