"""Whom a connection may reach: the name is resolved once, every answer judged, and to one of those is connected.

What is handed on is the address, so that nothing behind it resolves the name again; the name itself is kept for TLS.
"""

import asyncio
from dataclasses import dataclass

from connectors.errors import Broken, Retry
from connectors.outgoing.judging import Lookup, RefusedAddressError, judged, system_lookup
from connectors.pocketadvantage.transfer.port import ADDRESS_REFUSED, CONNECT, silent


@dataclass(frozen=True, slots=True)
class Reach:
    """What whoever runs Tidings allows to be reached."""

    #: servers of this machine may be reached, for trying things out
    here: bool = False
    #: names of servers that may stand in a private network
    hosts: frozenset[str] = frozenset()
    lookup: Lookup = system_lookup

    async def addresses(self, host: str, port: int) -> list[str]:
        """Return the addresses that may be connected to; Broken when one is inside, Retry when there is none."""
        try:
            async with asyncio.timeout(CONNECT):
                if host.lower() in self.hosts:
                    found = await self.lookup(host, port)
                else:
                    found = await judged(host, port, self.lookup, here=self.here)
        except RefusedAddressError as refused:
            words = f"this server cannot be used: {refused}"
            raise Broken(words, code=ADDRESS_REFUSED) from None
        except TimeoutError:
            raise silent() from None
        except (OSError, UnicodeError):
            raise Retry(None, "the name of the file server is not known", code="host_unknown") from None
        if not found:
            raise Retry(None, "the name of the file server is not known", code="host_unknown")
        return found
