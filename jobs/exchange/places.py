"""The places of a worker, shared fairly: whoever is slow keeps no other organization waiting.

An organization has two at most, and the last that is free is given for a while only, so that there is always one that
comes free soon. Files are built two at a time, however many are on their way: that is what takes memory and processor.
"""

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from jobs.work import EXCHANGE_PLACES

#: of one organization, in one worker
OF_ONE = 2
#: files that are built at once
BUILDS = 2
#: seconds that the last place may be held; who needs longer goes on later
SHORT = 600.0
#: after so long it is looked whether a place of the organization is free
LOOK_EVERY = timedelta(seconds=30)
#: of a run that waits for the others of its organization
NO_PLACE = "places"
WHY = "other files or orders of your organization are being exchanged first"


class Places:
    """Who works in this process; for one event loop."""

    def __init__(
        self, most: int = EXCHANGE_PLACES, of_one: int = OF_ONE, builds: int = BUILDS, short: float = SHORT
    ) -> None:
        self._most = most
        self._of_one = of_one
        self._short = short
        self._held: Counter[str] = Counter()
        #: runs that took the last place
        self._last: set[str] = set()
        #: lets as many build at once as there is room for
        self.building = asyncio.Semaphore(builds)

    def free(self, organization_id: str) -> bool:
        """Whether an organization may take one more."""
        return self._held[organization_id] < self._of_one

    @contextmanager
    def held(self, organization_id: str, run_id: str) -> Iterator[None]:
        """Hold a place until the work of a run is over."""
        self._held[organization_id] += 1
        if self._held.total() >= self._most:
            self._last.add(run_id)
        try:
            yield
        finally:
            self._last.discard(run_id)
            self._held[organization_id] -= 1
            if not self._held[organization_id]:
                del self._held[organization_id]

    def at_most(self, run_id: str, seconds: float | None = None) -> float | None:
        """Return how long a run may be at something that may take so many seconds; None: as long as it takes."""
        if run_id not in self._last:
            return seconds
        return self._short if seconds is None else min(seconds, self._short)
