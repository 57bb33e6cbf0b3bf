"""Receivers of webhooks: entered, tried, given another secret, sent to again and removed by admins, all audited."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from connectors.outgoing.posting import checked
from connectors.outgoing.signing import new_secret
from jobs.authorize import authorize
from jobs.desk import Desk
from jobs.errors import NotFoundError, TooLateError
from jobs.refresh.ask import TriggerKey
from storage.bindings import of_endpoint
from storage.facts.clock import Clock
from storage.facts.ids import derived_id
from storage.facts.outgoing import KEPT_FOR, OLD_SECRET_FOR, TOLD_OF, Endpoint, EventType, Send
from storage.facts.people import Action, Actor, Member
from storage.facts.secret import Secret
from storage.records import audit, organizations, outgoing, triggers
from storage.seal import Seal
from storage.sessions import Session

#: receivers of one organization
MOST = 10

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Made:
    """A receiver with its signing secret, which is shown this once."""

    endpoint: Endpoint
    secret: Secret


class OutgoingService:
    """What admins do with their organization's receivers."""

    def __init__(self, desk: Desk, clock: Clock, seal: Seal, *, here: bool = False) -> None:
        self._desk = desk
        self._clock = clock
        self._seal = seal
        #: whether this machine may be a receiver, for trying things out
        self._here = here

    async def all(self, actor: Actor) -> list[Endpoint]:
        """Return the receivers of the actor's organization."""
        member = authorize(actor, Action.MANAGE_WEBHOOKS)
        return await self._desk.read(lambda session: outgoing.endpoints(session, member.organization_id))

    async def one(self, actor: Actor, endpoint_id: str) -> tuple[Endpoint, list[Send]]:
        """Return one with what was sent there lately; NotFoundError for a missing one and for somebody else's."""
        member = authorize(actor, Action.MANAGE_WEBHOOKS)

        def work(session: Session) -> tuple[Endpoint, list[Send]]:
            found = _visible(session, member, endpoint_id)
            return found, outgoing.newest(session, found.id)

        return await self._desk.read(work)

    async def add(self, actor: Actor, url: str, trigger: TriggerKey) -> Made:
        """Enter a receiver. Broken says why its address cannot be one; TooLateError: there are ten already."""
        address = checked(url, here=self._here)

        def work(session: Session, member: Member, now: datetime) -> Made:
            there = outgoing.endpoints(session, member.organization_id)
            if len(there) >= MOST:
                raise TooLateError(f"there are {MOST} receivers already; remove one first")
            endpoint_id = derived_id("hook", member.organization_id, trigger.team_id, trigger.trigger_id)
            secret = new_secret()
            sealed = self._seal.close(secret.reveal(), *of_endpoint(endpoint_id))
            outgoing.add_endpoint(
                session, endpoint_id, member.organization_id, address, TOLD_OF, sealed, member.id, now
            )
            return Made(_visible(session, member, endpoint_id), secret)

        return await self._change(actor, "", "added", trigger, work)

    async def renew(self, actor: Actor, endpoint_id: str, trigger: TriggerKey) -> Made:
        """Give it another secret; the one before signs as well for a day. Starts one again that was stopped."""

        def work(session: Session, member: Member, now: datetime) -> Made:
            found = _visible(session, member, endpoint_id)
            secret = new_secret()
            sealed = self._seal.close(secret.reveal(), *of_endpoint(found.id))
            outgoing.change_secret(session, found.id, sealed, now + OLD_SECRET_FOR)
            outgoing.start_again(session, found.id)
            return Made(_visible(session, member, endpoint_id), secret)

        return await self._change(actor, endpoint_id, "new secret", trigger, work)

    async def remove(self, actor: Actor, endpoint_id: str, trigger: TriggerKey) -> Endpoint:
        """Forget it."""

        def work(session: Session, member: Member, _now: datetime) -> Endpoint:
            found = _visible(session, member, endpoint_id)
            outgoing.remove(session, found.id)
            return found

        return await self._change(actor, endpoint_id, "removed", trigger, work)

    async def test(self, actor: Actor, endpoint_id: str, trigger: TriggerKey) -> Endpoint:
        """Send a test by the way of everything else; starts one again that was stopped."""

        def work(session: Session, member: Member, now: datetime) -> Endpoint:
            found = _visible(session, member, endpoint_id)
            outgoing.start_again(session, found.id)
            subject = f"{trigger.team_id}.{trigger.trigger_id}"
            data = {"asked_by": member.name}
            outgoing.tell(session, member.organization_id, EventType.TEST, subject, data, now, only=found.id)
            return found

        return await self._change(actor, endpoint_id, "tested", trigger, work)

    async def replay(self, actor: Actor, endpoint_id: str, hours: int, trigger: TriggerKey) -> tuple[Endpoint, int]:
        """Send again what happened in the last hours, at most five weeks; return for how many messages."""

        def work(session: Session, member: Member, now: datetime) -> tuple[Endpoint, int]:
            found = _visible(session, member, endpoint_id)
            outgoing.start_again(session, found.id)
            since = now - min(timedelta(hours=hours), KEPT_FOR)
            return found, outgoing.replay(session, found.id, since, now)

        return await self._change(actor, endpoint_id, f"replayed {hours} h", trigger, work)

    async def _change(
        self,
        actor: Actor,
        endpoint_id: str,
        what: str,
        trigger: TriggerKey,
        work: Callable[[Session, Member, datetime], T],
    ) -> T:
        """Do it once, with the role read again in the transaction; TooLateError for the same request again."""
        authorize(actor, Action.MANAGE_WEBHOOKS)

        def changed(session: Session) -> T:
            known = organizations.member_by_identity(session, actor.identity)
            member = authorize(Actor(actor.identity, known), Action.MANAGE_WEBHOOKS)
            organizations.lock(session, member.organization_id)
            if triggers.first_result(session, trigger.team_id, trigger.trigger_id) is not None:
                raise TooLateError("that was done already")
            now = self._clock.now()
            triggers.remember(session, trigger.team_id, trigger.trigger_id, endpoint_id or "new", now)
            result = work(session, member, now)
            named = result.endpoint.id if isinstance(result, Made) else endpoint_id
            detail: dict[str, object] = {"what": what}
            audit.record(session, member.organization_id, member.id, Action.MANAGE_WEBHOOKS, named, now, detail)
            return result

        return await self._desk.write(changed)


def _visible(session: Session, member: Member, endpoint_id: str) -> Endpoint:
    found = outgoing.endpoint(session, member.organization_id, endpoint_id)
    if found is None:
        raise NotFoundError
    return found
