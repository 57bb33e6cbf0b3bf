"""Everything about one's own messages at once, for the form: what is chosen, quiet hours and digest, saved together."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from jobs.authorize import authorize
from jobs.desk import Desk
from jobs.errors import NotFoundError
from jobs.refresh.ask import TriggerKey
from jobs.subscriptions.digests import DigestService, digest_of
from jobs.subscriptions.quieting import QuietService, quiet_of
from jobs.subscriptions.service import SubscriptionService, choices_of
from storage.facts.clock import Clock
from storage.facts.own import Own
from storage.facts.people import Action, Actor, Member
from storage.facts.quiet import Quiet, Rhythm
from storage.facts.subscriptions import Topic, Ways
from storage.records import organizations, sources, triggers
from storage.sessions import Session


@dataclass(frozen=True, slots=True)
class OwnChanges:
    """What a person changed; what is left as it was is not in it."""

    #: None: every source
    source_id: str | None = None
    #: by which ways each topic is told; None: by the default
    ways: Mapping[Topic, Ways | None] = field(default_factory=dict)
    #: topics that are told in the digest alone
    in_digest: frozenset[Topic] = frozenset()
    #: (None,): no quiet hours any more; None: as they were
    quiet: tuple[Quiet | None] | None = None
    #: (None,): no digest any more; None: as it was
    digest: tuple[tuple[Rhythm, Ways] | None] | None = None


class OwnMessages:
    """Shows and saves all of it, in one transaction, by what the words of `/data notify` use as well."""

    def __init__(
        self, desk: Desk, clock: Clock, choices: SubscriptionService, quiet: QuietService, digests: DigestService
    ) -> None:
        self._desk = desk
        self._clock = clock
        self._choices = choices
        self._quiet = quiet
        self._digests = digests

    async def mine(self, actor: Actor) -> Own:
        """Return what the person is told, and when not."""
        member = authorize(actor, Action.CHOOSE_MESSAGES)
        return await self._desk.read(lambda session: self._own(session, member))

    async def save(self, actor: Actor, wanted: OwnChanges, trigger: TriggerKey) -> Own:
        """Save what was changed: all of it or nothing, and once for a trigger. NotFoundError for a foreign source."""
        return await self._desk.write(lambda session: self._save(session, actor, wanted, trigger))

    def _save(self, session: Session, actor: Actor, wanted: OwnChanges, trigger: TriggerKey) -> Own:
        known = authorize(actor, Action.CHOOSE_MESSAGES)
        organizations.lock(session, known.organization_id)
        again = organizations.member_by_identity(session, actor.identity)
        member = authorize(Actor(actor.identity, again), Action.CHOOSE_MESSAGES)
        if wanted.source_id and sources.visible(session, member.organization_id, wanted.source_id) is None:
            raise NotFoundError
        if triggers.first_result(session, trigger.team_id, trigger.trigger_id) is None:
            self._write(session, member, wanted)
            triggers.remember(session, trigger.team_id, trigger.trigger_id, member.id, self._clock.now())
        return self._own(session, member)

    def _write(self, session: Session, member: Member, wanted: OwnChanges) -> None:
        # The digest first: to end it takes back what is told in it alone, and what is put into it needs one.
        if wanted.digest is not None:
            rhythm, ways = wanted.digest[0] or (None, frozenset())
            self._digests.write(session, member, rhythm, ways)
        if wanted.in_digest:
            self._digests.put_in(session, member, wanted.source_id, wanted.in_digest)
        for topic, chosen in wanted.ways.items():
            self._choices.write(session, member, wanted.source_id, frozenset({topic}), chosen)
        if wanted.quiet is not None:
            self._quiet.write(session, member, wanted.quiet[0])

    def _own(self, session: Session, member: Member) -> Own:
        quiet = quiet_of(session, member, self._clock.now())
        return Own(choices_of(session, member), quiet, digest_of(session, member))
