"""The few metrics that App Home shows, from one look at all sources that is made anyway."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from jobs.metrics.inputs import worst_input
from jobs.metrics.standing import explained, standing
from storage.facts.dependents import DependentKind
from storage.facts.home import Board
from storage.facts.metrics import Metric, Shown
from storage.facts.sources import ConnectionState, Freshness, Organization, Provider
from storage.facts.status import SourceStatus
from storage.records import metric_board, metric_changes, metrics
from storage.sessions import Session

#: metrics on one page
MOST = 10
#: What is read once a day may be so old.
_DAILY = timedelta(hours=48)


def board_of(
    session: Session, organization: Organization, statuses: Sequence[SourceStatus], now: datetime
) -> Board | None:
    """Return the metrics that come first, each as it stands now; None where there are none."""
    books = {one.source.id: one for one in statuses if one.source.provider is Provider.QUICKBOOKS}
    if not books:
        return None
    troubled = [key for key, one in books.items() if _stands_badly(one)]
    before = now - _DAILY
    older = {key: one.last_data_refresh for key, one in books.items()}
    slow = {key: at for key, at in older.items() if at is not None and at < before and key not in troubled}
    found, count = metric_board.foremost(session, organization.id, troubled, (before, slow), MOST)
    if not found:
        return None
    latest = metrics.latest_of(session, [one.id for one in found])
    changed = [(one.id, one.calculated_version) for one in found if one.calculated_version not in (0, one.version)]
    definitions = metric_changes.definitions(session, changed)
    failing = metrics.failing(session, list(books))
    shown = []
    for one in found:
        kept = latest.get(one.id)
        status = books[one.source_id]
        seen = explained(_shown(one, status, organization.metric_noun, now), failing, status.last_ready)
        shown.append(replace(seen, values=(kept,) if kept else (), before=definitions.get(one.id)))
    return Board(tuple(shown), count)


def _stands_badly(status: SourceStatus) -> bool:
    return status.source.connection is ConnectionState.DISCONNECTED or status.freshness is not Freshness.FRESH


def _shown(metric: Metric, status: SourceStatus, noun: str, now: datetime) -> Shown:
    metric = replace(metric, definition=replace(metric.definition, noun=noun))
    still = next(
        (one for one in status.frozen
         if one.dependent.kind is DependentKind.METRIC and one.dependent.id == metric.id), None
    )  # fmt: skip
    source = status.source
    state, reason = standing(metric, source, status.last_ready, still, now)
    since = still.since if still else None
    return Shown(metric, state, source.company or source.label, reason, since, worst=worst_input(metric.definition))
