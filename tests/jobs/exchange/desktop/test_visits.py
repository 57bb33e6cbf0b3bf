"""Orders into QuickBooks Desktop, end to end: over a socket, on both databases, whatever is lost on the way."""

import os
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from functools import partial
from typing import Any

import pytest
from sqlmodel import select

from connectors.errors import Refused, Retry
from jobs.exchange.desktop.answers import Answer
from jobs.exchange.desktop.deciding import MOST_WRITES, Next, Write
from jobs.exchange.desktop.sessions import IDLE, Asked, WebConnectorSessions
from jobs.exchange.desktop.settling import orders_settled
from jobs.exchange.forgetting import forget
from sandbox.exchange.desktop import Desktop
from sandbox.exchange.web_connector import Cut, FaultError, WebConnector
from storage.facts.exchange_orders import OrderRead, OrderState, Refusal, Wish, Written
from storage.facts.sources import ConnectionState
from storage.facts.web_connector import DesktopRequest, DesktopStep
from storage.facts.web_connector import WebConnector as Registration
from storage.records import capabilities, desktop_requests, exchange, exchange_orders, sources
from storage.records import web_connector as records
from storage.sessions import Database, Session
from storage.tables import ConnectionRow, ExchangeOrderRow, SourceRow
from tests.jobs.exchange.desktop.orders import LINE, order
from tests.jobs.exchange.desktop.stage import SOURCE, Stage, organization, staged


async def test_orders_become_sales_orders(database: Database) -> None:
    async with staged(database) as stage:
        with pytest.raises(Retry, match="/data exchange desktop"):
            await stage.sink.create(order(1), "req_1")
        connector = await stage.registered()
        assert await stage.want(order(1)) == "waits for QuickBooks Desktop's Web Connector, which has not called yet"
        nasty = replace(order(2), memo='<b>&"Zażółć\N{LINE SEPARATOR}', customer_no="Nobody & Sons")
        for one in (nasty, order(3), order(3)):
            await stage.want(one)
        visit = await connector.run()
        assert (visit.ended, visit.percents[-1], visit.shown) == ("done", 100, "3 orders settled.")
        assert visit.percents == sorted(visit.percents)
        assert [one["RefNumber"] for one in stage.desktop.orders] == ["1", "3"]
        first = stage.desktop.orders[0]
        assert (first["Other"], first["Memo"]) == ("PA 1 r1", "PA 1 r1 call before")
        assert stage.outcome("req_1") == Written(first.txn_id, "1")
        assert stage.outcome("req_2") == Refusal("QuickBooks has no customer called Nobody & Sons")
        assert await stage.sink.create(order(1), "req_1") == Written(first.txn_id, "1")
        assert await stage.sink.find(order(1), "req_1") == Written(first.txn_id, "1")
        assert await stage.sink.find(order(2), "req_2") is None
        assert (await connector.run()).ended == "no_work"
        # What a person put right is tried again when they want it.
        stage.desktop.lists["Customer"].add("Nobody & Sons")
        assert "which last called at" in await stage.want(nasty, "req_2")
        assert (await connector.run()).ended == "done"
        assert isinstance(stage.settled["req_2"][-1], Written)
        assert stage.desktop.numbered("2")[0]["Memo"] == 'PA 2 r1 <b>&"Zazólc'.replace("Zazól", "Zazó?").replace(
            "?c", "?c"
        )


async def test_amendments_and_cancels_change_what_is_there(sqlite_database: Database) -> None:
    async with staged(sqlite_database) as stage:
        connector = await stage.registered()
        await stage.want(order(1))
        await connector.run()
        before = stage.outcome("req_1")
        assert isinstance(before, Written)
        amended = replace(order(1, revision=2), lines=(replace(LINE, quantity=Decimal(7)),))
        await stage.waits(lambda: stage.sink.change(amended, "req_1b", before))
        await stage.waits(lambda: stage.sink.cancel(order(1, revision=3), "req_1c", before))
        assert (await connector.run()).ended == "done"
        (found,) = stage.desktop.orders
        assert [line["Quantity"] for line in found.lines] == ["7"]
        assert (found["Other"], found["IsManuallyClosed"], found.txn_id) == ("PA 1 r3", "true", before.target_id)
        await stage.sink.cancel(order(1, revision=3), "req_1c", before)
        # Somebody deleted it: then it is cancelled, and cannot be changed.
        stage.desktop.orders.clear()
        await stage.waits(lambda: stage.sink.cancel(order(1, revision=4), "req_1d", before))
        await stage.waits(lambda: stage.sink.change(order(1, revision=5), "req_1e", before))
        await connector.run()
        assert isinstance(stage.outcome("req_1d"), Written)
        assert stage.outcome("req_1e") == Refusal("it is not in QuickBooks any more: somebody deleted it there")


