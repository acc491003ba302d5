"""A TLS server with a certificate that nobody has signed."""

from __future__ import annotations

import shutil
import ssl
import subprocess
from pathlib import Path

COMMAND = ("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2")
SUBJECT = ("-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1")


def self_signed(folder: Path) -> ssl.SSLContext | None:
    """A server's context with a fresh self-signed certificate; None without the openssl command."""
    if shutil.which("openssl") is None:
        return None
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    subprocess.run(
        [*COMMAND, *SUBJECT, "-keyout", str(key), "-out", str(certificate)],
        check=True,
        capture_output=True,
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context
