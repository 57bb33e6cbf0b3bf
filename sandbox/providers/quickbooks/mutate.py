"""Business goes on: new, changed, deleted, voided and deactivated records, drawn from a seed."""

from dataclasses import dataclass, field
from datetime import datetime
from random import Random
from typing import TYPE_CHECKING

from sandbox.providers.quickbooks.documents import DOCUMENTS, UNPOSTED, Documents, voided
from sandbox.providers.quickbooks.lists import FOLLOWED, time_activity
from sandbox.providers.quickbooks.make import Maker
from sandbox.providers.quickbooks.values import Record, amount, stamp

if TYPE_CHECKING:
    from sandbox.providers.quickbooks.books import Books, Change


@dataclass
class Mutation:
    """One round of changes at one instant."""

    books: "Books"
    seed: int
    at: datetime
    _put: dict[tuple[str, str], Record] = field(default_factory=dict)
    _remove: list[tuple[str, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._random = Random(f"{self.seed}/mutate")
        self._instant = int(self.at.timestamp())

    def run(
        self, *, new: int, changed: int, deleted: int, voided: int, deactivated: int, documents: int = 0
    ) -> "Change":
        """Draw the changes and write them; raises ValueError if there is not enough left to delete or void."""
        for id_ in self._open_invoices(deleted):
            self._remove.append(("Invoice", id_))
        for id_ in self._open_invoices(voided):
            self._put["Invoice", id_] = self._voided("Invoice", id_)
        active = self._active("Customer")
        # A company that is played with for long has none left in the end.
        for id_ in self._random.sample(active, min(deactivated, len(active))):
            self._put["Customer", id_] = self._deactivated("Customer", id_)
        for _ in range(changed):
            self._change_one()
        self._create(new)
        kinds = (*DOCUMENTS, *(kind for kind in ("TimeActivity", *FOLLOWED) if self.books.tables[kind]))
        for place in range(documents):
            self._document(kinds[(self.seed + place) % len(kinds)])
        put = [(entity, record) for (entity, _), record in self._put.items()]
        return self.books.change(put=put, remove=self._remove, at=self.at)

    def _open_invoices(self, count: int) -> list[str]:
        """Invoices without payments: those that may be deleted or voided without touching anything else."""
        if not count:
            return []
        taken = {id_ for _, id_ in self._remove} | {id_ for entity, id_ in self._put if entity == "Invoice"}
        open_ = [
            str(record["Id"])
            for record in self.books.tables["Invoice"].records()
            if not record.get("LinkedTxn") and record["Id"] not in taken and record.get("Balance")
        ]
        return self._random.sample(sorted(open_, key=int), count)

    def _active(self, entity: str) -> list[str]:
        return [str(record["Id"]) for record in self.books.tables[entity].records() if record.get("Active")]

    def _change_one(self) -> None:
        """Change a record that this round has not touched yet."""
        gone = set(self._remove)
        for _ in range(1000):
            entity = self._random.choice(("Invoice", "Invoice", "Customer", "Item", "Bill", "Payment", "Vendor"))
            id_ = self._random.choice(list(self.books.tables[entity]) or [""])
            if id_ and (entity, id_) not in gone and (entity, id_) not in self._put:
                self._put[entity, id_] = self._edited(entity, id_)
                return
        raise ValueError("nothing is left that could be changed")

    def _edited(self, entity: str, id_: str) -> Record:
        record = self._fresh(entity, id_)
        mark = f"{self._random.randrange(1000, 9999)}"
        match entity:
            case "Customer" | "Vendor":
                record["PrimaryPhone"] = {"FreeFormNumber": f"(555) 010-{mark}"}
            case "Item":
                record["UnitPrice"] = amount(int(mark) * 5)
            case _:
                record["PrivateNote"] = f"Reviewed, note {mark}"
        return record

    def _voided(self, entity: str, id_: str) -> Record:
        record = self._fresh(entity, id_)
        for line in record["Line"]:
            line["Amount"] = amount(0)
            if "SalesItemLineDetail" in line:
                line["SalesItemLineDetail"]["Qty"] = 0
        record["TxnTaxDetail"] = {"TotalTax": amount(0)}
        return record | {"TotalAmt": amount(0), "Balance": amount(0), "PrivateNote": "Voided"}

    def _deactivated(self, entity: str, id_: str) -> Record:
        record = self._fresh(entity, id_)
        name = f"{record['DisplayName']} (deleted)"
        return record | {"Active": False, "DisplayName": name, "FullyQualifiedName": name}

    def _fresh(self, entity: str, id_: str) -> Record:
        record = self.books.tables[entity].get(id_)
        if record is None:
            raise ValueError(f"there is no {entity} {id_}")
        record["SyncToken"] = str(int(record.get("SyncToken", "0")) + 1)
        record["MetaData"] = {**record["MetaData"], "LastUpdatedTime": stamp(self._instant, self.books.zone)}
        return record

    def _create(self, count: int) -> None:
        maker = self._maker()
        names = {str(customer["DisplayName"]) for customer in maker.customers}
        first_customer = int(self.books.next_name_id("Customer"))
        fresh = 0
        for place in range(count):
            if place % 10 == 9:
                id_ = str(first_customer + fresh)
                fresh += 1
                self._put["Customer", id_] = maker.customer(id_, self._instant, names)
                continue
            id_ = self.books.next_id()
            if place % 5 == 4:
                self._put["Bill", id_] = maker.bill(id_, self._instant, self._random.randrange(len(maker.vendors)))
            else:
                self.books.last_number += 1
                customer = self._random.choice(maker.customers)
                self._put["Invoice", id_] = maker.invoice(id_, self.books.last_number, self._instant, customer)

    def _document(self, kind: str) -> None:
        """Add, change, delete or void a document of a kind; one that was touched already in this round is left."""
        taken = {id_ for _, id_ in (*self._put, *self._remove)}
        there = [id_ for id_ in self.books.tables[kind] if id_ not in taken]
        what = self._random.choice(("new", "changed", "deleted", "voided"))
        if kind in (*FOLLOWED, "TimeActivity"):
            self._of_a_list(kind, there)
            return
        if what == "new" or not there:
            id_ = self.books.next_id()
            self._put[kind, id_] = Documents(self._maker()).make(kind, id_, self._instant)
            return
        id_ = self._random.choice(there)
        if what == "deleted":
            self._remove.append((kind, id_))
        elif what == "voided" and kind not in UNPOSTED:
            self._put[kind, id_] = voided(self._fresh(kind, id_))
        else:
            self._put[kind, id_] = self._edited(kind, id_)

    def _of_a_list(self, kind: str, there: list[str]) -> None:
        """Change a record of a small list; work is added."""
        if kind == "TimeActivity":
            id_ = self.books.next_id()
            self._put[kind, id_] = time_activity(self._maker(), id_, self._instant)
        elif there:
            id_ = self._random.choice(there)
            record = self._fresh(kind, id_)
            field = "DisplayName" if "DisplayName" in record else "Name"
            self._put[kind, id_] = record | {field: f"{record[field]} *"[:40]}

    def _maker(self) -> Maker:
        tables = self.books.tables
        return Maker(
            self._random,
            self.books.zone,
            accounts={str(record["Name"]): str(record["Id"]) for record in tables["Account"].records()},
            items=[record for record in tables["Item"].records() if record.get("IncomeAccountRef")],
            customers=[record for record in tables["Customer"].records() if record.get("Active")],
            vendors=list(tables["Vendor"].records()),
        )
