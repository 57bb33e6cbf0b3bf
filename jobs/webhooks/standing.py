"""Whether a connection still stands: an event says that it does not, and the provider itself is asked.

Headers of webhooks are not signed, deliveries come late and in any order, and a shop may be connected again meanwhile:
what an event says of a connection is a reason to look, and what the look finds is what counts.
"""

from datetime import datetime
from enum import StrEnum

import structlog

from connectors.base import open_session
from connectors.errors import Broken, Reconnect, Retry
from jobs.ground import Ground
from jobs.incidents.noticing import lost
from jobs.notify.notifier import Notifier
from storage.facts.sources import ConnectionState, Source
from storage.records import connections, organizations
from storage.seal import SealError
from storage.sessions import Session

#: What people read as the reason.
UNINSTALLED = "the app was uninstalled in the shop"
#: After so many looks that the provider did not answer, the event is believed.
LOOKS = 3
#: Somebody of ours is renewing the access just now: that says nothing of the provider.
_OUR_OWN = frozenset({"token_busy", "token_race"})

log = structlog.get_logger()


class Standing(StrEnum):
    """What became of a connection that an event says is gone."""

    #: it is disconnected now, or was already
    GONE = "gone"
    #: the provider still accepts the grant: nothing was changed
    STANDS = "stands"


class LookAgainError(Exception):
    """It cannot be told now."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"look again in {seconds} s")
        self.seconds = seconds


async def settle_standing(ground: Ground, notifier: Notifier, source: Source, attempt: int) -> Standing:
    """Ask the provider, and disconnect the source unless it still accepts the grant (LookAgainError)."""
    if source.connection is ConnectionState.DISCONNECTED:
        return Standing.GONE
    began = ground.clock.now()
    stored = await ground.database.reading(lambda session: connections.is_stored(session, source.id))
    if stored and await _accepted(ground, source, attempt):
        log.warning("webhook_contradicted", source=source.id)
        return Standing.STANDS
    return await ground.database.writing(lambda session: _disconnect(session, ground, notifier, source, began))


async def _accepted(ground: Ground, source: Source, attempt: int) -> bool:
    connector = ground.connector(source)
    try:
        async with open_session(connector, ground.access(source)) as session:
            await connector.probe(session)
    except Retry as error:
        if attempt < LOOKS or error.code in _OUR_OWN:
            raise LookAgainError(error.after or 10.0 * attempt) from error
        return False
    except (Reconnect, Broken, SealError) as error:
        log.info("webhook_confirmed", source=source.id, reason=type(error).__name__)
        return False
    return True


def _disconnect(session: Session, ground: Ground, notifier: Notifier, source: Source, began: datetime) -> Standing:
    organizations.lock(session, source.organization_id)
    if connections.connected_since(session, source.id, began):
        # What was refused is the grant from before.
        return Standing.STANDS
    lost(session, source.id, UNINSTALLED, ground.clock.now(), notifier)
    return Standing.GONE
