"""The story of metrics: each calculation is made in Slack, follows the books, stands still without them, goes on."""

import contextlib
from collections import Counter
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

from bot.cli.stories.browser import StoryBrowser
from bot.cli.stories.connecting import newest, proven
from bot.cli.stories.home import opened
from bot.cli.stories.judging import Row, rows_of, truth_of, worth, wrong_values
from bot.cli.stories.measuring import DANIEL, FINANCE, Chosen, Wanted, made
from bot.cli.stories.stage import Stage
from sandbox.providers import catalogue
from sandbox.providers.quickbooks import Books
from sandbox.slack import Message
from storage.facts.metrics import Calculation, Dataset, Frequency, Kept, Metric, MetricState
from storage.facts.sources import Provider
from storage.facts.status import SourceStatus
from storage.records import metrics
from storage.sessions import Session
from templates import actions

MAYA = "U0MAYA"
#: the mark of what is not current
_GREY = ":white_circle:"
#: After so long everything is due again, and what is read once a day as well.
_PAUSE = timedelta(hours=25)
#: Noon is far from midnight in every zone that plays here.
_NOON, _AT_LEAST = 19, timedelta(hours=2)
_SHOWN = 5
_LONGEST = 4000


async def story(stage: Stage) -> None:
    """Play it as Daniel, who makes metrics, and as Maya, who looks at them."""
    await stage.first_reads()
    # The general ledger comes with the second collection.
    await _collected_again(stage, await stage.outside(lambda: _noon(stage.sandbox.clock.now())))
    # Maya opens the page once a day: it follows by itself.
    await opened(stage, MAYA)
    await _makes(stage)
    await _follows(stage)
    await _freezes(stage)
    await _thaws(stage)


async def _makes(stage: Stage) -> None:
    books = await _source(stage)
    wanted = await stage.outside(lambda: _wanted(_books(stage)))
    stage.expect({one.calculation for one in wanted} == set(Calculation), "a calculation is missing")
    for one in wanted:
        looked = await made(stage, books.source.id, one)
        stage.expect("The last" in looked, f"{one.name} was saved without a look at its last values: {looked}")
        kept = next(each for each in await _metrics(stage) if each.name == one.name)
        asked, selection = kept.definition, kept.definition.selection
        said = (asked.calculation, selection.dataset, asked.frequency, selection.item_name)
        meant = (one.calculation, one.dataset, one.frequency, one.item.name if one.item else "")
        stage.expect(said == meant, f"the form was sent with {meant}, and {said} was saved")
    stage.told(f"nine metrics are made through the form, each after a look: {', '.join(one.name for one in wanted)}")
    await follow(stage, books.last_data_refresh)
    same = await equal(stage)
    await shown_current(stage)
    stage.told(f"all nine are calculated; {same} values are those of the books, as fractions add them up")


async def _follows(stage: Stage) -> None:
    before = await _values(stage)
    at = await stage.outside(stage.sandbox.clock.now)
    told = await stage.outside(lambda: _something_happens(_books(stage)))
    await _collected_again(stage, _PAUSE)
    # A page that nobody opened for a day follows no more.
    await opened(stage, MAYA)
    await follow(stage, at)
    same, after = await equal(stage), await _values(stage)
    left = [name for name, values in before.items() if values == after[name]]
    stage.expect(not left, f"what happened in QuickBooks changed nothing in {left}")
    await shown_current(stage)
    restated = sum(bool(kept.changed.get("complete_before")) for many in after.values() for kept in many)
    stage.expect(restated, "no value of a closed period was restated")
    stage.told(
        f"in QuickBooks {told}; after the next run all nine are others: {same} values equal, {restated} restated"
    )


async def _freezes(stage: Stage) -> None:
    account = (await _source(stage)).source.label
    await stage.act(lambda: stage.slack.command(DANIEL, FINANCE, "/data", f"disconnect {account}"))
    card = await stage.see(
        "what disconnecting stops", lambda: newest(stage, "Disconnect", action=actions.DISCONNECT_FORM)
    )
    listed = [one.name for one in await _metrics(stage)]
    unsaid = [name for name in listed if name not in f"{card.everything} {card.blocks}"]
    stage.expect(not unsaid, f"the card does not say that {unsaid} will stop")
    await stage.act(lambda: stage.slack.click(DANIEL, card, actions.DISCONNECT_FORM))
    form = await stage.see("the form", lambda: stage.slack.modal(DANIEL))
    answers: dict[str, object] = {"name": account, "data": "keep"}
    await stage.act(lambda: stage.slack.submit_view(DANIEL, answers, form))
    await shown_frozen(stage)
    stage.told(
        "before QuickBooks is disconnected, all nine are named; after, each is grey, frozen, with its last as-of"
    )


