"""When reconnecting does not work: test it, and if nothing helps a ticket for support that is filled in already."""

from connectors.errors import ConnectorError
from jobs.authorize import authorize
from jobs.desk import Desk
from jobs.errors import NotFoundError
from jobs.incidents.keeping import GrantKeeper
from jobs.notify.notifier import Notifier
from jobs.refresh.ask import TriggerKey
from storage.facts.clock import Clock
from storage.facts.ids import derived_id
from storage.facts.people import Action, Actor
from storage.facts.sources import Source
from storage.records import audit, organizations, sources, triggers
from storage.sessions import Session


class ConnectionHelp:
    """What members may do about a connection that does not work; anybody may ask for help."""

    def __init__(self, desk: Desk, clock: Clock, notifier: Notifier, keeper: GrantKeeper) -> None:
        self._desk = desk
        self._clock = clock
        self._notifier = notifier
        self._keeper = keeper

    async def source(self, actor: Actor, source_id: str) -> Source:
        """Return the source that needs help; NotFoundError for somebody else's."""
        member = authorize(actor, Action.ASK_FOR_HELP)
        return await self._desk.read(lambda session: _visible(session, member.organization_id, source_id))

    async def test(self, actor: Actor, source_id: str) -> ConnectorError | None:
        """Ask the provider now; return what stands against the connection. Uses the network: after the ack only."""
        source = await self.source(actor, source_id)
        return await self._keeper.look(source.id)

    async def ticket(self, actor: Actor, source_id: str, trigger: TriggerKey) -> str:
        """Open a ticket with support and return its id; the same click again is the same ticket."""
        member = authorize(actor, Action.ASK_FOR_HELP)

        def work(session: Session) -> str:
            now = self._clock.now()
            organizations.lock(session, member.organization_id)
            source = _visible(session, member.organization_id, source_id)
            first = triggers.first_result(session, trigger.team_id, trigger.trigger_id)
            if first is not None:
                return first
            ticket_id = derived_id("tck", trigger.team_id, trigger.trigger_id)
            triggers.remember(session, trigger.team_id, trigger.trigger_id, ticket_id, now)
            audit.record(session, member.organization_id, member.id, Action.ASK_FOR_HELP, source.id, now)
            self._notifier.ticket(session, f"{ticket_id}.{source.id}.{member.id}", member, now)
            return ticket_id

        return await self._desk.write(work)


def _visible(session: Session, organization_id: str, source_id: str) -> Source:
    found = sources.visible_connection(session, organization_id, source_id)
    if found is None:
        raise NotFoundError
    return found
