"""What a shared answer says: read anew when it is sent, as any member may see it, whoever shared it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from jobs.explain.evidence import gather
from jobs.explain.service import metric_chain
from jobs.explain.tree import explain
from jobs.metrics.standing import shown_of
from jobs.status import statuses
from storage.facts.messages import Message
from storage.facts.metrics import Metric
from storage.facts.shared import OF_METRIC, Answer, Shareable
from storage.facts.sources import Organization, Source
from storage.records import metric_changes, metrics, organizations, runs, sources
from storage.sessions import Session
from templates import notices
from templates.notices import metrics as metric_notices
from templates.notices.metric_why import metric_why
from templates.notices.shared import gone
from templates.notices.why import why as explained

#: as `/data history` shows
_RUNS, _SOURCES = 10, 5
#: values of a metric that one post shows
_VALUES = 12


@dataclass(frozen=True, slots=True)
class Look:
    """One look at an organization, for everybody in it."""

    session: Session
    organization: Organization
    admins: tuple[str, ...]
    now: datetime
    budget: int

    def sources(self, wanted: Sequence[str]) -> list[Source]:
        """Return the organization's own sources of these ids; none: all."""
        found = sources.sources_of(self.session, self.organization.id)
        return [source for source in found if not wanted or source.id in wanted]

    def metrics(self) -> list[Metric]:
        """Return all metrics of the organization."""
        return metrics.of_organization(self.session, self.organization.id)


def answer_of(
    session: Session, organization_id: str, wanted: Answer, now: datetime, *, budget: int
) -> tuple[Message, str]:
    """Return the answer as it is now, and the command that gives it again; what is gone is said to be so."""
    organization = organizations.organization(session, organization_id)
    admins = tuple(member.name for member in organizations.admins(session, organization_id))
    look = Look(session, organization, admins, now, budget)
    return _ANSWERS[wanted.kind](look, wanted), _again(look, wanted)


def _again(look: Look, wanted: Answer) -> str:
    named = look.sources(wanted.source_ids) if len(wanted.source_ids) == 1 else []
    about = named[0].label if named else ""
    if wanted.kind in OF_METRIC:
        about = next((one.name for one in look.metrics() if one.id == wanted.metric_id), "")
    if wanted.kind is Shareable.METRIC_WHY:
        return f"/data why {about}".rstrip()
    return f"/data {wanted.kind.value} {about}".rstrip()


def _status(look: Look, wanted: Answer) -> Message:
    shown = statuses(look.session, look.sources(wanted.source_ids), look.now, budget=look.budget)
    if not shown:
        return notices.no_sources(look.organization.name, look.admins)
    return notices.status(look.organization.name, shown, look.now, zone=look.organization.timezone, admins=look.admins)


def _history(look: Look, wanted: Answer) -> Message:
    listed = look.sources(wanted.source_ids)[:_SOURCES]
    if not listed:
        return notices.no_sources(look.organization.name, look.admins)
    if len(listed) == 1:
        found = runs.history(look.session, [listed[0].id], _RUNS)
        return notices.history(look.organization.name, listed[0], found, look.now, zone=look.organization.timezone)
    found = [run for one in listed for run in runs.history(look.session, [one.id], _RUNS // len(listed) + 1)]
    known = {source.id: source for source in listed}
    return notices.history(
        look.organization.name, None, found, look.now, sources=known, zone=look.organization.timezone
    )


def _why(look: Look, wanted: Answer) -> Message:
    found = look.sources(wanted.source_ids)
    if not found or not wanted.source_ids:
        return gone()
    # What one member asked for, and which mails went to them, is theirs.
    evidence = gather(look.session, None, found[0], look.now, budget=look.budget)
    return explained(
        look.organization.name, explain(evidence), zone=look.organization.timezone, admins=look.admins, for_all=True
    )


def _metrics(look: Look, _: Answer) -> Message:
    found = look.metrics()
    latest = metrics.latest_of(look.session, [one.id for one in found])
    shown = shown_of(look.session, found, {name: (kept,) for name, kept in latest.items()}, look.now)
    noun = metric_changes.noun(look.session, look.organization.id)
    return metric_notices.metrics_list(look.organization.name, shown, look.now, noun)


def _metric(look: Look, wanted: Answer) -> Message:
    found = [one for one in look.metrics() if one.id == wanted.metric_id]
    if not found:
        return gone()
    values = {found[0].id: tuple(metrics.newest_values(look.session, found[0].id, _VALUES))}
    return metric_notices.metric_shown(shown_of(look.session, found, values, look.now)[0], look.now)


def _metric_why(look: Look, wanted: Answer) -> Message:
    found = [one for one in look.metrics() if one.id == wanted.metric_id]
    if not found:
        return gone()
    source = sources.source(look.session, found[0].source_id)
    # What one member asked for, and which mails went to them, is theirs.
    evidence = gather(look.session, None, source, look.now, budget=look.budget)
    chain = metric_chain(look.session, found[0], explain(evidence), look.now)
    return metric_why(chain, zone=look.organization.timezone, admins=look.admins, refresh_value=None, changes=False)


_ANSWERS: Mapping[Shareable, Callable[[Look, Answer], Message]] = {
    Shareable.STATUS: _status,
    Shareable.HISTORY: _history,
    Shareable.WHY: _why,
    Shareable.METRICS: _metrics,
    Shareable.METRIC: _metric,
    Shareable.METRIC_WHY: _metric_why,
}
