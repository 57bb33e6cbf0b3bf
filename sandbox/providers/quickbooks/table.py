"""The records of one entity, kept as the bytes that go on the wire, with an index over what readers ask for."""

import re
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any
from zoneinfo import ZoneInfo

from sandbox.providers.quickbooks.faults import Refusal
from sandbox.providers.quickbooks.query import Condition, Query
from sandbox.providers.quickbooks.values import Record, decode, encode, instant

#: Lists whose records are made inactive, never deleted; queries hide the inactive ones.
NAME_LISTS = (
    "Account", "Customer", "Vendor", "Item", "Class", "Department", "Employee", "PaymentMethod", "Term", "CustomerType",
    "TaxAgency", "TaxCode", "TaxRate", "Preferences",
)  # fmt: skip

_TIMES = {"metadata.lastupdatedtime": "LastUpdatedTime", "metadata.createtime": "CreateTime"}
_REMEMBERED = 16


class Table:
    """One entity of one company."""

    def __init__(self, entity: str, zone: ZoneInfo) -> None:
        self.entity = entity
        self._zone = zone
        self._encoded: dict[str, bytes] = {}
        self._updated: dict[str, int] = {}
        self._inactive: set[str] = set()
        #: ids of records that once were and are gone, with the instant
        self.gone: dict[str, datetime] = {}
        self._selected: dict[tuple[object, ...], list[str]] = {}

    def __len__(self) -> int:
        return len(self._encoded)

    def __contains__(self, id_: str) -> bool:
        return id_ in self._encoded

    def __iter__(self) -> Iterator[str]:
        return iter(list(self._encoded))

    def put(self, record: Record) -> None:
        """Add or replace a record."""
        id_ = str(record["Id"])
        self._encoded[id_] = encode(record)
        self._updated[id_] = instant(record["MetaData"]["LastUpdatedTime"], self._zone)
        self._inactive.discard(id_)
        if record.get("Active") is False:
            self._inactive.add(id_)
        self.gone.pop(id_, None)
        self._selected.clear()

    def remove(self, id_: str, at: datetime) -> None:
        """Let a record vanish, as deleted transactions do."""
        del self._encoded[id_], self._updated[id_]
        self._inactive.discard(id_)
        self.gone[id_] = at
        self._selected.clear()

    def forget(self, earlier: "Table", at: datetime) -> None:
        """Take over what was gone from an earlier table, and what vanishes with it."""
        vanished = dict.fromkeys(set(earlier) - set(self), at)
        self.gone = {id_: when for id_, when in {**earlier.gone, **vanished}.items() if id_ not in self}

    def get(self, id_: str) -> Record | None:
        """Return a record, decoded."""
        data = self._encoded.get(id_)
        return None if data is None else decode(data)

    def records(self) -> Iterator[Record]:
        """Yield every record, inactive ones too."""
        for id_ in self:
            yield decode(self._encoded[id_])

    def bytes_of(self, ids: Iterable[str]) -> list[bytes]:
        """Return records as they go on the wire."""
        return [self._encoded[id_] for id_ in ids]

    def changed(self, since: int) -> tuple[list[bytes], list[tuple[str, datetime]]]:
        """Return the records that changed since an instant, and what was deleted since, with its instant."""
        ids = [id_ for id_, updated in self._updated.items() if updated >= since]
        gone = [(id_, at) for id_, at in self.gone.items() if at.timestamp() >= since]
        return self.bytes_of(sorted(ids, key=self._updated.__getitem__)), gone

    def select(self, query: Query) -> list[str]:
        """Return the ids that a query finds, in its order, before paging; raises Refusal for what cannot be asked."""
        key = (query.conditions, query.order)
        if key not in self._selected:
            if len(self._selected) >= _REMEMBERED:
                self._selected.clear()
            self._selected[key] = self._search(query)
        return self._selected[key]

    def _search(self, query: Query) -> list[str]:
        ids: Iterable[str] = self._encoded
        for condition in query.conditions:
            ids = list(filter(self._test(condition), ids))
        if self._inactive and not any(condition.field.lower() == "active" for condition in query.conditions):
            ids = [id_ for id_ in ids if id_ not in self._inactive]
        found = sorted(ids, key=_number, reverse=self.entity not in NAME_LISTS)
        for field, descending in reversed(query.order):
            found.sort(key=self._key(field), reverse=descending)
        return found

    def _key(self, field: str) -> Callable[[str], Any]:
        read = self._reader(field)
        return lambda id_: _sortable(read(id_))

    def _test(self, condition: Condition) -> Callable[[str], bool]:
        read = self._reader(condition.field)
        if condition.field.lower() in _TIMES:
            wanted = [self._when(text) for text in condition.values]
            return lambda id_: _compares(read(id_), condition.operator, wanted)
        if condition.operator == "like":
            pattern = _like(condition.values[0])
            text = str if condition.field.lower() == "id" else read
            return lambda id_: pattern.fullmatch(str(text(id_) or "")) is not None
        values = condition.values
        return lambda id_: _holds(read(id_), condition.operator, values)

    def _when(self, text: str) -> int:
        try:
            return instant(text, self._zone)
        except ValueError:
            raise Refusal.query(f"Invalid date or time value: {text}") from None

    def _reader(self, field: str) -> Callable[[str], Any]:
        lowered = field.lower()
        if lowered == "id":
            return _number
        if lowered == "metadata.lastupdatedtime":
            return self._updated.__getitem__
        if lowered in _TIMES:
            return lambda id_: instant(decode(self._encoded[id_])["MetaData"]["CreateTime"], self._zone)
        if lowered == "active":
            return lambda id_: id_ not in self._inactive
        name = QUERYABLE.get(lowered)
        if name is None:
            raise Refusal.query(f"property '{field}' not found for {self.entity}")
        return lambda id_: _plain(decode(self._encoded[id_]).get(name))


