"""What people do about incidents, and who is called."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from jobs.incidents.handling import Snooze, SnoozePreview
from jobs.incidents.muting import Muting
from jobs.refresh.ask import TriggerKey
from storage.facts.incidents import Incident, IncidentKind
from storage.facts.people import Actor
from storage.facts.policies import PolicyView
from storage.facts.status import RefreshStatus


class Escalations(Protocol):
    """What support people do to an escalated refresh."""

    async def acknowledge(self, actor: Actor, refresh_id: str, trigger: TriggerKey) -> RefreshStatus:
        """Take it on."""
        ...

    async def retry(self, actor: Actor, refresh_id: str, trigger: TriggerKey) -> RefreshStatus:
        """Start what waits now."""
        ...

    async def cancel(self, actor: Actor, refresh_id: str, trigger: TriggerKey) -> RefreshStatus:
        """Stop it."""
        ...


class Policies(Protocol):
    """Who is called when a refresh does not end."""

    async def shown(self, actor: Actor) -> PolicyView:
        """Return what holds."""
        ...

    async def preview(self, actor: Actor, words: str) -> PolicyView | None:
        """Return what a change would mean."""
        ...

    async def change(self, actor: Actor, words: str, seen: int, trigger: TriggerKey) -> PolicyView:
        """Change it."""
        ...


class Incidents(Protocol):
    """What people do with an incident besides mending it."""

    async def preview(self, actor: Actor, incident_id: str, words: str = "") -> SnoozePreview | None:
        """Show what a snooze would hide."""
        ...

    async def acknowledge(self, actor: Actor, incident_id: str, trigger: TriggerKey) -> Incident:
        """Take it on."""
        ...

    async def snooze(self, actor: Actor, incident_id: str, choice: Snooze | datetime, trigger: TriggerKey) -> Incident:
        """Say nothing of it for a while."""
        ...


class Mutes(Protocol):
    """Alarms that people do not want for a while."""

    async def preview(self, actor: Actor, source_id: str, kinds: Sequence[IncidentKind], words: str) -> Muting | None:
        """Return what a mute would hide."""
        ...

    async def mute(
        self,
        actor: Actor,
        source_id: str,
        kinds: Sequence[IncidentKind],
        until: datetime,
        seen: int,
        trigger: TriggerKey,
    ) -> Muting:
        """Mute until then."""
        ...

    async def lift(self, actor: Actor, source_id: str, kinds: Sequence[IncidentKind], trigger: TriggerKey) -> Muting:
        """Lift it."""
        ...
