"""The story of the exchange: a night of files over SFTP and FTPS, an edit, a held file, orders into both QuickBooks."""

import asyncio
import re
from collections.abc import Mapping
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from bot.cli.stories.exchanging import Rows, far_side, wrong
from bot.cli.stories.stage import Stage
from sandbox.exchange.desktop import Desktop
from sandbox.exchange.distributor import BY_FTPS, BY_SFTP, Distributor
from sandbox.exchange.inventiv import Inventiv
from sandbox.exchange.web_connector import WebConnector
from sandbox.providers import catalogue
from sandbox.providers.quickbooks import Books
from sandbox.providers.quickbooks.values import stamp
from sandbox.slack import Message
from storage.facts.exchange import FILES as OUT
from storage.facts.exchange import Pair, RunState
from storage.records import exchange as records
from storage.records import seeds, sources, web_connector
from storage.sessions import Session
from templates import actions

DANIEL, FINANCE = "U0DANIEL", "C0FINANCE"
_NEW_YORK, _NIGHT = ZoneInfo("America/New_York"), time(2, 20)
_ACCOUNTS = {BY_SFTP: "SFTP", BY_FTPS: "FTPS"}
_RENAMED = "Renamed by the story"
_SHOWN = 5
#: seconds in which a person types a command
_TYPING = 1.5


async def story(stage: Stage) -> None:
    """Play it as Daniel, who is an admin."""
    await stage.first_reads()
    far = _FarSide(stage)
    await _switches_on(stage)
    await _a_night(stage, far)
    await _an_edit(stage, far)
    await _a_held_file(stage, far)
    await _an_earlier_file(stage)
    registered = await _a_desktop(stage)
    await _an_estimate(stage, next(one for one in _ACCOUNTS if one != registered.account))
    await _a_sales_order(stage, registered)
    stage.may_write("Estimate")


# -- files -------------------------------------------------------------------------------------------------------------


async def _switches_on(stage: Stage) -> None:
    await said(stage, "exchange", "Exchange with PocketAdvantage", *_ACCOUNTS)
    for account in _ACCOUNTS:
        for pair in OUT:
            await said(stage, f"exchange {account} {pair.label.lower()} on", f"{pair.label}: switched on")
    dry = await said(stage, f"exchange {BY_SFTP} customers dry run", "would be sent")
    stage.expect(not distributor(stage).files(BY_SFTP), "a dry run sent something")
    stage.told(
        f"ten pairs are switched on in Slack; {_line(dry, 'would be sent').split('. ')[0]!r} is said, and nothing sent"
    )


async def _a_night(stage: Stage, far: "_FarSide") -> None:
    await _night_passes(stage)
    await far.equal("last night's files")
    sizes = {how: sum(map(len, distributor(stage).files(account).values())) for account, how in _ACCOUNTS.items()}
    words = " and ".join(f"{how} ({size:,} bytes)" for how, size in sizes.items())
    stage.told(f"a night: five files in each account's folder, over {words}; every row is that of QuickBooks")


async def _an_edit(stage: Stage, far: "_FarSide") -> None:
    changed = await stage.outside(lambda: _rename(_books(stage)))
    before = await stage.outside(lambda: distributor(stage).files(BY_SFTP)["customer.fil"])
    stage.expect(_RENAMED.encode() not in before, "the file has what nobody entered yet")
    await _night_passes(stage)
    await far.equal("the next night's files")
    stage.told(f"customer {changed} is renamed in QuickBooks: the next night both files have the new name")


async def _a_held_file(stage: Stage, far: "_FarSide") -> None:
    left = await stage.outside(lambda: _half_leave(_books(stage)))
    before = await stage.outside(lambda: {one: distributor(stage).files(one)["salesrep.fil"] for one in _ACCOUNTS})
    await _night_passes(stage, held=Pair.SALES_REPS)
    for account in _ACCOUNTS:
        await _let_go(stage, account, before[account])
    await far.equal("the released files")
    stage.told(f"of the employees {left} are gone at once: both files of sales reps are held until Daniel lets them go")


