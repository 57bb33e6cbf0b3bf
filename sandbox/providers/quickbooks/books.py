"""One company's books: tables that can be read, changed over time and compared with what a reader made of them."""

import threading
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sandbox.providers.quickbooks import ledger, rates
from sandbox.providers.quickbooks.chart import DEBIT_SIDE
from sandbox.providers.quickbooks.documents import DOCUMENTS
from sandbox.providers.quickbooks.faults import Refusal
from sandbox.providers.quickbooks.ledger import Entry, KeyAccounts, Ledger
from sandbox.providers.quickbooks.lists import LISTS
from sandbox.providers.quickbooks.query import parse
from sandbox.providers.quickbooks.table import Table
from sandbox.providers.quickbooks.values import Record, amount, cents, encode, now_text, referred, stamp
from storage.facts.clock import Clock, aware

#: Everything that can be queried.
ENTITIES = (
    "Account", "Customer", "Vendor", "Item", "Invoice", "Bill", "Payment", "JournalEntry", "BillPayment", "CompanyInfo",
    *DOCUMENTS, *LISTS,
)  # fmt: skip

#: Account classifications that have a balance of their own.
_STANDING = ("Asset", "Liability", "Equity")


@dataclass(frozen=True, slots=True)
class Change:
    """What one mutation did, as (entity, id); knock-on changes (balances) count as changed."""

    new: tuple[tuple[str, str], ...] = ()
    changed: tuple[tuple[str, str], ...] = ()
    deleted: tuple[tuple[str, str], ...] = ()


