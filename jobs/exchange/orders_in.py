"""The core's way to a turn of the orders; what that needs is imported with the first one, not with the program."""

from typing import TYPE_CHECKING

from connectors.errors import Broken
from jobs.exchange.far_sides import DeclaredSides
from jobs.exchange.ports import OrdersTaken
from jobs.ground import Ground
from storage.facts.exchange import ExchangeRun
from storage.facts.sources import Source

if TYPE_CHECKING:
    from jobs.exchange.orders.turn import TakesOrders


class DeclaredOrders:
    """Takes the orders in of the database that a connection's customer declared."""

    def __init__(self, ground: Ground, sides: DeclaredSides) -> None:
        self._ground = ground
        self._sides = sides

    async def take(self, run: ExchangeRun, source: Source, books: Source) -> OrdersTaken:
        """Read, check and write what is there; Broken where no orders are taken (Reconnect)."""
        return await self._turn().take(run, source, books)

    async def dry(self, run: ExchangeRun, source: Source, books: Source) -> OrdersTaken:
        """Read and check, and write nothing anywhere (ConnectorError)."""
        return await self._turn().dry(run, source, books)

    def _turn(self) -> "TakesOrders":
        from jobs.exchange.desktop.sink import desktop_sink, takes_orders
        from jobs.exchange.orders.turn import OrdersIn, TakesOrders

        async def of(source: Source, books: Source) -> OrdersIn:
            found = await self._sides.orders(source)
            if found is None:
                words = "this connection names no database of orders: an admin can add one where it is connected"
                raise Broken(words, code="orders_missing")
            if await self._ground.database.reading(lambda session: takes_orders(session, source.id)):
                return OrdersIn(source, books, *found, sink=desktop_sink, target="desktop")
            return OrdersIn(source, books, *found)

        return TakesOrders(self._ground, of)
