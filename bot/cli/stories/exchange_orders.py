"""Orders in the story of the exchange: into QuickBooks Online and Desktop, a duplicate, and one that is bad."""

import re

from bot.cli.stories.exchanging import (
    ACCOUNTS,
    DANIEL,
    books_of,
    distributor,
    edited,
    of_desktop,
    of_estimate,
    ordered,
    said,
)
from bot.cli.stories.stage import Stage
from sandbox.exchange.desktop import Desktop
from sandbox.exchange.distributor import BY_SFTP
from sandbox.exchange.inventiv import Inventiv
from sandbox.exchange.web_connector import WebConnector
from storage.facts.exchange import Pair
from storage.records import exchange as records
from storage.records import seeds, sources, web_connector
from storage.sessions import Session
from templates import actions

_ADDED = "SalesOrderAddRq"


class Registered:
    """The account whose orders go into QuickBooks Desktop, and the Web Connector that was set up for it."""

    def __init__(self, account: str, connector: WebConnector) -> None:
        self.account = account
        self.connector = connector


async def orders_in(stage: Stage) -> None:
    """Let orders of both accounts arrive: of one they become Estimates, of the other sales orders."""
    registered = await a_desktop(stage)
    account = next(one for one in ACCOUNTS if one != registered.account)
    await taken_again(stage, account, await an_estimate(stage, account))
    await a_duplicate(stage, account)
    await a_bad_order(stage, account)
    await a_sales_order(stage, registered)
    stage.may_write("Estimate")


async def a_desktop(stage: Stage) -> Registered:
    """Register QuickBooks Desktop in Slack, and set up a Web Connector with what is said there."""
    told = await said(stage, f"exchange desktop new {BY_SFTP}", "Password")
    words = told.everything
    name = _found(r"tidings-[0-9a-z]{8}", words)
    password = _found(r"Password\W+`?([A-Za-z0-9-]{12,})", words)
    registered = _found(r"qbd_[0-9a-z]+", words)
    account = await stage.database.reading(lambda session: _account_of(session, registered))
    books = await stage.outside(lambda: books_of(stage))
    desktop = Desktop()
    desktop.lists = {
        "Customer": {str(one["DisplayName"]) for one in books.truth("Customer")},
        "Item": {str(one["Name"]) for one in books.truth("Item")},
    }
    url = f"{await stage.outside(stage.sandbox.product_url)}/web-connector/{registered}"
    stage.told(f"QuickBooks Desktop is registered in Slack for the orders of {account}")
    return Registered(account, WebConnector(url, name, password, desktop))


async def an_estimate(stage: Stage, account: str) -> str:
    """Let an order wait until an admin allows it, and become one Estimate; return its number."""
    await said(stage, f"exchange {account} orders on", "Orders: switched on")
    number = await _arrives(stage, account)
    await _turns(stage, account)
    stage.expect(not await _estimates(stage, number), "an order was written without being allowed")
    await said(stage, "exchange", "Orders wait", "allow")
    card = await said(stage, "exchange allow orders", "orders")
    await stage.act(lambda: stage.slack.click(DANIEL, card, actions.EXCHANGE_ALLOW))
    await _turns(stage, account)
    await _is_one_estimate(stage, account, number)
    stage.told(f"order {number} becomes one Estimate once an admin allowed it; its number is written back")
    return number


async def taken_again(stage: Stage, account: str, number: str) -> None:
    """Let Daniel have an order taken again that is in QuickBooks: it stays one Estimate."""
    card = await said(stage, f"exchange {account} orders {number}", f"Order {number}", "is in QuickBooks")
    await stage.act(lambda: stage.slack.click(DANIEL, card, actions.EXCHANGE_ORDER_AGAIN))
    await _turns(stage, account)
    await _is_one_estimate(stage, account, number)
    stage.told(f"order {number} is taken again by a person, and stays one Estimate")


async def _is_one_estimate(stage: Stage, account: str, number: str) -> None:
    """See that the order is there once, line by line as it was given, and that PocketAdvantage was told its number."""
    found = await _estimates(stage, number)
    stage.expect(len(found) == 1, f"order {number} became {len(found)} estimates")
    rows = await stage.outside(lambda: orders(stage, account).rows(number))
    wanted, there = ordered(rows, books_of(stage)), of_estimate(found[0])
    stage.expect(there == wanted, f"order {number} became {there} and not {wanted}")
    answer = await _answered(stage, account, number, "SENT")
    stage.expect(answer["sync_id"] == str(found[0]["Id"]), f"order {number} was answered with {answer}")


async def a_duplicate(stage: Stage, account: str) -> None:
    """Let an order come whose number another estimate has: nothing is written, and why is."""
    number = await stage.outside(lambda: _typed_in(stage, account))
    await _turns(stage, account)
    stage.expect(len(await _estimates(stage, number)) == 1, f"order {number}, a duplicate, was created")
    answer = await _answered(stage, account, number, "FAILED")
    why = answer["sync_error"] or ""
    stage.expect("another estimate with the number" in why, f"the duplicate's reason at PocketAdvantage is {why!r}")
    stage.told(f"a duplicate is refused, and told why: {why!r}")


