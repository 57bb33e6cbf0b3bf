"""What stands still, for the two addresses that watch a process: in words only, the numbers are in the metrics."""

from datetime import datetime, timedelta

from jobs.expectations.beats import ClockBeat
from jobs.watching.troubles import CLOCK_SILENT, WORKER_DEAD, troubles_of
from storage.facts.clock import Clock
from storage.facts.expectations import Pulse
from storage.records import overdue
from storage.sessions import Database

#: Anybody may ask as often as they like; the database is asked that often at most.
_BELIEVED = timedelta(seconds=10)


class Health:
    """Knows whether work is done, by the database, and whether this process's own clock beats."""

    def __init__(self, database: Database, clock: Clock, beat: ClockBeat) -> None:
        self._database = database
        self._clock = clock
        self._beat = beat
        self._pulse: tuple[datetime, Pulse] | None = None
        self._seen: dict[str, datetime] = {}

    def alive(self) -> bool:
        """Whether a restart of this process would mend nothing: its own clock beats, or it has none."""
        silent = self._beat.silent_seconds()
        return silent is None or silent < CLOCK_SILENT.total_seconds()

    async def standing(self) -> list[str]:
        """Return what stands still, of all processes together."""
        now, found = self._clock.now(), []
        pulse = await self.pulse()
        troubles = {trouble.code.value: trouble for trouble in troubles_of(pulse, now)}
        self._seen = {code: self._seen.get(code, now) for code in troubles}
        for code, trouble in troubles.items():
            if now - self._seen[code] >= trouble.confirm:
                found.append(code)
        return found

    async def pulse(self) -> Pulse:
        """Return what the database shows, at most a few seconds old."""
        now = self._clock.now()
        if self._pulse is None or not timedelta(0) <= now - self._pulse[0] < _BELIEVED:
            self._pulse = now, await self._database.reading(lambda session: overdue.pulse(session, WORKER_DEAD))
        return self._pulse[1]
