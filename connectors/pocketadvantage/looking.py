"""Whether the file server and the database let Tidings in: thoroughly before they are kept, lightly once a day."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from connectors.errors import Broken, ConnectorError, Reconnect, Retry
from connectors.pocketadvantage.orders.places import Allowed, DatabasePlace
from connectors.pocketadvantage.transfer.opening import Operator, open_remote
from connectors.pocketadvantage.transfer.places import Place
from connectors.pocketadvantage.transfer.port import HOST_KEY_CHANGED, HOST_KEY_MISSING, AbsentError
from connectors.pocketadvantage.transfer.publishing import probe

if TYPE_CHECKING:
    from connectors.pocketadvantage.orders.reader import Probed

#: seconds that a trial takes while a person waits; each of its steps alone may take longer
TRIED = 90.0
#: What only a person can cure who connects again: nothing goes on before that.
_BY_RECONNECTING = frozenset({HOST_KEY_CHANGED, HOST_KEY_MISSING})


def of_connection(error: ConnectorError) -> ConnectorError:
    """Return the error as it is about the connection: a server's changed key is a lost connection, too."""
    if isinstance(error, Broken) and error.code in _BY_RECONNECTING:
        return Reconnect(error.detail, code=error.code)
    return error


async def look_at_files(place: Place, operator: Operator) -> None:
    """Connect, log in and list; nothing is written (ConnectorError)."""
    try:
        async with open_remote(place, operator) as remote:
            try:
                await remote.look(place.latest)
            except AbsentError:
                # It is made with the first file.
                return
    except ConnectorError as error:
        raise of_connection(error) from error


async def try_files(place: Place, operator: Operator, *, tried: float = TRIED) -> bool:
    """Do everything that a file needs on a scratch file that is removed again; whether one may replace another.

    It takes so many seconds at most: a person waits (Retry).
    """
    async with _waited("the file server", tried), open_remote(place, operator) as remote:
        return await probe(remote, place.latest)


async def try_orders(place: DatabasePlace, allowed: Allowed) -> "Probed":
    """Connect, log in and look at the view; nothing is taken (ConnectorError, Broken where it lacks a column)."""
    # It brings SQLAlchemy's drivers, which a process that only shows pages never needs.
    from connectors.pocketadvantage.orders.reader import probe as look

    async with _waited("the database", TRIED):
        found = await look(place, allowed)
    if found.missing:
        raise Broken(f"the view has no column {', '.join(found.missing)}", code="view_unusable")
    return found


@contextlib.asynccontextmanager
async def _waited(whose: str, tried: float) -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(tried):
            yield
    except TimeoutError:
        raise Retry(None, f"{whose} was not done with it in {tried:.0f} seconds", code="timeout") from None
