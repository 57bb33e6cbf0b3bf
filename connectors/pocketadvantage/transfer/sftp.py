"""SFTP by asyncssh: the one module of the product that knows it.

A server is believed only with a host key that an admin has confirmed. Nothing of this machine's own user is used: no
key, no agent, no configuration, no list of known hosts.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import IO, Any, TypeVar, cast

import asyncssh
from asyncssh.public_key import get_default_public_key_algs

from connectors.errors import Broken, ConnectorError, Reconnect
from connectors.pocketadvantage.transfer.keys import check_key
from connectors.pocketadvantage.transfer.places import Place, checked_path, is_name
from connectors.pocketadvantage.transfer.port import (
    CHUNK,
    CONNECT,
    HOST_KEY_CHANGED,
    HOST_KEY_MISSING,
    LOGIN_REFUSED,
    LONGEST,
    SILENCE,
    AbsentError,
    Entry,
    Listing,
    Take,
    TakenError,
    broke,
    denied,
    full,
    silent,
    too_large,
    unclear,
)
from connectors.pocketadvantage.transfer.reaching import Reach

T = TypeVar("T")
_MOST_KEYS = 8
_GOODBYE = 5.0
#: nothing that lies about on this machine takes part
_NOTHING_OF_OURS: dict[str, Any] = {
    "config": None,
    "agent_path": None,
    "gss_host": None,
    "pkcs11_provider": None,
    "x509_trusted_certs": None,
    "x509_trusted_cert_paths": [],
    "compression_algs": None,
    "host_based_auth": False,
}


@dataclass(frozen=True, slots=True)
class HostKey:
    """What a server proves itself with."""

    #: as `Place.host_key` takes it
    text: str
    #: what people compare: "SHA256:…"
    fingerprint: str


class SftpRemote:
    """Files of one account."""

    def __init__(
        self,
        client: asyncssh.SFTPClient,
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
        """List a folder; a link is none of ours."""
        listing, folders = self._listing(), asyncssh.FILEXFER_TYPE_DIRECTORY
        async with _told():
            async for one in self._client.scandir(self._at(folder)):
                name = one.filename if isinstance(one.filename, str) else ""
                kind = one.attrs.type
                ours = is_name(name) and kind in {asyncssh.FILEXFER_TYPE_REGULAR, folders}
                listing.take(Entry(name, one.attrs.size or 0, is_folder=kind == folders) if ours else None)
        return listing.found

    async def read(self, path: str, into: Take, limit: int) -> None:
        """Read to the end, some pieces ahead."""
        came = 0
        async with _told(), self._client.open(self._at(path), "rb") as file:
            while part := cast("bytes", await _answered(file.read(CHUNK))):
                came += len(part)
                if came > limit:
                    raise too_large(limit)
                into(part)

    async def write(self, path: str, source: IO[bytes]) -> None:
        """Write a file that is not there yet."""
        async with _told(), self._client.open(self._at(path), "xb") as file:
            # A piece comes from memory or from what the system has in memory.
            while part := source.read(CHUNK):
                await _answered(file.write(part))

    async def rename(self, old: str, new: str, *, replace: bool) -> None:
        """Rename by the way that replaces, where the server has it; by the other one no file is ever replaced."""
        before, after = self._at(old), self._at(new)
        async with _told(old=old, new=new, remote=self):
            if replace:
                await self._client.posix_rename(before, after)
            else:
                await self._client.rename(before, after)

    async def remove(self, path: str) -> None:
        """Remove a file."""
        async with _told():
            await self._client.remove(self._at(path))

    async def make_folder(self, path: str) -> None:
        """Make every folder of the way that is not there; servers do not say why they refuse, so it is looked at."""
        parts = self._at(path).split("/")
        async with _told():
            for count in range(1, len(parts) + 1):
                if parts[count - 1]:
                    with contextlib.suppress(asyncssh.SFTPFailure, asyncssh.SFTPPermissionDenied):
                        await self._client.mkdir("/".join(parts[:count]))
        try:
            await self.look(path)
        except AbsentError:
            raise denied() from None

    def _at(self, path: str) -> str:
        return self._root + checked_path(path)


@contextlib.asynccontextmanager
async def sftp_remote(place: Place, reach: Reach, can_replace: bool | None) -> AsyncIterator[SftpRemote]:  # noqa: FBT001 - as it was kept
    """Connect to the host that was confirmed, log in; the connection ends with the block."""
    keys = _confirmed(place.host_key)
    # To open a key takes the processor a while; meanwhile everybody else is served.
    login = await asyncio.to_thread(_login, place)
    connection = await _connected(place, await reach.addresses(place.host, place.at), keys, login)
    try:
        async with _told():
            client = await _answered(connection.start_sftp_client())
        yield SftpRemote(client, place.root, can_replace)
    finally:
        connection.close()
        with contextlib.suppress(asyncssh.Error, OSError, TimeoutError):
            async with asyncio.timeout(_GOODBYE):
                await connection.wait_closed()
        connection.abort()


async def fetch_host_key(host: str, port: int, reach: Reach) -> HostKey:
    """Ask a server for its key, and say nothing else to it: for an admin to compare and confirm."""
    error: ConnectorError = broke()
    for address in await reach.addresses(host, port):
        try:
            async with _told(), asyncio.timeout(CONNECT):
                key = await asyncssh.get_server_host_key(address, port, config=None)
        except ConnectorError as failed:
            error = failed
        else:
            if key is None:
                raise unclear()
            text = key.export_public_key("openssh").decode("ascii", "replace")
            return HostKey(" ".join(text.split()[:2]), key.get_fingerprint())
    raise error


def fingerprint_of(host_key: str) -> str:
    """Return what people compare of a host key's text; Broken when it is none."""
    return ", ".join(key.get_fingerprint() for key in _confirmed(host_key))


