"""TLS as browsers want it: one certificate, taken anew from its files when they change, while all connections go on."""

import ssl
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import structlog
from cryptography import x509

INTERVAL = 1.0
"""Seconds between two looks at the files."""

# Forward secrecy and authenticated encryption alone; TLS 1.3 has nothing else (RFC 9325 §4.2).
_CIPHERS_OF_1_2 = "ECDHE+AESGCM:ECDHE+CHACHA20"

logger = structlog.stdlib.get_logger(__name__)


class UnusableCertificate(Exception):
    """A certificate that cannot be served; the message names its file and the reason."""


class CertificateFiles(NamedTuple):
    """Where a certificate is.

    Attributes:
        chain: The certificate with those that vouch for it, in PEM.
        key: Its private key, in PEM and not encrypted.
    """

    chain: Path
    key: Path

    def state(self) -> tuple[tuple[int, int, int], ...]:
        """Return what changes when a file does.

        Raises:
            OSError: When one is not there.
        """
        found = [path.stat() for path in self]
        return tuple((stat.st_mtime_ns, stat.st_size, stat.st_ino) for stat in found)


class Certificate:
    """A certificate in force.

    One that has run out is served on, as it was by whoever started the process.

    Args:
        files: Where it is.
        now: Tells the time.

    Attributes:
        context: For listeners; it serves whichever certificate is in force, and its tickets outlive each.

    Raises:
        UnusableCertificate: When it cannot be served.
    """

    def __init__(self, files: CertificateFiles, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._files = files
        self._now = now
        self._state = files.state() if files.chain.exists() and files.key.exists() else ()
        self._seen = self._state
        self.context, leaf = load(files)
        self._expires = leaf.not_valid_after_utc
        self._current = self.context
        self._has_told_end = False

    def look(self) -> None:
        """Take the files anew if they have changed and are not being changed right now.

        What cannot be served is told in one line, and the certificate in force stays.
        """
        try:
            state = self._files.state()
        except OSError:
            # One of them is just being replaced, or has gone; the next look tells.
            return
        is_at_rest, self._seen = state == self._seen, state
        if state != self._state and is_at_rest:
            self._state = state
            self._take()
        elif self._now() > self._expires and not self._has_told_end:
            self._has_told_end = True
            logger.warning("the certificate has run out", file=str(self._files.chain), at=self._expires.isoformat())

    def _take(self) -> None:
        try:
            context, leaf = load(self._files)
            check_dates(self._files, leaf, self._now())
        except UnusableCertificate as fault:
            logger.warning("the new certificate is not taken", fault=str(fault))
            return
        self._current, self._expires = context, leaf.not_valid_after_utc
        self._has_told_end = False
        # Called within each handshake; the listeners' own context must stay, as it holds the keys of tickets.
        self.context.sni_callback = self._choose
        logger.info("certificate taken", file=str(self._files.chain), expires=self._expires.isoformat())

    def _choose(self, connection: ssl.SSLObject, _name: str | None, _context: ssl.SSLContext) -> None:
        connection.context = self._current


def load(files: CertificateFiles) -> tuple[ssl.SSLContext, x509.Certificate]:
    """Return a context that serves a certificate, and that certificate.

    Raises:
        UnusableCertificate: When it cannot be served.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(_CIPHERS_OF_1_2)
    context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_COMPRESSION
    context.set_alpn_protocols(["http/1.1"])
    # A player makes few connections.
    context.num_tickets = 1
    try:
        leaf = x509.load_pem_x509_certificate(files.chain.read_bytes())
        files.key.read_bytes()
        context.load_cert_chain(files.chain, files.key, password=_no_password)
    except OSError as error:
        # An SSLError is one as well.
        raise UnusableCertificate(_fault(files, error)) from None
    except ValueError:
        raise UnusableCertificate(f"{files.chain} is not a certificate in PEM") from None
    return context, leaf


def check_dates(files: CertificateFiles, leaf: x509.Certificate, now: datetime) -> None:
    """Refuse a certificate that is not valid now.

    Raises:
        UnusableCertificate: When it is not.
    """
    if now > leaf.not_valid_after_utc:
        raise UnusableCertificate(f"{files.chain} has run out on {leaf.not_valid_after_utc:%Y-%m-%d %H:%M} UTC")
    if now < leaf.not_valid_before_utc:
        raise UnusableCertificate(f"{files.chain} is not valid before {leaf.not_valid_before_utc:%Y-%m-%d %H:%M} UTC")


def _no_password() -> str:
    raise ValueError("encrypted")


def _fault(files: CertificateFiles, error: OSError) -> str:
    if isinstance(error, ssl.SSLError):
        if error.reason == "KEY_VALUES_MISMATCH":
            return f"{files.chain} does not fit the key {files.key}"
        return f"{files.chain} or {files.key} is not in PEM, or the key is encrypted"
    return f"{error.filename} cannot be read: {error.strerror}"
