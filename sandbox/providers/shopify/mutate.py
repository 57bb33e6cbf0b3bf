"""Business goes on in a shop: new, changed, deleted and cancelled records, drawn from a seed."""

from dataclasses import dataclass, field
from datetime import datetime
from random import Random

from sandbox.providers.shopify.fates import cancel, fulfil, ordered, refund
from sandbox.providers.shopify.generate import FIRST_ORDER_NAME
from sandbox.providers.shopify.make import FIRST, Maker, worth
from sandbox.providers.shopify.payouts import entries, paid_out, waiting
from sandbox.providers.shopify.stock import sold
from sandbox.providers.shopify.store import Change, Node, Store, text_of


@dataclass
class Mutation:
    """One round of changes at one instant."""

    store: Store
    seed: int
    at: datetime
    _put: dict[str, Node] = field(default_factory=dict)
    _remove: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._random = Random(f"{self.seed}/mutate")

    def run(self, *, new: int, changed: int, deleted: int, voided: int) -> Change:
        """Draw the changes and write them; raises ValueError if there is not enough left to delete or cancel."""
        before = {kind: self.store.ids(kind) for kind in self.store.tables}
        live = [node for node in self.store.truth("Order") if not node["cancelledAt"] and not node["refunds"]]
        fated = self._random.sample(live, deleted + voided)
        for order in fated[:deleted]:
            self._remove.append(order["id"])
            self._buyer(order, -worth(order["totalPriceSet"]), -1)
        for order in fated[deleted:]:
            self._put[order["id"]] = cancel(order, self.at)
        for _ in range(changed):
            self._change_one()
        self._create(new)
        orders = [node for gid, node in self._put.items() if "lineItems" in node and gid not in before["Order"]]
        for item in sold(self.store, orders, self.at):
            self._put[item["id"]] = item
        self._pay_out()
        self.store.put(self._put.values())
        for gone in self._remove:
            self.store.remove(gone, self.at)
        keys = [(gid.split("/")[3], gid) for gid in self._put]
        fresh = tuple(key for key in keys if key[1] not in before[key[0]])
        removed = tuple(("Order", gid) for gid in self._remove)
        return Change(fresh, tuple(key for key in keys if key not in fresh), removed)

    def _pay_out(self) -> None:
        """Book what payments moved now; what was booked before is paid out."""
        booked = entries(node for node in self._put.values() if "lineItems" in node)
        before = waiting(self.store)
        nodes = paid_out(before, self.at) if before else []
        fresh = [entry for entry in booked if self.store.get(entry["id"]) is None]
        self._put |= {node["id"]: node for node in (*nodes, *fresh)}

    def _change_one(self) -> None:
        """Change a record that this round has not touched yet."""
        for _ in range(1000):
            kind = self._random.choice(("Order", "Order", "Order", "Customer", "ProductVariant"))
            nodes = self.store.tables[kind]
            node = nodes[self._random.choice(list(nodes))] if nodes else None
            if node is not None and node["id"] not in self._put and node["id"] not in self._remove:
                self._edit(kind, node)
                return
        raise ValueError("nothing is left that could be changed")

    def _edit(self, kind: str, node: Node) -> None:
        mark = self._random.randrange(1000, 9999)
        if kind == "Order":
            self._put[node["id"]] = self._moved_on(node, mark)
        elif kind == "Customer":
            self._put[node["id"]] = node | {"note": f"Called, note {mark}", "updatedAt": text_of(self.at)}
        else:
            price = f"{mark // 100}.{mark % 100:02d}"
            self._put[node["id"]] = node | {"price": price, "updatedAt": text_of(self.at)}
            product = self._put.get(node["product"]) or self.store.get(node["product"])
            if product is not None:
                self._put[product["id"]] = product | {"updatedAt": text_of(self.at)}

    def _moved_on(self, order: Node, mark: int) -> Node:
        whole = not order["refunds"] and not order["cancelledAt"]
        if whole and order["displayFulfillmentStatus"] == "UNFULFILLED":
            return fulfil(order, self.at)
        if whole and self._random.random() < 0.3:
            return refund(order, self.at)
        return order | {"note": f"Gift note {mark}", "updatedAt": text_of(self.at)}

    def _create(self, count: int) -> None:
        people = list(self.store.tables["Customer"].values())
        maker = Maker(self._random, list(self.store.tables["ProductVariant"].values()), people)
        first = self.store.next_number("Order", FIRST["Order"])
        name = max((node["number"] for node in self.store.tables["Order"].values()), default=FIRST_ORDER_NAME - 1)
        next_customer = self.store.next_number("Customer", FIRST["Customer"])
        for place in range(count):
            if place % 10 == 9:
                fresh = maker.customer(next_customer, self.at)
                next_customer += 1
                self._put[fresh["id"]] = fresh
                continue
            name += 1
            order = maker.order(first + place * 1024, name, self.at, self._random.choice(people))
            self._put[order["id"]] = order
            self._buyer(order, worth(order["totalPriceSet"]), 1)

    def _buyer(self, order: Node, cents: int, orders: int) -> None:
        customer = self._put.get(order["customer"]) or self.store.get(order["customer"])
        if customer is not None:
            self._put[customer["id"]] = ordered(customer, cents, self.at, orders)
