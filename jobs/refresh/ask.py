"""What a person asks for, and what came of it."""

from dataclasses import dataclass

from storage.facts.sources import Source
from storage.facts.status import RefreshStatus


@dataclass(frozen=True, slots=True)
class Scope:
    """Which sources: everything, or the named ones; `only_stale` leaves out those that are fresh."""

    everything: bool
    source_ids: tuple[str, ...] = ()
    only_stale: bool = False


@dataclass(frozen=True, slots=True)
class TriggerKey:
    """A Slack trigger or event; unique, so that its effect happens once."""

    team_id: str
    trigger_id: str


@dataclass(frozen=True, slots=True)
class Place:
    """Where it was asked."""

    team_id: str
    channel_id: str


@dataclass(frozen=True, slots=True)
class Started:
    """A refresh was started; disconnected sources were left out."""

    refresh_id: str
    sources: tuple[Source, ...]
    left_out: tuple[Source, ...] = ()


@dataclass(frozen=True, slots=True)
class Joined:
    """The same refresh runs already; the asker is told too."""

    refresh: RefreshStatus
    #: False when the asker was among the people told before
    newly: bool


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Nothing was started: every source is disconnected, or none needed it."""

    sources: tuple[Source, ...]


Outcome = Started | Joined | LeftOut
