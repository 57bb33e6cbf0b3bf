"""An SFTP server on this machine by asyncssh, with scripted faults."""

import asyncio
import os
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import asyncssh
from asyncssh.sftp import SFTPServerHandler

from sandbox.exchange.faults import Faults

_ERRORS: dict[str, asyncssh.SFTPError] = {
    "permission": asyncssh.SFTPPermissionDenied("no"),
    "no space": asyncssh.SFTPNoSpaceOnFilesystem("no"),
    "failure": asyncssh.SFTPFailure("no"),
    "unsupported": asyncssh.SFTPOpUnsupported("no"),
}


class _Files(asyncssh.SFTPServer):
    """Files below one folder; each request passes the script, before and after it had its effect."""

    def __init__(self, chan: Any, faults: Faults, folder: Path) -> None:
        super().__init__(chan, chroot=os.fsencode(folder))
        self._faults = faults

    def _passed(self, name: str, work: Any) -> Any:
        cut = self._faults.command(name)
        if cut == "before":
            self._hang_up()
        if name in self._faults.refuse:
            raise _ERRORS[self._faults.refuse[name]]
        result = work()
        if cut == "after":
            if name == "open":
                result.close()
            self._hang_up()
        return result

    def _hang_up(self) -> None:
        self.connection.abort()
        raise asyncssh.SFTPConnectionLost("cut")

    def open(self, path: bytes, pflags: int, attrs: asyncssh.SFTPAttrs) -> Any:
        return self._passed("open", lambda: super(_Files, self).open(path, pflags, attrs))

    def close(self, file_obj: Any) -> Any:
        # Whatever is cut, the file is closed: of a closed one nobody is told.
        result = super().close(file_obj)
        self._passed("close", lambda: result)
        return result

    def read(self, file_obj: Any, offset: int, size: int) -> Any:
        data: bytes = self._passed("read", lambda: super(_Files, self).read(file_obj, offset, size))
        if self._faults.given(len(data)) is not None:
            self._hang_up()
        return data

    def write(self, file_obj: Any, offset: int, data: bytes) -> Any:
        kept = self._faults.taken(len(data))
        if kept is not None:
            super().write(file_obj, offset, data[:kept])
            self._hang_up()
        most = self._faults.keep_only
        whole = len(data)
        if most is not None:
            data = data[: max(0, most - offset)]
        self._passed("write", lambda: super(_Files, self).write(file_obj, offset, data))
        return whole

    def rename(self, oldpath: bytes, newpath: bytes) -> Any:
        return self._passed("rename", lambda: super(_Files, self).rename(oldpath, newpath))

    def posix_rename(self, oldpath: bytes, newpath: bytes) -> Any:
        if self._faults.no_replace:
            raise asyncssh.SFTPOpUnsupported("no")
        return self._passed("posix_rename", lambda: super(_Files, self).posix_rename(oldpath, newpath))

    def remove(self, path: bytes) -> Any:
        return self._passed("remove", lambda: super(_Files, self).remove(path))

    def mkdir(self, path: bytes, attrs: asyncssh.SFTPAttrs) -> Any:
        return self._passed("mkdir", lambda: super(_Files, self).mkdir(path, attrs))

    def scandir(self, path: bytes) -> Any:
        return self._passed("scandir", lambda: super(_Files, self).scandir(path))


class _Handler(SFTPServerHandler):
    """A server that does not offer to replace files."""

    _extensions = [pair for pair in SFTPServerHandler._extensions if pair[0] != b"posix-rename@openssh.com"]  # noqa: RUF012, SLF001 - as the library keeps them


class _Login(asyncssh.SSHServer):
    """One account, by password or by key."""

    def __init__(self, account: str, password: str, key: str) -> None:
        self._account, self._password, self._key = account, password, key

    def begin_auth(self, username: str) -> bool:
        del username
        return True

    def password_auth_supported(self) -> bool:
        return bool(self._password)

    def validate_password(self, username: str, password: str) -> bool:
        return (username, password) == (self._account, self._password)

    def public_key_auth_supported(self) -> bool:
        return bool(self._key)

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        return username == self._account and key == asyncssh.import_public_key(self._key)


def make_key() -> asyncssh.SSHKey:
    """Return a new key, for a server or a client."""
    return asyncssh.generate_private_key("ssh-ed25519")


@dataclass
class SftpServer:
    """A server for one account, in a thread of its own while the block runs."""

    folder: Path
    account: str = "dealer"
    password: str = "sandbox-password"
    #: "ssh-ed25519 AAAA…" that the account may log in with
    account_key: str = ""
    key: asyncssh.SSHKey = field(default_factory=make_key)
    port: int = 0
    host: str = "127.0.0.1"
    faults: Faults = field(default_factory=Faults)
    _loop: asyncio.AbstractEventLoop | None = None
    _stop: asyncio.Event | None = None
    _thread: threading.Thread | None = None
    _ready: threading.Event = field(default_factory=threading.Event)

    @property
    def host_key(self) -> str:
        """What a client has to confirm."""
        return self.key.export_public_key("openssh").decode().strip()

    def __enter__(self) -> Self:
        """Listen; the port is known then."""
        self._ready.clear()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), name="sftp", daemon=True)
        self._thread.start()
        self._ready.wait()
        if self.port == 0:
            raise OSError("the SFTP server could not listen")
        return self

    def __exit__(self, *_: object) -> None:
        """Stop, and close whatever is open."""
        if self._loop is not None and self._stop is not None:
            self._loop.call_soon_threadsafe(self._stop.set)
        if self._thread is not None:
            self._thread.join()

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        try:
            acceptor = await asyncssh.listen(
                self.host,
                self.port,
                server_factory=lambda: _Login(self.account, self.password, self.account_key),
                sftp_factory=lambda chan: _Files(chan, self.faults, self.folder),
                server_host_keys=[self.key],
                config=None,
                login_timeout=60,
            )
            self.port = acceptor.get_port()
        finally:
            self._ready.set()
        await self._stop.wait()
        acceptor.close()
        await acceptor.wait_closed()