async def _let_go(stage: Stage, account: str, before: bytes) -> None:
    """See that what is held was not sent, and let it go."""
    now = await stage.outside(lambda: distributor(stage).files(account)["salesrep.fil"])
    stage.expect(now == before, f"what is held was sent to {account}")
    card = await said(stage, f"exchange {account} sales reps", "Held, nothing was sent")
    await stage.act(lambda: stage.slack.click(DANIEL, card, actions.EXCHANGE_RELEASE))


async def _an_earlier_file(stage: Stage) -> None:
    newest_file = await stage.outside(lambda: distributor(stage).files(BY_SFTP)["salesrep.fil"])
    card = await said(stage, f"exchange {BY_SFTP} sales reps files", "Earlier files of sales reps")
    button = next(name for name in card.actions if name.split(":")[0] == actions.EXCHANGE_RESTORE)
    await stage.act(lambda: stage.slack.click(DANIEL, card, button))

    async def back() -> bool:
        return await stage.outside(lambda: distributor(stage).files(BY_SFTP)["salesrep.fil"]) != newest_file

    await stage.until("the earlier file in its place", back)
    stage.told("the file of the night before is put back with one press, and the newer one is kept")


# -- orders ------------------------------------------------------------------------------------------------------------


class _Registered:
    """The account whose orders go into QuickBooks Desktop, and the Web Connector that was set up for it."""

    def __init__(self, account: str, connector: WebConnector) -> None:
        self.account = account
        self.connector = connector


async def _a_desktop(stage: Stage) -> _Registered:
    told = await said(stage, "exchange desktop new", "Password")
    words = told.everything
    name = _found(r"tidings-[0-9a-z]{8}", words)
    password = _found(r"Password\W+`?([A-Za-z0-9-]{12,})", words)
    registered = _found(r"qbd_[0-9a-z]+", words)
    account = await stage.database.reading(lambda session: _account_of(session, registered))
    books = await stage.outside(lambda: _books(stage))
    desktop = Desktop()
    desktop.lists = {
        "Customer": {str(one["DisplayName"]) for one in books.truth("Customer")},
        "Item": {str(one["Name"]) for one in books.truth("Item")},
    }
    url = f"{await stage.outside(stage.sandbox.product_url)}/web-connector/{registered}"
    stage.told(f"QuickBooks Desktop is registered in Slack for the orders of {account}")
    return _Registered(account, WebConnector(url, name, password, desktop))


async def _an_estimate(stage: Stage, account: str) -> None:
    await said(stage, f"exchange {account} orders on", "Orders: switched on")
    number = (await stage.outside(lambda: orders(stage, account).arrive(1, stage.sandbox.clock.now())))[0]
    await _waits(stage, account, number, "allow")
    card = await said(stage, "exchange allow orders", "orders")
    await stage.act(lambda: stage.slack.click(DANIEL, card, actions.EXCHANGE_ALLOW))
    await _turns(stage, account)
    made = await _answered(stage, account, number, "SENT")
    found = await stage.outside(lambda: _estimates(_books(stage), number))
    stage.expect(len(found) == 1 and str(found[0]["Id"]) == made["sync_id"], f"order {number} became {found}")
    bad = await stage.outside(lambda: orders(stage, account).bad("unknown customer", stage.sandbox.clock.now()))
    twice = await stage.outside(lambda: _typed_in(stage, account))
    await _turns(stage, account)
    refused = await _answered(stage, account, bad, "FAILED")
    again = await _answered(stage, account, twice, "FAILED")
    stage.expect("not in QuickBooks" in refused["sync_error"], f"the bad order's reason is {refused}")
    stage.expect("another estimate with the number" in again["sync_error"], f"the duplicate's reason is {again}")
    stage.expect(len(await stage.outside(lambda: _estimates(_books(stage), twice))) == 1, "a duplicate was created")
    stage.told(f"order {number} becomes one Estimate once an admin allowed it; its number is written back")
    stage.told(f"a duplicate is refused, and a bad order is told why: {refused['sync_error']!r}")


