"""Which QuickBooks Desktop may call: made, renewed, bound to its company file and withdrawn by admins."""

import asyncio
import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from jobs.authorize import authorize
from jobs.desk import Desk
from jobs.errors import NotFoundError, TooLateError
from jobs.exchange.desktop import qwc
from jobs.exchange.desktop.passwords import COST, new_password, slow_hash
from jobs.exchange.desktop.qwc import Claim, QwcLinks
from jobs.exchange.desktop.sessions import IDLE
from jobs.refresh.ask import TriggerKey
from storage.facts.clock import Clock
from storage.facts.ids import derived_id
from storage.facts.people import Action, Actor, Member, SlackIdentity
from storage.facts.secret import Secret
from storage.facts.sources import Provider, Source
from storage.facts.web_connector import WebConnector
from storage.records import audit, desktop_requests, organizations, sources, triggers
from storage.records import web_connector as records
from storage.sessions import Session


@dataclass(frozen=True, slots=True)
class Registered:
    """A registration, and how many orders wait for its call."""

    connector: WebConnector
    waiting: int
    #: what people call the connection that its orders come over
    label: str
    #: the account of that connection
    account: str = ""


@dataclass(frozen=True, slots=True)
class Handed:
    """What an admin is given: a link to the file, and a new password, which is told this once."""

    connector: WebConnector
    url: str
    until: datetime
    #: None: the one that counts already
    password: Secret | None = None
    #: the account whose orders it takes
    account: str = ""


@dataclass(frozen=True, slots=True)
class QwcFile:
    """What is downloaded."""

    name: str
    content: bytes


