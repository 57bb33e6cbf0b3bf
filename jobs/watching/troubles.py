"""What is wrong with a Tidings, by what can be seen of it: not whether processes live, but whether work is done."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from storage.facts.expectations import Pulse


class TroubleCode(StrEnum):
    """What stands still."""

    DATABASE = "database"
    CLOCK = "clock"
    WORKERS = "workers"
    OUTBOX = "outbox"
    EXPECTATIONS = "expectations"


@dataclass(frozen=True, slots=True)
class Trouble:
    """One thing that stands still."""

    code: TroubleCode
    #: since when, as far as it can be seen
    since: datetime | None
    #: for how long it must be seen before anybody is told: a restart is no trouble
    confirm: timedelta
    #: safe words of ours or of the driver
    detail: str = ""


#: A clock beats every ten seconds.
CLOCK_SILENT = timedelta(minutes=2)
#: Deliveries are tried at least once a minute.
OUTBOX_STILL = timedelta(minutes=4)
#: Sweeps come every five seconds.
LEDGER_STILL = timedelta(minutes=1)
#: A worker without a sign of life for so long is gone; in seconds, by the database's clock.
WORKER_DEAD = 120.0
#: After a start, and after whatever stood still goes on, sweeps have patience for two and a half minutes.
_LEDGER_WAITS = timedelta(minutes=3)
_AT_ONCE = timedelta(0)
_RESTARTS_TAKE = timedelta(seconds=90)


def troubles_of(pulse: Pulse, now: datetime) -> list[Trouble]:
    """Return what stands still by what the database shows."""
    found = []
    if pulse.has_sources and pulse.clock_due_at is None:
        found.append(Trouble(TroubleCode.CLOCK, None, _RESTARTS_TAKE))
    elif pulse.clock_due_at is not None and now - pulse.clock_due_at > CLOCK_SILENT:
        found.append(Trouble(TroubleCode.CLOCK, pulse.clock_due_at, _AT_ONCE))
    if pulse.has_sources and pulse.workers == 0:
        found.append(Trouble(TroubleCode.WORKERS, None, _RESTARTS_TAKE))
    since, tried = pulse.unsent_since, pulse.tried_at
    if since is not None and now - since > OUTBOX_STILL and (tried is None or now - tried > OUTBOX_STILL):
        found.append(Trouble(TroubleCode.OUTBOX, since, _AT_ONCE, f"{pulse.unsent}"))
    # Where all stands still, that nobody looks is the same trouble.
    alone = not any(one.code in {TroubleCode.CLOCK, TroubleCode.WORKERS} for one in found)
    if alone and pulse.next_alarm_at is not None and now - pulse.next_alarm_at > LEDGER_STILL:
        found.append(Trouble(TroubleCode.EXPECTATIONS, pulse.next_alarm_at, _LEDGER_WAITS))
    return found


def no_database(words: str) -> Trouble:
    """Return the trouble of a database that cannot be read."""
    return Trouble(TroubleCode.DATABASE, None, _RESTARTS_TAKE, words)
