"""Names for messages: an organization's and its admins'. Kept for a minute; no permission ever comes from here."""

from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.ports.people import People
from storage.facts.clock import Clock

_KEEP = timedelta(seconds=60)
_MOST = 1000


@dataclass(frozen=True, slots=True)
class Names:
    """What messages to members of one organization say."""

    organization: str
    #: display names of the admins
    admins: tuple[str, ...]
    #: what metrics are called there
    noun: str = "Metric"


class Directory:
    """Looks names up, at most once a minute for each organization."""

    def __init__(self, people: People, clock: Clock) -> None:
        self._people = people
        self._clock = clock
        self._known: OrderedDict[str, tuple[datetime, Names]] = OrderedDict()

    async def names(self, organization_id: str) -> Names:
        """Return the names of an organization."""
        now = self._clock.now()
        known = self._known.get(organization_id)
        if known is not None and now - known[0] <= _KEEP:
            return known[1]
        organization = await self._people.organization(organization_id)
        admins = await self._people.admins(organization_id)
        names = Names(organization.name, tuple(member.name for member in admins), organization.metric_noun)
        self._known[organization_id] = (now, names)
        while len(self._known) > _MOST:
            self._known.popitem(last=False)
        return names

    def forget(self, organization_id: str) -> None:
        """Look the names of an organization up again when they are wanted next."""
        self._known.pop(organization_id, None)
