"""FTP and FTPS, explicit and implicit, by aioftp: the one module that knows it.

With TLS nothing but AUTH is said before the connection is private: no user's name, no password, no path. The server's
certificate must be good for the name that was entered. Data connections are passive, go to the address of the control
connection whatever the server says (it could make us call others), and are as private as that one.
"""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Callable, Sequence
from functools import lru_cache
from typing import IO, Any

import aioftp
from aioftp.common import SSLSessionBoundContext

from connectors.errors import Broken, ConnectorError, Reconnect
from connectors.pocketadvantage.transfer.places import Place, Transfer, checked_path, is_name
from connectors.pocketadvantage.transfer.port import (
    CERTIFICATE_REFUSED,
    CHUNK,
    CONNECT,
    LOGIN_REFUSED,
    LONGEST,
    PLAIN_REFUSED,
    SILENCE,
    AbsentError,
    Entry,
    Listing,
    Take,
    TakenError,
    broke,
    denied,
    full,
    later,
    silent,
    too_large,
    unclear,
)
from connectors.pocketadvantage.transfer.reaching import Reach

#: lines of one answer that are read
_MOST_LINES = 200
_FIRST_FREE_PORT = 1024
_GOODBYE = 5.0
#: what asyncio misses when something is written to a private connection that was lost a moment before
_WRITTEN_WHEN_LOST = "_write_appdata"


class _Reader(asyncio.StreamReader):
    """Waits for the other side as long as silence may last.

    What the library bounds its own waits with (`asyncio.wait_for`) sometimes takes no notice of whoever gives up: of
    somebody who leaves, or of the time that all of it may take.
    """

    async def readline(self) -> bytes:
        async with asyncio.timeout(SILENCE):
            return await super().readline()

    async def read(self, n: int = -1) -> bytes:
        async with asyncio.timeout(SILENCE):
            return await super().read(n)


class _Writer(asyncio.StreamWriter):
    """Waits as long until what was written is taken."""

    async def drain(self) -> None:
        async with asyncio.timeout(SILENCE):
            await super().drain()


