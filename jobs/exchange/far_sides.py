"""Where the files of a connection go and its orders are, from what its customer declared: read when it is needed."""

from connectors.pocketadvantage.declared import Declared, read_declared
from connectors.pocketadvantage.orders.places import Allowed, DatabasePlace
from connectors.pocketadvantage.places import allowed_of, operator_of, places_of
from jobs.exchange.fil import FilRules
from jobs.exchange.ports import FarSide
from jobs.ground import Ground
from storage.facts.sources import Source


class DeclaredSides:
    """Opens a connection's declaration; nothing of it is kept."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground

    async def of(self, source: Source) -> FarSide:
        """Return where files go; Reconnect or Broken where what was declared is missing or cannot be."""
        declared = await self._declared(source)
        settings = self._ground.providers[source.provider]
        files, _ = places_of(declared, settings, source.organization_id)
        rules = FilRules(declared.encoding, header=declared.header, upper_extension=declared.upper)
        return FarSide(files, operator_of(settings), rules, declared.gap)

    async def orders(self, source: Source) -> tuple[DatabasePlace, Allowed] | None:
        """Return the database of orders; None where none are taken (Reconnect, Broken)."""
        declared = await self._declared(source)
        settings = self._ground.providers[source.provider]
        _, place = places_of(declared, settings, source.organization_id)
        return None if place is None else (place, allowed_of(settings, source.organization_id))

    async def _declared(self, source: Source) -> Declared:
        return read_declared((await self._ground.tokens(source).load()).access)