class Books:
    """The records of one company (realm)."""

    def __init__(self, name: str, *, zone: ZoneInfo, clock: Clock) -> None:
        self.name = name
        self.zone = zone
        self.clock = clock
        self.company: Record = {}
        self.sequence = 1
        self.last_number = 1000
        self.tables = {entity: Table(entity, zone) for entity in ENTITIES if entity != "CompanyInfo"}
        #: what was ever set, oldest first; asked for without ids
        self.rates: list[Record] = []
        self.fixed_reports: dict[str, bytes] = {}
        #: of a general ledger that has more it prints no further account
        self.most_postings = 1_000_000
        #: what was answered to each request id: the same again is answered the same
        self.answered: dict[str, tuple[bytes, str]] = {}
        self.lock = threading.RLock()
        self._ledgers: dict[str, Ledger] = {}
        self._entries: list[Entry] = []

    # -- reading ------------------------------------------------------------------------------------------------------

    def query(self, statement: str) -> bytes:
        """Answer a statement with a whole body; raises Refusal."""
        query = parse(statement)
        if query.entity.lower() == rates.ENTITY.lower():
            return rates.answer(self, query)
        entity = next((entity for entity in ENTITIES if entity.lower() == query.entity.lower()), None)
        if entity is None:
            raise Refusal.query(f"Entity {query.entity} not found or not supported")
        time = encode(now_text(self.clock.now(), self.zone))
        if entity == "CompanyInfo" and self.company:
            return b'{"QueryResponse":{"CompanyInfo":[%b],"maxResults":1},"time":%b}' % (encode(self.company), time)
        if entity == "CompanyInfo":
            return b'{"QueryResponse":{},"time":%b}' % time
        with self.lock:
            table = self.tables[entity]
            found = table.select(query)
            if query.count:
                return b'{"QueryResponse":{"totalCount":%d},"time":%b}' % (len(found), time)
            page = table.bytes_of(found[query.start - 1 : query.start - 1 + query.size])
        if not page:
            return b'{"QueryResponse":{},"time":%b}' % time
        return b'{"QueryResponse":{"%b":[%b],"startPosition":%d,"maxResults":%d},"time":%b}' % (
            entity.encode(), b",".join(page), query.start, len(page), time,
        )  # fmt: skip

    def truth(self, entity: str) -> list[Record]:
        """Return all live records exactly as the API tells them, inactive ones too; amounts are Decimal."""
        if entity == "CompanyInfo":
            return [self.company] if self.company else []
        with self.lock:
            return list(self.tables[entity].records())

    def ids(self, entity: str) -> set[str]:
        """Return the ids of all live records."""
        with self.lock:
            return set(self.tables[entity])

    def deleted(self, entity: str) -> set[str]:
        """Return the ids of records that once were and are gone."""
        return set(self.tables[entity].gone)

    def ledger(self, basis: str) -> Ledger:
        """Return what was posted per account and day, on the basis "Accrual" or "Cash"."""
        with self.lock:
            if basis not in self._ledgers:
                build = ledger.cash if basis == "Cash" else ledger.accrual
                self._ledgers[basis] = build(lambda entity: self.tables[entity].records(), self.key_accounts())
            return self._ledgers[basis]

    def entries(self) -> list[Entry]:
        """Return each posting of each transaction, in the order of time."""
        with self.lock:
            if not self._entries:
                self._entries = ledger.entries(lambda entity: self.tables[entity].records(), self.key_accounts())
            return self._entries

    def _forget_ledgers(self) -> None:
        self._ledgers.clear()
        self._entries = []

    def key_accounts(self) -> KeyAccounts:
        """Return the accounts that transactions post to without naming them."""
        return KeyAccounts.among(self.tables["Account"].records())

    # -- replacing ----------------------------------------------------------------------------------------------------

    def fill(self, entity: str, records: Iterable[Record]) -> None:
        """Add records as they are, without knock-on changes."""
        with self.lock:
            self._forget_ledgers()
            for record in records:
                self.tables[entity].put(record)

    def set_records(self, entity: str, records: Iterable[Record]) -> None:
        """Replace all records of an entity by whole API-shaped ones (with Id and MetaData); the others are gone."""
        with self.lock:
            before = self.tables[entity]
            self.tables[entity] = Table(entity, self.zone)
            self.fill(entity, records)
            self.tables[entity].forget(before, self.clock.now())

    def load_tables(self, tables: Mapping[str, Iterable[Record]]) -> None:
        """Replace the whole company: entities that are not given become empty."""
        for entity in self.tables:
            self.set_records(entity, tables.get(entity, ()))

    def set_report(self, name: str, report: Mapping[str, Any] | bytes | None) -> None:
        """Answer a report with this, whatever its parameters; None: compute it again."""
        if report is None:
            self.fixed_reports.pop(name, None)
        else:
            self.fixed_reports[name] = report if isinstance(report, bytes) else encode(report)

    # -- changing -----------------------------------------------------------------------------------------------------

    def settle(self, at: int) -> None:
        """Set all balances from the transactions, as the end of generating."""
        moves = _Moves(self.key_accounts())
        for entity in ledger.TRANSACTIONS:
            for record in self.tables[entity].records():
                moves.count(entity, record, 1)
        self._apply(moves, at)

    def change(
        self, *, put: Iterable[tuple[str, Record]] = (), remove: Iterable[tuple[str, str]] = (), at: datetime
    ) -> Change:
        """Write and delete records at an instant, with the balances that follow from it."""
        instant = int(aware(at).timestamp())
        with self.lock:
            moves = _Moves(self.key_accounts())
            new: list[tuple[str, str]] = []
            changed: list[tuple[str, str]] = []
            deleted: list[tuple[str, str]] = []
            for entity, record in put:
                table, id_ = self.tables[entity], str(record["Id"])
                before = table.get(id_)
                (new if before is None else changed).append((entity, id_))
                if before is not None:
                    moves.count(entity, before, -1)
                moves.count(entity, record, 1)
                table.put(record)
            for entity, id_ in remove:
                gone = self.tables[entity].get(id_)
                if gone is not None:
                    moves.count(entity, gone, -1)
                    self.tables[entity].remove(id_, aware(at))
                    deleted.append((entity, id_))
            self._forget_ledgers()
            knocked = [key for key in self._apply(moves, instant) if key not in new and key not in changed]
            return Change(tuple(new), (*changed, *knocked), tuple(deleted))

    def mutate(
        self, seed: int, *, new: int = 0, changed: int = 0, deleted: int = 0, voided: int = 0, deactivated: int = 0,
        documents: int = 0, at: datetime | None = None,
    ) -> Change:  # fmt: skip
        """Let business go on: so many records are new, changed, deleted … at an instant (default: now).

        Each of `documents` adds, changes, deletes or voids one of the other documents (receipts, credits, transfers …).
        """
        from sandbox.providers.quickbooks.mutate import Mutation

        with self.lock:
            mutation = Mutation(self, seed, aware(at or self.clock.now()))
            return mutation.run(
                new=new, changed=changed, deleted=deleted, voided=voided, deactivated=deactivated, documents=documents
            )

    def next_id(self) -> str:
        """Return the id of the next transaction."""
        self.sequence += 1
        return str(self.sequence - 1)

    def next_name_id(self, entity: str) -> str:
        """Return the id of the next record of a name list."""
        return str(max((int(id_) for id_ in self.tables[entity] if id_.isdigit()), default=0) + 1)

    def _apply(self, moves: "_Moves", at: int) -> list[tuple[str, str]]:
        touched = []
        accounts = self.tables["Account"]
        for id_, worth in moves.accounts.items():
            account = accounts.get(id_)
            if worth and account is not None and account.get("Classification") in _STANDING:
                grown = worth if account["Classification"] in DEBIT_SIDE else -worth
                touched += self._raise_account(account, grown, at)
        for entity, balances in (("Customer", moves.customers), ("Vendor", moves.vendors)):
            for id_, worth in balances.items():
                record = self.tables[entity].get(id_)
                if worth and record is not None:
                    balance = amount(cents(record.get("Balance")) + worth)
                    record["Balance"] = balance
                    if entity == "Customer":
                        record["BalanceWithJobs"] = balance
                    touched.append(self._touch(entity, record, at))
        return list(dict.fromkeys(touched))

    def _raise_account(self, account: Record, grown: int, at: int) -> list[tuple[str, str]]:
        account["CurrentBalance"] = amount(cents(account.get("CurrentBalance")) + grown)
        touched = []
        current: Record | None = account
        while current is not None:
            current["CurrentBalanceWithSubAccounts"] = amount(
                cents(current.get("CurrentBalanceWithSubAccounts")) + grown
            )
            touched.append(self._touch("Account", current, at))
            current = self.tables["Account"].get(referred(current, "ParentRef"))
        return touched

    def _touch(self, entity: str, record: Record, at: int) -> tuple[str, str]:
        record["MetaData"] = {**record["MetaData"], "LastUpdatedTime": stamp(at, self.zone)}
        self.tables[entity].put(record)
        return entity, str(record["Id"])


class _Moves:
    """What transactions do to balances, in cents."""

    def __init__(self, key: KeyAccounts) -> None:
        self._key = key
        self.accounts: dict[str, int] = defaultdict(int)
        self.customers: dict[str, int] = defaultdict(int)
        self.vendors: dict[str, int] = defaultdict(int)

    def count(self, entity: str, record: Record, sign: int) -> None:
        for account, worth in ledger.postings(entity, record, self._key):
            self.accounts[account] += sign * worth
            if account == self._key.receivable and "CustomerRef" in record:
                self.customers[referred(record, "CustomerRef")] += sign * worth
            elif account == self._key.payable and "VendorRef" in record:
                self.vendors[referred(record, "VendorRef")] -= sign * worth