class _Guard(asyncssh.SSHClient):
    """Hears of a key that was not confirmed, and refuses it."""

    def __init__(self) -> None:
        self.shown = ""

    def validate_host_public_key(self, host: str, addr: str, port: int, key: asyncssh.SSHKey) -> bool:
        """Keep what was shown; never believe it."""
        del host, addr, port
        self.shown = key.get_fingerprint()
        return False


async def _connected(
    place: Place, addresses: Sequence[str], keys: Sequence[asyncssh.SSHKey], login: dict[str, Any]
) -> asyncssh.SSHClientConnection:
    error: ConnectorError = broke()
    # The confirmed kinds first, and then all others: a server that has none of them shows what it has instead.
    kinds = dict.fromkeys([*(kind for key in keys for kind in key.sig_algorithms), *get_default_public_key_algs()])
    for address in addresses:
        guard = _Guard()
        try:
            async with _told(), asyncio.timeout(CONNECT):
                return await asyncssh.connect(
                    address,
                    place.at,
                    client_factory=lambda guard=guard: guard,
                    known_hosts=(list(keys), [], []),
                    server_host_key_algs=[kind.decode("ascii") for kind in kinds],
                    username=place.account,
                    login_timeout=CONNECT,
                    keepalive_interval=SILENCE / 4,
                    disable_trivial_auth=True,
                    **login,
                    **_NOTHING_OF_OURS,
                )
        except ConnectorError as failed:
            if guard.shown:
                confirmed = ", ".join(key.get_fingerprint() for key in keys)
                words = (
                    f"the file server shows another key ({guard.shown}) than the one that was confirmed ({confirmed});"
                    " nothing was sent. An admin must ask its owner before the new one is confirmed"
                )
                raise Broken(words, code=HOST_KEY_CHANGED) from None
            error = failed
    raise error


def _confirmed(host_key: str) -> list[asyncssh.SSHKey]:
    lines = [line for line in host_key.splitlines() if line.strip()]
    if not lines:
        words = "nobody has confirmed yet which key this file server proves itself with"
        raise Broken(words, code=HOST_KEY_MISSING)
    try:
        return [asyncssh.import_public_key(line) for line in lines[:_MOST_KEYS]]
    except (asyncssh.KeyImportError, ValueError):
        raise Broken("the confirmed key of the file server cannot be read", code=HOST_KEY_MISSING) from None


