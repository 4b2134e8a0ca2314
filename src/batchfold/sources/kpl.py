"""KPL aggregates: telling them, taking their user records out, and the raw records of these.

The Kinesis Producer Library packs several user records into one record of the stream. Its data are a magic number, a
protobuf message, and the MD5 digest of the message:
https://github.com/awslabs/amazon-kinesis-producer/blob/master/aggregation-format.md. The message:

| field | type            | holds                                                                           |
|-------|-----------------|---------------------------------------------------------------------------------|
| 1     | repeated string | the table of partition keys                                                     |
| 2     | repeated string | the table of explicit hash keys                                                 |
| 3     | repeated record | 1: index into table 1, 2: index into table 2 (optional), 3: the data, 4: tags   |

Whoever sends records chooses what is parsed here: it takes time and memory in proportion to the data, and recurses nowhere.
"""

from __future__ import annotations

from binascii import a2b_base64, b2a_base64
from collections.abc import Mapping, Sequence
from struct import Struct
from typing import Any, TypeAlias

from batchfold.core.faults import PayloadError
from batchfold.core.records import ItemId, RawRecord

MAGIC = b"\xf3\x89\x9a\xc2"
"""The first bytes of each aggregate. No text in UTF-8, and so no JSON, begins with them."""

_MAGIC_IN_BASE64 = "84maw"
"""The base64 of the first 30 bits of the magic number. The next character holds bits of the message, too."""

_DIGEST_BYTES = 16
_BITS = 64


_Columns: TypeAlias = tuple[Sequence[str], Mapping[int, str], Sequence[bytes]]
"""The user records of an aggregate: their partition keys, the explicit hash keys of those that have one, their data."""


def columns_of(data: bytes) -> _Columns:
    """Return the user records of data with the magic number.

    Raises `PayloadError` if they are no whole aggregate, or one that holds none.
    """
    if not _is_whole(data):
        raise _broken("the MD5 digest at its end is not that of its message, so it was changed or cut off")
    why: str
    try:
        columns = _parsed(data, len(MAGIC), len(data) - _DIGEST_BYTES)
    except IndexError:
        why = "its message ends too early"
    except UnicodeDecodeError:  # it holds the text, so it must not be the context of what is raised
        why = "a partition key or an explicit hash key is cut off or not UTF-8"
    else:
        # an answer without it would say that all is done, also if a later form of aggregates keeps records elsewhere
        if columns[2]:
            return columns
        why = "it has no user record"
    raise _broken(why)


def may_be_aggregate(raw: RawRecord) -> bool:
    """Return whether the data of a raw record of Kinesis may have the magic number: their base64 begins like its."""
    data = raw["kinesis"].get("data")
    return isinstance(data, str) and data.startswith(_MAGIC_IN_BASE64) and not _is_user_record(raw)


def deaggregated(raws: Sequence[RawRecord], item_ids: Sequence[ItemId]) -> tuple[Sequence[RawRecord], Sequence[ItemId]]:
    """Replace each KPL aggregate among raw records of Kinesis by the raw records of its user records, in order.

    A user record has the fields of the record that held it, and its item identifier. In `kinesis` it has `partitionKey`
    and `data` of its own, `subSequenceNumber` (its place in the aggregate, from 0 on) and `explicitHashKey` if it was
    sent with one. All other records stay as they are: a broken aggregate too, for `refuse_broken` to say why.
    """
    if not any(map(may_be_aggregate, raws)):
        return raws, item_ids
    user_raws: list[RawRecord] = []
    user_ids: list[ItemId] = []
    for raw, item_id in zip(raws, item_ids, strict=True):
        inside = _user_raws(raw) if may_be_aggregate(raw) else [raw]
        user_raws += inside
        user_ids += [item_id] * len(inside)
    return user_raws, user_ids


def refuse_aggregate(raw: RawRecord, data: bytes) -> None:
    """Raise `PayloadError` for a whole KPL aggregate, where user records are not taken out.

    By the rule of AWS's own libraries, other data with the magic number are no aggregate.
    """
    if not _is_user_record(raw) and data.startswith(MAGIC) and _is_whole(data):
        raise PayloadError(
            "expected the data of one record, found a KPL aggregate of several: kinesis(..., aggregated=True) reads its "
            "user records"
        )


def refuse_broken(raw: RawRecord, data: bytes) -> None:
    """Raise `PayloadError` for data with the magic number that `deaggregated` could take no user records out of.

    AWS's own libraries hand over the data of such an aggregate as they are, or leave out the user records from the
    broken one on.
    """
    if data.startswith(MAGIC) and not _is_user_record(raw):
        columns_of(data)
        refuse_aggregate(raw, data)  # nothing is wrong with it, but its raw record did not come from `deaggregated`


def _is_user_record(raw: RawRecord) -> bool:
    return "subSequenceNumber" in raw["kinesis"]


def _user_raws(raw: RawRecord) -> list[RawRecord]:
    part: dict[str, Any] = {**raw["kinesis"], "subSequenceNumber": 0}
    part.pop("explicitHashKey", None)
    try:
        data = a2b_base64(part["data"], strict_mode=True)
        if not data.startswith(MAGIC):
            return [raw]
        partition_keys, hash_keys, contents = columns_of(data)
    except ValueError:
        return [raw]
    shared, raws = dict(raw), list[RawRecord]()
    for at, content in enumerate(contents):
        part["partitionKey"] = partition_keys[at]
        part["data"] = b2a_base64(content, newline=False).decode()
        part["subSequenceNumber"] = at
        shared["kinesis"] = part.copy()
        raws.append(shared.copy())  # to copy what is there takes half the time of `{**shared, ...}`
    for at, explicit_hash_key in hash_keys.items():
        raws[at]["kinesis"]["explicitHashKey"] = explicit_hash_key
    return raws


