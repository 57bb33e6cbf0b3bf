"""One POST to a customer's address: the name is resolved once, every answer judged, and the connection made to one."""

import asyncio
import re
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address

import aiohttp
import httpx
import yarl
from aiohttp.abc import AbstractResolver, ResolveResult

from connectors.errors import Broken
from connectors.outgoing.judging import Lookup, RefusedAddressError, is_public, judged, system_lookup

#: what the specification asks receivers to answer within
SECONDS = 20.0
_LONGEST = 2000
_PORTS = frozenset({443, 8443})
#: a full name: its last part begins with a letter, which no number in disguise does
_NAME = re.compile(r"(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]", re.ASCII)
#: so much of an answer is read, and thrown away
_ANSWER = 1 << 12


@dataclass(frozen=True, slots=True)
class Posted:
    """What came of one attempt."""

    #: None: there was no answer
    status: int | None
    seconds: float
    #: why there was none, in safe words
    trouble: str = ""
    #: seconds that the receiver asked to be left alone for
    after: float | None = None

    @property
    def accepted(self) -> bool:
        """Whether the receiver has it: any 2xx."""
        return self.status is not None and 200 <= self.status < 300


def checked(address: str, *, here: bool = False) -> str:
    """Return the address in its plain form; Broken says what is wrong with it.

    https and a public name or address only; `here` allows plain http to this machine, for trying things out.
    """
    try:
        url = yarl.URL(address.strip())
        host, port = url.host, url.port
    except ValueError:
        raise _wrong("it is no address") from None
    if not host or len(address) > _LONGEST or not address.isascii():
        raise _wrong("it is no address, or a very long one")
    if url.user is not None or url.password is not None or url.fragment:
        raise _wrong("it holds a user, a password or a fragment; the signature is the proof instead")
    if here and url.scheme in {"http", "https"} and host in {"127.0.0.1", "::1", "localhost"}:
        return str(url)
    if url.scheme != "https" or port not in _PORTS:
        raise _wrong("it must begin with https:// (port 443 or 8443)")
    if not is_public(host) if _literal(host) else not _NAME.fullmatch(host):
        raise _wrong("it is inside a private network, or no full name")
    return str(url)


def _wrong(why: str) -> Broken:
    return Broken(f"the address cannot be used: {why}", code="address_refused")


def _literal(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


class Poster:
    """Sends messages to customers' addresses; one connection for each, so that none outlives its judgement."""

    def __init__(self, *, here: bool = False, seconds: float = SECONDS, lookup: Lookup | None = None) -> None:
        self._here = here
        self._seconds = seconds
        self._lookup = lookup or system_lookup

    async def post(self, address: str, body: bytes, headers: Mapping[str, str]) -> Posted:
        """Make one attempt; never raises for what the other side does."""
        began = time.monotonic()
        status, after, trouble = None, None, ""
        try:
            async with asyncio.timeout(self._seconds):
                status, after = await self._posted(checked(address, here=self._here), body, headers)
        except TimeoutError:
            trouble = "no answer in time"
        except RefusedAddressError as error:
            trouble = str(error)
        except Broken as error:
            trouble = error.detail
        except (aiohttp.ClientError, OSError) as error:
            trouble = _in_words(error)
        return Posted(status, time.monotonic() - began, trouble, after)

    async def _posted(self, address: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, float | None]:
        connector = judged_connector(self._lookup, here=self._here)
        typed = {**headers, "content-type": "application/json", "user-agent": "Tidings"}
        async with (
            aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar(), trust_env=False) as client,
            client.post(address, data=body, headers=typed, allow_redirects=False) as response,
        ):
            await response.content.read(_ANSWER)
            return response.status, _seconds_of(response.headers.get("retry-after", ""))


def judged_connector(lookup: Lookup, *, here: bool) -> aiohttp.TCPConnector:
    """Return what connects once to a name's judged addresses, and keeps the name for TLS and the Host header."""
    return aiohttp.TCPConnector(
        resolver=_Judge(lookup, here=here),
        use_dns_cache=False,
        force_close=True,
        ssl=httpx.create_ssl_context(trust_env=False),
    )


class _Judge(AbstractResolver):
    """Resolves a name once and lets the connection be made to an answer of that only if all of them are allowed."""

    def __init__(self, lookup: Lookup, *, here: bool) -> None:
        self._lookup = lookup
        self._here = here

    async def resolve(
        self,
        host: str,
        port: int = 0,
        family: socket.AddressFamily = socket.AF_INET,  # noqa: ARG002 - the signature is aiohttp's
    ) -> list[ResolveResult]:
        """Return where to connect to; RefusedAddressError when any answer is no public address."""
        found = await judged(host, port, self._lookup, here=self._here)
        return [_as_result(host, one, port) for one in found]

    async def close(self) -> None:
        """Nothing is held."""


def _as_result(host: str, address: str, port: int) -> ResolveResult:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    flags = int(socket.AI_NUMERICHOST | socket.AI_NUMERICSERV)
    return ResolveResult(hostname=host, host=address, port=port, family=family, proto=0, flags=flags)


def _seconds_of(said: str) -> float | None:
    return float(said) if said.isascii() and said.isdigit() and len(said) < 7 else None


def _in_words(error: Exception) -> str:
    match error:
        case aiohttp.InvalidURL():
            return "it is no address"
        case aiohttp.ClientConnectorCertificateError() | aiohttp.ClientSSLError():
            return "its certificate is not valid"
        case socket.gaierror() | aiohttp.ClientConnectorDNSError():
            return "its name leads nowhere"
        case aiohttp.ClientConnectorError() | ConnectionError():
            return "nobody answers there"
        case _:
            return "the connection broke"
