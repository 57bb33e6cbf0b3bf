"""An answer for all of a channel, posted where a member asked for it, as any member may see it.

The post goes by the outbox, so that the pace of a channel and the look at who reads along hold for it as well. Its
words are made when it is sent, from what is true then: what is shared is never older than it says.
"""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta

from jobs.asks import Enqueue
from jobs.authorize import authorize
from jobs.channels import ChannelRefusedError, ChannelView, refused
from jobs.deliver.posting import Words
from jobs.desk import Desk
from jobs.errors import NotFoundError
from jobs.notify.adding import add_message
from jobs.refresh.ask import Place
from jobs.shared_words import answer_of
from storage.facts.clock import Clock
from storage.facts.deliveries import Delivery
from storage.facts.ids import derived_id
from storage.facts.messages import Message
from storage.facts.people import Action, Actor, Member
from storage.facts.shared import ALONE, OF_METRIC, Answer, Shareable
from storage.records import audit, deliveries, metrics, organizations, sources
from storage.sessions import Session
from templates.notices.shared import for_all

SHARED = "shared"
#: An answer that could not be posted for so long interests nobody any more.
_KEEP_TRYING = timedelta(minutes=30)

#: Looks at a channel; ChannelRefusedError for one that is not the organization's own.
Look = Callable[[Actor, Place], Awaitable[ChannelView]]


class ShareService:
    """Shares answers. Asks Slack about the channel: after the ack only."""

    def __init__(self, desk: Desk, clock: Clock, enqueue: Enqueue, look: Look) -> None:
        self._desk = desk
        self._clock = clock
        self._enqueue = enqueue
        self._look = look

    async def share(self, actor: Actor, place: Place, card: str, wanted: Answer) -> str:
        """Have the answer posted there as it is then, once for a card; returns the channel's name.

        ChannelRefusedError where no admin allowed it, or others than the organization read along.
        """
        _allowed(actor, wanted)
        view = await self._look(actor, place)
        reason = refused(view.room) or (None if view.allowed else "not_allowed")
        if reason is not None:
            raise ChannelRefusedError(reason)
        await self._desk.write(lambda session: self._add(session, actor, place, card, wanted))
        return view.room.name

    def _add(self, session: Session, actor: Actor, place: Place, card: str, wanted: Answer) -> None:
        known = _allowed(actor, wanted)
        organizations.lock(session, known.organization_id)
        member = _allowed(Actor(actor.identity, organizations.member_by_identity(session, actor.identity)), wanted)
        about = _about(session, member, wanted)
        now = self._clock.now()
        delivery_id = add_message(
            session,
            self._enqueue,
            organization_id=member.organization_id,
            kind=SHARED,
            subject=derived_id("shr", member.organization_id, card),
            destination=f"{place.team_id}/{place.channel_id}",
            now=now,
            keep_trying=_KEEP_TRYING,
            facts={"sources": about, "by": member.id, "about": wanted.kind.value, "metric": wanted.metric_id},
        )
        if delivery_id is not None:
            detail: dict[str, object] = {"channel": place.channel_id, "answer": wanted.kind.value}
            detail |= {"sources": len(about)} if about else {}
            audit.record(session, member.organization_id, member.id, Action.SHARE_ANSWER, place.channel_id, now, detail)


def _allowed(actor: Actor, wanted: Answer) -> Member:
    """Return the member, who may share, and see what is shared."""
    if wanted.kind is Shareable.HISTORY:
        authorize(actor, Action.SEE_HISTORY)
    return authorize(actor, Action.SHARE_ANSWER)


def _about(session: Session, member: Member, wanted: Answer) -> list[str]:
    """Return the sources that the answer is about (none: all); NotFoundError for what is not the organization's own."""
    own = {source.id for source in sources.sources_of(session, member.organization_id)}
    alone = wanted.kind in ALONE and len(wanted.source_ids or wanted.metric_id.split()) != 1
    if not own or alone or not own.issuperset(wanted.source_ids):
        raise NotFoundError
    if wanted.kind not in OF_METRIC:
        return list(wanted.source_ids)
    found = [one for one in metrics.of_organization(session, member.organization_id) if one.id == wanted.metric_id]
    if not found:
        raise NotFoundError
    return [found[0].source_id]


def shared_words(read_budget: int) -> Mapping[str, Words]:
    """Return the words of what is shared."""

    def told(session: Session, delivery: Delivery, now: datetime) -> Message:
        facts = deliveries.facts_of(session, delivery.id)
        kind = Shareable(str(facts.get("about", Shareable.STATUS)))
        wanted = Answer(kind, tuple(facts["sources"]), str(facts.get("metric", "")))
        said, again = answer_of(session, delivery.organization_id, wanted, now, budget=read_budget)
        return for_all(said, organizations.member(session, str(facts["by"])), now, again)

    return {SHARED: told}
