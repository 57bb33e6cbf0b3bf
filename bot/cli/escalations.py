"""`tidings escalations`: whether everybody was called who should have been, from what the database holds alone."""

from datetime import timedelta
from pathlib import Path

from bot.cli.ground import opened, read_settings
from bot.cli.say import line
from jobs.escalating.auditing import Missed, past
from storage.facts.clock import SystemClock
from storage.records import organizations
from templates import times


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
