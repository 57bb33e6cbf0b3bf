"""One shop's records: sorted, searched, changed over time and compared with what a reader made of them."""

import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from sandbox.providers.shopify.paging import Connection, Place, page, scope_of
from sandbox.providers.shopify.search import Reader, Search, compile_search
from storage.facts.clock import Clock, aware

#: A record in the shape of its GraphQL type; nested connections are plain lists, other records are named by gid.
Node = dict[str, Any]

KINDS = ("Order", "Product", "ProductVariant", "Customer", "Location", "InventoryItem",
         "ShopifyPaymentsPayout", "ShopifyPaymentsBalanceTransaction",
         "DraftOrder", "AbandonedCheckout", "DiscountNode")  # fmt: skip
#: How far back orders can be read without read_all_orders.
RECENT = timedelta(days=60)


@dataclass(frozen=True, slots=True)
class Change:
    """What one mutation did, as (kind, gid); knock-on changes count as changed."""

    new: tuple[tuple[str, str], ...] = ()
    changed: tuple[tuple[str, str], ...] = ()
    deleted: tuple[tuple[str, str], ...] = ()


def number(gid: str) -> int:
    """Return the number at the end of a gid."""
    return int(gid.rpartition("/")[2])


def text_of(instant: datetime) -> str:
    """Write an instant as Shopify does: UTC, to the second."""
    return aware(instant).strftime("%Y-%m-%dT%H:%M:%SZ")


def seconds(text: str | None) -> int | None:
    """Read such an instant back."""
    return None if text is None else int(datetime.fromisoformat(text).timestamp())


def _time(name: str) -> Reader:
    return lambda node: seconds(node.get(name))


def _moved(node: Mapping[str, Any]) -> int | None:
    return seconds(node.get("updatedAt") or node["discount"]["updatedAt"])


def _lower(name: str) -> Reader:
    def read(node: Mapping[str, Any]) -> str:
        value = node.get(name)
        return str(value).lower()

    return read


def _tagged(node: Mapping[str, Any]) -> str:
    return ",".join(node.get("tags") or ()).lower()


_COMMON: dict[str, Reader] = {
    "created_at": _time("createdAt"),
    "updated_at": _time("updatedAt"),
    "id": lambda node: number(node["id"]),
    "tag": _tagged,
}

#: What can be searched, by kind.
SEARCHABLE: dict[str, dict[str, Reader]] = {
    "Order": _COMMON
    | {
        "processed_at": _time("processedAt"),
        "name": _lower("name"),
        "email": _lower("email"),
        "financial_status": _lower("displayFinancialStatus"),
        "fulfillment_status": _lower("displayFulfillmentStatus"),
        "test": _lower("test"),
        "status": lambda node: "cancelled" if node["cancelledAt"] else "closed" if node["closed"] else "open",
        "customer_id": lambda node: str(number(node["customer"])) if node["customer"] else "",
    },
    "Product": _COMMON
    | {
        "published_at": _time("publishedAt"),
        "status": _lower("status"),
        "title": _lower("title"),
        "vendor": _lower("vendor"),
        "product_type": _lower("productType"),
    },
    "ProductVariant": _COMMON
    | {
        "sku": _lower("sku"),
        "title": _lower("title"),
        "product_id": lambda node: str(number(node["product"])),
    },
    "InventoryItem": _COMMON | {"sku": _lower("sku")},
    "InventoryLevel": {name: _COMMON[name] for name in ("created_at", "updated_at")},
    "ShopifyPaymentsPayout": {
        "id": _COMMON["id"],
        "issued_at": _time("issuedAt"),
        "status": _lower("status"),
    },
    "ShopifyPaymentsBalanceTransaction": {
        "id": _COMMON["id"],
        "processed_at": _time("transactionDate"),
        "payments_transfer_id": lambda node: (node["associatedPayout"]["id"] or "").rpartition("/")[2],
    },
    "DraftOrder": _COMMON | {"status": _lower("status")},
    "AbandonedCheckout": _COMMON,
    "DiscountNode": {"id": _COMMON["id"], "updated_at": _moved},
    "Location": _COMMON | {"name": _lower("name")},
    "Customer": _COMMON
    | {
        "customer_date": _time("createdAt"),
        "email": _lower("email"),
        "first_name": _lower("firstName"),
        "state": _lower("state"),
    },
}


def _cents(node: Mapping[str, Any]) -> int:
    return int(Decimal(node["totalPriceSet"]["shopMoney"]["amount"]) * 100)


#: Sort keys that are not simply a field of the same name.
_SORTS: dict[str, Reader] = {
    "CREATED_AT": _time("createdAt"),
    "UPDATED_AT": _moved,
    "PROCESSED_AT": lambda node: seconds(node.get("processedAt") or node["transactionDate"]),
    "ISSUED_AT": _time("issuedAt"),
    "PUBLISHED_AT": lambda node: seconds(node.get("publishedAt")) or 0,
    "ID": lambda node: number(node["id"]),
    "ORDER_NUMBER": lambda node: node["number"],
    "TOTAL_PRICE": _cents,
    "TITLE": _lower("title"),
    "VENDOR": _lower("vendor"),
    "NAME": lambda node: f"{node['lastName']} {node['firstName']}".lower(),
    "POSITION": lambda node: node["position"],
    "SKU": _lower("sku"),
    "INVENTORY_QUANTITY": lambda node: node["inventoryQuantity"],
}


