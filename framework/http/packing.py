"""Packed bodies: gzip and zip in, the files in them out, bounded in size; and the way back."""

from __future__ import annotations

import gzip
import io
import zipfile
import zlib

from framework.errors import FrameworkError

CHUNK = 1 << 20
_GZIP = b"\x1f\x8b"


class Undecodable(FrameworkError):
    """A body that is not of the declared format; the text goes on after "the body"."""


def unpacked(compression: str, body: bytes, most: int) -> list[bytes]:
    """The files in a body: one, or as many as a zip holds, in the zip's order.

    `most` is the most bytes of all together. Undecodable where the body is not packed so.
    """
    if compression == "none" or not body:
        return [body]
    return [_from_gzip(body, most)] if compression == "gzip" else _from_zip(body, most)


def packed(compression: str, body: bytes) -> bytes:
    """The body packed, the same bytes for the same body."""
    if compression == "gzip":
        return gzip.compress(body, mtime=0)
    if compression == "zip":
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(zipfile.ZipInfo("data"), body)
        return out.getvalue()
    return body


def _from_gzip(body: bytes, most: int) -> bytes:
    """All members of a gzip file, one after the other."""
    if not body.startswith(_GZIP):
        raise Undecodable(
            "is not packed with gzip; take `compression` away where the API packs only the "
            "transfer, which is unpacked anyway"
        )
    made = bytearray()
    try:
        while body.startswith(_GZIP):
            stream = zlib.decompressobj(wbits=31)
            while not stream.eof:
                piece = stream.decompress(body, CHUNK)
                made += piece
                if len(made) > most:
                    raise _too_large(most)
                body = stream.unconsumed_tail
                if not piece and not body and not stream.eof:
                    raise Undecodable("is cut: the gzip file in it has no end")
            body = stream.unused_data
    except zlib.error:
        raise Undecodable("is broken: the gzip file in it cannot be unpacked") from None
    return bytes(made)


def _from_zip(body: bytes, most: int) -> list[bytes]:
    files = []
    left = most
    try:
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            for member in archive.infolist():
                if member.is_dir():
                    continue
                with archive.open(member) as file:
                    data = file.read(left + 1)
                left -= len(data)
                if left < 0:
                    raise _too_large(most)
                files.append(data)
    except zipfile.BadZipFile:
        raise Undecodable("is no zip file, or a broken one") from None
    except (RuntimeError, NotImplementedError, zlib.error, EOFError):
        raise Undecodable("is a zip file that cannot be unpacked (a password?)") from None
    return files


def _too_large(most: int) -> Undecodable:
    return Undecodable(
        f"is larger than client.max_response_size ({most:,} bytes) once unpacked; ask for less "
        "or raise the limit"
    )
