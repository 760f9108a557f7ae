"""Probes over HTTP."""

import asyncio
import ssl
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from time import monotonic

import httpx
from cryptography import x509
from typing_extensions import override

from balancer.adapters.causes import fault_of
from balancer.core.configs.checks import Check
from balancer.core.errors import StoreFault
from balancer.core.health.ports import Prober
from balancer.core.health.verdicts import Failure, Outcome

AT_ONCE = 32
"""Connections at the same time."""

MAX_BODY = 64 * 1024
"""Bytes of a body that are searched for a text."""

_BY_FAULT = {
    StoreFault.TIMED_OUT: (Failure.TIMED_OUT, "did not answer in time"),
    StoreFault.UNKNOWN_HOST: (Failure.UNRESOLVED, "has a name that cannot be resolved"),
    StoreFault.NOT_LISTENING: (Failure.REFUSED, "refused the connection"),
    StoreFault.UNREACHABLE: (Failure.UNREACHABLE, "cannot be reached over the network"),
    StoreFault.DISCONNECTED: (Failure.PROTOCOL, "closed the connection"),
    StoreFault.TLS: (Failure.TLS, "cannot be talked to over TLS"),
}


class HttpProber(Prober):
    """Asks by HTTP/1.1, each time over a new connection, as a player would.

    Redirects are answers like any other, and proxies of the environment are passed by.

    Args:
        version: Of the program, which the probes name.
    """

    def __init__(self, version: str) -> None:
        self._agent = f"video-balancer/{version}"
        self._clients: dict[bool, httpx.AsyncClient] = {}

    @override
    async def probe(self, check: Check) -> Outcome:
        client = self._client(verify=check.verify_tls)
        begun = monotonic()
        try:
            async with asyncio.timeout(check.timeout):
                found = await self._ask(client, check)
        except TimeoutError:
            found = Outcome(Failure.TIMED_OUT, f"did not answer within {check.timeout:g} s", 0.0)
        except Exception as error:  # whatever a target sends, it is the target that does not work
            found = _failed(error)
        return Outcome(found.failure, found.why, monotonic() - begun, found.status, found.certificate_ends)

    async def close(self) -> None:
        """Let go of all connections."""
        for client in self._clients.values():
            await client.aclose()

    async def _ask(self, client: httpx.AsyncClient, check: Check) -> Outcome:
        # Without an encoding, a few bytes cannot become a great many, and the text stands in them as it is.
        fields = {"user-agent": self._agent, "accept": "*/*", "accept-encoding": "identity", "connection": "close"}
        extensions = {}
        if check.host:
            fields["host"] = check.host
            # The certificate must be that of the host which is asked for.
            extensions["sni_hostname"] = check.host.partition(":")[0]
        request = client.build_request(check.method, check.url, headers=fields, extensions=extensions)
        request.extensions["timeout"] = httpx.Timeout(check.timeout).as_dict()
        answer = await client.send(request, stream=True)
        try:
            ends, status = _certificate_end(answer), answer.status_code
            if status not in check.statuses:
                return Outcome(Failure.STATUS, f"answered {status}", 0.0, status, ends)
            if check.contains is not None and not await _contains(answer, check.contains):
                return Outcome(Failure.TEXT, f"answered {status} without the text", 0.0, status, ends)
            return Outcome(None, f"answered {status}", 0.0, status, ends)
        finally:
            await answer.aclose()

    def _client(self, *, verify: bool) -> httpx.AsyncClient:
        if verify not in self._clients:
            self._clients[verify] = httpx.AsyncClient(
                verify=_context(verify=verify),
                trust_env=False,
                follow_redirects=False,
                # A connection that is kept would not tell that a target takes no new ones.
                limits=httpx.Limits(max_connections=AT_ONCE, max_keepalive_connections=0),
            )
        return self._clients[verify]


def _context(*, verify: bool) -> ssl.SSLContext:
    """Return how to talk over TLS: by the system's authorities, or with anybody."""
    context = ssl.create_default_context()
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


async def _contains(answer: httpx.Response, text: str) -> bool:
    data, wanted = bytearray(), text.encode()
    async for piece in answer.aiter_raw():
        data += piece
        if wanted in data[:MAX_BODY]:
            return True
        if len(data) >= MAX_BODY:
            break
    return False


def _certificate_end(answer: httpx.Response) -> datetime | None:
    """Return when the certificate of the connection runs out; None without TLS, or when it cannot be read."""
    connection = answer.extensions["network_stream"].get_extra_info("ssl_object")
    if connection is None:
        return None
    # Of one that is not verified, the library gives nothing but its bytes.
    shown = connection.getpeercert(binary_form=True)
    with suppress(ValueError):
        return x509.load_der_x509_certificate(shown).not_valid_after_utc.astimezone(UTC) if shown else None
    return None


def _failed(error: Exception) -> Outcome:
    for one in _chain(error):
        if isinstance(one, ssl.SSLCertVerificationError):
            return Outcome(Failure.CERTIFICATE, f"has a bad certificate: {one.verify_message}", 0.0)
    failure, why = _BY_FAULT.get(fault_of(error), (Failure.PROTOCOL, "did not answer by HTTP"))
    return Outcome(failure, why, 0.0)


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