async def _thaws(stage: Stage) -> None:
    before, as_of = await _values(stage), {one.name: one.as_of for one in await _metrics(stage)}
    await stage.outside(lambda: _something_happens(_books(stage)))
    await stage.outside(lambda: stage.sandbox.pass_time(2 * _PAUSE))
    await opened(stage, MAYA)
    await shown_frozen(stage)
    still = {one.name: one.as_of for one in await _metrics(stage)}
    stage.expect(still == as_of and await _values(stage) == before, "what is frozen was calculated")
    stage.told("two days pass in the books: all nine stand still")
    at = await stage.outside(stage.sandbox.clock.now)
    async with contextlib.AsyncExitStack() as stack:
        browser = StoryBrowser()
        stack.push_async_callback(browser.close)
        await stage.outside(lambda: setattr(stage.sandbox.quickbooks.oauth, "choice", catalogue.REALM))
        await stage.act(lambda: stage.slack.command(DANIEL, FINANCE, "/data", "reconnect quickbooks"))
        asked = await browser.send(await proven(stage, browser, "reconnect"), "/go")
        done = await browser.send(asked, "/connect/confirm")
        stage.expect(done.status == 200 and "is connected" in done.text, f"not reconnected: {done.text}")
    await follow(stage, at)
    same = await equal(stage)
    await shown_current(stage)
    gap = _days(await _values(stage)) - _days(before)
    stage.expect(len(gap) >= 2, f"the gap is not filled: new days are {sorted(gap)}")
    stage.told(
        f"reconnected to the same company all nine go on, {len(gap)} days of the gap are filled: {same} values equal"
    )


# -- what is seen -----------------------------------------------------------------------------------------------------


async def follow(stage: Stage, since: datetime | None) -> None:
    """Wait until every metric is calculated from data that is complete later than that."""

    async def done() -> bool:
        return all(_calculated(one, since) for one in await _metrics(stage))

    def missing() -> str:
        late = [one.name for one in stage.database.in_read(_every) if not _calculated(one, since)]
        return f": {', '.join(late)}"

    await stage.until("a calculation of every metric from newer data", done, missing)


def _calculated(metric: Metric, since: datetime | None) -> bool:
    done = metric.state is MetricState.CURRENT and metric.calculated_version == metric.version
    return done and metric.as_of is not None and (since is None or metric.as_of >= since)


async def equal(stage: Stage) -> int:
    """Compare every value of every metric with the books; return how many other than zero were the same."""
    found, values = await _metrics(stage), await _values(stage)
    wrong, same = await stage.outside(lambda: _compared(_books(stage), found, values))
    words = [*wrong[:_SHOWN], *([f"and {len(wrong) - _SHOWN} more"] if len(wrong) > _SHOWN else [])]
    stage.expect(not wrong, "\n".join(["values are not those of the books:", *words]))
    return same


async def shown_current(stage: Stage) -> None:
    """Look at the list as Maya does: each is current, and says what the books come to."""
    listed, found = await _listed(stage), await _metrics(stage)
    wanted = await stage.outside(lambda: {one.name: worth(truth_of(_books(stage), one), one) for one in found})
    for name, value in wanted.items():
        row = listed.get(name)
        stage.expect(row is not None and row.looks_well, f"{name} is not shown as current: {row}")
        stage.expect(row is not None and row.value.split()[0] == value, f"{name} is shown as {row}, not as {value}")

    async def on_the_page() -> bool:
        board = await _board(stage)
        return all(name in board and f" {value}" in board[name] and _GREY not in board[name]
                   for name, value in wanted.items())  # fmt: skip

    def instead() -> str:
        return f": {stage.slack.home(MAYA)}, and not {wanted}"[:_LONGEST]

    await stage.until("every metric with its value on the page that Maya has open", on_the_page, instead)