async def test_what_is_invoiced_or_anybody_elses_is_left_alone(sqlite_database: Database) -> None:
    async with staged(sqlite_database) as stage:
        connector = await stage.registered()
        stage.desktop.type_in("5", memo="by telephone")
        await stage.want(order(5))
        await stage.want(order(6))
        await connector.run()
        assert stage.outcome("req_5") == Refusal("QuickBooks has another sales order with the number 5")
        six, written = stage.desktop.numbered("6")[0], stage.outcome("req_6")
        assert isinstance(written, Written)
        six.lines[0]["Invoiced"] = "1"
        await stage.waits(lambda: stage.sink.change(order(6, revision=2), "req_6b", written))
        await connector.run()
        assert stage.outcome("req_6b") == Refusal("it is invoiced already, at least in part: change it in QuickBooks")
        assert len(stage.desktop.orders) == 2
        assert six["Other"] == "PA 6 r1"


async def test_what_quickbooks_cannot_keep_is_refused_before_it_is_kept(sqlite_database: Database) -> None:
    async with staged(sqlite_database) as stage:
        await stage.registered()
        with pytest.raises(Refused, match="the PO number has 26 characters; QuickBooks Desktop keeps 25"):
            await stage.sink.create(order(1, po_no="P" * 26), "req_1")
        assert (await stage.connector().run()).ended == "no_work"


#: orders of each visit that is cut
SOAK = bool(os.environ.get("SOAK"))
EACH = 3 if SOAK else 1
#: where the conversation is cut: every call of such a visit, before it arrives and after it was answered
CUTS = [
    Cut(method, nth, when)
    for method, count in (
        ("authenticate", 1),
        ("sendRequestXML", 2 * EACH),
        ("receiveResponseXML", 2 * EACH),
        ("closeConnection", 1),
    )
    for nth in range(1, count + 1)
    for when in ("before", "after")
    if SOAK or method in ("sendRequestXML", "receiveResponseXML")
]


class WritesAtOnce(WebConnectorSessions):
    """A twin that writes whatever it finds there."""

    def decided(self, request: DesktopRequest, answer: Answer) -> Next | None:
        return Write(None) if request.step is DesktopStep.QUERY else super().decided(request, answer)


async def _lives(stage: Stage, connector: WebConnector, cut: Cut) -> None:
    """Visit with a cut, then until nothing waits."""
    assert (await connector.run(cut)).ended == "died"
    for _ in range(4):
        stage.later(IDLE + timedelta(seconds=1))
        if (await connector.run()).ended == "no_work" or not stage.waiting():
            return
    raise AssertionError("it never ended")


async def test_cut_anywhere_each_order_is_there_once(database: Database) -> None:
    """All cuts one after another, each with orders of its own."""
    async with staged(database) as stage:
        connector = await stage.registered()
        for at, cut in enumerate(CUTS):
            numbers = [f"{at}{letter}" for letter in "ABC"[:EACH]]
            for number in numbers:
                await stage.want(order(number))
            await _lives(stage, connector, cut)
            assert [len(stage.desktop.numbered(number)) for number in numbers] == [1] * EACH, cut
            assert all(isinstance(stage.outcome(f"req_{number}"), Written) for number in numbers), cut
        assert len(stage.desktop.orders) == EACH * len(CUTS)


async def test_without_a_look_before_a_lost_answer_is_written_twice(sqlite_database: Database) -> None:
    """The twin of the test above."""
    async with staged(sqlite_database, sessions=WritesAtOnce) as stage:
        connector = await stage.registered()
        await stage.want(order(1))
        await _lives(stage, connector, Cut("receiveResponseXML", 2))
        assert len(stage.desktop.numbered("1")) == 2


