"""Where orders go: one port, with an adapter for each product of QuickBooks.

QuickBooks Online has no sales orders, so there an order becomes an Estimate; QuickBooks Desktop takes real ones.
"""

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from connectors.errors import ConnectorError, Refused
from storage.facts.exchange_orders import Order, OrderLine, ShipTo, Trace, Written

__all__ = [
    "Order",
    "OrderLine",
    "Refused",
    "SalesOrderSink",
    "SeveralAtOnce",
    "ShipTo",
    "Trace",
    "Waiting",
    "Written",
]


class Waiting(Exception):  # noqa: N818 - the name says what became of it
    """The order is kept and settled later, when QuickBooks asks for it; the reason is for whoever waits."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class SalesOrderSink(Protocol):
    """Writes orders once, whatever happens in between.

    Raises Refused for an order that is not taken, Retry where it may have arrived or not, Reconnect, Waiting.
    """

    @property
    def target(self) -> str:
        """What orders become: ``estimate`` or ``desktop``."""
        ...

    async def find(self, order: Order, request_id: str) -> Written | None:
        """Return what came of an earlier try; None where QuickBooks has nothing of it."""
        ...

    async def create(self, order: Order, request_id: str) -> Written:
        """Write it."""
        ...

    async def change(self, order: Order, request_id: str, before: Written) -> Written:
        """Let what stands there say what this revision says."""
        ...

    async def cancel(self, order: Order, request_id: str, before: Written) -> None:
        """Close what stands there."""
        ...


@runtime_checkable
class SeveralAtOnce(Protocol):
    """A sink that takes several new orders with one call: one answer for each, and one refused stops no other."""

    @property
    def most(self) -> int:
        """How many at once."""
        ...

    async def find_many(
        self, wanted: Sequence[tuple[Order, str]], traces: Sequence[Trace] = ()
    ) -> Sequence[Written | None]:
        """Return for each what came of an earlier try; with traces, one for each, also what people renamed since."""
        ...

    def is_taken(self, order: Order) -> bool:
        """Whether the last look found something else under the order's number, and nothing of its own."""
        ...

    def renamed(self, order: Order) -> str | None:
        """Return which number that has now which the order became, as the last look found it by its id alone.

        None: the last look found nothing of the kind.
        """
        ...

    async def create_many(self, wanted: Sequence[tuple[Order, str]], batch: str) -> Sequence[Written | ConnectorError]:
        """Write them, none of which was tried before."""
        ...
