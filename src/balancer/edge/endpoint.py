"""Both ends of a connection, for those who answer on it."""

import asyncio
from typing import NamedTuple

from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.utils import get_local_addr

from balancer.core.clients.quotas import Bucket
from balancer.edge.answers import Answers
from balancer.edge.asking import NO_WAY

WAITING = 16 * 1024
"""Bytes that may wait for a client to read before the application has to."""


NO_BUCKET = Bucket()
"""Stands where a client's bucket is not at hand."""


class Port(NamedTuple):
    """What all connections to one port have in common.

    Attributes:
        answers: Makes their answers.
        scheme: `http` or `https`.
    """

    answers: Answers
    scheme: str


class Endpoint:
    """A connection as those see it who answer on it. Fields are found when they are asked for: mostly they are not.

    Args:
        port: Where it came in.
        source: Address and port of the client, where a proxy has told them before everything else.

    Attributes:
        transport: Where answers go.
        answers: Makes them.
        scheme: `http` or `https`.
        client: Whom its requests are counted for, see `asking.Asker`.
        bucket: What that client has used, see there.
        buckets: Where that was found.
        group: Of clients, see there.
        groups: Where that was found.
        way: At hand, see there.
    """

    __slots__ = (
        *("_address", "_flow", "answers", "bucket", "buckets", "client"),
        *("group", "groups", "scheme", "transport", "way"),
    )

    transport: asyncio.Transport

    def __init__(self, port: Port, source: tuple[str, int] | None) -> None:
        self.answers, self.scheme = port
        self._address = source
        self._flow: FlowControl | None = None
        self.client: str | None = ""
        self.bucket = NO_BUCKET
        self.buckets: dict[str, Bucket] | None = None
        self.group = 0
        self.groups: dict[str, int] | None = None
        self.way = NO_WAY

    @property
    def flow(self) -> FlowControl:
        """Hold back what is read and written too fast."""
        if self._flow is None:
            self._flow = FlowControl(self.transport)
            self.transport.set_write_buffer_limits(WAITING)
        return self._flow

    @property
    def address(self) -> tuple[str, int] | None:
        """The client's address and port; None on a Unix socket."""
        if self._address is None:
            # uvloop has it at hand; asking the socket, as uvicorn does, costs as much as all of a redirect.
            found = self.transport.get_extra_info("peername")
            self._address = found[:2] if isinstance(found, tuple) else None
        return self._address

    @property
    def peer(self) -> str:
        """The client's address; empty on a Unix socket."""
        address = self._address or self.address
        return address[0] if address else ""

    @property
    def server(self) -> tuple[str, int | None] | None:
        """The address that was asked, and its port."""
        return get_local_addr(self.transport)
