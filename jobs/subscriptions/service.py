"""What a person is told: looked at and changed by that person alone, written down in the audit."""

from jobs.authorize import authorize
from jobs.desk import Desk
from jobs.errors import NotFoundError
from jobs.refresh.ask import TriggerKey
from storage.facts.clock import Clock
from storage.facts.people import Action, Actor, Member
from storage.facts.subscriptions import Choices, Topic, Ways
from storage.records import audit, home_views, organizations, sources, subscriptions, triggers
from storage.sessions import Session
from templates.words import account_name


class SubscriptionService:
    """Shows and changes what people are told."""

    def __init__(self, desk: Desk, clock: Clock) -> None:
        self._desk = desk
        self._clock = clock

    async def mine(self, actor: Actor) -> Choices:
        """Return what the person chose."""
        member = authorize(actor, Action.CHOOSE_MESSAGES)
        return await self._desk.read(lambda session: choices_of(session, member))

    async def choose(
        self, actor: Actor, source_id: str | None, topics: frozenset[Topic], ways: Ways | None, trigger: TriggerKey
    ) -> Choices:
        """Change how the person is told about these topics; None: by the default. The same trigger changes once."""
        return await self._desk.write(lambda session: self._choose(session, actor, source_id, topics, ways, trigger))

    def _choose(
        self,
        session: Session,
        actor: Actor,
        source_id: str | None,
        topics: frozenset[Topic],
        ways: Ways | None,
        trigger: TriggerKey,
    ) -> Choices:
        known = authorize(actor, Action.CHOOSE_MESSAGES)
        organizations.lock(session, known.organization_id)
        again = organizations.member_by_identity(session, actor.identity)
        member = authorize(Actor(actor.identity, again), Action.CHOOSE_MESSAGES)
        if source_id is not None and sources.visible(session, member.organization_id, source_id) is None:
            raise NotFoundError
        if triggers.first_result(session, trigger.team_id, trigger.trigger_id) is None:
            self.write(session, member, source_id, topics, ways)
            triggers.remember(session, trigger.team_id, trigger.trigger_id, member.id, self._clock.now())
        return choices_of(session, member)

    def write(
        self, session: Session, member: Member, source_id: str | None, topics: frozenset[Topic], ways: Ways | None
    ) -> None:
        """Change it, in a transaction that has made sure of everything."""
        now = self._clock.now()
        for topic in topics:
            subscriptions.choose(session, member, source_id, topic, ways, now)
        home_views.changed_for(session, member.team_id, member.user_id, now)
        said = "default" if ways is None else ",".join(sorted(way.value for way in ways)) or "off"
        detail: dict[str, object] = {"topics": sorted(topics), "how": said}
        audit.record(
            session, member.organization_id, member.id, Action.CHOOSE_MESSAGES, source_id or member.id, now, detail
        )


def choices_of(session: Session, member: Member) -> Choices:
    """Return what the person chose, about sources that are there."""
    found = sources.names_of(session, member.organization_id)
    named = {source_id: account_name(*name) for source_id, name in found.items()}
    kept = tuple(one for one in subscriptions.of_member(session, member.id) if one.source_id in {None, *named})
    return Choices(kept, named, member.email if member.email_confirmed else None)
