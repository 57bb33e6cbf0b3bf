"""Who gets a digest, and when: a person's own choice, a channel's by its admins; written down in the audit."""

from dataclasses import replace
from datetime import time

from jobs.authorize import authorize
from jobs.desk import Desk
from jobs.errors import NotFoundError
from jobs.refresh.ask import Place, TriggerKey
from jobs.subscriptions.digesting import zone_of_reader
from jobs.subscriptions.local import next_due
from storage.facts.clock import Clock
from storage.facts.deliveries import Channel
from storage.facts.digests import DigestView
from storage.facts.ids import derived_id
from storage.facts.people import Action, Actor, Member
from storage.facts.quiet import Digest, Rhythm
from storage.facts.subscriptions import BOTH, Topic, Ways
from storage.records import audit, digests, home_views, organizations, sources, triggers
from storage.sessions import Session

#: When it comes to whoever wants a topic in the digest and has none.
USUAL = Rhythm(time(8, 30))


class DigestService:
    """Shows and sets digests."""

    def __init__(self, desk: Desk, clock: Clock) -> None:
        self._desk = desk
        self._clock = clock

    async def seen(self, actor: Actor, place: Place) -> DigestView:
        """Return the person's digest, and the channel's where it was asked."""
        member = authorize(actor, Action.CHOOSE_MESSAGES)
        return await self._desk.read(lambda session: _view(session, member, place))

    async def choose(
        self, actor: Actor, rhythm: Rhythm | None, ways: Ways, place: Place, trigger: TriggerKey
    ) -> DigestView:
        """Set the person's own; None: none, and what was told in it alone is told as by default again."""

        def work(session: Session) -> DigestView:
            member = self._member(session, actor, Action.CHOOSE_MESSAGES)
            if self._is_new(session, member, trigger):
                self.write(session, member, rhythm, ways)
            return _view(session, member, place)

        return await self._desk.write(work)

    async def choose_here(self, actor: Actor, rhythm: Rhythm | None, place: Place, trigger: TriggerKey) -> DigestView:
        """Set the channel's; admins, in a channel that is allowed (else NotFoundError)."""

        def work(session: Session) -> DigestView:
            member = self._member(session, actor, Action.MANAGE_CHANNELS)
            here = (place.team_id, place.channel_id)
            if here not in organizations.allowed_channels(session, member.organization_id):
                raise NotFoundError
            if self._is_new(session, member, trigger):
                one = Digest(_of_channel(member, place), member.organization_id, None, "/".join(here), USUAL,
                             frozenset({Channel.SLACK}), self._clock.now(), self._clock.now())  # fmt: skip
                self._keep(session, one, rhythm)
                self._note(session, member, Action.MANAGE_CHANNELS, place.channel_id, rhythm)
            return _view(session, member, place)

        return await self._desk.write(work)

    async def instead(self, actor: Actor, source_id: str | None, topics: frozenset[Topic], trigger: TriggerKey) -> None:
        """Tell the person of these topics in the digest alone; who has none gets one every day."""

        def work(session: Session) -> None:
            member = self._member(session, actor, Action.CHOOSE_MESSAGES)
            if source_id is not None and sources.visible(session, member.organization_id, source_id) is None:
                raise NotFoundError
            if self._is_new(session, member, trigger):
                self.put_in(session, member, source_id, topics)

        await self._desk.write(work)

    def write(self, session: Session, member: Member, rhythm: Rhythm | None, ways: Ways) -> None:
        """Set the person's own, in a transaction that has made sure of everything."""
        self._keep_own(session, member, rhythm, ways)
        home_views.changed_for(session, member.team_id, member.user_id, self._clock.now())
        self._note(session, member, Action.CHOOSE_MESSAGES, member.id, rhythm)

    def put_in(self, session: Session, member: Member, source_id: str | None, topics: frozenset[Topic]) -> None:
        """Tell of these topics in the digest alone, in a transaction that has made sure of everything."""
        now = self._clock.now()
        if digest_of(session, member) is None:
            self._keep_own(session, member, USUAL, BOTH)
        for topic in sorted(topics):
            digests.choose(session, member, source_id, topic, now)
        home_views.changed_for(session, member.team_id, member.user_id, now)
        detail: dict[str, object] = {"topics": sorted(topics), "how": "digest"}
        about = source_id or member.id
        audit.record(session, member.organization_id, member.id, Action.CHOOSE_MESSAGES, about, now, detail)

    def _keep_own(self, session: Session, member: Member, rhythm: Rhythm | None, ways: Ways) -> None:
        place, now = f"{member.team_id}/{member.user_id}", self._clock.now()
        one = Digest(_own(member), member.organization_id, member.id, place, USUAL, ways, now, now)
        self._keep(session, one, rhythm)
        if rhythm is None:
            digests.unchoose(session, member.id)

    def _keep(self, session: Session, one: Digest, rhythm: Rhythm | None) -> None:
        if rhythm is None:
            digests.forget(session, one.id)
            return
        due_at, _ = next_due(rhythm, zone_of_reader(session, one), self._clock.now())
        digests.keep(session, replace(one, rhythm=rhythm, due_at=due_at))

    def _member(self, session: Session, actor: Actor, action: Action) -> Member:
        """Return the person as they are now, in the transaction of the effect."""
        known = authorize(actor, action)
        organizations.lock(session, known.organization_id)
        return authorize(Actor(actor.identity, organizations.member_by_identity(session, actor.identity)), action)

    def _is_new(self, session: Session, member: Member, trigger: TriggerKey) -> bool:
        if triggers.first_result(session, trigger.team_id, trigger.trigger_id) is not None:
            return False
        triggers.remember(session, trigger.team_id, trigger.trigger_id, member.id, self._clock.now())
        return True

    def _note(self, session: Session, member: Member, action: Action, about: str, rhythm: Rhythm | None) -> None:
        said = "off" if rhythm is None else f"{rhythm.at:%H:%M}" + (" weekdays" if rhythm.weekdays else "")
        audit.record(session, member.organization_id, member.id, action, about, self._clock.now(), {"digest": said})


def digest_of(session: Session, member: Member) -> Digest | None:
    """Return the person's own digest."""
    return digests.find(session, _own(member))


def _own(member: Member) -> str:
    return derived_id("dig", member.organization_id, member.id)


def _of_channel(member: Member, place: Place) -> str:
    return derived_id("dig", member.organization_id, place.team_id, place.channel_id)


def _view(session: Session, member: Member, place: Place) -> DigestView:
    return DigestView(
        digest_of(session, member),
        member.timezone,
        digests.find(session, _of_channel(member, place)),
        organizations.organization(session, member.organization_id).timezone,
    )
