"""The story of the exchange: a night of files over SFTP and FTPS, an edit, a held file, orders into both QuickBooks."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from decimal import Decimal
from functools import partial
from time import monotonic
from zoneinfo import ZoneInfo

from bot.cli.stories.exchange_orders import orders_in
from bot.cli.stories.exchanging import (
    ACCOUNTS,
    DANIEL,
    FINANCE,
    FarSide,
    books_of,
    distributor,
    edited,
    files_of,
    half_leave,
    said,
    total_of,
)
from bot.cli.stories.stage import Stage
from sandbox.exchange.distributor import BY_FTPS, BY_SFTP
from sandbox.providers.quickbooks import Books
from storage.facts.exchange import FILES as OUT
from storage.facts.exchange import Pair, RunState
from storage.records import exchange as records
from storage.records import seeds
from storage.sessions import Session
from templates import actions

_NEW_YORK, _NIGHT = ZoneInfo("America/New_York"), time(2, 20)
#: The story begins by day, whenever it is told: at night files go by themselves as soon as they are switched on.
_DAY_BEGINS = time(6)
#: seconds after which no answer comes any more; one that is under way while hours pass at once would come too late
_ANSWERED = 60.0
_RENAMED = "Renamed by the story"
_REPS = "salesrep.fil"
#: What a server was told when a file travelled privately, was read back, and took its place.
_TOLD: Mapping[str, frozenset[str]] = {
    BY_SFTP: frozenset({"open", "write", "read", "rename"}),
    BY_FTPS: frozenset({"AUTH", "PROT", "STOR", "RETR", "RNFR", "RNTO"}),
}
#: how runs end of which no person has to decide
_WELL = frozenset({RunState.DONE, RunState.UNCHANGED})


async def story(stage: Stage) -> None:
    """Play it as Daniel, who is an admin."""
    await stage.first_reads()
    far = FarSide(stage)
    await switches_on(stage)
    await a_night(stage, far)
    await an_edit(stage, far)
    await an_earlier_file(stage, await a_held_file(stage, far))
    await orders_in(stage)


async def switches_on(stage: Stage) -> None:
    """See both connections in Slack, and switch on every file of them, after a dry run."""
    await _day_comes(stage)
    await said(stage, "exchange", "Exchange with PocketAdvantage", *ACCOUNTS)
    for account in ACCOUNTS:
        for pair in OUT:
            await said(stage, f"exchange {account} {pair.label.lower()} on", f"{pair.label}: switched on")
    count = await _dry_run(stage)
    stage.expect(not await files_of(stage, BY_SFTP), "a dry run sent something")
    stage.told(f"ten pairs are switched on in Slack; a dry run counts {count} customers, and nothing is sent")


async def _dry_run(stage: Stage) -> int:
    """Make the file of customers without sending it, and return how many there are: as many as in QuickBooks."""
    await said(stage, f"exchange {BY_SFTP} customers dry run", "Customers")

    async def over() -> bool:
        return await stage.database.reading(_has_dry_run)

    await stage.until("the end of the dry run", over)
    count = len(await stage.outside(lambda: books_of(stage).truth("Customer")))
    # What came of it is said by itself where that does not take long; whoever comes later finds it in the history.
    late = monotonic() + _ANSWERED

    async def answered() -> bool:
        return monotonic() > late or await stage.outside(lambda: _said_of_dry_run(stage))

    await stage.until("the answer to the dry run", answered)
    await said(stage, f"exchange {BY_SFTP} customers history", "dry run, not sent", str(count))
    return count


def _said_of_dry_run(stage: Stage) -> bool:
    return any("would be sent" in one.everything for one in stage.messages(FINANCE, DANIEL))


async def a_night(stage: Stage, far: FarSide) -> None:
    """Let a night pass: five files lie in each account's folder, and came there privately."""
    await night_passes(stage)
    await far.equal("last night's files")
    for account in ACCOUNTS:
        told = set(await stage.outside(partial(distributor(stage).told, account)))
        stage.expect(told >= _TOLD[account], f"the server of {account} was told {sorted(told)}")
    sizes = {how: sum(map(len, (await files_of(stage, account)).values())) for account, how in ACCOUNTS.items()}
    words = " and ".join(f"{how} ({size:,} bytes)" for how, size in sizes.items())
    stage.told(f"a night: five files in each account's folder, over {words}; every row is that of QuickBooks")


@dataclass(frozen=True, slots=True)
class Edits:
    """What somebody changed in QuickBooks, and the files of each account from before."""

    customer: str
    invoice: str
    total: Decimal
    before: Mapping[str, Mapping[str, bytes]]


async def an_edit(stage: Stage, far: FarSide) -> None:
    """Change a customer and an invoice in QuickBooks: the next night's files have both, and the archive what was."""
    await travelled(stage, far, await edits(stage))


async def edits(stage: Stage) -> Edits:
    """Change them, and let a night pass."""
    before = {account: await files_of(stage, account) for account in ACCOUNTS}
    customer = await stage.outside(lambda: _rename(books_of(stage)))
    invoice, total = await stage.outside(lambda: _bill_more(books_of(stage)))
    for files in before.values():
        stage.expect(_RENAMED.encode() not in files["customer.fil"], "the file has what nobody entered yet")
    await night_passes(stage)
    return Edits(customer, invoice, total, before)


