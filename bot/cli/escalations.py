"""`tidings escalations`: who is called when a refresh does not end, and whether everybody was who should have been."""

import re
from datetime import timedelta
from pathlib import Path

from bot.cli.ground import opened, read_settings
from bot.cli.say import line, stop
from bot.cli.status import found_organization
from jobs.escalating.auditing import Missed, past
from storage.facts.clock import SystemClock
from storage.facts.policies import DEFAULT_POLICY, Policy, PolicyStep, StepKind, policy_text, read_policy
from storage.records import audit as audit_records
from storage.records import organizations
from storage.sessions import Session
from templates import times
from templates.notices.calls import caller

#: ``3h:support``, ``90m:email``, ``5h:T0TEMERITY/C0LEADS=#finance-leads``, ``6h:T0TEMERITY/U0MAYA=Maya Ortiz``
_STEP = re.compile(
    r"([1-9][0-9]{0,3})([mh]):(?:(support|email)|([A-Z0-9]{2,20}/[CGUW][A-Z0-9]{2,20})=(.{1,80}))", re.ASCII
)
_EARLIEST = timedelta(minutes=15)


def policy(organization: str, steps: list[str], env_file: Path | None, *, default: bool) -> None:
    """Show an organization's policy, or set it for whatever begins from now on."""
    wanted = DEFAULT_POLICY if default else Policy(tuple(_step(step) for step in steps)) if steps else None
    if wanted is not None:
        _check(wanted)
    with opened(read_settings(env_file)) as database:
        if wanted is not None:
            database.in_write(lambda session: _set(session, organization, wanted))
        with database.read() as session:
            found = found_organization(session, organization)
            for step in read_policy(organizations.escalation_policy(session, found.id)).steps:
                line(f"{found.name}: after {times.span(step.after.total_seconds())}: {caller(step)}")


def _set(session: Session, name: str, wanted: Policy) -> None:
    found, now = found_organization(session, name), SystemClock().now()
    organizations.lock(session, found.id)
    before = organizations.escalation_policy(session, found.id)
    organizations.set_escalation_policy(session, found.id, policy_text(wanted))
    detail: dict[str, object] = {"before": before or "default", "now": policy_text(wanted) or "default"}
    audit_records.record(session, found.id, "operator", "escalation_policy", found.id, now, detail)


def _step(said: str) -> PolicyStep:
    read = _STEP.fullmatch(said)
    if read is None:
        stop(f"{said!r} is no step; write 3h:support, 3h:email, 5h:TEAM/CHANNEL=#name or 6h:TEAM/USER=Name")
    amount, unit, ours, place, name = read.groups()
    after = timedelta(**{"hours" if unit == "h" else "minutes": int(amount)})
    if ours:
        return PolicyStep(after, StepKind(ours))
    person = place.partition("/")[2][0] in "UW"
    return PolicyStep(after, StepKind.PERSON if person else StepKind.CHANNEL, place, name)


def _check(wanted: Policy) -> None:
    """End the command where a policy would call nobody in support, out of order, or at once."""
    if sorted(wanted.steps, key=lambda step: step.after) != list(wanted.steps):
        stop("the steps are to stand in the order of their times")
    if wanted.steps[0].after < _EARLIEST:
        stop("the first step comes after 15 minutes at the earliest")
    if wanted.steps[0].kind not in {StepKind.SUPPORT, StepKind.EMAIL}:
        stop("the first step calls support: people are told then that it knows")


def audit(days: int, env_file: Path | None) -> None:
    """Name every call that was due and was not made; code 1 where there is one."""
    with opened(read_settings(env_file)) as database, database.read() as session:
        found = past(session, SystemClock().now(), timedelta(days=days))
        said = [_said(one, organizations.organization(session, one.organization_id).name) for one in found]
    for words in said:
        line(words)
    if said:
        raise SystemExit(1)
    line(f"Every call of an escalation that was due in the last {days} days was made.")


def _said(missed: Missed, organization: str) -> str:
    ending = "it is under way still, and the next audit calls" if missed.running else "it is over by now"
    due = times.absolute(missed.due_at, "UTC")
    return f"{organization}, {missed.subject}: NOT made: {missed.what}, due {due}; {ending}"
