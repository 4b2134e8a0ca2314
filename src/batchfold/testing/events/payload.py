"""From plain payloads to what a source carries: text for SQS, bytes for Kinesis and Kafka."""

import base64
import json


def as_text(payload: object) -> str:
    """Text as it is, anything else as JSON: what an SQS message's body holds.

    Raises:
        TypeError: The payload is neither text nor made of what JSON knows.
        ValueError: It holds a number that is infinite or not a number, which JSON does not know, or holds itself.

    >>> as_text("plain"), as_text({"id": "a"})
    ('plain', '{"id": "a"}')
    """
    if isinstance(payload, str):
        return payload
    try:
        return json.dumps(payload, allow_nan=False)
    except TypeError as error:
        raise TypeError(
            f"A payload is text or what JSON knows (mappings, lists, text, numbers, booleans, None); it holds something "
            f"else: {error}. Encode it first, for example with a model's model_dump_json()."
        ) from error


def as_base64(payload: object) -> str:
    """Bytes as they are, text as UTF-8, anything else as JSON, all in base64: how Kinesis and Kafka payloads arrive.

    >>> as_base64(b"plain"), as_base64("plain")
    ('cGxhaW4=', 'cGxhaW4=')
    """
    content = payload if isinstance(payload, bytes) else as_text(payload).encode()
    return base64.b64encode(content).decode("ascii")
