"""AWS's APIs for the commands: clients that give up in time, errors in one line, and calls that are made again.

boto3 comes with an extra. Everything that knows its exceptions lives in this file.
"""

import os
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from typing import Any, TypeVar, cast
from urllib.parse import urlsplit

from batchfold.cli.account import RefusedError
from batchfold.cli.report import escaped
from batchfold.shell.aws_calls import is_unreachable
from batchfold.shell.sqs_client import region_of

T = TypeVar("T")

_CONNECT_SECONDS = 3
_READ_SECONDS = 10
_ATTEMPTS = 3

_LONGEST_MESSAGE = 200
"""A server that is not AWS may answer with a whole page."""

_WAITS = (1.0, 2.0, 4.0, 8.0, 16.0)
"""The seconds before a call that found nobody is made again."""

_THROTTLED = frozenset(
    (
        "KmsThrottled",
        "LimitExceededException",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
    )
)
_MISSING = frozenset(
    ("AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist", "ResourceNotFoundException", "NonExistentQueue")
)
_FORBIDDEN = frozenset(("AccessDenied", "AccessDeniedException", "AuthorizationError", "UnauthorizedOperation"))
_UNKNOWN_CREDENTIALS = frozenset(
    (
        "ExpiredToken",
        "ExpiredTokenException",
        "IncompleteSignature",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "MissingAuthenticationToken",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
    )
)


class Aws:
    """The clients of one command. `wait_seconds` is the time that a long poll may take.

    Raises `RefusedError` if boto3 is not installed, or cannot make a client.
    """

    def __init__(self, needed_by: str, extra: str, *, region: str | None, endpoint_url: str | None) -> None:
        if find_spec("boto3") is None:
            raise RefusedError(f"{needed_by} needs boto3: pip install 'batchfold[{extra}]'")
        self._region = region
        self.endpoint_url = endpoint_url

    def client(self, service: str, *, wait_seconds: int = 0) -> Any:
        """Make the client of a service."""
        boto3, config = import_module("boto3"), import_module("botocore.config")
        settings = config.Config(
            connect_timeout=_CONNECT_SECONDS,
            read_timeout=_READ_SECONDS + wait_seconds,
            retries={"mode": "standard", "total_max_attempts": _ATTEMPTS},
        )
        try:
            with errors_told("", self.endpoint_url):
                return boto3.client(service, region_name=self._region, endpoint_url=self.endpoint_url, config=settings)
        except ValueError as error:  # an endpoint that is no URL
            raise RefusedError(str(error)) from None


def endpoint_of(queue_url: str) -> str | None:
    """Return the endpoint that a queue's URL stands for, where that is none of AWS's own and no other is configured.

    >>> endpoint_of("http://localhost:4566/000000000000/orders")
    'http://localhost:4566'
    >>> endpoint_of("https://sqs.eu-west-1.amazonaws.com/123456789012/orders")
    """
    url = urlsplit(queue_url)
    is_configured = any(name in os.environ for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_SQS"))
    if is_configured or not url.netloc or (url.scheme == "https" and region_of(queue_url) is not None):
        return None
    return f"{url.scheme}://{url.netloc}"


@contextmanager
def errors_told(of: str, endpoint_url: str | None = None) -> Generator[None, None, None]:
    """Raise `RefusedError` with one line for whatever boto3 raises about `of`: the queue, the stream, the table."""
    try:
        yield
    except RefusedError:
        raise
    except Exception as error:
        if (line := told(error, of, endpoint_url)) is None:
            raise
        raise RefusedError(line) from None


def told(error: Exception, of: str, endpoint_url: str | None = None) -> str | None:
    """Say in one line what an error of boto3's means; `None` of any other."""
    names = {f"{kind.__module__}.{kind.__name__}" for kind in type(error).__mro__}
    if "botocore.exceptions.ClientError" in names:
        return _told_answer(cast("Any", error), of)
    if "botocore.parsers.ResponseParserError" in names:
        return f"{endpoint_url or 'the endpoint'} does not answer as AWS does"
    return _told_failure(error, of, endpoint_url) if "botocore.exceptions.BotoCoreError" in names else None


def _told_failure(error: Exception, of: str, endpoint_url: str | None) -> str:
    """Say why no answer came."""
    match type(error).__name__:
        case "NoCredentialsError" | "PartialCredentialsError" | "CredentialRetrievalError" as kind:
            found = "no AWS credentials were found" if kind == "NoCredentialsError" else escaped(str(error))
            any_do = "; an emulator takes any" if endpoint_url else ""
            return f"{found}: set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY{any_do}"
        case "NoRegionError":
            return "no AWS region is set: give --region, or set AWS_DEFAULT_REGION"
        case _ if is_silent(error):
            asked = cast("Mapping[str, str]", getattr(error, "kwargs", {}))
            return f"{endpoint_url or asked.get('endpoint_url', 'AWS')} cannot be reached ({type(error).__name__})"
        case _:
            return f"{_about(of)}{escaped(str(error))}"


def _told_answer(error: Any, of: str) -> str:
    answer = error.response.get("Error", {})
    code, message = str(answer.get("Code", "")), escaped(str(answer.get("Message", "")))[:_LONGEST_MESSAGE]
    if code in _MISSING:
        return f"there is no {of}"
    if code in _FORBIDDEN:
        return f"these credentials may not call {error.operation_name} on {of}: {message or code}"
    if code in _UNKNOWN_CREDENTIALS:
        return f"AWS does not take these credentials ({code}): {message}"
    return f"{_about(of)}{error.operation_name} was refused: {code} {message}".rstrip()


def _about(of: str) -> str:
    return f"{of}: " if of else ""


def code_of(error: Exception) -> str:
    """Return the code of an answer that refuses, empty if the error is none."""
    return str(_part(error, "Error").get("Code", ""))


def _part(error: Exception, name: str) -> Mapping[str, Any]:
    """A part of the answer that a `ClientError` holds."""
    response: Mapping[str, Any] = getattr(error, "response", {})
    part: Mapping[str, Any] = response.get(name, {})
    return part


def is_silent(error: Exception) -> bool:
    """Return whether the service was not reached, or did not answer in time."""
    names = {kind.__name__ for kind in type(error).__mro__}
    return bool(names & {"HTTPClientError", "ConnectionError", "ConnectionClosedError"}) and is_unreachable(error)


def _may_pass(error: Exception) -> bool:
    status = _part(error, "ResponseMetadata").get("HTTPStatusCode", 0)
    return is_silent(error) or code_of(error) in _THROTTLED or status >= 500  # noqa: PLR2004  # HTTP's own


class Persevering:
    """Calls that are made again, some seconds later, where AWS is out of reach, throttles or fails.

    The first call of all is made once: an endpoint that is wrong is told at once. None is made again once the command is
    asked to end.
    """

    def __init__(self, tell: Callable[[str], None], *, is_asked_to_end: Callable[[], bool]) -> None:
        self._tell = tell
        self._is_asked_to_end = is_asked_to_end
        self._has_succeeded = False

    def __call__(self, call: Callable[[], T]) -> T:
        """Make a call; raise what the last attempt raised."""
        for seconds in _WAITS:
            try:
                found = call()
            except Exception as error:
                if not self._has_succeeded or not _may_pass(error) or self._is_asked_to_end():
                    raise
                self._tell(f"{told(error, '') or type(error).__name__}; trying again in {seconds:g} s")
                self._sleep(seconds)
            else:
                self._has_succeeded = True
                return found
        return call()

    def _sleep(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while time.monotonic() < until and not self._is_asked_to_end():
            time.sleep(0.1)