async def travelled(stage: Stage, far: FarSide, done: Edits) -> None:
    """See that both came to each account."""
    await far.equal("the next night's files")
    for account in ACCOUNTS:
        files = await files_of(stage, account)
        kept = await stage.outside(partial(distributor(stage).earlier, account))
        stage.expect(_RENAMED.encode() in files["customer.fil"], f"{account} has not the new name")
        there = total_of(files["invoice.fil"], done.invoice)
        stage.expect(there == done.total, f"{account} has {there} as the total of invoice {done.invoice}")
        stage.expect(done.before[account]["customer.fil"] in kept, f"{account} has lost the file of the night before")
    told = await stage.outside(partial(distributor(stage).told, BY_SFTP))
    stage.expect("posix_rename" in told, "one file did not take the place of the other in one step")
    stage.told(f"customer {done.customer} is renamed in QuickBooks: the next night both files have the new name")
    raised = f"invoice {done.invoice} is raised to {done.total:.2f} USD"
    stage.told(f"{raised}: both files have it anew, and what was stays in the archive")


async def a_held_file(stage: Stage, far: FarSide) -> bytes:
    """Let half of the employees leave: their files wait for Daniel. Return the one that was there before."""
    left = await stage.outside(lambda: half_leave(books_of(stage)))
    before = {account: (await files_of(stage, account))[_REPS] for account in ACCOUNTS}
    await night_passes(stage, held=Pair.SALES_REPS)
    for account in ACCOUNTS:
        now = (await files_of(stage, account))[_REPS]
        stage.expect(now == before[account], f"what should be held was sent to {account}")
    for account in ACCOUNTS:
        card = await said(stage, f"exchange {account} sales reps", "Held, nothing was sent")
        await stage.act(partial(stage.slack.click, DANIEL, card, actions.EXCHANGE_RELEASE))
    await far.equal("the released files")
    stage.told(f"of the employees {left} are gone at once: both files of sales reps are held until Daniel lets them go")
    return before[BY_SFTP]


async def an_earlier_file(stage: Stage, earlier: bytes) -> None:
    """Put the file of the night before back."""
    newest = (await files_of(stage, BY_SFTP))[_REPS]
    card = await said(stage, f"exchange {BY_SFTP} sales reps files", "Earlier files of sales reps")
    button = next(name for name in card.actions if name.split(":")[0] == actions.EXCHANGE_RESTORE)
    await stage.act(lambda: stage.slack.click(DANIEL, card, button))

    async def back() -> bool:
        return (await files_of(stage, BY_SFTP))[_REPS] == earlier

    await stage.until("the earlier file in its place", back)
    kept = await stage.outside(lambda: distributor(stage).earlier(BY_SFTP))
    stage.expect(newest in kept, "the newer file was not kept")
    stage.told("the file of the night before is put back with one press, and the newer one is kept")


# -- how a night passes, and what happens in QuickBooks ----------------------------------------------------------------


async def night_passes(stage: Stage, held: Pair | None = None) -> None:
    """Let it be twenty past two in New York, and wait until every file pair has had its run; `held` may wait then."""
    now = await stage.outside(stage.sandbox.clock.now)
    until = _next_night(now) - now
    await stage.outside(lambda: stage.sandbox.pass_time(until))

    async def all_over() -> bool:
        return not await stage.database.reading(lambda session: _unfinished(session, now + until, held))

    def left() -> str:
        return f": {', '.join(stage.database.in_read(lambda session: _unfinished(session, now + until, held)))}"

    await stage.until("the end of the night's runs", all_over, left)


async def _day_comes(stage: Stage) -> None:
    """Let it be morning in New York, where it is night there."""
    now = await stage.outside(stage.sandbox.clock.now)
    local = now.astimezone(_NEW_YORK)
    if local.time() < _DAY_BEGINS:
        morning = datetime.combine(local.date(), _DAY_BEGINS, _NEW_YORK)
        await stage.outside(lambda: stage.sandbox.pass_time(morning - now))


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
            # Whether what is to be held was sent all the same is looked up at the far side.
            wanted = _WELL | {RunState.HELD} if pair.pair is held else _WELL
            tonight = [run for run in runs if run.slot_at > at - timedelta(hours=3) and run.state in wanted]
            if not tonight:
                found.append(f"{pair.source_id} {pair.pair} {[f'{run.state} {run.why}' for run in runs[:2]]}")
    return found


def _has_dry_run(session: Session) -> bool:
    """Whether any dry run is over."""
    listed = [pair for one in seeds.organizations(session) for pair in records.pairs_of(session, one.id)]
    return any(run.state is RunState.DRY for pair in listed for run in records.history(session, pair.id, 5))


def _rename(books: Books) -> str:
    record = books.truth("Customer")[0]
    edited(books, "Customer", record, DisplayName=_RENAMED)
    return str(record["Id"])


def _bill_more(books: Books) -> tuple[str, Decimal]:
    """Let the first line of an invoice cost a dollar more; return its id and its new total."""
    record = next(one for one in books.truth("Invoice") if one["Line"][0]["DetailType"] == "SalesItemLineDetail")
    line, *rest = record["Line"]
    rest = [{**one, "Amount": one["Amount"] + 1} if one["DetailType"] == "SubTotalLineDetail" else one for one in rest]
    total = record["TotalAmt"] + 1
    lines = [{**line, "Amount": line["Amount"] + 1}, *rest]
    edited(books, "Invoice", record, Line=lines, TotalAmt=total, Balance=record["Balance"] + 1)
    return str(record["Id"]), Decimal(str(total))
