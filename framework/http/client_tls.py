"""TLS with the API's own hosts: the client's certificate, and the authorities that it trusts."""

from __future__ import annotations

import os
import ssl
import tempfile
from pathlib import Path
from typing import IO

from urllib3.util.ssl_ import create_urllib3_context

from framework.definition.model import ClientTls
from framework.errors import SettingsError
from framework.runtime.settings import STAND_IN

LARGEST_PEM = 1_000_000
"""Bytes of a file with certificates."""


def tls_context(tls: ClientTls) -> ssl.SSLContext | None:
    """Return the TLS context of these settings, their placeholders filled in; None if all are null.

    Raise SettingsError for what is not PEM, cannot be read or does not fit together.
    """
    if not (tls.cert or tls.key or tls.ca) or STAND_IN in (tls.cert, tls.key, tls.ca):
        return None
    context = create_urllib3_context()
    if tls.key and not tls.cert:
        raise SettingsError("client.tls: found a key and no certificate; give the cert too")
    if tls.ca:
        try:
            context.load_verify_locations(cadata=_pem(tls.ca, "ca", "CERTIFICATE"))
        except ssl.SSLError:
            raise SettingsError(f"client.tls.ca: {_DAMAGED.format('certificate')}") from None
    if tls.cert:
        _load_certificate(context, tls.cert, tls.key, tls.passphrase)
    return context


_DAMAGED = "found a {} that cannot be read: give the whole text of its PEM file"


def _load_certificate(
    context: ssl.SSLContext, cert: str, key: str | None, passphrase: str | None
) -> None:
    text = _pem(cert, "cert", "CERTIFICATE")
    place = "key" if key else "cert"
    keys = _pem(key, place, "PRIVATE KEY") if key else text
    if "PRIVATE KEY-----" not in keys:
        raise SettingsError("client.tls.cert: found no private key in it; give it as `key`")
    is_encrypted = "ENCRYPTED" in keys
    if is_encrypted and not passphrase:
        raise SettingsError(f"client.tls.{place}: the key is encrypted; give its `passphrase` too")
    with _unnamed_file(text) as certificates, _unnamed_file(keys) as key_file:
        try:
            # ssl reads certificates of its own from files only
            own, its_key = (f"/dev/fd/{file.fileno()}" for file in (certificates, key_file))
            context.load_cert_chain(own, its_key, password=passphrase or "")
        except ssl.SSLError as error:
            if "MISMATCH" in str(error):
                problem = "the key does not belong to the certificate"
            elif is_encrypted:
                problem = "the key cannot be read with this passphrase"
            else:
                problem = _DAMAGED.format("certificate or a key")
            raise SettingsError(f"client.tls: {problem}") from None


def _pem(given: str, name: str, label: str) -> str:
    """Return the text of a PEM, or of the PEM file at a path."""
    place = f"client.tls.{name}"
    text = given
    if not given.lstrip().startswith("-----BEGIN"):
        text = _file_text(given, place)
    elif "\n" not in given:
        text = given.replace("\\n", "\n")  # from an environment variable
    if f"{label}-----" not in text:
        raise SettingsError(f"{place}: found no {label.lower()} in PEM format")
    return text


def _file_text(given: str, place: str) -> str:
    # what was given may be a part of a key: it is not shown
    try:
        file = Path(given).expanduser()
        if file.stat().st_size > LARGEST_PEM:
            raise SettingsError(f"{place}: found a file that is too large for certificates")
        return file.read_text(encoding="ascii", errors="replace")
    except (OSError, ValueError, RuntimeError):
        raise SettingsError(
            f"{place}: found neither a text in PEM format, which starts with -----BEGIN, nor the "
            "path of a file that can be read"
        ) from None


def _unnamed_file(text: str) -> IO[bytes]:
    """Return a file with a text and without a name, in memory if the system can."""
    if hasattr(os, "memfd_create"):
        file: IO[bytes] = os.fdopen(os.memfd_create("pem"), "wb+")
    else:
        file = tempfile.TemporaryFile()  # noqa: SIM115  # the caller closes it
    file.write(text.encode())
    file.seek(0)
    return file