async def shown_frozen(stage: Stage) -> None:
    """Look at the list and at App Home as Maya does: none looks well, each says that it is frozen."""
    seen: dict[str, Row] = {}

    async def all_frozen() -> bool:
        seen.update(await _listed(stage))
        return all(row.state.startswith("frozen") for row in seen.values())

    await stage.until("the word that every metric is frozen", all_frozen, lambda: f": {list(seen.values())}")
    listed, found = await _listed(stage), await _metrics(stage)
    for one in found:
        row = listed.get(one.name)
        stage.expect(row is not None and not row.looks_well, f"{one.name} looks well, and its source is gone: {row}")
        stage.expect(row is not None and row.as_of not in {"", "–", "never"}, f"{one.name} has no as-of: {row}")

    async def grey_on_the_page() -> bool:
        board = await _board(stage)
        return all(one.name in board and board[one.name].startswith(_GREY) for one in found)

    await stage.until("every metric in grey on the page that Maya has open", grey_on_the_page)


async def _board(stage: Stage) -> dict[str, str]:
    """Return the rows of the board on the page that Maya has open, by the names of its metrics."""
    page = await stage.outside(lambda: stage.slack.home(MAYA))
    found = {}
    for block in page.blocks if page is not None else ():
        for option in block.get("accessory", {}).get("options", ()):
            action, _, name = str(option["value"]).partition(" ")
            if action == actions.METRIC_SHOW:
                found[name] = str(block["text"]["text"])
    return found


async def _listed(stage: Stage) -> dict[str, Row]:
    """Return what `/data metrics` shows Maya."""
    known = await stage.outside(lambda: len(stage.messages(FINANCE, MAYA)))
    await stage.act(lambda: stage.slack.command(MAYA, FINANCE, "/data", "metrics"))
    told: Message = await stage.see(
        "the list of metrics",
        lambda: next((one for one in stage.messages(FINANCE, MAYA)[known:] if rows_of(one.blocks)), None),
    )
    return rows_of(told.blocks)


# -- what happens outside ---------------------------------------------------------------------------------------------


async def _collected_again(stage: Stage, pause: timedelta) -> None:
    """Let time pass, and wait for the collection that its timer starts."""
    await stage.outside(lambda: stage.sandbox.pass_time(pause))
    since = await stage.outside(stage.sandbox.clock.now) - timedelta(minutes=1)

    async def done() -> bool:
        found = await _source(stage)
        return found.active is None and found.last_data_refresh is not None and found.last_data_refresh >= since

    await stage.until("the next collection of QuickBooks", done)


def _something_happens(books: Books) -> str:
    """Sell, buy and pay something now, and correct a sale of long ago."""
    now = books.clock.now()
    stamp = {"CreateTime": now.isoformat(timespec="seconds"), "LastUpdatedTime": now.isoformat(timespec="seconds")}
    today = now.astimezone(books.zone).date().isoformat()
    sold, (paid, bought) = books.truth("Invoice")[-1], _paid_expense(books)
    fresh: dict[str, Any] = {"TxnDate": today, "MetaData": stamp, "LinkedTxn": []}
    sale = {**sold, **fresh, "Id": books.next_id(), "Balance": sold["TotalAmt"]}
    bill = {**bought, **fresh, "Id": books.next_id(), "Balance": 0}
    lines = [{**line, "LinkedTxn": [{"TxnId": bill["Id"], "TxnType": "Bill"}]} for line in paid["Line"]]
    payment = {**paid, "TxnDate": today, "MetaData": stamp, "Id": books.next_id(), "Line": lines}
    old = next(one for one in sorted(books.truth("Invoice"), key=lambda one: one["TxnDate"]) if _of_last_year(one, now))
    first, *others = old["Line"]
    more = first["Amount"]
    corrected = {
        **old, "Line": [{**first, "Amount": first["Amount"] + more}, *others], "TotalAmt": old["TotalAmt"] + more,
        "Balance": old["Balance"] + more, "MetaData": {**old["MetaData"], "LastUpdatedTime": stamp["LastUpdatedTime"]},
    }  # fmt: skip
    records = [("Invoice", sale), ("Bill", bill), ("BillPayment", payment), ("Invoice", corrected)]
    books.change(put=records, at=now)
    return f"something is sold, bought and paid, and an invoice of {old['TxnDate']} is corrected"


