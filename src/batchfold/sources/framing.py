"""Framing: the few bytes in which the clients of a schema registry say which schema a payload has.

`confluent` and `glue` make decoders that take the frame off and hand the schema id on. They reach no registry.

| registry  | frame                                                                                    |
|-----------|------------------------------------------------------------------------------------------|
| Confluent | `00`, the schema id in 4 bytes; before a Protobuf message its indexes                     |
| AWS Glue  | `03`, the compression (`00` none, `05` zlib), a UUID; before a Protobuf message its index |

https://docs.confluent.io/platform/current/schema-registry/fundamentals/serdes-develop/index.html#wire-format describes the
first, https://github.com/awslabs/aws-glue-schema-registry writes the second. Where the event source mapping has a schema
registry, Lambda takes the frame off (but leaves the indexes), and the id stands in the record's `value_schema_metadata`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, NoReturn

from typing_extensions import TypeVar

from batchfold.core.faults import PayloadError
from batchfold.core.handlers import must_be_awaited
from batchfold.sources.compression import MOST_BYTES, ZLIB, decompressed

if TYPE_CHECKING:
    from uuid import UUID
else:
    # imported where it is used, which costs a cold start 5 ms; at run time this only describes
    UUID = Any

T = TypeVar("T")

_CONFLUENT: Final = 0
_CONFLUENT_LENGTH = 5
_GLUE: Final = 3
_GLUE_LENGTH = 18
_UNCOMPRESSED, _COMPRESSED = 0, 5

_LONGEST_VARINT = 5
"""In bytes: the indexes have 32 bits."""


def confluent(decode: Callable[[bytes, int], T], /) -> Callable[[bytes], T]:
    """Make a decoder that takes Confluent's frame off: for `kafka(decode=...)`, `decode_key=` and `kinesis(decode=...)`.

    Args:
        decode: makes the payload of the bytes behind the frame and the schema id. It fails as any decoder does: a
            `ValueError` or a returned `Failure` is `Malformed`, anything else, such as a registry that cannot be reached,
            is `Crashed`. Protobuf has message indexes there, which `message_indexes` takes off.

    A payload without the frame is `Malformed`.

    >>> decoder = confluent(lambda payload, schema_id: (schema_id, payload))
    >>> decoder(bytes.fromhex("00 0000002a") + b"payload")
    (42, b'payload')
    """
    _refuse_async("confluent", decode)

    def unframed(delivered: Any, /) -> T:
        if len(delivered) < _CONFLUENT_LENGTH or delivered[0] != _CONFLUENT:
            _refuse(delivered, "Confluent's frame, a byte 00 and 4 bytes of schema id")
        return decode(delivered[_CONFLUENT_LENGTH:], int.from_bytes(delivered[1:_CONFLUENT_LENGTH], "big"))

    return unframed


def glue(decode: Callable[[bytes, UUID], T], /, *, max_bytes: int = MOST_BYTES) -> Callable[[bytes], T]:
    """Make a decoder that takes the frame of AWS Glue's schema registry off, and decompresses what is behind it.

    Args:
        decode: makes the payload of the bytes behind the frame and the id of the schema's version. It fails as any
            decoder does. Protobuf has a message index there, which `glue_message_index` takes off.
        max_bytes: the largest payload that is decompressed. Its sender chooses how much memory it takes.

    A payload without the frame is `Malformed`, and so is one that will not decompress, or is too large.

    >>> decoder = glue(lambda payload, schema_id: (str(schema_id), payload))
    >>> decoder(bytes.fromhex("03 00 b7912285 527d 42de 88ee e389a763225f") + b"payload")
    ('b7912285-527d-42de-88ee-e389a763225f', b'payload')
    """
    from uuid import UUID  # noqa: PLC0415  # see above

    _refuse_async("glue", decode)

    def unframed(delivered: Any, /) -> T:
        if len(delivered) < _GLUE_LENGTH or delivered[0] != _GLUE:
            _refuse(delivered, "Glue's frame, a byte 03, one for the compression and 16 of schema id")
        payload, compression = delivered[_GLUE_LENGTH:], delivered[1]
        if compression == _COMPRESSED:
            payload = decompressed(payload, ZLIB, max_bytes)
        elif compression != _UNCOMPRESSED:
            raise PayloadError(
                "expected the compression in Glue's frame to be 00 (none) or 05 (zlib), found another byte"
            )
        return decode(payload, UUID(bytes=delivered[2:_GLUE_LENGTH]))

    return unframed


def message_indexes(payload: bytes, /) -> tuple[tuple[int, ...], bytes]:
    r"""Take the message indexes off a Protobuf payload of Confluent's, and return them and the message.

    A schema may define several messages, and messages in messages: the indexes lead from the file to the one that this
    is. `(0,)` is the first message of the file, `(1, 0)` the first one inside the second. They are as many zigzag
    varints as the first of them says; a single zero stands for `(0,)`.

    Raises `ValueError` where they break off, or are negative.

    >>> message_indexes(b"\x00message"), message_indexes(b"\x04\x02\x00message")
    (((0,), b'message'), ((1, 0), b'message'))
    """
    count, at = _zigzag_varint(payload, 0)
    if count == 0:
        return (0,), payload[at:]
    indexes: list[int] = []
    for _ in range(count):
        index, at = _zigzag_varint(payload, at)
        indexes.append(index)
    return tuple(indexes), payload[at:]


def glue_message_index(payload: bytes, /) -> tuple[int, bytes]:
    r"""Take the message index off a Protobuf payload of Glue's, and return it and the message.

    It is one varint: the place of the message among the full names of all messages in the file, in alphabetical order.

    Raises `ValueError` where it breaks off.

    >>> glue_message_index(b"\x01message")
    (1, b'message')
    """
    index, at = _varint(payload, 0)
    return index, payload[at:]


def _zigzag_varint(payload: bytes, at: int) -> tuple[int, int]:
    encoded, behind = _varint(payload, at)
    if encoded & 1:
        raise PayloadError(
            "expected the message indexes of Protobuf in front of the payload, found a negative one: these bytes have no "
            "indexes, or have them as numbers without a sign (the producer's `use.deprecated.format`)"
        )
    return encoded >> 1, behind


def _varint(payload: bytes, at: int) -> tuple[int, int]:
    """Return the varint at this position, and the position behind it."""
    value = 0
    for place, byte in enumerate(payload[at : at + _LONGEST_VARINT]):
        value |= (byte & 0x7F) << (7 * place)
        if byte <= 0x7F:  # noqa: PLR2004  # the highest bit says that more bytes follow
            return value, at + place + 1
    raise PayloadError("expected the message index of Protobuf in front of the payload, found bytes that are no varint")


def _refuse(delivered: object, frame: str) -> NoReturn:
    if not isinstance(delivered, bytes):
        raise TypeError(
            f"expected the payload as bytes, as kafka() and kinesis() deliver it, found {type(delivered).__name__}: "
            "where a queue carries it as base64, decode that first"
        )
    other = {bytes((_CONFLUENT,)): "Confluent's", bytes((_GLUE,)): "Glue's"}.get(delivered[:1])
    found = f"{len(delivered)} bytes" + (f" that begin as {other} does" if other else "")
    raise PayloadError(
        f"expected the payload to begin with {frame}, found {found}. Where the event source mapping has a schema registry, "
        "Lambda takes the frame off: use of_record and value_schema_metadata there"
    )


def _refuse_async(name: str, decode: Callable[..., object]) -> None:
    if must_be_awaited(decode):
        raise TypeError(f"{name} got an async function, expected one that returns the payload at once")
