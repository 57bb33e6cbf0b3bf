"""Whose turn it is: organizations that have work waiting share the places of the workers equally.

The engine draws by lot among them, and gives who is drawn as many places as one organization may have: so the one with
many sources gets many lots' worth, and another may wait long. Here each look gives every place to the organization that
holds the fewest, and among equals to the one that was served longest ago. What runs is never stopped: an organization
that took free places keeps them until its work ends, and gets no further one while somebody else waits with fewer.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

#: organizations of which is known when they were served
_REMEMBERED = 10_000


class Turns:
    """Remembers who was served when, in this process."""

    def __init__(self) -> None:
        self._served: dict[str, int] = {}
        self._count = 0

    def choose(self, waiting: Collection[str], held: Mapping[str, int], free: int) -> list[str]:
        """Return who gets one of the free places each; `held` are the places that each has, in all processes."""
        order = sorted(waiting, key=lambda who: (held.get(who, 0), self._served.get(who, 0), who))
        return order[: max(free, 0)]

    def serve(self, who: str) -> None:
        """Note that it was somebody's turn."""
        self._count += 1
        # Taken out first, so that whoever was served longest ago stands first.
        self._served.pop(who, None)
        self._served[who] = self._count
        if len(self._served) > _REMEMBERED:
            del self._served[next(iter(self._served))]


class FairStore:
    """Stands before the engine's own two questions about a queue with limits for each organization.

    `store` is the engine's. `holders` returns, for the queue, the organization and the process of all work that runs;
    `again` lets the queue be looked at once more.
    """

    def __init__(
        self,
        store: Any,
        name: str,
        executor_id: str,
        places: int | None,
        holders: Callable[[], Sequence[tuple[str, str]]],
        again: Callable[[], None],
    ) -> None:
        self._waiting: Callable[[str], list[str]] = store.get_queue_partitions
        self._claim: Callable[..., tuple[list[str], str | None]] = store.start_queued_workflows
        self._name = name
        self._executor_id = executor_id
        self._holders = holders
        self._again = again
        self._turns = Turns()
        #: several wait: places are given one by one
        self._shared = False
        #: pieces of work that this process runs at once; None: as many as there are
        self._places = places
        store.get_queue_partitions = self.waiting
        store.start_queued_workflows = self.claim

    def waiting(self, name: str) -> list[str]:
        """Return the organizations that get a place now; the engine may take them in any order."""
        found = self._waiting(name)
        if name != self._name:
            return found
        self._shared = len(found) > 1
        if not self._shared:
            return found
        holders = self._holders()
        held: dict[str, int] = {}
        for who, _ in holders:
            held[who] = held.get(who, 0) + 1
        here = sum(process == self._executor_id for _, process in holders)
        free = len(found) if self._places is None else self._places - here
        return self._turns.choose(found, held, free)

    def claim(
        self, queue: Any, executor_id: str, version: str, who: str | None, running: int = 0, *more: Any, **named: Any
    ) -> tuple[list[str], str | None]:
        """Claim the next work of an organization: one piece where others wait too."""
        mine = queue.name == self._name and who is not None
        if mine and self._shared and self._places is not None:
            running = max(running, self._places - 1)
        found, stopped = self._claim(queue, executor_id, version, who, running, *more, **named)
        if mine and who is not None and (found or self._shared):
            # Also where nothing could be claimed: what nobody can run must not stand first in every look.
            self._turns.serve(who)
            if found and self._shared:
                self._again()
        return found, stopped