@pytest.mark.parametrize("point", ["desktop.handed", "desktop.taken"])
async def test_killed_at_a_named_point_nothing_is_lost_or_doubled(sqlite_database: Database, point: str) -> None:
    """The process dies after it committed and before it answered, at each pass of a visit."""
    deaths = {"left": 0}

    def die(name: str) -> None:
        if name == point:
            deaths["left"] -= 1
            if deaths["left"] == 0:
                raise RuntimeError("power cut")

    async with staged(sqlite_database, checkpoint=die) as stage:
        connector = await stage.registered()
        for nth in (1, 2) if SOAK else (2,):
            await stage.want(order(nth))
            deaths["left"] = nth
            assert (await connector.run()).ended == "fault"
            deaths["left"] = 0
            stage.later(IDLE + timedelta(seconds=1))
            await connector.run()
            assert len(stage.desktop.numbered(str(nth))) == 1
            assert isinstance(stage.outcome(f"req_{nth}"), Written)


async def test_two_web_connectors_never_write_at_once(database: Database) -> None:
    async with staged(database) as stage:
        first = await stage.registered()
        await stage.want(order(1))
        # The first one was handed the order, and QuickBooks has a window open over it.
        assert (await first.run(Cut("receiveResponseXML", 2))).ended == "died"
        second = stage.connector()
        busy = await second.run()
        assert (busy.ended, len(stage.desktop.orders)) == ("no_work", 1)
        assert 0 < busy.postponed <= IDLE.total_seconds()
        stage.later(IDLE)
        assert (await second.run()).ended == "done"
        assert len(stage.desktop.orders) == 1


async def test_the_twin_that_lets_a_second_one_in_would_write_twice(sqlite_database: Database) -> None:
    async with staged(sqlite_database) as stage:
        first = await stage.registered()
        await stage.want(order(1))
        slow = Desktop(lists=stage.desktop.lists)
        first.desktop = slow
        # It dies on the way to an empty company file, as if QuickBooks had not written it yet.
        await first.run(Cut("receiveResponseXML", 2))
        live = stage.database.in_read(lambda session: records.live(session, stage.handed.connector.id))  # type: ignore[union-attr]
        assert live is not None
        gone = replace(live, message_id="", outstanding="", ended_at=stage.clock.now())
        stage.database.in_write(lambda session: records.saw(session, gone))
        stage.database.in_write(
            lambda session: session.connection().exec_driver_sql("UPDATE desktop_requests SET state = 'queued'")
        )
        await stage.connector().run()
        assert len(slow.orders) + len(stage.desktop.orders) == 2


async def test_a_visit_that_said_nothing_in_between_makes_room(sqlite_database: Database) -> None:
    async with staged(sqlite_database) as stage:
        first = await stage.registered()
        await stage.want(order(1))
        assert (await first.run(Cut("sendRequestXML", 1))).ended == "died"
        old = first.ticket
        second = stage.connector()
        assert (await second.run()).ended == "done"
        for method, more in (("sendRequestXML", _asks(stage)), ("receiveResponseXML", {"response": "", "hresult": ""})):
            with pytest.raises(FaultError, match="400 soap:Client: the visit is over"):
                await second.call(method, ticket=old, **more)
        assert await second.call("closeConnection", ticket=old) == ["This visit is over."]
        assert await second.call("getLastError", ticket="another") == ["This visit is over."]
        assert len(stage.desktop.orders) == 1


async def test_a_ticket_ends_with_silence_and_with_time(sqlite_database: Database) -> None:
    async with staged(sqlite_database) as stage:
        connector = await stage.registered()
        for passed, ended in ((IDLE - timedelta(minutes=1), False), (IDLE, True)):
            await stage.want(order(f"T{ended}"))
            await connector.run(Cut("sendRequestXML", 1))
            stage.later(passed)
            if ended:
                with pytest.raises(FaultError, match="the visit is over"):
                    await connector.call("sendRequestXML", ticket=connector.ticket, **_asks(stage))
            else:
                (told,) = await connector.call("sendRequestXML", ticket=connector.ticket, **_asks(stage))
                assert "SalesOrderQueryRq" in told
                stage.later(IDLE)