#: Properties that a statement may name, by their lower-case form.
QUERYABLE = {
    name.lower(): name
    for name in (
        "Name", "DisplayName", "FullyQualifiedName", "CompanyName", "GivenName", "FamilyName", "PrintOnCheckName",
        "Title", "AccountType", "AccountSubType", "Classification", "CurrentBalance", "SubAccount", "ParentRef",
        "Balance", "Sku", "Type", "DocNumber", "TxnDate", "DueDate", "TotalAmt", "CustomerRef", "VendorRef",
        "SalesTermRef", "PrivateNote", "PaymentMethodRef", "PaymentRefNum", "DepartmentRef", "SyncToken",
        "APAccountRef", "Taxable", "Job", "Vendor1099",
    )
}  # fmt: skip


def _number(id_: str) -> tuple[int, str]:
    return (int(id_), "") if id_.isdigit() else (2**63, id_)


def _plain(value: Any) -> Any:
    return value.get("value") if isinstance(value, dict) else value


def _sortable(value: Any) -> tuple[int, Any]:
    if value is None:
        return (0, "")
    if isinstance(value, bool):
        return (1, int(value))
    return (2, value) if isinstance(value, int | Decimal) else (3, value)


def _holds(actual: Any, operator: str, texts: tuple[str, ...]) -> bool:
    if actual is None:
        return False
    try:
        wanted = [_alike(actual, text) for text in texts]
    except (InvalidOperation, ValueError):
        raise Refusal.query(f"Invalid value: {', '.join(texts)}") from None
    return _compares(actual, operator, wanted)


def _alike(actual: Any, text: str) -> Any:
    if isinstance(actual, tuple):
        return _number(text)
    if isinstance(actual, bool):
        return text.lower() == "true"
    return Decimal(text) if isinstance(actual, int | Decimal) else text


def _compares(actual: Any, operator: str, wanted: list[Any]) -> bool:
    match operator:
        case "in":
            return actual in wanted
        case "=":
            return bool(actual == wanted[0])
        case "<":
            return bool(actual < wanted[0])
        case ">":
            return bool(actual > wanted[0])
        case "<=":
            return bool(actual <= wanted[0])
        case _:
            return bool(actual >= wanted[0])


def _like(pattern: str) -> re.Pattern[str]:
    return re.compile(".*".join(re.escape(part) for part in pattern.split("%")), re.IGNORECASE | re.DOTALL)