@dataclass
class Store:
    """The records of one shop."""

    domain: str
    name: str
    clock: Clock
    #: open, frozen (402), forbidden (403), locked (423), inactive (200 with SHOP_INACTIVE)
    state: str = "open"
    about: Node = field(default_factory=dict)
    lock: threading.RLock = field(default_factory=threading.RLock, repr=False)
    tables: dict[str, dict[int, Node]] = field(default_factory=lambda: {kind: {} for kind in KINDS})
    gone: dict[str, dict[str, datetime]] = field(default_factory=lambda: {kind: {} for kind in KINDS})
    #: refund -> number of its order
    refunded: dict[str, int] = field(default_factory=dict, repr=False)
    _sorted: dict[tuple[object, ...], list[Place]] = field(default_factory=dict)
    _searches: dict[tuple[str, str], Search] = field(default_factory=dict)

    # -- reading ------------------------------------------------------------------------------------------------------

    def connection(
        self, field_name: str, kind: str, arguments: Mapping[str, Any], *, recent_only: bool = False
    ) -> Connection:
        """Return a page of a kind, sorted and searched as asked; raises Refused."""
        with self.lock:
            key, reverse = str(arguments["sortKey"]), bool(arguments.get("reverse"))
            query = arguments.get("query") or ""
            places = self._places(kind, key, query, recent_only=recent_only)
            scope = scope_of(kind, key, reverse, query)
            return page(field_name, places, self.tables[kind], scope, arguments, reverse=reverse)

    def search(self, kind: str, query: str) -> Search:
        """Return the compiled search, for its warnings."""
        if (kind, query) not in self._searches:
            if len(self._searches) > 64:
                self._searches.clear()
            self._searches[kind, query] = compile_search(query, SEARCHABLE[kind])
        return self._searches[kind, query]

    def count(self, kind: str, query: str | None) -> int:
        """Return how many records a search finds."""
        return len(self._places(kind, "ID", query or "", recent_only=False))

    def get(self, gid: str | None) -> Node | None:
        """Return a record by its gid."""
        if gid is None:
            return None
        kind = gid.split("/")[3] if gid.count("/") == 4 else ""
        if kind == "Refund":
            order = self.tables["Order"].get(self.refunded.get(gid, 0))
            return next((refund for refund in order["refunds"] if refund["id"] == gid), None) if order else None
        return self.tables.get(kind, {}).get(number(gid)) if gid[-1:].isdigit() else None

    def truth(self, kind: str) -> list[Node]:
        """Return all live records; nested connections are plain lists and other records are named by gid."""
        with self.lock:
            return list(self.tables[kind].values())

    def ids(self, kind: str) -> set[str]:
        """Return the gids of all live records."""
        with self.lock:
            return {node["id"] for node in self.tables[kind].values()}

    def deleted(self, kind: str) -> set[str]:
        """Return the gids of records that once were and are gone."""
        return set(self.gone[kind])

    # -- changing -----------------------------------------------------------------------------------------------------

    def put(self, nodes: Iterable[Node]) -> None:
        """Add or replace records, each under the kind that its gid names."""
        with self.lock:
            for node in nodes:
                kind = node["id"].split("/")[3]
                self.tables[kind][number(node["id"])] = node
                for refund in node.get("refunds", ()):
                    self.refunded[refund["id"]] = number(node["id"])
            self._sorted.clear()

    def remove(self, gid: str, at: datetime) -> None:
        """Let a record vanish."""
        with self.lock:
            kind = gid.split("/")[3]
            del self.tables[kind][number(gid)]
            self.gone[kind][gid] = at
            self._sorted.clear()

    def set_records(self, kind: str, nodes: Iterable[Node]) -> None:
        """Replace all records of a kind by whole ones in the shape of `truth`."""
        with self.lock:
            self.tables[kind] = {}
            self.put(nodes)
            self._sorted.clear()

    def mutate(
        self,
        seed: int,
        *,
        new: int = 0,
        changed: int = 0,
        deleted: int = 0,
        voided: int = 0,
        at: datetime | None = None,
    ) -> Change:
        """Let business go on: so many orders are new, records changed, orders deleted or cancelled at an instant."""
        from sandbox.providers.shopify.mutate import Mutation

        with self.lock:
            mutation = Mutation(self, seed, aware(at or self.clock.now()))
            return mutation.run(new=new, changed=changed, deleted=deleted, voided=voided)

    def rest(self, pause: timedelta) -> None:
        """Let it be as if nothing had happened for a while: every record's last change is that much longer ago."""
        with self.lock:
            for kind, nodes in self.tables.items():
                for key, node in nodes.items():
                    if "updatedAt" in node:
                        earlier = datetime.fromisoformat(node["updatedAt"]) - pause
                        self.tables[kind][key] = node | {"updatedAt": text_of(earlier)}
            self._sorted.clear()

    def next_number(self, kind: str, first: int) -> int:
        """Return the next free number of a kind."""
        gone = max((number(gid) for gid in self.gone[kind]), default=0)
        return max(max(self.tables[kind], default=0), gone, first - 1) + 1

    def _places(self, kind: str, sort: str, query: str, *, recent_only: bool) -> list[Place]:
        key = (kind, sort, query, recent_only)
        found = self._sorted.get(key)
        if found is None or recent_only:
            if len(self._sorted) > 32:
                self._sorted.clear()
            read = _SORTS[sort]
            test = self._test(kind, query, recent_only=recent_only)
            found = sorted((read(node), id_) for id_, node in self.tables[kind].items() if test(node))
            self._sorted[key] = found
        return found

    def _test(self, kind: str, query: str, *, recent_only: bool) -> Callable[[Node], bool]:
        test = self.search(kind, query).test
        if not recent_only:
            return test
        oldest = int((self.clock.now() - RECENT).astimezone(UTC).timestamp())
        return lambda node: (seconds(node["createdAt"]) or 0) >= oldest and test(node)
