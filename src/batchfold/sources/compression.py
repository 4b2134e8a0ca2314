"""Compressed payloads: decompressing what a stranger sent, within a limit.

A megabyte of zeros compresses to a thousand bytes: without a limit, the sender chooses how much memory and time a payload
costs.
"""

from __future__ import annotations

from typing import Final

from batchfold.core.faults import PayloadError

# the `wbits` of zlib: the largest window, 15, and 16 for the header and trailer of gzip
GZIP: Final = 31
ZLIB: Final = 15

MOST_BYTES: Final = 32 * 2**20
"""The largest payload that is decompressed, where the user does not say."""


def decompressed(compressed: bytes, wbits: int, max_bytes: int) -> bytes:
    """Return the bytes that were compressed, in one stream with nothing behind it.

    Raises `PayloadError` for anything else, and for more than `max_bytes` bytes, which are never held.

    >>> from zlib import compress
    >>> decompressed(compress(b"payload"), ZLIB, max_bytes=7)
    b'payload'
    """
    import zlib  # noqa: PLC0415  # paid for by those who read something compressed

    name = "gzip" if wbits == GZIP else "zlib"
    stream = zlib.decompressobj(wbits)
    try:
        found = stream.decompress(compressed, max_bytes + 1)
    except zlib.error:
        found = None
    if found is None:  # not inside `except`: the error would be the context of this one
        raise PayloadError(f"expected data that {name} has compressed, found other or damaged data")
    if len(found) > max_bytes:
        raise PayloadError(f"the payload is larger than max_bytes, {max_bytes}, when it is decompressed by {name}")
    if not stream.eof:
        raise PayloadError(f"expected all of the data that {name} has compressed, found only the beginning")
    if stream.unused_data:
        raise PayloadError(
            f"expected nothing behind the data that {name} has compressed, found {len(stream.unused_data)} bytes"
        )
    return found