class _Client(aioftp.Client):
    """A client that connects to one address only, and to no port that belongs to a service of the machine."""

    def __init__(self, address: str, name: str, context: ssl.SSLContext | None) -> None:
        super().__init__(ssl=context)
        self._address = address
        #: what certificates must be good for
        self._name = name
        self._lines = 0
        self._data: list[asyncio.StreamWriter] = []

    async def _open_connection(self, host: str, port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Connect, to the one address whatever host is named; the library calls it for data connections, too."""
        del host
        context: Any = self.ssl
        is_data = self._stream is not None
        if is_data:
            if not _FIRST_FREE_PORT <= port <= 65535:
                words = "the file server named a port for its data that belongs to other services"
                raise Broken(words, code="data_port_refused")
            said = self.stream.writer.get_extra_info("ssl_object")
            # Many servers take data only over a connection that continues the session of the control connection.
            context = said and SSLSessionBoundContext(
                ssl.PROTOCOL_TLS_CLIENT, context=said.context, session=said.session
            )
        loop = asyncio.get_running_loop()
        reader = _Reader(loop=loop)
        protocol = asyncio.StreamReaderProtocol(reader, loop=loop)
        async with asyncio.timeout(CONNECT):
            transport, _ = await loop.create_connection(
                lambda: protocol,
                self._address,
                port,
                ssl=context or None,
                server_hostname=self._name if context else None,
            )
        writer = _Writer(transport, protocol, reader, loop)
        if is_data:
            self._data.append(writer)
        return reader, writer

    async def parse_line(self) -> tuple[aioftp.Code, str]:
        """Read one line of an answer; one that never ends is none."""
        self._lines += 1
        if self._lines > _MOST_LINES:
            raise unclear()
        return await super().parse_line()

    async def command(self, *said: Any, **how: Any) -> Any:
        """Say something and read what is answered: a server may put off its answer, and not for ever."""
        self._lines = 0
        return await super().command(*said, **how)

    async def go_private(self, context: ssl.SSLContext) -> None:
        """Ask for TLS as the very first thing, and for data connections to have it as well."""
        try:
            await self.command("AUTH TLS", "234")
        except aioftp.StatusCodeError:
            words = "this server offers no TLS, and nothing else was said to it; try implicit FTPS or SFTP"
            raise Broken(words, code="tls_refused") from None
        if vars(self.stream.reader)["_buffer"]:
            # What comes in clear behind the answer would be taken for something that was said in private.
            raise unclear()
        await self.stream.start_tls(sslcontext=context, server_hostname=self._name)
        await self.protect()

    async def protect(self) -> None:
        """Make data connections private."""
        try:
            await self.command("PBSZ 0", "200")
            await self.command("PROT P", "200")
        except aioftp.StatusCodeError:
            words = "this server would send the files themselves in clear, which is not done"
            raise Broken(words, code=PLAIN_REFUSED) from None

    async def leave(self, *, politely: bool = False) -> None:
        """Say goodbye where all went well, and wait until all connections are closed."""
        if self._stream is None:
            return
        if politely:
            with contextlib.suppress(ConnectorError):
                async with _told(broke()), asyncio.timeout(_GOODBYE):
                    await self.quit()
        for writer in [self.stream.writer, *self._data]:
            writer.close()
            if not politely:
                writer.transport.abort()
            with contextlib.suppress(OSError, TimeoutError):
                async with asyncio.timeout(_GOODBYE):
                    await writer.wait_closed()


class FtpRemote:
    """Files of one account; what a server does not say clearly is looked at."""

    def __init__(
        self,
        client: _Client,
        root: str,
        can_replace: bool | None,  # noqa: FBT001 - as it was kept
        listing: Callable[[], Listing] = Listing,
    ) -> None:
        self.can_replace = can_replace
        #: makes what counts the names of one folder
        self._listing = listing
        self._client = client
        self._root = f"{root.rstrip('/')}/" if root else ""

    async def look(self, folder: str) -> list[Entry]:
        """Ask for facts that machines can read (MLSD), and for a list where the server has none."""
        listing = self._listing()
        async with _told(AbsentError()):
            async for path, facts in self._client.list(self._at(folder)):
                kind = facts.get("type", "").lower()
                ours = is_name(path.name) and kind in {"file", "dir"}
                size = int(facts.get("size") or 0) if ours else 0
                listing.take(Entry(path.name, size, is_folder=kind == "dir") if ours else None)
        return listing.found

    async def read(self, path: str, into: Take, limit: int) -> None:
        """Read to the end; whether it was all is the server's word, and the reader's to compare."""
        came = 0
        async with _told(AbsentError()), self._client.download_stream(self._at(path)) as stream:
            async for part in stream.iter_by_block(CHUNK):
                came += len(part)
                if came > limit:
                    raise too_large(limit)
                into(part)

    async def write(self, path: str, source: IO[bytes]) -> None:
        """Write from the first byte on, never behind what is there."""
        async with _told(denied()), self._client.upload_stream(self._at(path)) as stream:
            # A piece comes from memory or from what the system has in memory.
            while part := source.read(CHUNK):
                await stream.write(part)

    async def rename(self, old: str, new: str, *, replace: bool) -> None:
        """Rename. Most servers replace silently, others refuse; `replace` makes no difference to them."""
        del replace
        before, after = self._at(old), self._at(new)
        async with _told(AbsentError()):
            await self._client.command(f"RNFR {before}", "350")
        try:
            async with _told(TakenError()):
                await self._client.command(f"RNTO {after}", "2xx")
        except TakenError:
            folder, _, name = new.rpartition("/")
            if any(one.name == name for one in await self.look(folder)):
                raise
            raise denied() from None

    async def remove(self, path: str) -> None:
        """Remove; where that is refused and the file is still there, the account may not."""
        try:
            async with _told(AbsentError()):
                await self._client.remove_file(self._at(path))
        except AbsentError:
            folder, _, name = path.rpartition("/")
            if any(one.name == name for one in await self.look(folder)):
                raise denied() from None
            raise

    async def make_folder(self, path: str) -> None:
        """Make every folder of the way that is not there; servers do not say why they refuse, so it is looked at."""
        parts = self._at(path).split("/")
        for count in range(1, len(parts) + 1):
            if parts[count - 1]:
                with contextlib.suppress(AbsentError):
                    async with _told(AbsentError()):
                        await self._client.command(f"MKD {'/'.join(parts[:count])}", "2xx")
        try:
            await self.look(path)
        except AbsentError:
            raise denied() from None

    def _at(self, path: str) -> str:
        return self._root + checked_path(path)


@contextlib.asynccontextmanager
async def ftp_remote(
    place: Place,
    reach: Reach,
    can_replace: bool | None,  # noqa: FBT001 - as it was kept
    kind: type[_Client] = _Client,
) -> AsyncIterator[FtpRemote]:
    """Connect a client of that kind, go private, log in; the connection ends with the block."""
    context = None if place.protocol is Transfer.FTP else _trust(place.authority)
    client = await _connected(place, await reach.addresses(place.host, place.at), context, kind)
    went_well = False
    try:
        async with _told(denied(), opening=True):
            if context is not None and place.protocol is Transfer.FTPS:
                await client.go_private(context)
            await _log_in(client, place)
            if context is not None and place.protocol is Transfer.FTPS_IMPLICIT:
                await client.protect()
        yield FtpRemote(client, place.root, can_replace)
        went_well = True
    finally:
        await client.leave(politely=went_well)


async def _connected(
    place: Place, addresses: Sequence[str], context: ssl.SSLContext | None, kind: type[_Client]
) -> _Client:
    """Return a connection to the first address that answers."""
    error: ConnectorError = broke()
    for address in addresses:
        client = kind(address, place.host, context if place.protocol is Transfer.FTPS_IMPLICIT else None)
        try:
            async with _told(denied(), opening=True):
                await client.connect(address, place.at)
        except ConnectorError as failed:
            error = failed
            await client.leave()
        except asyncio.CancelledError:
            # Whoever wanted it waits no longer.
            await client.leave()
            raise
        else:
            return client
    raise error


async def _log_in(client: _Client, place: Place) -> None:
    try:
        await client.login(place.account, place.password.reveal())
    except aioftp.StatusCodeError as refused:
        if refused.received_codes[-1][:1] == "4":
            raise later() from None
        raise Reconnect("the file server refuses the account or its password", code=LOGIN_REFUSED) from None


@lru_cache(maxsize=64)
def _trust(authority: str) -> ssl.SSLContext:
    """Return what is trusted: the authorities of the system, or the one that was entered; to read them takes long."""
    try:
        context = ssl.create_default_context(cadata=authority or None)
    except (ssl.SSLError, ValueError):
        raise Broken("the certificate of the authority is none (PEM)", code="place_malformed") from None
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


@contextlib.asynccontextmanager
async def _told(refused: ConnectorError, *, opening: bool = False) -> AsyncIterator[None]:
    """Bound what is done in time and say what went wrong; `refused` is what a plain no of the server means here.

    What servers say may hold names and paths, and stays behind.
    """
    try:
        async with asyncio.timeout(LONGEST):
            yield
    except aioftp.StatusCodeError as error:
        raise _meaning(str(error.received_codes[-1]), refused) from None
    except TimeoutError:
        raise silent() from None
    except ssl.SSLCertVerificationError:
        words = "the file server cannot prove who it is: its certificate is not valid for its name"
        raise Broken(words, code=CERTIFICATE_REFUSED) from None
    except ssl.SSLError:
        if opening:
            raise Broken("the file server speaks no TLS there, or none that is safe", code="tls_refused") from None
        raise broke() from None
    except (OSError, EOFError):
        raise broke() from None
    except (ValueError, LookupError, aioftp.AIOFTPException):
        raise unclear() from None
    except AttributeError as error:
        if error.name != _WRITTEN_WHEN_LOST:
            raise
        raise broke() from None


def _meaning(code: str, refused: ConnectorError) -> ConnectorError:
    match code:
        case "421" | "450" | "451" | "434":
            return later()
        case "425" | "426":
            return broke()
        case "452" | "552":
            return full()
        case "530" | "532":
            return Reconnect("the file server no longer takes this account's login", code=LOGIN_REFUSED)
        case _ if code.startswith("55"):
            return refused
        case _:
            return unclear()
