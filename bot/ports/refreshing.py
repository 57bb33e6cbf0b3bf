"""What the Slack edge needs to refresh sources, and to say when and how fresh they must be."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Protocol

from jobs.promising import Promised
from jobs.refresh.ask import Outcome, Place, Scope, TriggerKey
from jobs.refresh.clicks import Played
from jobs.refresh.held import HeldRead
from jobs.refresh.rereading import Preview, Wanted
from jobs.schedules import Planned
from storage.facts.clicks import Click
from storage.facts.people import Actor
from storage.facts.sources import Provider
from storage.facts.status import RefreshStatus, SourceStatus


class Refreshes(Protocol):
    """Starts, joins and stops refreshes."""

    async def ask(self, actor: Actor, scope: Scope) -> list[SourceStatus]:
        """Return what a confirm card shows; starts nothing."""
        ...

    async def choices(self, actor: Actor) -> list[SourceStatus]:
        """Return how every source stands, as far as choosing among them needs it."""
        ...

    async def request(self, actor: Actor, scope: Scope, trigger: TriggerKey, place: Place) -> Outcome:
        """Start or join."""
        ...

    async def cancel(self, actor: Actor, refresh_id: str, trigger: TriggerKey) -> RefreshStatus:
        """Ask the runs to stop."""
        ...


class Clicks(Protocol):
    """Confirmed refreshes: accepted before the ack, played behind it."""

    async def accept(
        self, actor: Actor, scope: Scope, trigger: TriggerKey, place: Place, request: Mapping[str, object]
    ) -> Click | None:
        """Write the click down; None when another click on the card waits."""
        ...

    async def play(self, click: Click) -> Played | None:
        """Give it its effect; None when another process has."""
        ...

    async def settle(self, click: Click) -> None:
        """Forget one that started nothing."""
        ...

    async def waiting(self, longer_than: timedelta) -> list[Click]:
        """Return what nobody has played yet."""
        ...


class Asks(Protocol):
    """Keeps interactions for a worker."""

    async def persist(self, kind: str, team_id: str, trigger_id: str, payload: Mapping[str, object]) -> str:
        """Keep one, once."""
        ...

    async def load(self, ask_id: str) -> Mapping[str, Any] | None:
        """Return what was kept."""
        ...


class HeldReads(Protocol):
    """Full reads that wait for a person, because far fewer rows came."""

    async def ask(self, actor: Actor, run_id: str) -> HeldRead:
        """Return what was found; starts nothing."""
        ...

    async def load(self, actor: Actor, run_id: str, trigger: TriggerKey, place: Place) -> Outcome:
        """Read again and let it be so few."""
        ...


class MissingStreams(Protocol):
    """Streams that a run could not read."""

    async def retry(self, actor: Actor, run_id: str, trigger: TriggerKey, place: Place) -> Outcome:
        """Read them, alone."""
        ...


class Schedules(Protocol):
    """When sources are collected."""

    async def preview(self, actor: Actor, source_id: str, words: str) -> Planned | None:
        """Return what a schedule would mean."""
        ...

    async def change(self, actor: Actor, source_id: str, words: str, seen: int, trigger: TriggerKey) -> Planned:
        """Set it."""
        ...


class Promises(Protocol):
    """How fresh sources must be."""

    async def preview(self, actor: Actor, source_id: str, words: str) -> Promised | None:
        """Return what a promise would mean."""
        ...

    async def change(self, actor: Actor, source_id: str, words: str, seen: int, trigger: TriggerKey) -> Promised:
        """Set it."""
        ...


class Rereads(Protocol):
    """Reading again what is there already."""

    def stream_named(self, provider: Provider, words: str) -> str:
        """Return the stream of that name."""
        ...

    async def preview(self, actor: Actor, wanted: Wanted) -> Preview:
        """Return what would be read."""
        ...

    async def start(self, actor: Actor, wanted: Wanted, trigger: TriggerKey, place: Place) -> Outcome:
        """Start it."""
        ...
