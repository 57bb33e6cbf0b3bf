"""What stands still because its source is disconnected, and what goes on again: one set of words for all notices."""

from collections.abc import Sequence
from datetime import datetime

from storage.facts.dependents import Dependent, DependentKind, Frozen
from storage.facts.messages import When
from storage.facts.status import SourceStatus
from templates.notices.pieces import Words
from templates.text import label, listed


def named(found: Sequence[Dependent]) -> str:
    """Return dependents in words: ``its schedule (every 60 minutes)``."""
    kinds = {
        DependentKind.SCHEDULE: "its schedule",
        DependentKind.METRIC: f"{noun_of(found).lower()}s",
        DependentKind.EXCHANGE: "the exchange",
    }
    told = []
    for kind, words in kinds.items():
        if names := [label(one.name) for one in found if one.kind is kind]:
            told.append(f"{words} ({listed(names, most=5)})")
    return listed(told)


def noun_of(found: Sequence[Dependent]) -> str:
    """Return what the organization calls its metrics."""
    return next((label(one.noun) for one in found if one.kind is DependentKind.METRIC), "Metric")


def frozen_row(status: SourceStatus, now: datetime) -> tuple[tuple[str, Words], ...]:
    """Return the row about what stands still with a source: since when, and at which data."""
    if not status.frozen:
        return ()
    first = status.frozen[0]
    words = (
        named([one.dependent for one in status.frozen]),
        ", since ",
        When(first.since),
        *at_data(first, status, now),
    )
    same = first.reason == status.source.connection_reason
    return (("Frozen", words if same else (*words, f": {label(first.reason).rstrip('.')}")),)


def at_data(one: Frozen, status: SourceStatus, now: datetime) -> Words:
    """Return the instant at which it froze: a run that was nearly done may have brought data since."""
    known = [at for at in (one.as_of, status.last_data_refresh) if at is not None]
    return (", at data as of ", When(max(known), now)) if known else (", with no data",)
