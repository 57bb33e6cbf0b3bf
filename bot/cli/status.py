"""`tidings status`: the operator's view of every source, from the database alone."""

import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from bot.cli.ground import opened, read_settings
from bot.cli.say import line, stop
from jobs.status import statuses
from storage.facts.clock import SystemClock
from storage.facts.ids import derived_id
from storage.facts.sources import Organization
from storage.facts.status import SourceStatus
from storage.records import seeds, sources, workers
from storage.sessions import Database, Session
from storage.settings import Settings
from templates.gate import state_words
from templates.notices.past import back_to, unread
from templates.notices.pieces import rows_so_far

if TYPE_CHECKING:
    from rich.table import Table

#: A process whose last sign of life is older counts as gone (as the engine's own rule).
_DEAD_SECONDS = 30.0
_PIPE_WIDTH = 180


def run(organization: str | None, env_file: Path | None) -> None:
    """Print one table per organization."""
    settings = read_settings(env_file)
    with opened(settings) as database:
        _show(database, settings, organization)


def found_organization(session: Session, words: str) -> Organization:
    """Return the organization of that key, name or id; ends the command when there is none, or more than one."""
    matches = [one for one in seeds.organizations(session) if words in {one.id, one.name}]
    matches = matches or [one for one in seeds.organizations(session) if one.id == derived_id("org", words)]
    if len(matches) != 1:
        names = ", ".join(one.name for one in seeds.organizations(session)) or "none; run `tidings seed FILE.yaml`"
        stop(f"there is no single organization {words!r} (there is: {names})")
    return matches[0]


def _show(database: Database, settings: Settings, words: str | None) -> None:
    from rich.console import Console

    now = SystemClock().now()
    # A pipe has no width of its own; cells that are cut off would be of no use there.
    console = Console(highlight=False, width=None if sys.stdout.isatty() else _PIPE_WIDTH)
    with database.read() as session:
        chosen = [found_organization(session, words)] if words else seeds.organizations(session)
        for organization in chosen:
            listed = statuses(
                session, sources.sources_of(session, organization.id), now, budget=settings.quickbooks_monthly_reads
            )
            console.print(_table(organization, listed, now))
        working = len(workers.alive(session, _DEAD_SECONDS))
    if not chosen:
        line("no organization yet: run `tidings seed FILE.yaml`")
    line(f"{working} worker{'' if working == 1 else 's'} running" + ("" if working else ": start `tidings serve`"))


def _table(organization: Organization, listed: list[SourceStatus], now: datetime) -> "Table":
    from rich.markup import escape
    from rich.table import Table

    table = Table(title=escape(f"{organization.name} ({organization.id})"), title_justify="left")
    for heading in ("Source", "Connection", "Data", "Data as of (UTC)", "Now", "Next collection (UTC)", "Reads"):
        table.add_column(heading, overflow="fold")
    for one in listed:
        table.add_row(*(escape(cell) for cell in _cells(one, now)))
    return table


def _cells(one: SourceStatus, now: datetime) -> tuple[str, ...]:
    connection = one.source.connection.value
    if one.source.connection_reason:
        connection += f": {one.source.connection_reason}"
    return (
        one.source.label,
        connection,
        state_words(one)
        + (f"; {back_to(older)} are in, older ones not yet" if (older := unread(one.last_ready)) else ""),
        _instant(one.last_data_refresh),
        _doing(one, now),
        _instant(one.next_run_at),
        f"{one.reads[0]} of {one.reads[1]}" if one.reads else "",
    )


def _doing(one: SourceStatus, now: datetime) -> str:
    if one.active is not None:
        stage = f", {one.active.stage.value}" if one.active.stage else ""
        minutes = int((now - one.active.clocks.requested_at).total_seconds() // 60)
        return f"{one.active.state.value}{stage}, {rows_so_far(one.active) or '0 rows'}, for {minutes} min"
    if one.last_finished is not None and one.last_finished.failure is not None:
        failure = one.last_finished.failure
        return f"failed while {failure.stage.value}: {failure.detail} ({failure.reference})"
    return "idle"


def _instant(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d %H:%M}" if at else "-"
