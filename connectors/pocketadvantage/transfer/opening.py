"""The one way to a place: which adapter, and what whoever runs Tidings allows."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from connectors.errors import Broken
from connectors.pocketadvantage.transfer.places import Place, Transfer
from connectors.pocketadvantage.transfer.port import PLAIN_REFUSED, Remote
from connectors.pocketadvantage.transfer.reaching import Reach


@dataclass(frozen=True, slots=True)
class Operator:
    """What whoever runs Tidings allows and has set up."""

    #: files that do not travel lie below it, in a folder per organization; empty: there are none
    folder: str = ""
    reach: Reach = field(default_factory=Reach)


@asynccontextmanager
async def open_remote(place: Place, operator: Operator, *, can_replace: bool | None = None) -> AsyncIterator[Remote]:
    """Hold one connection for one job; ConnectorError. `can_replace` is what `Remote.can_replace` was the last time.

    The libraries are loaded by whoever hands files over, and by nobody else.
    """
    match place.protocol:
        case Transfer.LOCAL:
            from connectors.pocketadvantage.transfer.local import LocalRemote

            yield LocalRemote(place, operator.folder)
        case Transfer.SFTP:
            from connectors.pocketadvantage.transfer.sftp import sftp_remote

            async with sftp_remote(place, operator.reach, can_replace) as remote:
                yield remote
        case Transfer.FTP if not place.plain_ok:
            words = "plain FTP sends the password and every file in clear: an admin must allow it for this connection"
            raise Broken(words, code=PLAIN_REFUSED)
        case _:
            from connectors.pocketadvantage.transfer.ftp import ftp_remote

            async with ftp_remote(place, operator.reach, can_replace) as remote:
                yield remote