async def test_the_same_answer_again_and_another_ones_answer(sqlite_database: Database) -> None:
    async with staged(sqlite_database) as stage:
        connector = await stage.registered()
        await stage.want(order(1))
        await connector.run(Cut("sendRequestXML", 1))
        said = {"ticket": connector.ticket, "hresult": "", "message": ""}
        (look,) = await connector.call("sendRequestXML", ticket=connector.ticket, **_asks(stage))
        answer = stage.desktop.process(look)
        (first,) = await connector.call("receiveResponseXML", response=answer, **said)
        (again,) = await connector.call("receiveResponseXML", response=answer, **said)
        assert first == again == "1"
        (write,) = await connector.call("sendRequestXML", ticket=connector.ticket, **_asks(stage))
        assert await connector.call("receiveResponseXML", response=answer, **said) == ["-1"]
        assert await connector.call("getLastError", ticket=connector.ticket) == [
            "QuickBooks' answer is about something else"
        ]
        stage.desktop.process(write)
        assert (await connector.run()).ended == "done"
        assert len(stage.desktop.orders) == 1


def _asks(stage: Stage) -> dict[str, str]:
    return {
        "strHCPResponse": "",
        "strCompanyFileName": stage.desktop.company_file,
        "qbXMLCountry": "US",
        "qbXMLMajorVers": "13",
        "qbXMLMinorVers": "0",
    }


async def test_another_company_file_is_refused_until_an_admin_agrees(database: Database) -> None:
    async with staged(database) as stage:
        connector = await stage.registered()
        await stage.want(order(1))
        await connector.run()
        await stage.want(order(2))
        other = Desktop(company_file=r"C:\Books\Other.qbw", company="Other Traders", lists=stage.desktop.lists)
        renamed = Desktop(company="Other Traders", lists=stage.desktop.lists)
        for wrong in (other, renamed):
            visit = await stage.connector(wrong).run()
            assert visit.ended == "failed"
            assert visit.shown.startswith("Another company file is open")
            assert not wrong.orders
            assert not wrong.processed
        assert "another company file open" in await stage.want(order(3))
        # The same file, however Windows writes it, and in a later version.
        same = Desktop(company_file="c:/books/TEMERITY.QBW", lists=stage.desktop.lists, version=(13, 0))
        same.orders = stage.desktop.orders
        assert (await stage.connector(same).run()).ended == "done"
        assert "last called at" in await stage.want(order(4))
        await stage.connector(other).run()
        made = stage.handed
        assert made is not None
        agreed = await stage.registering.agree(stage.actor(), made.connector.id, stage.trigger())
        assert agreed.company is not None
        assert agreed.company.company == "Other Traders"
        assert (await stage.connector(other).run()).ended == "done"
        assert (await connector.run()).ended == "no_work"
        await stage.want(order(5))
        assert (await connector.run()).ended == "failed"


async def test_a_busy_quickbooks_is_asked_again_later_and_stops_nobody(sqlite_database: Database) -> None:
    async with staged(sqlite_database) as stage:
        connector = await stage.registered()
        stage.desktop.moods = [3175, 0]
        await stage.want(order(1))
        await stage.want(order(2))
        assert (await connector.run()).ended == "done"
        assert [one["RefNumber"] for one in stage.desktop.orders] == ["2"]
        assert (await connector.run()).ended == "no_work"
        stage.later(timedelta(minutes=3))
        stage.desktop.moods = [3180]
        await connector.run()
        stage.later(timedelta(minutes=3))
        await connector.run()
        assert [one["RefNumber"] for one in stage.desktop.orders] == ["2", "1"]


async def test_what_was_changed_by_hand_meanwhile_is_looked_at_again(sqlite_database: Database) -> None:
    async with staged(sqlite_database) as stage:
        connector = await stage.registered()
        await stage.want(order(1))
        await connector.run()
        before = stage.outcome("req_1")
        assert isinstance(before, Written)
        stage.desktop.moods = [3200]
        await stage.waits(lambda: stage.sink.change(order(1, revision=2), "req_1b", before))
        assert (await connector.run()).ended == "done"
        assert stage.desktop.orders[0]["Other"] == "PA 1 r2"
        stage.desktop.moods = [3170]
        await stage.waits(lambda: stage.sink.change(order(1, revision=3), "req_1c", before))
        await connector.run()
        assert stage.outcome("req_1c") == Refusal("QuickBooks does not let it be changed")


