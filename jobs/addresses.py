"""The address for mail: taken from the Slack profile, and confirmed by the member once."""

import re

from jobs.authorize import authorize
from jobs.desk import Desk
from jobs.people import People
from storage.facts.clock import Clock
from storage.facts.people import Action, Actor, Member
from storage.records import audit, organizations
from storage.sessions import Session

#: One plain address: what stands in a profile may be anything.
_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+", re.ASCII)


class AddressService:
    """Asks once, and remembers the answer."""

    def __init__(self, desk: Desk, clock: Clock, people: People) -> None:
        self._desk = desk
        self._clock = clock
        self._people = people

    def slack_only(self, actor: Actor) -> bool:
        """Whether nothing can be mailed to the member: none was confirmed, and the profile has none to ask about.

        False where the profile is not known now: what is not known is not said.
        """
        profile = self._people.profile(actor.identity)
        if profile is None or (actor.member is not None and actor.member.email_confirmed):
            return False
        return not profile.email or not _ADDRESS.fullmatch(profile.email)

    async def question(self, actor: Actor) -> str | None:
        """Return the address to ask about; None when the member answered before, or the profile has none."""
        member = authorize(actor, Action.CONFIRM_EMAIL)
        profile = self._people.profile(actor.identity)
        if profile is None or not profile.email or not _ADDRESS.fullmatch(profile.email):
            return None
        asked = await self._desk.read(lambda session: organizations.email_was_asked(session, member.id))
        return None if asked else profile.email

    async def answer(self, actor: Actor, *, yes: bool, address: str | None = None) -> Member:
        """Remember yes or no. When the profile has another address than the one asked about, none is taken."""
        member = authorize(actor, Action.CONFIRM_EMAIL)
        profile = self._people.profile(actor.identity)
        found = profile.email if profile else None
        agreed = yes and (address is None or address == found)
        email = found if agreed and found and _ADDRESS.fullmatch(found) else None

        def write(session: Session) -> Member:
            now = self._clock.now()
            organizations.lock(session, member.organization_id)
            organizations.set_email(
                session,
                member.id,
                email,
                confirmed_at=now if email else None,
                refused_at=None if yes else now,
            )
            detail: dict[str, object] = {"yes": yes}
            audit.record(session, member.organization_id, member.id, Action.CONFIRM_EMAIL, member.id, now, detail)
            session.flush()
            return organizations.member(session, member.id)

        return await self._desk.write(write)