async def _a_sales_order(stage: Stage, registered: _Registered) -> None:
    account, connector = registered.account, registered.connector
    await said(stage, f"exchange {account} orders on", "Orders: switched on")
    number = (await stage.outside(lambda: orders(stage, account).arrive(1, stage.sandbox.clock.now())))[0]
    await _turns(stage, account)
    visit = await stage.brought(connector.run)
    stage.expect(visit.ended == "done", f"the Web Connector's visit ended with {visit.ended}: {visit.shown}")
    await _turns(stage, account)
    await _answered(stage, account, number, "SENT")
    found = connector.desktop.numbered(number)
    stage.expect(len(found) == 1, f"order {number} became {len(found)} sales orders")
    stage.told(f"order {number} becomes one SalesOrderAdd at the Web Connector's visit, and is answered")


async def _waits(stage: Stage, account: str, number: str, word: str) -> None:
    """An order may not go before an admin allowed it: nothing is written, and why is said."""
    await _turns(stage, account)
    stage.expect(not await stage.outside(lambda: _estimates(_books(stage), number)), "written without being allowed")
    await said(stage, "exchange", word)


async def _turns(stage: Stage, account: str) -> None:
    """Let the orders of an account be taken now."""
    before = await stage.database.reading(lambda session: _last_run(session, account))
    await said(stage, f"exchange {account} orders start", "Orders")

    async def over() -> bool:
        now = await stage.database.reading(lambda session: _last_run(session, account))
        return now is not None and now != before

    await stage.until(f"the end of a turn of the orders of {account}", over)


async def _answered(stage: Stage, account: str, number: str, wanted: str) -> dict[str, str]:
    found: dict[str, str] = {}

    async def there() -> bool:
        answers = await stage.outside(lambda: orders(stage, account).answers())
        found.update(answers.get((number, orders(stage, account).revisions[number]), {}))
        return found.get("sync_status") == wanted

    await stage.until(f"the answer {wanted} to order {number}", there, lambda: f": {found}")
    return found


# -- what is seen, and what happens outside ----------------------------------------------------------------------------


async def said(stage: Stage, command: str, *words: str) -> Message:
    """Type it as Daniel, and return the answer that has these words."""
    before = len(await stage.outside(lambda: stage.messages(FINANCE, DANIEL)))
    # Slack takes about one answer a second; nobody types faster.
    await asyncio.sleep(_TYPING)
    await stage.act(lambda: stage.slack.command(DANIEL, FINANCE, "/data", command))

    def look() -> Message | None:
        fresh = stage.messages(FINANCE, DANIEL)[before:]
        return next((one for one in reversed(fresh) if all(word in one.everything for word in words)), None)

    return await stage.see(f"the answer to {command!r} with {words}", look)


async def _night_passes(stage: Stage, held: Pair | None = None) -> None:
    """Let it be twenty past two in New York, and wait until every file pair has had its run."""
    now = await stage.outside(stage.sandbox.clock.now)
    until = _next_night(now) - now
    await stage.outside(lambda: stage.sandbox.pass_time(until))

    async def all_over() -> bool:
        return not await stage.database.reading(lambda session: _unfinished(session, now + until, held))

    def left() -> str:
        return f": {', '.join(stage.database.in_read(lambda session: _unfinished(session, now + until, held)))}"

    await stage.until("the end of the night's runs", all_over, left)


def _next_night(now: datetime) -> datetime:
    local = now.astimezone(_NEW_YORK)
    day = local.date() + timedelta(days=0 if local.time() < _NIGHT else 1)
    return datetime.combine(day, _NIGHT, _NEW_YORK)


def _unfinished(session: Session, at: datetime, held: Pair | None) -> list[str]:
    """Return the file pairs whose run of that night is not over."""
    found = []
    for one in seeds.organizations(session):
        for pair in records.pairs_of(session, one.id):
            if pair.pair not in OUT:
                continue
            runs = records.history(session, pair.id, 5)
            wanted = {RunState.HELD} if pair.pair is held else {RunState.DONE, RunState.UNCHANGED}
            tonight = [run for run in runs if run.slot_at > at - timedelta(hours=3) and run.state in wanted]
            if not tonight:
                found.append(f"{pair.source_id} {pair.pair} {[f'{run.state} {run.why}' for run in runs[:2]]}")
    return found


