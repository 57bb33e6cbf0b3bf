"""Whoever connected an account and is no full member of the Slack workspace any more: the admins are told, once.

The account stays connected for the organization; it only stands in the name of somebody who cannot renew it. Whoever
is called when a refresh does not end is asked about, too, and taken out of the policy, and so is whoever wrote what was
wrong with a result: their words are forgotten. Slack tells of a leaver by an
event, which is a reason to ask, and everybody is asked about once a day. What Slack does not tell says nothing about
anybody.
"""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from functools import partial

import structlog

from jobs.deliver.posting import Words
from jobs.escalating.leaving import on_call, taken_out
from jobs.members import connected_by
from jobs.notify.kinds import OWNER_LEFT
from jobs.notify.notifier import Notifier
from jobs.people import FetchProfile, Profile
from storage.facts.deliveries import Delivery
from storage.facts.ids import new_id
from storage.facts.messages import Message
from storage.facts.people import Member, SlackIdentity
from storage.records import asked_last, connections, feedback, leases, organizations
from storage.sessions import Database, Session
from templates.notices.members import owner_left

#: How often a hint of Slack is followed up.
LOOK_EVERY = 60.0
_ASK_EVERYBODY = timedelta(hours=23)
_TAKE_TURNS = timedelta(hours=1)

log = structlog.get_logger()


class Leavers:
    """Looks for them; `hints` gives those of whom Slack said something since the last look, in this process."""

    def __init__(
        self,
        database: Database,
        fetch: FetchProfile,
        notifier: Notifier,
        hints: Callable[[], frozenset[SlackIdentity]],
        now: Callable[[], datetime],
    ) -> None:
        self._database = database
        self._fetch = fetch
        self._notifier = notifier
        self._hints = hints
        self._now = now
        self._holder = new_id("lvr")
        self._turn_at: datetime | None = None

    async def sweep(self) -> None:
        """Ask Slack about those who may have left, and let the admins be told; for the clock."""
        hinted, everybody = self._hints(), await self._turn()
        if not hinted and not everybody:
            return
        if hinted:
            await self._database.writing(partial(_forgotten, people=hinted))
        for owner in await self._database.reading(connections.owners):
            identity = SlackIdentity(owner.team_id, owner.user_id)
            if (everybody or identity in hinted) and self.gone(await self._fetch(identity)):
                await self._database.writing(partial(self._tell, owner=owner))
        for person in await self._database.reading(partial(feedback.writers, among=None if everybody else hinted)):
            if self.gone(await self._fetch(SlackIdentity(person.team_id, person.user_id))):
                await self._database.writing(partial(feedback.forget_person, member_id=person.id))
        for person in await self._database.reading(on_call):
            identity = SlackIdentity(person.team_id, person.user_id)
            if (everybody or identity in hinted) and self.gone(await self._fetch(identity)):
                await self._database.writing(partial(self._call_no_more, person=person))

    def gone(self, profile: Profile | None) -> bool:
        """Whether that is no full member any more. An answer without a name is no answer about anybody."""
        return profile is not None and bool(profile.name) and not profile.full_member

    async def _turn(self) -> bool:
        """Whether everybody is to be asked about now; one process a day is the one."""
        now = self._now()
        if self._turn_at is not None and now < self._turn_at:
            return False
        self._turn_at = now + _TAKE_TURNS
        seconds = _ASK_EVERYBODY.total_seconds()
        taken = await self._database.writing(lambda session: leases.acquire(session, "leavers", self._holder, seconds))
        return taken is not None

    def _tell(self, session: Session, owner: Member) -> None:
        organizations.lock(session, owner.organization_id)
        if self._notifier.owner_left(session, owner, self._now()):
            log.warning("owner_left_slack", organization=owner.organization_id, member=owner.id)

    def _call_no_more(self, session: Session, person: Member) -> None:
        organizations.lock(session, person.organization_id)
        if taken_out(session, person, self._now(), self._notifier):
            log.info("on_call_left_slack", organization=person.organization_id, member=person.id)


def _forgotten(session: Session, people: frozenset[SlackIdentity]) -> None:
    """Forget what they asked last: whoever is still there is asked which source they mean, and nothing else is lost."""
    for identity in people:
        asked_last.forget_person(session, identity)


def leaver_words() -> Mapping[str, Words]:
    """Return the words of the kind of delivery that is ours."""

    def told(session: Session, delivery: Delivery, _now: datetime) -> Message:
        owner = organizations.member(session, delivery.subject)
        return owner_left(owner, connected_by(session, owner))

    return {OWNER_LEFT: told}