def _login(
    place: Place,
    *,
    checks: Callable[[str], None] = check_key,
    opens: Callable[[str, str | None], asyncssh.SSHKey] = asyncssh.import_private_key,
) -> dict[str, Any]:
    """Return what proves the account: its key, or else its password; neither is tried in place of the other.

    A key is opened by `opens`, after `checks` let it pass.
    """
    if not place.private_key:
        return {
            "password": place.password.reveal(),
            "client_keys": None,
            "preferred_auth": ["password", "keyboard-interactive"],
        }
    try:
        checks(place.private_key.reveal())
        key = opens(place.private_key.reveal(), place.passphrase.reveal() or None)
    except (asyncssh.KeyImportError, asyncssh.KeyEncryptionError, ValueError, RecursionError):
        words = "the private key cannot be read: paste it whole, and its passphrase where it has one"
        raise Broken(words, code="place_malformed") from None
    return {"client_keys": [key], "password": None, "preferred_auth": ["publickey"]}


@contextlib.asynccontextmanager
async def _told(*, old: str = "", new: str = "", remote: SftpRemote | None = None) -> AsyncIterator[None]:
    """Bound what is done in time and say what went wrong; what servers say may hold names, and stays behind."""
    try:
        async with asyncio.timeout(LONGEST):
            yield
    except asyncssh.SFTPError as error:
        if remote is not None and isinstance(error, asyncssh.SFTPFailure | asyncssh.SFTPOpUnsupported):
            raise await _why_not_renamed(error, old, new, remote) from None
        raise _refused(error) from None
    except TimeoutError:
        raise silent() from None
    except asyncssh.PermissionDenied:
        raise Reconnect("the file server refuses the account or what proves it", code=LOGIN_REFUSED) from None
    except asyncssh.HostKeyNotVerifiable:
        raise Broken("the file server shows a key that was not confirmed", code=HOST_KEY_CHANGED) from None
    except (asyncssh.KeyExchangeFailed, asyncssh.ProtocolNotSupported):
        words = "the file server has no way of keeping what is sent private that is safe"
        raise Broken(words, code="not_understood") from None
    except (asyncssh.Error, OSError, EOFError):
        raise broke() from None
    except (ValueError, LookupError):
        raise unclear() from None


async def _why_not_renamed(error: asyncssh.SFTPError, old: str, new: str, remote: SftpRemote) -> ConnectorError:
    """Say why: the usual answer to a rename tells nothing."""
    if isinstance(error, asyncssh.SFTPOpUnsupported):
        return TakenError()
    names = {path.rpartition("/")[2]: path.rpartition("/")[0] for path in (new, old)}
    there = {name for name, folder in names.items() if any(one.name == name for one in await remote.look(folder))}
    if old.rpartition("/")[2] not in there:
        return AbsentError()
    return TakenError() if new.rpartition("/")[2] in there else denied()


async def _answered(asked: Awaitable[T]) -> T:
    """Wait as long as silence may last; whoever gives up before that is heard (`asyncio.wait_for` may miss it)."""
    async with asyncio.timeout(SILENCE):
        return await asked


def _refused(error: asyncssh.SFTPError) -> ConnectorError:  # noqa: PLR0911 - a table
    match error:
        case asyncssh.SFTPNoSuchFile() | asyncssh.SFTPNoSuchPath():
            return AbsentError()
        case asyncssh.SFTPFileAlreadyExists():
            return TakenError()
        case asyncssh.SFTPPermissionDenied() | asyncssh.SFTPWriteProtect() | asyncssh.SFTPCannotDelete():
            return denied()
        case asyncssh.SFTPNoSpaceOnFilesystem() | asyncssh.SFTPQuotaExceeded():
            return full()
        case asyncssh.SFTPConnectionLost() | asyncssh.SFTPNoConnection() | asyncssh.SFTPEOFError():
            return broke()
        case asyncssh.SFTPBadMessage():
            return unclear()
        case _:
            words = "the file server refused that without saying why; a full disk is the usual cause"
            return Broken(words, code="refused")