# ------------------------------------------------------------ the format
def _is_whole(data: bytes) -> bool:
    """Return whether the digest at the end is that of the message."""
    from hashlib import md5  # noqa: PLC0415  # a cold start need not pay for it where nothing is aggregated

    message = memoryview(data)[len(MAGIC) : -_DIGEST_BYTES]
    return len(data) > len(MAGIC) + _DIGEST_BYTES and data.endswith(md5(message, usedforsecurity=False).digest())


# tags: the number of the field, and in the last three bits the kind of its value
_PARTITION_KEY, _HASH_KEY, _RECORD = 0x0A, 0x12, 0x1A
_KEY_INDEX, _HASH_KEY_INDEX, _DATA = 0x08, 0x10, 0x1A
_VARINT, _EIGHT_BYTES, _LENGTH, _GROUP, _END_OF_GROUP, _FOUR_BYTES = range(6)
_KNOWN = frozenset((_PARTITION_KEY, _HASH_KEY, _RECORD, _KEY_INDEX, _HASH_KEY_INDEX, _DATA))
_CONTINUES = 0x80
"""The bit that each byte of a varint has but the last one."""


_three_fields = Struct("<HHH").unpack_from
"""Reads three tags, each with a number behind it in the higher byte. A message is followed by a digest, which is longer."""


def _parsed(message: bytes, at: int, end: int) -> _Columns:  # noqa: C901, PLR0912, PLR0915  # a call for each part costs as much as it
    """Return the user records in the message that stands here. Raises `IndexError` where it ends too early.

    All known fields, of the message and of its records, are a tag and a number, an index or the length of the bytes that
    follow. A length that leads too far is noticed at the end, for then a part does not end where it should. Of a field
    that is repeated, the last one counts.
    """
    partition_keys: list[str] = []
    explicit_hash_keys: list[str] = []
    keys: list[int] = []
    hash_keys: dict[int, int] = {}
    data: list[bytes] = []
    while at < end:
        # a small user record whose key is one of the first 128: most of them, which saves a tenth of all the time
        head, index, inside = _three_fields(message, at)
        if head < 0x8000 and head == inside + 0x400 and inside & 0xFF == _DATA and index & 0x80FF == _KEY_INDEX:  # noqa: PLR2004  # as the comment says
            begin = at + 6
            at = begin + (inside >> 8)
            keys.append(index >> 8)
            data.append(message[begin:at])
            continue
        tag, number, begin = message[at], message[at + 1], at + 2
        if number >= _CONTINUES:
            number, begin = _long_number(message, at, tag)
        if tag == _RECORD:
            at, stop = begin, begin + number
            key = content = None
            while at < stop:
                tag, number, begin = message[at], message[at + 1], at + 2
                if number >= _CONTINUES:
                    number, begin = _long_number(message, at, tag)
                if tag == _KEY_INDEX:
                    key, at = number, begin
                elif tag == _DATA:
                    at = begin + number
                    content = message[begin:at]
                elif tag == _HASH_KEY_INDEX:
                    hash_keys[len(data)], at = number, begin
                else:
                    at = _behind(message, at)
            if at != stop:
                raise IndexError
            if key is None or content is None:
                raise _broken("a user record has no partition key, or no data")
            keys.append(key)
            data.append(content)
        elif tag == _PARTITION_KEY:
            at = begin + number
            partition_keys.append(message[begin:at].decode())
        elif tag == _HASH_KEY:
            at = begin + number
            explicit_hash_keys.append(message[begin:at].decode())
        else:
            at = _behind(message, at)
    if at != end:
        raise IndexError
    try:
        return (
            [partition_keys[key] for key in keys],
            {at: explicit_hash_keys[key] for at, key in hash_keys.items()},
            data,
        )
    except IndexError:
        pass
    raise _broken("a user record has the index of a key that is not in the table")


def _long_number(message: bytes, at: int, tag: int) -> tuple[int, int]:
    """Return the number behind a tag of one byte, and the position behind it. Behind any other tag there may be none."""
    if tag not in _KNOWN:
        return 0, at
    first, second = message[at + 1], message[at + 2]
    if second < _CONTINUES:  # two bytes are most of them
        return first & 0x7F | second << 7, at + 3
    return _varint(message, at + 1)


def _varint(message: bytes, at: int) -> tuple[int, int]:
    """Return the number that stands here, and the position behind it."""
    value = 0
    for shift in range(0, _BITS, 7):
        byte = message[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < _CONTINUES and value < 1 << _BITS:
            return value, at
    raise _broken("it has a number of more than 64 bits")


def _behind(message: bytes, at: int) -> int:
    """Return the position behind the unknown field that stands here. A group holds fields, up to a tag that ends it."""
    groups: list[int] = []
    while True:
        begin = at
        tag, at = _varint(message, at)
        if tag in _KNOWN and at > begin + 1:  # to skip it would lose user records
            raise _broken("it has a tag of more bytes than it takes")
        field, kind = tag >> 3, tag & 7
        if kind == _VARINT:
            _, at = _varint(message, at)
        elif kind == _LENGTH:
            length, at = _varint(message, at)
            at += length
        elif kind in (_EIGHT_BYTES, _FOUR_BYTES):
            at += 8 if kind == _EIGHT_BYTES else 4
        elif kind == _GROUP:
            groups.append(field)
        elif kind != _END_OF_GROUP or not groups or groups.pop() != field:
            raise _broken("it has a field of no known kind")
        if not field:
            raise _broken("it has a field without a number")
        if not groups:
            return at


def _broken(why: str) -> PayloadError:
    return PayloadError(f"expected the data, which begin as a KPL aggregate does, to be a whole one: {why}")