async def test_an_order_that_is_never_taken_ends_and_stops_nobody(sqlite_database: Database) -> None:
    """QuickBooks dies over one order again and again."""
    async with staged(sqlite_database) as stage:
        connector = await stage.registered()
        await stage.want(order("BAD"))
        for _ in range(MOST_WRITES):
            assert (await connector.run(Cut("receiveResponseXML", 2))).ended == "died"
            stage.desktop.orders.clear()
            stage.later(IDLE + timedelta(seconds=1))
        await stage.want(order(1))
        assert (await connector.run()).ended == "done"
        assert [one["RefNumber"] for one in stage.desktop.orders] == ["1"]
        assert stage.outcome("req_BAD") == Refusal(f"QuickBooks did not take it in {MOST_WRITES} tries")


async def test_quickbooks_that_cannot_be_worked_with_is_said_in_plain_words(sqlite_database: Database) -> None:
    async with staged(sqlite_database) as stage:
        connector = await stage.registered()
        await stage.want(order(1))
        visit = await connector.run(hresult="0x80040408")
        assert (visit.ended, visit.shown) == ("failed", "QuickBooks could not start")
        assert (await connector.run()).ended == "done"


@pytest.mark.parametrize("ahead, waits", [(timedelta(days=1), False), (timedelta(0), True)])
async def test_a_clock_that_was_ahead_keeps_nobody_out(
    sqlite_database: Database,
    ahead: timedelta,
    waits: bool,  # noqa: FBT001 - whether the first tries were in time
) -> None:
    async with staged(sqlite_database) as stage:
        connector = await stage.registered()
        await stage.want(order(1))
        stage.later(ahead)
        assert (await connector.run(Cut("receiveResponseXML", 2))).ended == "died"
        wrong = stage.connector()
        wrong.password = "wrong"
        for _ in range(6):
            await wrong.run()
        stage.later(-ahead)
        # It is busy until the visit that died was silent for a while, by the clock as it is now.
        assert (await stage.connector().run()).ended == ("no_user" if waits else "no_work")
        stage.later(IDLE)
        assert (await stage.connector().run()).ended == "done"
        assert len(stage.desktop.orders) == 1


async def test_wrong_passwords_are_paced_and_the_right_one_counts_after(database: Database) -> None:
    async with staged(database) as stage:
        connector = await stage.registered()
        await stage.want(order(1))
        right = connector.password
        for _ in range(5):
            connector.password = "wrong"
            assert (await connector.run()).ended == "no_user"
        connector.password = right
        # Now even the right one has to wait: whoever guesses learns nothing from it.
        assert (await connector.run()).ended == "no_user"
        stage.later(timedelta(seconds=16))
        connector.user = "another"
        assert (await connector.run()).ended == "no_user"
        connector.user = stage.connector().user
        stage.later(timedelta(seconds=31))
        assert (await connector.run()).ended == "done"


async def test_a_renewed_or_withdrawn_registration_lets_nobody_in(sqlite_database: Database) -> None:
    async with staged(sqlite_database) as stage:
        old = await stage.registered()
        await stage.want(order(1))
        made = stage.handed
        assert made is not None
        stage.handed = await stage.registering.renew(stage.actor(), made.connector.id, stage.trigger())
        assert (await old.run()).ended == "no_user"
        new = stage.connector()
        assert (await new.run(Cut("receiveResponseXML", 1))).ended == "died"
        await stage.registering.withdraw(stage.actor(), made.connector.id, stage.trigger())
        with pytest.raises(FaultError, match="the visit is over"):
            await new.call("sendRequestXML", ticket=new.ticket, **_asks(stage))
        assert (await new.run()).ended == "no_user"
        # Its orders wait for the next one, which writes into the same company file.
        again = await stage.registered()
        assert (await again.run()).ended == "done"
        assert isinstance(stage.outcome("req_1"), Written)
        kept = stage.database.in_read(lambda session: records.of_source(session, SOURCE))
        assert [one.company.path if one.company else "" for one in kept] == [stage.desktop.company_file]


