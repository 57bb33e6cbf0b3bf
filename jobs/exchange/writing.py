"""Whether orders may be created in QuickBooks: off, until an admin allows it in a step of its own, and takes it back.

Connecting gives the right to read alone. QuickBooks knows no smaller permission than all of accounting, so that this
one is ours: whoever creates an order asks for it in the same moment (`storage.records.capabilities`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from jobs.asks import Enqueue
from jobs.authorize import authorize
from jobs.deliver.posting import Words
from jobs.desk import Desk
from jobs.errors import NotFoundError, TooLateError
from jobs.notify.adding import add_message
from storage.facts.clock import Clock
from storage.facts.deliveries import ORDERS_WRITING, Delivery
from storage.facts.ids import new_id
from storage.facts.messages import Message, Person
from storage.facts.people import Action, Actor, Member
from storage.facts.sources import ConnectionState, Provider, Source
from storage.records import audit, capabilities, deliveries, organizations, sources
from storage.sessions import Session
from templates.notices.exchange_writing import writing_told

ALLOWED, WITHDRAWN = "orders_write_allowed", "orders_write_withdrawn"


@dataclass(frozen=True, slots=True)
class Writing:
    """A QuickBooks company, and whether orders may be created in it."""

    books: Source
    allowed: bool
    #: another state than before
    changed: bool = False


class OrderWriting:
    """Shows, allows and withdraws it; admins only."""

    def __init__(self, desk: Desk, clock: Clock, enqueue: Enqueue) -> None:
        self._desk = desk
        self._clock = clock
        self._enqueue = enqueue

    async def shown(self, actor: Actor) -> list[Writing]:
        """Return the organization's QuickBooks companies; changes nothing."""
        member = authorize(actor, Action.ALLOW_ORDERS)

        def work(session: Session) -> list[Writing]:
            found = sources.sources_of(session, member.organization_id)
            books = [one for one in found if one.provider is Provider.QUICKBOOKS]
            return [Writing(one, capabilities.may_write(session, one.id)) for one in books]

        return await self._desk.read(work)

    async def allow(self, actor: Actor, source_id: str) -> Writing:
        """Allow orders to be created there; TooLateError while it is disconnected. Again changes nothing more."""
        return await self._set(actor, source_id, allowed=True)

    async def withdraw(self, actor: Actor, source_id: str) -> Writing:
        """Let no more orders be created there; what was created stays. Again changes nothing more."""
        return await self._set(actor, source_id, allowed=False)

    async def _set(self, actor: Actor, source_id: str, *, allowed: bool) -> Writing:
        authorize(actor, Action.ALLOW_ORDERS)

        def work(session: Session) -> Writing:
            known = organizations.member_by_identity(session, actor.identity)
            member = authorize(Actor(actor.identity, known), Action.ALLOW_ORDERS)
            organizations.lock(session, member.organization_id)
            books = sources.visible(session, member.organization_id, source_id)
            if books is None or books.provider is not Provider.QUICKBOOKS:
                raise NotFoundError
            if allowed and books.connection is ConnectionState.DISCONNECTED:
                raise TooLateError("QuickBooks is disconnected; reconnect it first with /data reconnect")
            now = self._clock.now()
            changed = capabilities.let_write(session, books.id, now, allowed=allowed)
            if changed:
                self._told(session, member, books, now, allowed=allowed)
            return Writing(books, allowed, changed)

        return await self._desk.write(work)

    def _told(self, session: Session, member: Member, books: Source, now: datetime, *, allowed: bool) -> None:
        """Write it down, and tell every admin, the one who did it included."""
        did = ALLOWED if allowed else WITHDRAWN
        detail: dict[str, object] = {"account": books.label, "capability": "orders:write", "now": allowed}
        audit.record(session, member.organization_id, member.id, did, books.id, now, detail)
        facts = {"source": books.id, "member": member.id, "allowed": allowed}
        subject = new_id("cap")
        for admin in organizations.admins(session, member.organization_id):
            add_message(
                session,
                self._enqueue,
                organization_id=member.organization_id,
                kind=ORDERS_WRITING,
                subject=subject,
                destination=f"{admin.team_id}/{admin.user_id}",
                member_id=admin.id,
                now=now,
                facts=facts,
            )


def writing_words() -> Mapping[str, Words]:
    """Return the words of what every admin is told."""

    def told(session: Session, delivery: Delivery, _now: datetime) -> Message:
        facts = deliveries.facts_of(session, delivery.id)
        who = organizations.member(session, str(facts["member"]))
        return writing_told(
            Person(who.name, who.team_id, who.user_id),
            sources.source(session, str(facts["source"])),
            delivery.created_at,
            allowed=bool(facts["allowed"]),
        )

    return {ORDERS_WRITING: told}
