"""The story of the sources: connect one of each provider, read it, change records, refresh, compare all rows."""

import asyncio
import contextlib
import json
from collections.abc import Collection
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

from bot.cli.stories import truths
from bot.cli.stories.browser import StoryBrowser
from bot.cli.stories.comparing import compared
from bot.cli.stories.connecting import connect, connect_by_form
from bot.cli.stories.stage import Stage
from bot.cli.stories.truths import Account, Records, Rows
from connectors.finance import finance_tables
from connectors.registry import connector_for
from sandbox.providers import catalogue
from sandbox.providers.netsuite import NetSuite
from sandbox.providers.quickbooks.rates import quote, several_currencies
from sandbox.providers.shopify.offers import move_on
from storage.facts.sources import Provider
from storage.facts.status import SourceStatus

#: The seller who is connected.
SELLER = "A2TEMERITYUS01"
#: After so long everything is due again, and what is read once a day as well.
_PAUSE = timedelta(hours=25)
CONNECTED = (Provider.QUICKBOOKS, Provider.SHOPIFY, Provider.AMAZON, Provider.NETSUITE)
#: What Daniel types before he is sent there.
_HINTS = {Provider.SHOPIFY: catalogue.SHOP, Provider.AMAZON: "na"}
#: How old a file is when it is looked for.
_DELIVERED = timedelta(minutes=20)
_SHOWN = 5
_UNBALANCED = """
SELECT source, transaction_type, transaction_id FROM ledger_lines WHERE provider = 'quickbooks'
GROUP BY ALL HAVING sum(amount) IS DISTINCT FROM 0
"""
_PREFIX = "temerity"


async def story(stage: Stage) -> None:
    """Play it as Daniel, the admin."""
    await followed(stage, CONNECTED)


async def followed(stage: Stage, providers: Collection[Provider]) -> Account:
    """Play it with these providers; returns the account whose files are compared."""
    account = Account(NetSuite(Path(), stage.sandbox.clock))
    await stage.outside(lambda: _delivers(stage, account))
    await stage.outside(lambda: _sells_abroad(stage))
    await _connects(stage, providers)
    await _reads(stage, providers)
    await compare(stage, account, daily=False)
    await _something_happens(stage, account)
    await _refreshes(stage)
    await compare(stage, account, daily=True)
    await _imports(stage)
    return account


async def _connects(stage: Stage, providers: Collection[Provider]) -> None:
    sandbox = stage.sandbox
    await stage.outside(lambda: setattr(sandbox.quickbooks.oauth, "choice", catalogue.REALM))
    await stage.outside(lambda: setattr(sandbox.shopify.oauth, "choice", catalogue.SHOP))
    async with contextlib.AsyncExitStack() as stack:
        browser = StoryBrowser()
        stack.push_async_callback(browser.close)
        for provider in providers:
            if provider is Provider.NETSUITE:
                await connect_by_form(stage, browser, provider, catalogue.COMPANY, _typed(stage))
            else:
                await connect(stage, browser, provider, catalogue.COMPANY, _HINTS.get(provider, ""))
    stage.told(f"connected through the browser, one of each provider: {', '.join(providers)}")


def _typed(stage: Stage) -> dict[str, str]:
    """What Daniel types about the bucket."""
    sandbox, account = stage.sandbox, NetSuite(Path(), stage.sandbox.clock)
    lines = account.feed(replaces="all")
    columns = {"row_date": "Date", "amount": "Amount"}
    search = account.feed(name="search", pattern="search/*.csv*", into="rows", columns=columns, replaces="all")
    return {
        "store": "s3", "company": catalogue.COMPANY, "bucket": sandbox.bucket.name, "prefix": _PREFIX,
        "endpoint": sandbox.bucket_url, "key_id": sandbox.bucket.key_id, "secret": sandbox.bucket.secret,
        "feeds": json.dumps([lines, search]),
    }  # fmt: skip


def _sells_abroad(stage: Stage) -> None:
    """Let the company keep books in several currencies."""
    books, now = stage.sandbox.quickbooks.books[catalogue.REALM], stage.sandbox.clock.now()
    several_currencies(books)
    quote(books, {"EUR": "1.16", "CAD": "0.71"}, now.date(), now)


async def _reads(stage: Stage, providers: Collection[Provider]) -> None:
    found = await stage.first_reads()
    there = sorted(one.source.provider for one in found)
    stage.expect(there == sorted(providers), f"connected are: {there}")
    rows = ", ".join(f"{one.source.provider} {one.last_ready.rows}" for one in found if one.last_ready)
    stage.told(f"each was read by itself; rows: {rows}")


async def _something_happens(stage: Stage, account: Account) -> None:
    told = await stage.outside(lambda: _changes(stage, account))
    stage.told(f"records were made, changed, voided and deleted ({told}); a day passes")


