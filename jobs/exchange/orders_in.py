"""What a turn of the orders is given about a connection, from what its customer declared."""

from collections.abc import Awaitable, Callable

from connectors.errors import Broken
from jobs.exchange.far_sides import DeclaredSides
from jobs.exchange.orders.turn import OrdersIn
from storage.facts.sources import Source


def orders_in(sides: DeclaredSides) -> Callable[[Source, Source], Awaitable[OrdersIn]]:
    """Return what says where a connection's orders are read; Broken where none are taken (Reconnect)."""

    async def of(source: Source, books: Source) -> OrdersIn:
        found = await sides.orders(source)
        if found is None:
            words = "this connection names no database of orders: an admin can add one where it is connected"
            raise Broken(words, code="orders_missing")
        return OrdersIn(source, books, *found)

    return of