async def test_nothing_that_opens_anything_is_kept_plainly(sqlite_database: Database) -> None:
    async with staged(sqlite_database) as stage:
        connector = await stage.registered()
        await stage.want(order(1))
        await connector.run()
        path = sqlite_database.sqlite_path
        assert path is not None
        content = b"".join(file.read_bytes() for file in path.parent.glob(path.name + "*"))
        assert connector.user.encode() in content
        for secret in (connector.password, connector.ticket):
            assert secret
            assert secret.encode() not in content
    assert organization()


async def test_a_strict_quickbooks_refuses_another_order_of_elements(sqlite_database: Database) -> None:
    """A twin whose elements come otherwise is read by nobody, and its orders end with their reason."""

    class Swapped(WebConnectorSessions):
        async def send(self, *said: Any) -> str:
            told = await super().send(*said)
            start, end = told.find("<TxnDate>"), told.find("</TxnDate>") + len("</TxnDate>")
            piece = told[start:end] if start > 0 else ""
            return told.replace(piece, "", 1).replace("</SalesOrderAdd>", f"{piece}</SalesOrderAdd>") if piece else told

    async with staged(sqlite_database, sessions=Swapped) as stage:
        connector = await stage.registered()
        await stage.want(order(1))
        assert (await connector.run()).ended == "done"
        assert stage.desktop.orders == []
        assert stage.outcome("req_1") == Refusal("QuickBooks could not read what it was sent")


class Forgetful(WebConnectorSessions):
    """A twin that tells what became of an order once, whether anybody took it or not."""

    def _tell(self, session: Session, done: DesktopRequest) -> None:
        super()._tell(session, done)
        desktop_requests.told(session, done)


@pytest.mark.parametrize("kind, loses", [(WebConnectorSessions, False), (Forgetful, True)])
async def test_whoever_was_not_waiting_yet_is_told_again(
    sqlite_database: Database,
    kind: type[WebConnectorSessions],
    loses: bool,  # noqa: FBT001 - what the twin does
) -> None:
    """The answer is faster than the note that the order waits."""
    async with staged(sqlite_database, sessions=kind) as stage:
        connector = await stage.registered()
        source = stage.database.in_read(lambda session: sources.source(session, SOURCE))
        wanted = order(7)
        read = OrderRead("TEMERITY", "7", 1, Wish.READY, "1", "f", wanted)
        stage.database.in_write(lambda session: exchange_orders.keep(session, source, [read], stage.clock.now()))
        (kept,) = stage.database.in_read(lambda session: exchange_orders.by_order(session, organization(), "7"))
        stage.sessions._settle = orders_settled(stage.clock)
        await stage.want(wanted, kept.request_id)
        assert (await connector.run()).ended == "done"

        def noted(session: Session) -> None:
            row = session.get_one(ExchangeOrderRow, kept.id)
            row.state = OrderState.WAITING.value

        stage.database.in_write(noted)
        assert (await connector.run()).ended == "no_work"
        (after,) = stage.database.in_read(lambda session: exchange_orders.by_order(session, organization(), "7"))
        assert after.state is (OrderState.WAITING if loses else OrderState.CONFIRMED)
        if not loses:
            assert after.written == Written(stage.desktop.orders[0].txn_id, "7")


async def test_a_connection_that_is_disconnected_or_forgotten_sends_nothing_more(sqlite_database: Database) -> None:
    async with staged(sqlite_database) as stage:
        connector = await stage.registered()
        await stage.want(order(1))

        def turned(state: ConnectionState) -> None:
            def work(session: Session) -> None:
                session.get_one(ConnectionRow, SOURCE).state = state.value

            stage.database.in_write(work)

        turned(ConnectionState.DISCONNECTED)
        assert (await connector.run()).ended == "no_work"
        turned(ConnectionState.CONNECTED)
        stage.database.in_write(lambda session: forget(session, SOURCE))
        assert stage.waiting() == 0
        assert (await connector.run()).ended == "no_user"
        assert stage.desktop.processed == []


