"""Bodies that are compressed files: gzip and zip, in both directions and at a glance.

What `Content-Encoding` compresses is not meant: urllib3 decompresses that.
"""

from __future__ import annotations

import gzip
import io
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass

from framework.errors import FrameworkError

CHUNK = 1 << 20
"""Bytes that are decompressed at once."""


class Undecodable(FrameworkError):
    """A body that is not in the declared format; the message continues a sentence on "the body"."""


@dataclass(frozen=True)
class Compression:
    """One value of `compression`.

    `decompress` returns the files in a body, bounded by their total size in bytes, `compress` the
    same bytes for the same body. `begin` returns at most that many bytes of the first file, None
    for a body of another kind.
    """

    decompress: Callable[[bytes, int], list[bytes]]
    compress: Callable[[bytes], bytes]
    begin: Callable[[bytes, int], bytes | None]


def decompress(compression: str, body: bytes, max_size: int) -> list[bytes]:
    """Return the files in a body: one, or those of a zip in its order.

    Raises Undecodable if the body is not compressed in this way, or if the files have more than
    `max_size` bytes together.
    """
    if compression == "none" or not body:
        return [body]
    return COMPRESSIONS[compression].decompress(body, max_size)


def compress(compression: str, body: bytes) -> bytes:
    """Return the compressed body, the same bytes for the same body."""
    return body if compression == "none" else COMPRESSIONS[compression].compress(body)


_GZIP = b"\x1f\x8b"


def _read_gzip(body: bytes, max_size: int) -> list[bytes]:
    """Return all members of a gzip file as one."""
    if not body.startswith(_GZIP):
        raise Undecodable(
            "is not compressed with gzip; remove `compression` if the API compresses only the "
            "transfer, which is decompressed anyway"
        )
    data = bytearray()
    try:
        while body.startswith(_GZIP):
            stream = zlib.decompressobj(wbits=31)
            while not stream.eof:
                piece = stream.decompress(body, CHUNK)
                data += piece
                if len(data) > max_size:
                    raise _too_large(max_size)
                body = stream.unconsumed_tail
                if not piece and not body and not stream.eof:
                    raise Undecodable("is cut off: the gzip file in it has no end")
            body = stream.unused_data
    except zlib.error:
        raise Undecodable("is damaged: the gzip file in it cannot be decompressed") from None
    return [bytes(data)]


def _begin_gzip(body: bytes, size: int) -> bytes | None:
    if not body.startswith(_GZIP):
        return None
    try:
        return zlib.decompressobj(wbits=31).decompress(body, size)
    except zlib.error:
        return b""


def _read_zip(body: bytes, max_size: int) -> list[bytes]:
    files = []
    left = max_size
    try:
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            for member in archive.infolist():
                if member.is_dir():
                    continue
                with archive.open(member) as file:
                    data = file.read(left + 1)
                left -= len(data)
                if left < 0:
                    raise _too_large(max_size)
                files.append(data)
    except zipfile.BadZipFile:
        raise Undecodable("is not a valid zip file") from None
    except (RuntimeError, NotImplementedError, zlib.error, EOFError):
        raise Undecodable("is a zip file that cannot be decompressed (a password?)") from None
    return files


def _write_zip(body: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo("data"), body)
    return out.getvalue()


def _begin_zip(body: bytes, size: int) -> bytes | None:
    if not body.startswith(b"PK\x03\x04"):
        return None
    try:
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            for member in archive.infolist():
                if not member.is_dir():
                    with archive.open(member) as file:
                        return file.read(size)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, OSError, zlib.error, EOFError):
        pass
    return b""


def _too_large(max_size: int) -> Undecodable:
    return Undecodable(
        f"is larger than client.max_response_size ({max_size:,} bytes) after decompression; "
        "request less or raise the limit"
    )


COMPRESSIONS = {
    "gzip": Compression(_read_gzip, lambda body: gzip.compress(body, mtime=0), _begin_gzip),
    "zip": Compression(_read_zip, _write_zip, _begin_zip),
}
"""The values of `compression` in `response_format`, but for `none`."""