def _changes(stage: Stage, account: Account) -> str:
    sandbox, seed = stage.sandbox, stage.sandbox.draw()
    company = sandbox.quickbooks.books[catalogue.REALM]
    books = company.mutate(seed, new=4, changed=5, deleted=2, voided=1, deactivated=1, documents=17)
    tomorrow = sandbox.clock.now() + _PAUSE
    quote(company, {"EUR": "1.17"}, tomorrow.date(), tomorrow)
    shop = sandbox.shopify.shops[catalogue.SHOP]
    orders = shop.mutate(seed, new=4, changed=6, deleted=1, voided=1)
    move_on(shop, seed, sandbox.clock.now())
    seller, now = sandbox.amazon.shops[SELLER], sandbox.clock.now()
    sandbox.amazon.mutate(SELLER, orders=3, changes=3)
    seller.give_back(now)
    seller.settle(now - timedelta(hours=4))
    seller.ledger.release()
    seller.stock.drop("MUG-2")
    told = [
        f"{name} {len(one.new)} new, {len(one.changed)} changed, {len(one.deleted)} deleted"
        for name, one in (("QuickBooks", books), ("Shopify", orders))
    ]
    account.netsuite.mutate(changed=3, removed=2)
    # Delivered by the time that comes: whoever looks for files as soon as it is there must find them.
    _delivers(stage, account, later=_PAUSE)
    sandbox.pass_time(_PAUSE)
    return "; ".join(
        [*told, "Amazon 3 new orders, 3 changed, a return, a settlement", "NetSuite 4 new lines, 3 changed, 2 gone"]
    )


def _delivers(stage: Stage, account: Account, later: timedelta = timedelta()) -> None:
    """Let the account post something, and deliver both saved searches as they are now."""
    sandbox = stage.sandbox
    now = (sandbox.clock.now() + later).replace(microsecond=0)
    count = 10 if not account.paths else 2
    account.netsuite.post(count, now.date().replace(day=1))
    body = account.netsuite.csv()
    for feed in ("gl", "search"):
        at = now - _DELIVERED
        path = account.netsuite.name_of(at, feed)
        sandbox.bucket.put(f"{_PREFIX}/{path}", body, at)
        account.paths.append(path)


async def _refreshes(stage: Stage) -> None:
    since = await stage.outside(stage.sandbox.clock.now) - _PAUSE / 2

    async def done() -> bool:
        return all(_collected(one, since) for one in await stage.statuses())

    await stage.until("a refresh of every source", done)
    found = await stage.statuses()
    told = ", ".join(f"{one.source.provider} {one.last_ready.changed}" for one in found if one.last_ready)
    stage.told(f"each was refreshed by its own clock; rows that are different: {told}")


def _collected(status: SourceStatus, since: datetime) -> bool:
    return status.active is None and status.last_data_refresh is not None and status.last_data_refresh > since


async def compare(stage: Stage, account: Account, *, daily: bool) -> None:
    """Compare every stream of every source with its provider, row by row; StoryError names what is not the same.

    `daily` says whether the reports that are read from the second collection on are there.
    """
    for status in await stage.statuses():
        streams = await stage.outside(partial(_truth, stage, account, status, daily=daily))
        declared = {one.name for one in connector_for(status.source.provider).streams}
        left = declared - {one.stream for one in streams} if daily else set()
        stage.expect(not left, f"{status.source.label}: nobody compares {sorted(left)}")
        wrong, rows = await asyncio.to_thread(_compared, stage, status, streams)
        words = [*wrong[:_SHOWN], *([f"and {len(wrong) - _SHOWN} more"] if len(wrong) > _SHOWN else [])]
        stage.expect(not wrong, "\n".join([f"{status.source.label} is not as the provider has it:", *words]))
        stage.told(f"{status.source.label}: {len(streams)} streams, {rows} rows and lines, each as the provider has it")


async def _imports(stage: Stage) -> None:
    """Look at the tables that people import, over all sources."""

    def look(status: SourceStatus) -> tuple[dict[str, dict[str, int]], int]:
        with stage.warehouse(status).reader(imports=finance_tables()) as reader:
            found = {}
            for table in finance_tables():
                counts = reader.query(f"SELECT provider, count(*) AS n FROM {table.name} GROUP BY 1 ORDER BY 1")  # noqa: S608 - ours
                found[table.name] = {row["provider"]: row["n"] for row in counts}
            return found, len(reader.query(_UNBALANCED))

    found, unbalanced = await asyncio.to_thread(look, (await stage.statuses())[0])
    stage.expect(not unbalanced, f"{unbalanced} QuickBooks transactions in ledger_lines do not add up to zero")
    there = {one.source.provider for one in await stage.statuses()}
    for table in finance_tables():
        fillers = there.intersection(map(Provider, table.parts))
        stage.expect(found[table.name] or not fillers, f"{table.name} has no rows, though {fillers} are connected")
    told = ", ".join(f"{name} {sum(rows.values())} ({' and '.join(rows)})" for name, rows in found.items() if rows)
    stage.told(f"the tables that people import: {told}")


def _truth(stage: Stage, account: Account, status: SourceStatus, *, daily: bool) -> list[Records | Rows]:
    until = status.last_data_refresh
    assert until is not None
    match status.source.provider:
        case Provider.QUICKBOOKS:
            return list(truths.quickbooks(stage.sandbox.quickbooks.books[catalogue.REALM], until, daily=daily))
        case Provider.SHOPIFY:
            return list(truths.shopify(stage.sandbox.shopify.shops[catalogue.SHOP]))
        case Provider.AMAZON:
            return list(truths.amazon(stage.sandbox.amazon, SELLER, until, again=daily))
        case _:
            return list(truths.netsuite(account))


def _compared(stage: Stage, status: SourceStatus, streams: list[Records | Rows]) -> tuple[list[str], int]:
    with stage.warehouse(status).reader() as reader:
        return compared(reader, status.source, streams)