class _FarSide:
    """What Inventiv has of each account: the newest files, and of invoices all that came, revision by revision."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._invoices: dict[str, dict[str, dict[str, Rows]]] = {account: {} for account in _ACCOUNTS}

    async def equal(self, what: str) -> None:
        """Wait until each account's five files are what the books say."""
        stage = self._stage

        async def equal() -> bool:
            return not await stage.outside(self._wrong)

        await stage.until(f"that {what} are what QuickBooks has", equal, lambda: f": {self._wrong()[:_SHOWN]}")

    def _wrong(self) -> list[str]:
        books = _books(self._stage)
        return [f"{account}: {one}" for account in _ACCOUNTS for one in wrong(self._has(account), books)]

    def _has(self, account: str) -> dict[str, Rows]:
        found, known = far_side(distributor(self._stage), account), self._invoices[account]
        tonight: dict[tuple[str, str], Rows] = {}
        for row in found.get("invoice.fil", []):
            tonight.setdefault((row["TXN_ID"], row["REVISION"]), []).append(row)
        for (number, revision), rows in tonight.items():
            known.setdefault(number, {})[revision] = rows
        if "invoice.fil" in found:
            newest_of = [revisions[max(revisions, key=int)] for revisions in known.values()]
            found["invoice.fil"] = [row for rows in newest_of for row in rows if row["STATUS"] != "D"]
        return found


def distributor(stage: Stage) -> Distributor:
    """Return the far side."""
    found = stage.sandbox.distributor
    stage.expect(found is not None, "this demo has no PocketAdvantage")
    assert found is not None
    return found


def orders(stage: Stage, account: str) -> Inventiv:
    """Return the orders of an account."""
    return distributor(stage).orders[account]


def _books(stage: Stage) -> Books:
    return stage.sandbox.quickbooks.books[catalogue.REALM]


def _rename(books: Books) -> str:
    record = books.truth("Customer")[0]
    _edited(books, "Customer", record, DisplayName=_RENAMED)
    return str(record["Id"])


def _half_leave(books: Books) -> int:
    """Let half of the employees be inactive; return how many they are."""
    active = [one for one in books.truth("Employee") if one.get("Active", True)]
    leaving = active[: max(1, len(active) // 2)]
    for one in leaving:
        _edited(books, "Employee", one, Active=False)
    return len(leaving)


def _edited(books: Books, entity: str, record: Mapping[str, Any], **values: object) -> None:
    """Let somebody change a record in QuickBooks, now."""
    now = books.clock.now()
    times = {**record["MetaData"], "LastUpdatedTime": stamp(int(now.timestamp()), books.zone)}
    after = {**record, **values, "MetaData": times, "SyncToken": str(int(record["SyncToken"]) + 1)}
    books.change(put=[(entity, after)], at=now)


def _typed_in(stage: Stage, account: str) -> str:
    """Let an order arrive whose number somebody typed into QuickBooks for another estimate; return it."""
    books, at = _books(stage), stage.sandbox.clock.now()
    number = orders(stage, account).arrive(1, at)[0]
    earlier = books.truth("Estimate")[0]
    _edited(books, "Estimate", {**earlier, "Id": books.next_id()}, DocNumber=number, PrivateNote="typed in by hand")
    return number


def _estimates(books: Books, number: str) -> list[dict[str, object]]:
    return [dict(one) for one in books.truth("Estimate") if one.get("DocNumber") == number]


def _account_of(session: Session, registration_id: str) -> str:
    found = web_connector.one(session, registration_id)
    assert found is not None
    return sources.source(session, found.source_id).account


def _last_run(session: Session, account: str) -> str | None:
    """Return the id of the newest run of an account's orders that is over."""
    for one in seeds.organizations(session):
        for pair in records.pairs_of(session, one.id):
            if pair.pair is Pair.ORDERS and sources.source(session, pair.source_id).account == account:
                over = [run for run in records.history(session, pair.id, 20) if not run.state.active]
                return over[0].id if over else None
    return None


def _found(pattern: str, text: str) -> str:
    match = re.search(pattern, text)
    assert match is not None, f"{pattern} is not in {text}"
    return match[1] if match.groups() else match[0]


def _line(message: Message, word: str) -> str:
    return next(line for line in message.everything.splitlines() if word in line)
