"""One exchange with one pinned host: bounded in time and size, no redirects, cookies or proxies."""

import asyncio
import ipaddress
import re
import ssl
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import cache
from http.cookiejar import CookieJar, DefaultCookiePolicy
from types import TracebackType
from typing import Self

import aiohttp
import httpx
from httpx_aiohttp import AiohttpTransport
from httpx_aiohttp.transport import AiohttpResponseStream

from connectors.errors import Broken, Retry
from connectors.reads import Call

_PATH = re.compile(r"(?:/[A-Za-z0-9_.~-]+)*/?", re.ASCII)
#: Response headers in which providers name a call, in the order in which they are looked for.
_REQUEST_IDS = ("intuit_tid", "x-request-id", "x-shopify-request-id", "x-amzn-requestid")
_CHUNK = 1 << 18
#: Is given a body piece by piece.
Take = Callable[[bytes], Awaitable[None]]
_Read = Callable[[httpx.Response], Awaitable[bytes]]


@dataclass(frozen=True, slots=True)
class HttpLimits:
    """What one call may take; times in seconds, sizes in decompressed bytes."""

    connect: float = 10.0
    #: silence on an open connection
    read: float = 90.0
    #: one attempt from its first byte to its last
    total: float = 180.0
    attempts: int = 4
    #: all attempts of one call with their pauses
    retry_total: float = 240.0
    #: a longer wait is given back to the caller as Retry(after)
    longest_wait: float = 20.0
    body: int = 96 << 20
    connections: int = 10


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, whole."""

    status: int
    headers: httpx.Headers
    body: bytes
    #: the provider's own name of the call
    request_id: str | None

    @property
    def media_type(self) -> str:
        """The content type without parameters, lower-cased."""
        return str(self.headers.get("content-type", "")).partition(";")[0].strip().lower()


class Wire:
    """A client that can reach one origin only."""

    def __init__(self, base: str, *, limits: HttpLimits) -> None:
        self.base = pinned(base)
        self.limits = limits
        self._client = httpx.AsyncClient(
            transport=AiohttpTransport(verify=_tls(), client=self._session, trust_env=False),
            timeout=httpx.Timeout(limits.read, connect=limits.connect, pool=limits.total),
            follow_redirects=False,
            trust_env=False,
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=())),
            headers={"accept-encoding": "gzip", "user-agent": "Tidings"},
        )

    def _session(self) -> aiohttp.ClientSession:
        # Said here, too: a session of our own does not learn what the transport was told to trust.
        connector = aiohttp.TCPConnector(limit=self.limits.connections, ssl=_tls())
        return aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar(), read_bufsize=_CHUNK)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.aclose()

    def address(self, path: str, params: dict[str, str]) -> httpx.URL:
        """Return the full address of a path below the base; refuse one that leads elsewhere."""
        if not _PATH.fullmatch(path) or "/../" in f"{path}/" or "/./" in f"{path}/":
            raise Broken("a request path that could leave the provider's address was refused", code="path_refused")
        address = self.base.copy_with(path=self.base.path.rstrip("/") + path)
        return address.copy_merge_params(params) if params else address

    def request(self, call: Call, headers: Mapping[str, str]) -> httpx.Request:
        """Build a call's request."""
        typed = {"content-type": call.content_type} if call.content_type else {}
        return self._client.build_request(
            call.method, self.address(call.path, call.params), content=call.body, headers={**headers, **typed}
        )

    def fetch(self, address: httpx.URL) -> httpx.Request:
        """Build the request of a whole address, as it is: a signed link, which brings all the access that it needs."""
        return self._client.build_request("GET", address)

    async def exchange(self, request: httpx.Request) -> Answer:
        """Send one request and read the whole answer; Retry when that fails, Broken when it leads elsewhere."""
        return await self._bounded(request, self._body)

    async def pour(self, request: httpx.Request, take: Take) -> Answer:
        """Send one request and hand its body on as it comes, where the status is 200; otherwise as `exchange`.

        For files larger than memory: `take` bounds their size. What it was given before a Retry is no whole file.
        """

        async def poured(response: httpx.Response) -> bytes:
            if response.status_code == 200:
                async for chunk in response.aiter_bytes():
                    await take(chunk)
            return b""

        return await self._bounded(request, poured)

    async def _bounded(self, request: httpx.Request, read: _Read) -> Answer:
        if origin(request.url) != origin(self.base):
            raise Broken("a request to another host than the connection's was refused", code="host_refused")
        try:
            async with asyncio.timeout(self.limits.total):
                answer = await self._exchange(request, read)
        except (TimeoutError, httpx.RequestError, aiohttp.ClientError, OSError) as error:
            raise _unanswered(error) from error
        if 300 <= answer.status < 400:
            raise Broken(
                "the provider sent us to another address, which is never followed",
                code="redirected",
                request_id=answer.request_id,
            )
        return answer

    async def _exchange(self, request: httpx.Request, read: _Read) -> Answer:
        response = await self._client.send(request, stream=True)
        try:
            if isinstance(response.stream, AiohttpResponseStream):
                response.stream.CHUNK_SIZE = _CHUNK
            body = await read(response)
        finally:
            await response.aclose()
        return Answer(response.status_code, response.headers, body, _request_id(response.headers))

    async def _body(self, response: httpx.Response) -> bytes:
        size, chunks = 0, []
        async for chunk in response.aiter_bytes():
            size += len(chunk)
            if size > self.limits.body:
                raise Broken(
                    f"an answer of more than {self.limits.body >> 20} MB was refused",
                    code="body_too_large",
                    request_id=_request_id(response.headers),
                )
            chunks.append(chunk)
        return b"".join(chunks)


