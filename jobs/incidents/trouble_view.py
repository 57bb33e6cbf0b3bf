"""Late and failing sources, and fleet alarms, as facts for their messages."""

from dataclasses import replace
from datetime import datetime

from jobs.incidents.joining import joined_since, since_of
from jobs.promises import by_age, freshness, limits, next_file_at
from jobs.status import next_run_at
from storage.facts.incidents import Incident
from storage.facts.messages import Message
from storage.facts.runs import RunState
from storage.records import fleet, grouping, last_runs, organizations, runs, sources
from storage.sessions import Session
from templates.notices.fleet import FleetFacts, fleet_alarm
from templates.notices.handled import handled, handling
from templates.notices.trouble import Troubled, TroubleFacts, trouble, trouble_joined, trouble_note


def trouble_message(session: Session, lead_id: str, now: datetime) -> Message:
    """Return the living message of an incident and of all that share it. KeyError for one that is gone."""
    still = [one for one in grouping.group_of(session, lead_id) if one.resolved_at is None]
    if not still:
        return trouble(trouble_facts(session, lead_id, now))
    lead = replace(still[0], id=lead_id)
    told = trouble(trouble_facts(session, lead_id, now), handling(lead, now))
    return replace(told, parts=(told.parts[0], *handled(lead, now), *told.parts[1:]))


def note_message(session: Session, subject: str, now: datetime) -> Message:
    """Return the word in the thread; `subject` is the incident and what the word is about."""
    lead_id, _, what = subject.partition(".")
    if since_of(what) is not None:
        return joined_message(session, subject, now, in_thread=True)
    return trouble_note(trouble_facts(session, lead_id, now), what)


def joined_message(session: Session, subject: str, now: datetime, *, in_thread: bool) -> Message:
    """Return what is said of sources that joined; `subject` is the incident and since when they did."""
    lead_id, _, what = subject.partition(".")
    since, facts = since_of(what), trouble_facts(session, lead_id, now)
    assert since is not None
    joined = {one.source_id for one in joined_since(session, lead_id, since)}
    return trouble_joined(facts, joined, in_thread=in_thread)


def trouble_facts(session: Session, lead_id: str, now: datetime) -> TroubleFacts:
    """Return what the message about an incident says, of each source once."""
    group = grouping.group_of(session, lead_id)
    if not group:
        raise KeyError(lead_id)
    organization_id = group[0].organization_id
    by_source: dict[str, list[Incident]] = {}
    for one in group:
        by_source.setdefault(one.source_id, []).append(one)
    return TroubleFacts(
        organization=organizations.organization(session, organization_id).name,
        entries=tuple(_entry(session, source_id, found, now) for source_id, found in by_source.items()),
        admins=tuple(admin.name for admin in organizations.admins(session, organization_id)),
        now=now,
    )


def fleet_message(session: Session, alarm_id: str, _now: datetime) -> Message:
    """Return what support reads. KeyError for an alarm that is gone."""
    alarm = fleet.find(session, alarm_id)
    if alarm is None:
        raise KeyError(alarm_id)
    return fleet_alarm(FleetFacts(alarm, grouping.count_held(session, alarm_id), None))


def is_quiet(session: Session, subject: str) -> bool:
    """Whether an alarm of the fleet will not change any more: it is closed, and nothing waits for it."""
    alarm = fleet.find(session, subject)
    return alarm is None or (alarm.closed_at is not None and grouping.count_held(session, subject) == 0)


def group_is_over(session: Session, lead_id: str) -> bool:
    """Whether everything that a message tells of is over."""
    return all(one.resolved_at is not None for one in grouping.group_of(session, lead_id))


def _entry(session: Session, source_id: str, found: list[Incident], now: datetime) -> Troubled:
    source = sources.source(session, source_id)
    last = last_runs.ready_of(session, [source_id]).get(source_id)
    failed = last_runs.failed_of(session, [source_id]).get(source_id)
    as_of = last.clocks.source_as_of if last else None
    return Troubled(
        source=source,
        incidents=tuple(found),
        freshness=freshness(source, as_of, now),
        last_data_refresh=as_of,
        promised=limits(source)[0] if by_age(source) else None,
        active=runs.active_of(session, [source_id]).get(source_id),
        failure=failed.failure if failed is not None and failed.state is RunState.FAILED else None,
        in_row=last_runs.failures_in_row(session, source_id),
        next_run_at=next_run_at(source, now),
        next_file_at=next_file_at(source, as_of),
    )