async def a_bad_order(stage: Stage, account: str) -> None:
    """Let an order of an unknown customer come: the reason is written back, and said to whoever asks in Slack."""
    number = await stage.outside(lambda: orders(stage, account).bad("unknown customer", stage.sandbox.clock.now()))
    good = await _arrives(stage, account)
    await _turns(stage, account)
    stage.expect(not await _estimates(stage, number), f"order {number} has no customer, and was written")
    answer = await _answered(stage, account, number, "FAILED")
    why = answer["sync_error"] or ""
    stage.expect("not in QuickBooks" in why, f"the bad order's reason at PocketAdvantage is {why!r}")
    await said(stage, f"exchange {account} orders {number}", f"Order {number}", "not in QuickBooks")
    await _is_one_estimate(stage, account, good)
    stage.told(f"a bad order is told why, and keeps no other: {why!r}")


async def a_sales_order(stage: Stage, registered: Registered) -> None:
    """Let an order wait for the Web Connector, and become one SalesOrderAdd at its visit."""
    account, connector = registered.account, registered.connector
    await said(stage, f"exchange {account} orders on", "Orders: switched on")
    number = await _arrives(stage, account)
    await _turns(stage, account)
    visit = await stage.brought(connector.run)
    stage.expect(visit.ended == "done", f"the Web Connector's visit ended with {visit.ended}: {visit.shown}")
    await _turns(stage, account)
    again = await stage.brought(connector.run)
    stage.expect(again.ended == "no_work", f"there was more to do for the Web Connector: {again}")
    found, asked = connector.desktop.numbered(number), connector.desktop.processed.count(_ADDED)
    stage.expect((len(found), asked) == (1, 1), f"order {number} became {len(found)} sales orders by {asked} requests")
    rows = await stage.outside(lambda: orders(stage, account).rows(number))
    wanted, there = ordered(rows, books_of(stage)), of_desktop(found[0], books_of(stage))
    stage.expect(there == wanted, f"order {number} became {there} and not {wanted}")
    stage.expect(not await _estimates(stage, number), f"order {number} went into QuickBooks Online, too")
    answer = await _answered(stage, account, number, "SENT")
    stage.expect(answer["sync_id"] == found[0].txn_id, f"order {number} was answered with {answer}")
    stage.told(f"order {number} becomes one SalesOrderAdd at the Web Connector's visit, and is answered")


# -- orders, turns and answers -----------------------------------------------------------------------------------------


def orders(stage: Stage, account: str) -> Inventiv:
    """Return the orders of an account."""
    return distributor(stage).orders[account]


async def _arrives(stage: Stage, account: str) -> str:
    """Let a new order be ready, and return its number."""
    return (await stage.outside(lambda: orders(stage, account).arrive(1, stage.sandbox.clock.now())))[0]


def _typed_in(stage: Stage, account: str) -> str:
    """Let an order arrive whose number somebody typed into QuickBooks for another estimate; return it."""
    books, at = books_of(stage), stage.sandbox.clock.now()
    number = orders(stage, account).arrive(1, at)[0]
    earlier = books.truth("Estimate")[0]
    edited(books, "Estimate", {**earlier, "Id": books.next_id()}, DocNumber=number, PrivateNote="typed in by hand")
    return number


async def _estimates(stage: Stage, number: str) -> list[dict[str, object]]:
    """Return the Estimates of that number, as QuickBooks Online has them."""

    def look() -> list[dict[str, object]]:
        return [dict(one) for one in books_of(stage).truth("Estimate") if one.get("DocNumber") == number]

    return await stage.outside(look)


async def _turns(stage: Stage, account: str) -> None:
    """Let the orders of an account be taken now, by a turn that begins after all that is there."""

    async def idle() -> bool:
        return (await stage.database.reading(lambda session: _turn_of(session, account)))[0]

    await stage.until(f"the end of what is under way with the orders of {account}", idle)
    _, before = await stage.database.reading(lambda session: _turn_of(session, account))
    await said(stage, f"exchange {account} orders start", "Orders")

    async def over() -> bool:
        is_idle, last = await stage.database.reading(lambda session: _turn_of(session, account))
        return is_idle and last != before

    await stage.until(f"the end of a turn of the orders of {account}", over)


def _turn_of(session: Session, account: str) -> tuple[bool, str]:
    """Return whether no turn of an account's orders is under way, and the id of the last one; empty: there was none."""
    for one in seeds.organizations(session):
        for pair in records.pairs_of(session, one.id):
            if pair.pair is Pair.ORDERS and sources.source(session, pair.source_id).account == account:
                turns = records.history(session, pair.id, 20)
                over = [run.id for run in turns if not run.state.active]
                return len(over) == len(turns), over[0] if over else ""
    return True, ""


async def _answered(stage: Stage, account: str, number: str, wanted: str) -> dict[str, str]:
    """Return what was written into PocketAdvantage's own row of an order, once that is what is wanted."""
    found: dict[str, str] = {}

    async def there() -> bool:
        answers = await stage.outside(lambda: orders(stage, account).answers())
        found.update(answers.get((number, orders(stage, account).revisions[number]), {}))
        return found.get("sync_status") == wanted

    await stage.until(f"the answer {wanted} to order {number}", there, lambda: f": {found}")
    return found


def _account_of(session: Session, registration_id: str) -> str:
    found = web_connector.one(session, registration_id)
    assert found is not None
    return sources.source(session, found.source_id).account


def _found(pattern: str, text: str) -> str:
    match = re.search(pattern, text)
    assert match is not None, f"{pattern} is not in {text}"
    return match[1] if match.groups() else match[0]
