"""One way to reach each kind of place: a folder, and the sandbox's own file servers with their scripts."""

import contextlib
import io
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from connectors.pocketadvantage.transfer.opening import Operator, open_remote
from connectors.pocketadvantage.transfer.places import Place, Transfer
from connectors.pocketadvantage.transfer.port import Remote
from connectors.pocketadvantage.transfer.publishing import Published, publish
from connectors.pocketadvantage.transfer.reaching import Reach
from sandbox.exchange.faults import Faults
from sandbox.exchange.ftp import FtpServer, Security
from sandbox.exchange.sftp import SftpServer
from storage.facts.secret import Secret

NOW = datetime(2026, 11, 23, 3, 15, tzinfo=UTC)
NAME, CUST = "customer.fil", "AC-100"
LATEST, ARCHIVE = f"latest{CUST}", f"archive{CUST}"
KINDS = ("local", "ftp", "ftps", "ftps_implicit", "sftp")
SERVED = KINDS[1:]
_SECURITY: dict[str, Security] = {"ftp": "plain", "ftps": "explicit", "ftps_implicit": "implicit"}
HERE = Operator(reach=Reach(here=True))


@dataclass
class Stage:
    """A place, how it is reached, and the folder behind it."""

    place: Place
    operator: Operator
    root: Path
    faults: Faults = field(default_factory=Faults)
    can_replace: bool | None = None
    _minutes: int = 0

    @contextlib.asynccontextmanager
    async def opened(self) -> AsyncIterator[Remote]:
        async with open_remote(self.place, self.operator, can_replace=self.can_replace) as remote:
            yield remote

    async def hand_over(self, body: bytes, *, publishing=publish, checkpoint: Callable[[str], None] = lambda _: None,
                        **how: Any) -> Published:  # fmt: skip
        self._minutes += 1
        async with self.opened() as remote:
            done: Published = await publishing(
                remote, LATEST, NAME, io.BytesIO(body), archive_folder=ARCHIVE, checkpoint=checkpoint,
                now=NOW + timedelta(minutes=self._minutes), **how,
            )  # fmt: skip
            self.can_replace = remote.can_replace
            return done

    @property
    def there(self) -> bytes | None:
        """What a reader finds."""
        path = self.root / LATEST / NAME
        return path.read_bytes() if path.exists() else None

    def put(self, body: bytes) -> None:
        """Lay a file there as nobody of ours did."""
        (self.root / LATEST).mkdir(parents=True, exist_ok=True)
        (self.root / LATEST / NAME).write_bytes(body)

    def names(self, folder: str = LATEST) -> list[str]:
        return sorted(one.name for one in (self.root / folder).iterdir()) if (self.root / folder).exists() else []

    def archived(self) -> list[bytes]:
        """Earlier versions, the oldest first."""
        return [(self.root / ARCHIVE / name).read_bytes() for name in self.names(ARCHIVE)]

    def clear(self) -> None:
        """Let nothing lie there."""
        for folder in (LATEST, ARCHIVE):
            for name in self.names(folder):
                (self.root / folder / name).unlink()


def at(kind: str, **said: Any) -> Place:
    return Place(Transfer(kind), CUST, **said)


@contextlib.contextmanager
def staged(kind: str, folder: Path, **how: Any) -> Iterator[Stage]:
    """Serve a folder in one way; what else is said goes to the server."""
    root = folder / "files"
    root.mkdir(exist_ok=True)
    if kind == "local":
        yield Stage(at("local", organization="acme"), Operator(folder=str(folder)), folder / "acme")
        return
    if kind == "sftp":
        with SftpServer(root, **how) as sftp:
            place = at(kind, host="127.0.0.1", port=sftp.port, account=sftp.account, password=Secret(sftp.password),
                       host_key=sftp.host_key)  # fmt: skip
            yield Stage(place, HERE, root, sftp.faults)
        return
    with FtpServer(root, _SECURITY[kind], **how) as ftp:
        place = at(kind, host="127.0.0.1", port=ftp.port, account=ftp.account, password=Secret(ftp.password),
                   authority=ftp.authority, plain_ok=kind == "ftp")  # fmt: skip
        yield Stage(place, HERE, root, ftp.faults)


def other(stage: Stage, **said: Any) -> Stage:
    """Reach the same folder in a slightly other way."""
    return replace(stage, place=replace(stage.place, **said))