@cache
def _tls() -> ssl.SSLContext:
    """Return the context of this process: to read the certificates of all authorities takes 20 to 35 ms."""
    return httpx.create_ssl_context(trust_env=False)


def _unanswered(error: Exception) -> Retry:
    # The transport names broken connections "ConnectTimeout" too; what is behind it tells them apart.
    timed_out = isinstance(error, TimeoutError) or isinstance(error.__cause__, TimeoutError)
    if timed_out:
        return Retry(None, "the provider did not answer in time", code="timeout")
    return Retry(None, "the connection to the provider broke", code="connection")


def pinned(base: str) -> httpx.URL:
    """Check a provider address: https, or plain http to loopback only; no credentials, query or fragment in it."""
    address = httpx.URL(base)
    plain = address.scheme == "http" and _loopback(address.host)
    if not (address.scheme == "https" or plain) or not address.host:
        raise Broken("a provider address must be https (plain http only to this machine)", code="address_refused")
    if address.userinfo or address.query or address.fragment:
        raise Broken("a provider address holds no credentials, query or fragment", code="address_refused")
    return address


def storage_link(url: str, home: str, is_ours: Callable[[httpx.URL], bool], refused: Broken) -> httpx.URL:
    """Check a signed link to a provider's storage: https to a host that is known as its own.

    Plain http only where the provider itself is on this machine.
    """
    try:
        address = httpx.URL(url)
        plain = pinned(str(address.copy_with(query=None, fragment=None)))
    except (httpx.InvalidURL, Broken, ValueError) as error:
        raise refused from error
    if plain.scheme == "http" and pinned(home).scheme == "http":
        return address
    if plain.scheme != "https" or not is_ours(plain):
        raise refused
    return address


def origin(address: httpx.URL) -> tuple[str, str, int | None]:
    """Scheme, host and port: what a connection is pinned to."""
    return address.scheme, address.host, address.port


def _loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _request_id(headers: httpx.Headers) -> str | None:
    for name in _REQUEST_IDS:
        value = headers.get(name)
        if value:
            return re.sub(r"[^A-Za-z0-9._:-]", "", value)[:80] or None
    return None