def _paid_expense(books: Books) -> tuple[Any, Any]:
    """Return the last payment of a bill for an expense, and the bill; others are for goods that lie in store."""
    expenses = {one["Id"] for one in books.truth("Account") if one["Classification"] == "Expense"}
    bills = {
        one["Id"]: one for one in books.truth("Bill")
        if all(line["AccountBasedExpenseLineDetail"]["AccountRef"]["value"] in expenses for line in one["Line"])
    }  # fmt: skip
    paid = ((one, bills.get(one["Line"][0]["LinkedTxn"][0]["TxnId"])) for one in reversed(books.truth("BillPayment")))
    return next((payment, bill) for payment, bill in paid if bill is not None)


def _of_last_year(invoice: Any, now: datetime) -> bool:
    return bool(invoice["TxnDate"] >= f"{now.year - 1}-01-01")


def _wanted(books: Books) -> list[Wanted]:
    """Return one metric of each calculation, over every dataset."""
    last = books.truth("Invoice")[-1]
    item = next(line["SalesItemLineDetail"] for line in last["Line"] if "SalesItemLineDetail" in line)
    product = str(item["ItemRef"]["name"])
    net, income = Chosen("net inc", "Net Income"), Chosen("income", "Income")
    profit = Dataset.PROFIT_AND_LOSS
    return [
        Wanted("Sales by day", Calculation.SUM, Dataset.CUSTOMERS, frequency=Frequency.DAILY),
        Wanted("Cash in the bank", Calculation.END_BALANCE, Dataset.ACCOUNTS, Chosen("check", "Checking"), target="1"),
        Wanted("Usual expense", Calculation.AVERAGE, Dataset.EXPENSES),
        Wanted("Times sold", Calculation.COUNT, Dataset.ITEMS, Chosen(product[:12], product)),
        Wanted("Net margin", Calculation.RATIO, profit, net, income),
        Wanted("Growth of revenue", Calculation.GROWTH, Dataset.REVENUE),
        Wanted("Assets against last year", Calculation.GROWTH_YEAR, Dataset.BALANCE_SHEET,
               Chosen("total assets", "Total Assets")),
        Wanted("Profit of this year", Calculation.CUMULATIVE, profit, net, target="250000"),
        Wanted("Through the bank", Calculation.ROLLING, Dataset.CATEGORIES, Chosen("bank", "Bank")),
    ]  # fmt: skip


def _books(stage: Stage) -> Books:
    return stage.sandbox.quickbooks.books[catalogue.REALM]


def _noon(now: datetime) -> timedelta:
    """Return how long it is until the next noon that is not at once."""
    noon = now.replace(hour=_NOON, minute=0, second=0, microsecond=0)
    return noon + timedelta(days=noon - now < _AT_LEAST) - now


def _compared(books: Books, found: Sequence[Metric], values: dict[str, list[Kept]]) -> tuple[list[str], int]:
    wrong: list[str] = []
    same: Counter[str] = Counter()
    for metric in found:
        told, same[metric.name] = wrong_values(truth_of(books, metric), metric, values[metric.name])
        wrong += told
    empty = [name for name, count in same.items() if not count]
    return [*wrong, *(f"{name}: there is nothing but zero to compare" for name in empty)], sum(same.values())


def _days(values: dict[str, list[Kept]]) -> set[date]:
    return {kept.value.period.start for kept in values["Sales by day"]}


# -- the witness ------------------------------------------------------------------------------------------------------


async def _source(stage: Stage) -> SourceStatus:
    return next(one for one in await stage.statuses() if one.source.provider is Provider.QUICKBOOKS)


async def _metrics(stage: Stage) -> list[Metric]:
    return await stage.database.reading(_every)


async def _values(stage: Stage) -> dict[str, list[Kept]]:
    def work(session: Session) -> dict[str, list[Kept]]:
        return {one.name: metrics.newest_values(session, one.id) for one in _every(session)}

    return await stage.database.reading(work)


def _every(session: Session) -> list[Metric]:
    from storage.records import seeds

    return [one for each in seeds.organizations(session) for one in metrics.of_organization(session, each.id)]
