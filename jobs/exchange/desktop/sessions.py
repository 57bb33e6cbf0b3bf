"""Visits of a Web Connector: it shows its password, is handed one message after the other, and brings the answers.

Each call is one transaction. Before anything is written, QuickBooks is asked in the same visit whether it has it: an
answer that never came is looked for there, and nothing is written twice. What a visit leaves behind is asked for again.
"""

import asyncio
import hmac
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cached_property

import structlog

from jobs.connecting.marks import hash_of, new_mark
from jobs.desk import Desk
from jobs.exchange.desktop import answers, qbxml
from jobs.exchange.desktop.answers import Answer, AnswerError, Found
from jobs.exchange.desktop.deciding import Later, Next, Write, after_look, after_write, document
from jobs.exchange.desktop.passwords import free_at, matches, slow_hash
from storage.facts.clock import Clock
from storage.facts.exchange_orders import Refusal, Written, read_order
from storage.facts.ids import new_id
from storage.facts.secret import Secret
from storage.facts.sources import ConnectionState
from storage.facts.web_connector import CompanyFile, DesktopRequest, DesktopSession, DesktopStep, WebConnector
from storage.records import capabilities, desktop_requests, exchange, sources
from storage.records import web_connector as records
from storage.sessions import Session

log = structlog.get_logger("jobs.exchange.desktop")

#: Told what became of an order, by its request id, in the transaction that keeps it. Says whether that was taken:
#: whoever wanted it may not have noted yet that it waits, and is told again then.
Settle = Callable[[Session, str, Written | Refusal], bool]

#: How long a visit may say nothing; QuickBooks may take minutes for one order, and its windows wait for people.
IDLE = timedelta(minutes=15)
#: How long a visit lasts at most.
LONGEST = timedelta(hours=12)
#: how long it is kept that somebody called
_KEPT = timedelta(days=30)
#: how long somebody is told again what became of an order
_TOLD_FOR = timedelta(days=1)
_NOT_NOW = timedelta(minutes=2)
_NO_USER = ("", "nvu")
FAILED, FINISHED = -1, 100
_LONGEST_PATH = 500
_GUESSES_AT_ONCE = 2


class TicketGoneError(Exception):
    """The ticket is none, or its visit is over: the Web Connector has to begin anew."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a Web Connector says when it asks for work."""

    ticket: str
    host_answer: str
    company_path: str
    major: str
    minor: str