class Registering:
    """What admins do with registrations."""

    def __init__(self, desk: Desk, clock: Clock, links: QwcLinks, *, cost: int = COST) -> None:
        self._desk = desk
        self._clock = clock
        self._links = links
        self._cost = cost

    async def all(self, actor: Actor) -> list[Registered]:
        """Return those of the actor's organization."""
        member = authorize(actor, Action.MANAGE_DESKTOP)

        def work(session: Session) -> list[Registered]:
            found = records.all_of(session, member.organization_id)
            known = {one.id: one for one in sources.connections_of(session, member.organization_id)}
            return [
                Registered(one, desktop_requests.unanswered(session, one.id), *_called(known.get(one.source_id)))
                for one in found
            ]

        return await self._desk.read(work)

    async def new(self, actor: Actor, trigger: TriggerKey, account: str = "") -> Handed:
        """Let a QuickBooks Desktop call for the orders of an account; of several it must be named.

        TooLateError: one does, there are no orders, nobody knows whose, or our address is not safe.
        """
        authorize(actor, Action.MANAGE_DESKTOP)
        if not qwc.may_be_called(self._links.public_url):
            raise TooLateError("the Web Connector calls https addresses only, and ours is none: tell your operator")
        password = new_password()
        kept = await asyncio.to_thread(slow_hash, password, self._cost)

        def work(session: Session) -> WebConnector:
            member = self._member(session, actor, trigger)
            source = _without_one(session, member.organization_id, account)
            made_id = derived_id("qbd", member.organization_id, trigger.team_id, trigger.trigger_id)
            owner, file = (str(uuid.uuid5(uuid.NAMESPACE_URL, f"{made_id}/{name}")) for name in ("owner", "file"))
            made = WebConnector(
                made_id, member.organization_id, source.id, member.id, f"tidings-{made_id[-8:]}", owner, file,
                self._clock.now(),
            )  # fmt: skip
            earlier = records.last_of(session, source.id)
            records.add(session, made, kept)
            if earlier is not None and earlier.company is not None:
                # Another registration is no reason to write into another company's books.
                records.bind(session, made_id, earlier.company)
            desktop_requests.adopt(session, source.id, made_id, made.created_at + IDLE)
            self._note(session, member, made, "made")
            return made

        made = await self._desk.write(work)
        source = await self._desk.read(lambda session: sources.source(session, made.source_id))
        return replace(self._handed(actor, made, password), account=source.account)

    async def renew(self, actor: Actor, registration_id: str, trigger: TriggerKey) -> Handed:
        """Give it another password; the one before counts no more, nor does a visit that began with it.

        NotFoundError as below.
        """
        password = new_password()
        kept = await asyncio.to_thread(slow_hash, password, self._cost)

        def change(session: Session, found: WebConnector) -> str:
            now = self._clock.now()
            records.renew(session, found.id, kept)
            records.end(session, found.id, now)
            desktop_requests.adopt(session, found.source_id, found.id, now + IDLE)
            return "renewed"

        return self._handed(actor, await self._changed(actor, registration_id, trigger, change), password)

    async def link(self, actor: Actor, registration_id: str) -> Handed:
        """Return another link to the file of one; NotFoundError for a missing one and for somebody else's."""
        member = authorize(actor, Action.MANAGE_DESKTOP)
        found = await self._desk.read(lambda session: _own(session, member, registration_id))
        return self._handed(actor, found)

    async def agree(self, actor: Actor, registration_id: str, trigger: TriggerKey) -> WebConnector:
        """Let orders go into the company file that was open last, and no more into the one before."""

        def change(session: Session, found: WebConnector) -> str:
            if found.other is None:
                raise TooLateError("no other company file was open when it called last")
            records.bind(session, found.id, found.other)
            return "company changed"

        return await self._changed(actor, registration_id, trigger, change)

    async def withdraw(self, actor: Actor, registration_id: str, trigger: TriggerKey) -> WebConnector:
        """Let it call no more; its orders wait for the next registration."""

        def change(session: Session, found: WebConnector) -> str:
            records.withdraw(session, found.id, self._clock.now())
            return "withdrawn"

        return await self._changed(actor, registration_id, trigger, change)

    async def file(self, ticket: str) -> QwcFile | None:
        """Return the file of a link, as things stand now; None for what is not, or not any more, for its person."""
        claim = qwc.read_ticket(ticket)
        if claim is None or not self._links.made(claim, self._clock.now()):
            return None

        def look(session: Session) -> WebConnector | None:
            member = organizations.still_member(session, claim.member_id)
            if member is None:
                return None
            authorize(Actor(SlackIdentity(member.team_id, member.user_id), member), Action.MANAGE_DESKTOP)
            found = records.one(session, claim.registration_id)
            return found if found is not None and found.organization_id == member.organization_id else None

        found = await self._desk.read(look)
        return QwcFile(f"{found.user_name}.qwc", qwc.content(found, self._links.public_url)) if found else None

    async def _changed(
        self, actor: Actor, registration_id: str, trigger: TriggerKey, change: Callable[[Session, WebConnector], str]
    ) -> WebConnector:
        authorize(actor, Action.MANAGE_DESKTOP)

        def work(session: Session) -> WebConnector:
            member = self._member(session, actor, trigger)
            found = _own(session, member, registration_id)
            records.locked(session, registration_id)
            what = change(session, found)
            self._note(session, member, found, what)
            return records.one(session, registration_id) or found

        return await self._desk.write(work)

    def _member(self, session: Session, actor: Actor, trigger: TriggerKey) -> Member:
        """Return the admin as they are now, in the transaction of the effect, which happens once."""
        known = organizations.member_by_identity(session, actor.identity)
        member = authorize(Actor(actor.identity, known), Action.MANAGE_DESKTOP)
        organizations.lock(session, member.organization_id)
        if triggers.first_result(session, trigger.team_id, trigger.trigger_id) is not None:
            raise TooLateError("that was done already")
        triggers.remember(session, trigger.team_id, trigger.trigger_id, "web connector", self._clock.now())
        return member

    def _note(self, session: Session, member: Member, about: WebConnector, what: str) -> None:
        now, detail = self._clock.now(), {"what": what, "registration": about.id}
        audit.record(
            session, member.organization_id, member.id, Action.MANAGE_DESKTOP, about.source_id, now, dict(detail)
        )

    def _handed(self, actor: Actor, made: WebConnector, password: Secret | None = None) -> Handed:
        member = authorize(actor, Action.MANAGE_DESKTOP)
        until = int((self._clock.now() + qwc.VALID).timestamp())
        url = self._links.link(Claim(made.id, member.id, until))
        return Handed(made, url, datetime.fromtimestamp(until, UTC), password)


def _own(session: Session, member: Member, registration_id: str) -> WebConnector:
    found = records.one(session, registration_id)
    if found is None or found.organization_id != member.organization_id:
        raise NotFoundError
    return found


def _called(source: Source | None) -> tuple[str, str]:
    return (source.label, source.account) if source is not None else ("", "")


def _without_one(session: Session, organization_id: str, account: str) -> Source:
    """Return the connection whose orders nothing takes yet: the one of that account, else the only one."""
    known = [
        one for one in sources.connections_of(session, organization_id) if one.provider is Provider.POCKETADVANTAGE
    ]
    if not known:
        raise TooLateError("no PocketAdvantage is connected: connect it first, with /data connect")
    named = [one for one in known if one.account.casefold() == account.casefold()] if account else known
    if not named:
        accounts = ", ".join(one.account for one in known)
        raise TooLateError(f"no PocketAdvantage account is called {account}: there is {accounts}")
    free = [one for one in named if not records.of_source(session, one.id)]
    if not free:
        raise TooLateError("a QuickBooks Desktop is registered already: renew its password, or withdraw it first")
    if len(free) > 1:
        # Whose orders go into which company's books must never be guessed.
        accounts = ", ".join(one.account for one in free)
        raise TooLateError(f"say whose orders it takes, with the account behind the word new: {accounts}")
    return free[0]
