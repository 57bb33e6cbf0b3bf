"""What the far side of the exchange holds, read as Inventiv would read it, against the books in QuickBooks."""

import asyncio
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from bot.cli.stories.stage import Stage
from sandbox.exchange.desktop import SalesOrder
from sandbox.exchange.distributor import BY_FTPS, BY_SFTP, Distributor
from sandbox.providers import catalogue
from sandbox.providers.quickbooks import Books
from sandbox.providers.quickbooks.values import stamp
from sandbox.slack import Message

DANIEL, FINANCE = "U0DANIEL", "C0FINANCE"
#: the distributor's accounts, and how their files travel
ACCOUNTS: Mapping[str, str] = {BY_SFTP: "SFTP", BY_FTPS: "FTPS"}
_SHOWN = 5
#: seconds in which a person types a command
_TYPING = 1.5
#: file -> the entity of QuickBooks that it is made of, and the column of its key
FILES: Mapping[str, tuple[str, str]] = {
    "customer.fil": ("Customer", "CUST_NO"),
    "item.fil": ("Item", "ITEM_NO"),
    "vendor.fil": ("Vendor", "VENDOR_NO"),
    "salesrep.fil": ("Employee", "REP_CODE"),
    "invoice.fil": ("Invoice", "TXN_ID"),
}
Rows = list[dict[str, str]]
#: an item's id in QuickBooks Online, how many of it, and the price of one
Line = tuple[str, Decimal, Decimal]


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


def distributor(stage: Stage) -> Distributor:
    """Return the far side."""
    found = stage.sandbox.distributor
    stage.expect(found is not None, "this demo has no PocketAdvantage")
    assert found is not None
    return found


async def files_of(stage: Stage, account: str) -> dict[str, bytes]:
    """Return what lies in an account's folder of newest files."""
    return await stage.outside(lambda: distributor(stage).files(account))


def books_of(stage: Stage) -> Books:
    """Return the books of the company in QuickBooks Online."""
    return stage.sandbox.quickbooks.books[catalogue.REALM]


