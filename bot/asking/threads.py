"""What was asked last in a thread, for "and amazon?": small, and forgotten soon.

It is kept in memory. A second web process would not know what the first one was told, or know something older: where
there may be several, nothing is kept, and a follow-up is answered by the question which one is meant.
"""

from collections import OrderedDict
from collections.abc import Hashable
from datetime import datetime, timedelta

from bot.asking.facts import WITHOUT_SOURCES, Intent, Understood
from bot.asking.reading import Before
from storage.facts.clock import Clock

_KEEP = timedelta(minutes=30)
_MOST = 2000


def after(found: Understood, before: Before | None) -> Before | None:
    """Return what a following message may take up; what was not understood leaves what was there."""
    told = [
        item for item in found.asked if item.intent not in WITHOUT_SOURCES and not item.unclear and not item.unknown
    ]
    if told:
        last = told[-1]
        return Before(last, declined=found.declined or found.still)
    if before is None:
        return None
    only_help = all(item.intent is Intent.HELP for item in found.asked)
    return Before(before.asked, declined=before.declined or (found.declined and not only_help))


class Threads:
    """The last question of each person in each thread."""

    def __init__(self, clock: Clock, *, keeps: bool = True) -> None:
        """With `keeps` False nothing is remembered: another process may be asked next."""
        self._clock = clock
        self._keeps = keeps
        self._known: OrderedDict[Hashable, tuple[datetime, Before]] = OrderedDict()

    def before(self, thread: Hashable) -> Before | None:
        """Return what was asked before, if that was lately."""
        kept = self._known.get(thread)
        if kept is None or self._clock.now() - kept[0] > _KEEP:
            return None
        return kept[1]

    def keep(self, thread: Hashable, found: Understood) -> None:
        """Remember what was asked; the oldest threads are forgotten."""
        if not self._keeps:
            return
        told = after(found, self.before(thread))
        self._known.pop(thread, None)
        if told is not None:
            self._known[thread] = (self._clock.now(), told)
        while len(self._known) > _MOST:
            self._known.popitem(last=False)