class GoesOn(WebConnectorSessions):
    """A twin that looks at the connection when a visit begins, and no more."""

    begun = False

    def _sent(self, session: Session, registration_id: str, asked: Asked) -> str:
        self.begun = True
        return super()._sent(session, registration_id, asked)

    def _cut(self, session: Session, registration: Registration) -> str:
        return "" if self.begun else super()._cut(session, registration)


@pytest.mark.parametrize("kind, loses", [(WebConnectorSessions, False), (GoesOn, True)])
async def test_what_an_admin_stopped_is_handed_to_nobody(
    sqlite_database: Database,
    kind: type[WebConnectorSessions],
    loses: bool,  # noqa: FBT001 - what the twin does
) -> None:
    """Orders may be created, and in the midst of a visit they may not any more; later they may again."""

    def may(session: Session, *, now: bool) -> None:
        books = session.exec(select(SourceRow.id).where(SourceRow.provider == "quickbooks")).first() or ""
        at = stage.clock.now()
        exchange.add_pair(session, id="xpr_1", organization_id=organization(), source_id=SOURCE, books_id=books,
                          pair="orders", schedule="every 15", created_at=at)  # fmt: skip
        capabilities.let_write(session, books, at, allowed=now)

    async with staged(sqlite_database, sessions=kind) as stage:
        connector = await stage.registered()
        await stage.want(order(1))
        stage.database.in_write(partial(may, now=False))
        if not loses:
            assert (await connector.run()).ended == "no_work"
        stage.database.in_write(partial(may, now=True))
        await connector.run(Cut("receiveResponseXML", 1))
        stage.database.in_write(partial(may, now=False))
        (said,) = await connector.call("sendRequestXML", ticket=connector.ticket, **_asks(stage))
        assert ("SalesOrder" in said) == loses
        if loses:
            return
        (why,) = await connector.call("getLastError", ticket=connector.ticket)
        assert why.startswith("Tidings may not create orders")
        stage.database.in_write(partial(may, now=True))
        stage.later(IDLE)
        assert (await connector.run()).ended == "done"
        assert len(stage.desktop.numbered("1")) == 1


@pytest.mark.parametrize("kind, loses", [(WebConnectorSessions, False), (GoesOn, True)])
async def test_a_visit_ends_with_its_connection_and_with_its_password(
    sqlite_database: Database,
    kind: type[WebConnectorSessions],
    loses: bool,  # noqa: FBT001 - what the twin does
) -> None:
    """Somebody disconnects, or takes the password away, while QuickBooks Desktop is handed one order after another."""
    async with staged(sqlite_database, sessions=kind) as stage:
        connector = await stage.registered()
        made = stage.handed
        assert made is not None
        for number in (1, 2):
            await stage.want(order(number))
        # The first order was handed over to be written, and QuickBooks has a window open over it.
        await connector.run(Cut("receiveResponseXML", 2))
        say = partial(connector.call, "sendRequestXML", ticket=connector.ticket, **_asks(stage))

        def turned(state: ConnectionState) -> None:
            def work(session: Session) -> None:
                session.get_one(ConnectionRow, SOURCE).state = state.value

            stage.database.in_write(work)

        turned(ConnectionState.DISCONNECTED)
        (told,) = await say()
        assert ("SalesOrder" in told) == loses
        if loses:
            return
        (why,) = await connector.call("getLastError", ticket=connector.ticket)
        assert why.startswith("PocketAdvantage is disconnected")
        turned(ConnectionState.CONNECTED)
        await connector.run(Cut("receiveResponseXML", 2))
        stage.handed = await stage.registering.renew(stage.actor(), made.connector.id, stage.trigger())
        with pytest.raises(FaultError, match="the visit is over"):
            await connector.call("sendRequestXML", ticket=connector.ticket, **_asks(stage))
        # What may be written at this moment is looked for when that is over, not now.
        new = stage.connector()
        await new.run()
        assert stage.waiting() == 1
        stage.later(IDLE)
        assert (await new.run()).ended == "done"
        assert [len(stage.desktop.numbered(number)) for number in ("1", "2")] == [1, 1]