def half_leave(books: Books) -> int:
    """Let half of the employees be inactive; return how many they are."""
    active = [one for one in books.truth("Employee") if one.get("Active", True)]
    leaving = active[: max(1, len(active) // 2)]
    for one in leaving:
        edited(books, "Employee", one, Active=False)
    return len(leaving)


def edited(books: Books, entity: str, record: Mapping[str, Any], **values: object) -> None:
    """Let somebody change a record in QuickBooks, now."""
    now = books.clock.now()
    times = {**record["MetaData"], "LastUpdatedTime": stamp(int(now.timestamp()), books.zone)}
    after = {**record, **values, "MetaData": times, "SyncToken": str(int(record["SyncToken"]) + 1)}
    books.change(put=[(entity, after)], at=now)


# -- files -------------------------------------------------------------------------------------------------------------


class FarSide:
    """What Inventiv has of each account: the newest files, and of invoices all that came, revision by revision."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._invoices: dict[str, dict[str, dict[str, Rows]]] = {account: {} for account in ACCOUNTS}

    async def equal(self, what: str) -> None:
        """Wait until each account's five files are what the books say."""
        stage = self._stage

        async def equal() -> bool:
            return not await stage.outside(self._wrong)

        await stage.until(f"that {what} are what QuickBooks has", equal, lambda: f": {self._wrong()[:_SHOWN]}")

    def _wrong(self) -> list[str]:
        books = books_of(self._stage)
        return [f"{account}: {one}" for account in ACCOUNTS for one in wrong(self._has(account), books)]

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


def rows_of(body: bytes) -> Rows:
    """Read a file as the far side does: a line of names, then lines of values, between tabs."""
    lines = body.decode("utf-8").split("\r\n")
    assert lines.pop() == "", "the last line has no end"
    names, *rest = (line.split("\t") for line in lines)
    return [dict(zip(names, values, strict=True)) for values in rest]


def far_side(distributor: Distributor, account: str) -> dict[str, Rows]:
    """Return what lies in an account's folder, by file."""
    return {name: rows_of(body) for name, body in distributor.files(account).items()}


def wrong(found: Mapping[str, Rows], books: Books) -> list[str]:
    """Return where a night's five files are not what the books say, each in a sentence."""
    problems = [f"{name} is not there" for name in FILES if name not in found]
    problems += [f"{name} is no file of the exchange" for name in found if name not in FILES]
    for name in set(FILES) & set(found):
        problems += _wrong_of(name, found[name], books)
    return problems


def _wrong_of(name: str, rows: Rows, books: Books) -> list[str]:
    entity, key = FILES[name]
    wanted = {_key(entity, one): one for one in _truth(entity, books)}
    there = {row[key] for row in rows}
    problems = [f"{name}: {one} is missing" for one in sorted(set(wanted) - there)]
    problems += [f"{name}: {one} is not in QuickBooks" for one in sorted(there - set(wanted))]
    for row in rows:
        if (record := wanted.get(row[key])) is not None:
            problems += _differs(name, entity, row, record)
    if entity == "Invoice":
        problems += _totals(rows, wanted)
    return problems


def _truth(entity: str, books: Books) -> Sequence[Mapping[str, Any]]:
    found = books.truth(entity)
    if entity == "Employee":
        return [one for one in found if one.get("Active", True)]
    return [one for one in found if one.get("Type") != "Category"] if entity == "Item" else found


def _key(entity: str, record: Mapping[str, Any]) -> str:
    return str(record.get("Sku") or record["Id"]) if entity == "Item" else str(record["Id"])


def _differs(name: str, entity: str, row: Mapping[str, str], record: Mapping[str, Any]) -> list[str]:
    if entity == "Invoice":
        return []
    called = record.get("DisplayName") or record.get("Name") or ""
    same = row["NAME"] == str(called) and row["ACTIVE"] == ("Y" if record.get("Active", True) else "N")
    return [] if same else [f"{name}: {record['Id']} is {row['NAME']}, {row['ACTIVE']}, and not {called}"]


def _totals(rows: Rows, wanted: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Compare what the lines of each invoice come to with what QuickBooks calls its total."""
    problems = []
    for number, record in wanted.items():
        worth = _worth(rows, number)
        if worth is not None and worth != Decimal(str(record["TotalAmt"])):
            problems.append(f"invoice.fil: {number} comes to {worth}, and QuickBooks says {record['TotalAmt']}")
    return problems


def total_of(body: bytes, number: str) -> Decimal | None:
    """Return what an invoice in a file of a night comes to; None where it is not in it."""
    return _worth(rows_of(body), number)


def _worth(rows: Rows, number: str) -> Decimal | None:
    lines = [row for row in rows if row["TXN_ID"] == number and row["LINE_NO"]]
    if not lines:
        return None
    worth = sum((Decimal(row["AMOUNT"] or "0") for row in lines), Decimal(0))
    return worth + Decimal(lines[0]["TAX_TOTAL"] or "0") - Decimal(lines[0]["DISC_AMT"] or "0")


# -- orders ------------------------------------------------------------------------------------------------------------


def ordered(rows: Sequence[Mapping[str, Any]], books: Books) -> tuple[str, list[Line]]:
    """Return an order of PocketAdvantage's view, a row for each line: id of its customer, and its lines.

    Where it names no price, the item's is meant.
    """
    items = {_key("Item", one): one for one in books.truth("Item")}
    lines = []
    for row in sorted(rows, key=lambda row: int(row["line_no"])):
        item = items[row["item_no"]]
        price = row["unit_price"] if row["unit_price"] is not None else item["UnitPrice"]
        lines.append((str(item["Id"]), Decimal(row["qty"]), Decimal(str(price))))
    return str(rows[0]["cust_no"]), lines


def of_estimate(record: Mapping[str, Any]) -> tuple[str, list[Line]]:
    """Return what stands in an Estimate of QuickBooks Online."""
    details = [line["SalesItemLineDetail"] for line in record["Line"] if line["DetailType"] == "SalesItemLineDetail"]
    return record["CustomerRef"]["value"], [
        (one["ItemRef"]["value"], Decimal(str(one["Qty"])), Decimal(str(one["UnitPrice"]))) for one in details
    ]


def of_desktop(order: SalesOrder, books: Books) -> tuple[str, list[Line]]:
    """Return what stands in a sales order of QuickBooks Desktop, with the ids that its names have online."""
    customers = {str(one["DisplayName"]): str(one["Id"]) for one in books.truth("Customer")}
    items = {str(one["Name"]): str(one["Id"]) for one in books.truth("Item")}
    return customers.get(order["CustomerRef"], ""), [
        (items.get(line["ItemRef"], ""), Decimal(line["Quantity"]), Decimal(line["Rate"])) for line in order.lines
    ]