class WebConnectorSessions:
    """Answers the calls of Web Connectors."""

    def __init__(
        self, desk: Desk, clock: Clock, settle: Settle, *, checkpoint: Callable[[str], None] = lambda _name: None
    ) -> None:
        self._desk = desk
        self._clock = clock
        self._settle = settle
        self._checkpoint = checkpoint
        # Each try takes 16 MB: many at once would be somebody's way to fill the memory.
        self._guesses = asyncio.Semaphore(_GUESSES_AT_ONCE)

    @cached_property
    def _nobodys(self) -> str:
        """Compared where there is no such registration, so that this takes as long."""
        return slow_hash(new_mark())

    async def authenticate(self, registration_id: str, user_name: str, password: Secret) -> tuple[str, ...]:
        """Return a ticket with "" for work, `none` for no work (and in how many seconds to come again), else `nvu`."""
        kept = await self._desk.write(lambda session: self._tried(session, registration_id))
        async with self._guesses:
            right = await asyncio.to_thread(lambda: matches(kept or self._nobodys, password))
        if not right or not kept:
            log.warning("web_connector_refused", registration=registration_id)
            return _NO_USER
        return await self._desk.write(lambda session: self._begun(session, registration_id, user_name, kept))

    async def registered(self, registration_id: str) -> bool:
        """Whether anybody may call there; the address is as random as the password."""
        return await self._desk.read(lambda session: records.one(session, registration_id) is not None)

    async def send(self, registration_id: str, asked: Asked) -> str:
        """Return the next message for QuickBooks; empty: nothing more, and `last_error` says why."""
        told = await self._desk.write(lambda session: self._sent(session, registration_id, asked))
        self._checkpoint("desktop.handed")
        return told

    async def receive(self, registration_id: str, ticket: str, response: str, hresult: str) -> int:
        """Take an answer; return how much is done in percent, or less than nothing when the visit cannot go on."""
        told = await self._desk.write(
            lambda session: self._received(session, registration_id, ticket, response, hresult)
        )
        self._checkpoint("desktop.taken")
        return told

    async def connection_error(self, registration_id: str, ticket: str, hresult: str) -> str:
        """Take the news that QuickBooks cannot be worked with; there is no other company file to try."""

        def work(session: Session) -> str:
            visit = self._visit(session, registration_id, ticket)
            self._left(session, visit, answers.called_with(hresult))
            return "DONE"

        return await self._desk.write(work)

    async def last_error(self, registration_id: str, ticket: str) -> str:
        """Return what went wrong, for whoever sits before the Web Connector."""

        def look(session: Session) -> str:
            visit = records.by_ticket(session, registration_id, _hashed(ticket))
            return (visit.error or "No orders wait.") if visit else "This visit is over."

        return await self._desk.read(look)

    async def close(self, registration_id: str, ticket: str) -> str:
        """End a visit; return what is said about it."""

        def work(session: Session) -> str:
            try:
                visit = self._visit(session, registration_id, ticket)
            except TicketGoneError:
                return "This visit is over."
            self._left(session, visit, visit.error, ended=True)
            return visit.error or f"{visit.done} {'order' if visit.done == 1 else 'orders'} settled."

        return await self._desk.write(work)

    def _tried(self, session: Session, registration_id: str) -> str:
        """Count a try before it is looked at, as many at once count as many; return the hash, empty: none counts."""
        records.locked(session, registration_id)
        found, now = records.password_of(session, registration_id), self._clock.now()
        if found is None:
            return ""
        kept, wrong, wrong_at = found
        until = free_at(wrong, wrong_at)
        # A clock that was ahead when somebody tried keeps nobody out until it is as late again.
        if until is not None and wrong_at is not None and wrong_at <= now < until:
            log.warning("web_connector_paced", registration=registration_id, wrong=wrong, until=until.isoformat())
            return ""
        records.tried(session, registration_id, wrong + 1, now)
        return kept

    def _begun(self, session: Session, registration_id: str, user_name: str, kept: str) -> tuple[str, ...]:
        registration, now = records.locked(session, registration_id), self._clock.now()
        found = records.password_of(session, registration_id)
        # Withdrawn, or given another password, while this one was looked at.
        if registration is None or found is None or not hmac.compare_digest(found[0].encode(), kept.encode()):
            return _NO_USER
        if not hmac.compare_digest(registration.user_name.encode(), user_name.encode(errors="replace")):
            log.warning("web_connector_refused", registration=registration_id)
            return _NO_USER
        records.tried(session, registration_id, 0, None)
        records.called(session, registration_id, now)
        for done in desktop_requests.untold(session, registration_id, now - _TOLD_FOR):
            self._tell(session, done)
        ticket = new_mark().reveal()
        earlier = records.live(session, registration_id)
        if earlier is not None:
            if earlier.seen_at > now:
                # The clock was ahead then: it is silent from now on.
                earlier = replace(earlier, seen_at=now)
                records.saw(session, earlier)
            free = earlier.seen_at + IDLE
            if earlier.message_id and now < free:
                # Somebody else is at it: what they were handed may be written at this moment.
                log.info("web_connector_busy", registration=registration_id)
                return (ticket, "none", str(int((free - now).total_seconds()) + 1))
            self._left(session, earlier, earlier.error, ended=True)
        if self._cut(session, registration) or not desktop_requests.left(session, registration_id, now):
            return (ticket, "none")
        records.forget_before(session, registration_id, now - _KEPT)
        visit = DesktopSession(new_id("wcs"), registration_id, now, now)
        if not records.begin(session, visit, _hashed(ticket)):
            return (ticket, "none", str(int(IDLE.total_seconds())))
        log.info("web_connector_visit", registration=registration_id, visit=visit.id)
        return (ticket, "")

    def _sent(self, session: Session, registration_id: str, asked: Asked) -> str:
        visit = self._visit(session, registration_id, asked.ticket)
        registration = records.one(session, registration_id)
        assert registration is not None
        wrong = self._cut(session, registration) or self._wrong_company(session, registration, asked)
        if wrong:
            self._left(session, visit, wrong)
            return ""
        if visit.message_id:
            # Handed over before, and no word of it since.
            visit = self._left(session, visit, "")
        spoken, now = qbxml.version(asked.major, asked.minor), self._clock.now()
        request = desktop_requests.one(session, visit.outstanding) if visit.outstanding else None
        if request is None or not request.open:
            request = desktop_requests.next_of(session, registration_id, now)
            if request is None:
                records.saw(session, replace(visit, outstanding="", message_id="", error=""))
                return ""
            request = replace(request, step=DesktopStep.QUERY, asked=request.asked + 1)
        else:
            request = replace(request, step=DesktopStep.WRITE, written=request.written + 1)
        message_id = f"{request.id}.{request.asked}.{request.step.value[0]}"
        desktop_requests.sent(session, request)
        records.saw(session, replace(visit, outstanding=request.id, message_id=message_id, error=""))
        return qbxml.message(spoken, _message(message_id, request))

    def _received(self, session: Session, registration_id: str, ticket: str, response: str, hresult: str) -> int:
        visit = self._visit(session, registration_id, ticket)
        request = desktop_requests.one(session, visit.outstanding) if visit.message_id else None
        if request is None or not request.open:
            # The same answer again: its first time counted.
            return self._percent(session, visit)
        if hresult.strip():
            said = answers.called_with(hresult)
            if hresult.strip().casefold() == answers.UNREADABLE:
                return self._percent(session, self._ended(session, visit, request, Refusal(said)))
            self._left(session, visit, said)
            return FAILED
        try:
            answer = _matching(answers.read(response), visit)
        except AnswerError as error:
            log.warning("web_connector_answer_refused", registration=registration_id, reason=str(error))
            self._left(session, visit, str(error))
            return FAILED
        return self._percent(session, self._followed(session, visit, request, answer))

    def _followed(
        self, session: Session, visit: DesktopSession, request: DesktopRequest, answer: Answer
    ) -> DesktopSession:
        """Do what follows from an answer; return the visit as it stands then."""
        then = self.decided(request, answer)
        now, free = self._clock.now(), replace(visit, outstanding="", message_id="")
        match then:
            case Write(before):
                found_id, edit = (before.txn_id, before.edit_sequence) if before else ("", "")
                desktop_requests.to_write(session, replace(request, found_id=found_id, found_edit=edit))
                free = replace(visit, message_id="")
            case Later(reason):
                desktop_requests.again(session, request, DesktopStep.QUERY, now + _NOT_NOW, reason)
            case None:
                desktop_requests.again(session, request, DesktopStep.QUERY, request.queued_at)
            case _:
                return self._ended(session, visit, request, then)
        records.saw(session, free)
        return free

    def decided(self, request: DesktopRequest, answer: Answer) -> Next | None:
        """Return what follows from an answer to a look, or to what was written; None: look once more."""
        if request.step is DesktopStep.QUERY:
            return after_look(request, read_order(request.body), answer)
        return after_write(request, answer)

    def _ended(
        self, session: Session, visit: DesktopSession, request: DesktopRequest, outcome: Written | Refusal
    ) -> DesktopSession:
        """Keep what became of an order, and tell it."""
        done = replace(request, answered_at=self._clock.now())
        if isinstance(outcome, Written):
            done = replace(done, target_id=outcome.target_id, number=outcome.number, reason="")
        else:
            done = replace(done, reason=outcome.reason, refused=True)
        if desktop_requests.answered(session, done):
            self._tell(session, done)
        log.info("desktop_order_settled", request=request.id, refused=done.refused)
        after = replace(visit, outstanding="", message_id="", done=visit.done + 1)
        records.saw(session, after)
        return after

    def _tell(self, session: Session, done: DesktopRequest) -> None:
        written = Written(done.target_id, done.number)
        if self._settle(session, done.request_id, Refusal(done.reason) if done.refused else written):
            desktop_requests.told(session, done)

    def _left(self, session: Session, visit: DesktopSession, error: str, *, ended: bool = False) -> DesktopSession:
        """Let what was handed over and not answered be asked for again; QuickBooks is asked first what it has of it."""
        now = self._clock.now()
        request = desktop_requests.one(session, visit.outstanding) if visit.outstanding else None
        if request is not None and request.open:
            desktop_requests.again(session, request, DesktopStep.QUERY, request.queued_at, error)
        after = replace(visit, outstanding="", message_id="", error=error, ended_at=now if ended else None)
        records.saw(session, after)
        return after

    def _visit(self, session: Session, registration_id: str, ticket: str) -> DesktopSession:
        """Return the visit of a ticket, alone with it until the transaction ends; TicketGoneError: none, or over."""
        registration, now = records.locked(session, registration_id), self._clock.now()
        visit = records.by_ticket(session, registration_id, _hashed(ticket)) if registration is not None else None
        if visit is None or visit.ended_at is not None or now >= min(visit.seen_at + IDLE, visit.begun_at + LONGEST):
            log.info("web_connector_ticket_gone", registration=registration_id)
            raise TicketGoneError
        seen = replace(visit, seen_at=now)
        records.saw(session, seen)
        return seen

    def _cut(self, session: Session, registration: WebConnector) -> str:
        """Return why nothing more is handed over, whatever waits; a visit may be hours old."""
        if sources.source(session, registration.source_id).connection is ConnectionState.DISCONNECTED:
            return "PocketAdvantage is disconnected. No orders are written until it is connected again."
        books = {one.books_id for one in exchange.pairs_of_source(session, registration.source_id)}
        if any(not capabilities.may_write(session, one) for one in books):
            return "Tidings may not create orders. An admin allows it in Slack: /data exchange allow orders"
        return ""

    def _wrong_company(self, session: Session, registration: WebConnector, asked: Asked) -> str:
        """Return why nothing is written into the company file that is open; empty: it is the one."""
        path = asked.company_path.strip()[:_LONGEST_PATH]
        if not path:
            return "The Web Connector does not say which company file is open. Nothing was written."
        opened = CompanyFile(path, answers.company_of(asked.host_answer))
        known = registration.company
        if known is None or (known.same(opened) and opened.company and not known.company):
            records.bind(session, registration.id, opened)
            log.info("web_connector_bound", registration=registration.id)
            return ""
        if known.same(opened):
            if registration.other is not None:
                records.seen_other(session, registration.id, CompanyFile(""))
            return ""
        if registration.other != opened:
            records.seen_other(session, registration.id, opened)
        log.warning("web_connector_other_company", registration=registration.id)
        return (
            "Another company file is open than the one that orders are written into. Nothing was written. Open the "
            "right one, or let an admin agree to this one in Slack: /data exchange desktop"
        )

    def _percent(self, session: Session, visit: DesktopSession) -> int:
        left = desktop_requests.left(session, visit.registration_id, self._clock.now()) + bool(visit.outstanding)
        return min(99, max(1, visit.done * 100 // (visit.done + left))) if left else FINISHED


def _message(message_id: str, request: DesktopRequest) -> str:
    order = read_order(request.body)
    if request.step is DesktopStep.QUERY:
        return qbxml.query(message_id, order, request.before)
    before = Found(request.found_id, request.found_edit, "") if request.found_id else None
    return document(message_id, request, order, before)


def _matching(answer: Answer, visit: DesktopSession) -> Answer:
    if not hmac.compare_digest(answer.message_id.encode(), visit.message_id.encode()):
        raise AnswerError("QuickBooks' answer is about something else")
    return answer


def _hashed(ticket: str) -> str:
    return hash_of("web connector ticket", Secret(ticket))
