"""An answer for all of a channel: how sources stand, posted where a member asked, as any member may see it.

The post goes by the outbox, so that the pace of a channel and the look at who reads along hold for it as well. Its
words are made when it is sent, from what is true then: what is shared is never older than it says.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta

from jobs.asks import Enqueue
from jobs.authorize import authorize
from jobs.channels import ChannelRefusedError, ChannelView, refused
from jobs.deliver.posting import Words
from jobs.desk import Desk
from jobs.errors import NotFoundError
from jobs.refresh.ask import Place
from jobs.status import statuses
from jobs.work import Work
from storage.facts.clock import Clock
from storage.facts.deliveries import Channel, Delivery
from storage.facts.ids import derived_id
from storage.facts.messages import Message
from storage.facts.people import Action, Actor
from storage.records import audit, deliveries, organizations, sources
from storage.sessions import Session
from templates import notices
from templates.notices.shared import for_all

SHARED = "shared"
#: An answer that could not be posted for so long interests nobody any more.
_KEEP_TRYING = timedelta(minutes=30)

#: Looks at a channel; ChannelRefusedError for one that is not the organization's own.
Look = Callable[[Actor, Place], Awaitable[ChannelView]]


class ShareService:
    """Shares how sources stand. Asks Slack about the channel: after the ack only."""

    def __init__(self, desk: Desk, clock: Clock, enqueue: Enqueue, look: Look) -> None:
        self._desk = desk
        self._clock = clock
        self._enqueue = enqueue
        self._look = look

    async def share(self, actor: Actor, place: Place, card: str, source_ids: Sequence[str]) -> str:
        """Have the status of these sources (none: of all) posted there, once for a card; returns the channel's name.

        ChannelRefusedError where no admin allowed it, or others than the organization read along.
        """
        authorize(actor, Action.SHARE_ANSWER)
        view = await self._look(actor, place)
        reason = refused(view.room) or (None if view.allowed else "not_allowed")
        if reason is not None:
            raise ChannelRefusedError(reason)
        await self._desk.write(lambda session: self._add(session, actor, place, card, tuple(source_ids)))
        return view.room.name

    def _add(self, session: Session, actor: Actor, place: Place, card: str, source_ids: tuple[str, ...]) -> None:
        known = authorize(actor, Action.SHARE_ANSWER)
        organizations.lock(session, known.organization_id)
        member = authorize(
            Actor(actor.identity, organizations.member_by_identity(session, actor.identity)), Action.SHARE_ANSWER
        )
        own = {source.id for source in sources.sources_of(session, member.organization_id)}
        if not own or not own.issuperset(source_ids):
            raise NotFoundError
        now = self._clock.now()
        delivery_id = deliveries.add(
            session,
            organization_id=member.organization_id,
            kind=SHARED,
            subject=derived_id("shr", member.organization_id, card),
            channel=Channel.SLACK,
            destination=f"{place.team_id}/{place.channel_id}",
            member_id=None,
            now=now,
            expires_at=now + _KEEP_TRYING,
            facts={"sources": list(source_ids), "by": member.id},
        )
        if delivery_id is not None:
            self._enqueue(session, Work("delivery", delivery_id, queue="notify"))
            detail: dict[str, object] = {"channel": place.channel_id, "sources": len(source_ids) or len(own)}
            audit.record(session, member.organization_id, member.id, Action.SHARE_ANSWER, place.channel_id, now, detail)


def shared_words(read_budget: int) -> Mapping[str, Words]:
    """Return the words of what is shared."""

    def told(session: Session, delivery: Delivery, now: datetime) -> Message:
        facts = deliveries.facts_of(session, delivery.id)
        wanted = set(facts["sources"])
        found = sources.sources_of(session, delivery.organization_id)
        chosen = [source for source in found if not wanted or source.id in wanted]
        organization = organizations.organization(session, delivery.organization_id)
        admins = tuple(member.name for member in organizations.admins(session, delivery.organization_id))
        shown = statuses(session, chosen, now, budget=read_budget)
        said = (
            notices.status(organization.name, shown, now, zone=organization.timezone, admins=admins)
            if shown
            else notices.no_sources(organization.name, admins)
        )
        return for_all(said, organizations.member(session, str(facts["by"])))

    return {SHARED: told}
