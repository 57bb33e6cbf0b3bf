"""From a cause to Slack's answer: sources turn late one after another, and the first message about each is timed.

The real clock, deadlines, engine and deliveries in one process on SQLite; Slack is the stand-in, beside it.
Run: python -m bench.incidents
"""

import argparse
import asyncio
import os
import tempfile
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from bench.figures import Figure, Outcome, at_most, quantile, show
from bench.processes import serving
from bench.sources10k import seed

CAUSES, SECONDS = 20, 10.0
#: sources that are well, for each that turns late: one company's trouble is not everybody's
_OTHERS = 10
_EVERY, _BEGIN = timedelta(seconds=1.5), timedelta(seconds=5)
_PATIENCE = 120.0


def arrange(session: Any, count: int, now: datetime) -> dict[str, datetime]:
    """Let the first source of each company turn late at an instant of its own; return these."""
    from sqlalchemy import update

    from jobs.fleet import LATENESS
    from jobs.promises import next_turn
    from storage.records import deadlines, last_runs, sources
    from storage.tables import ChannelRow, RunRow, WorkspaceRow

    due = {}
    for number in range(count):
        team, source = f"T{number:05}", sources.source(session, f"src_{number * _OTHERS:06}")
        session.add(WorkspaceRow(team_id=team, organization_id=source.organization_id, name=team))
        session.flush()
        session.add(ChannelRow(team_id=team, channel_id=f"C{number:05}X00", allowed_at=now))
        session.flush()
        as_of = last_runs.ready_of(session, [source.id])[source.id].clocks.source_as_of
        turn = next_turn(source, as_of, as_of) if as_of is not None else None
        assert as_of is not None
        assert turn is not None
        due[source.id] = now + _BEGIN + number * _EVERY
        earlier = update(RunRow).where(RunRow.source_id == source.id)  # type: ignore[arg-type]  # a column expression
        session.connection().execute(earlier.values(source_as_of=due[source.id] - (turn - as_of)))
        deadlines.add(session, source.organization_id, LATENESS, source.id, due[source.id])
    return due


async def watched(folder: Path, api: str, count: int) -> list[float]:
    """Return how many seconds after each cause Slack had taken the message."""
    from jobs.clock import Clockwork, Sweep
    from jobs.deliver.handler import DeliveryHandler
    from jobs.deliver.mail import MailSender
    from jobs.deliver.mailing import Mailing
    from jobs.deliver.posting import Posting
    from jobs.deliver.slack import SlackSender
    from jobs.engine import Engine
    from jobs.escalation import deadline_sweep
    from jobs.notify.notifier import Notifier
    from storage.facts.clock import SystemClock
    from storage.facts.secret import Secret
    from storage.migrate import migrate
    from storage.sessions import open_database

    clock, database = SystemClock(), open_database(f"sqlite:///{folder / 'tidings.db'}")
    migrate(database)
    seed(database, count * _OTHERS, clock.now())

    async def token(team_id: str) -> Secret:
        return Secret(f"xoxb-bench-{int(team_id[1:])}")

    sender = SlackSender(api, token)

    def enqueue(session: Any, work: Any) -> object:
        return engine.enqueue(session, work)

    notifier = Notifier(enqueue, support_channel="", support_email="")
    mailing = Mailing(database, clock, MailSender(Secret("smtp://127.0.0.1:9"), "tidings@tidings.example"))
    handler = DeliveryHandler(
        database, clock, enqueue, notifier,
        Posting(database, clock, sender), mailing, may_act=lambda: True,
    )  # fmt: skip
    engine: Any = Engine(database, clock, handlers={"delivery": handler.handle})
    sweep = Sweep("deadlines", 1.0, deadline_sweep(database, clock, notifier, engine.enqueue))
    clockwork = Clockwork(lambda _since: [], lambda _slots: None, [sweep], clock)
    await engine.launch()
    try:
        due = await database.writing(lambda session: arrange(session, count, clock.now()))
        await clockwork.start()
        until = max(due.values()) + timedelta(seconds=_PATIENCE)
        while len(sent := await database.reading(_sent)) < count and clock.now() < until:
            await asyncio.sleep(0.5)
    finally:
        await clockwork.stop()
        await engine.close(drain_seconds=1.0)
        await sender.close()
        database.close()
    if len(sent) < count:
        raise TimeoutError(f"{len(sent)} of {count} were told")
    return [(at - due[source_id]).total_seconds() for source_id, at in sent.items()]


def _sent(session: Any) -> dict[str, datetime]:
    from sqlmodel import select

    from storage.tables import DeliveryRow, IncidentRow

    statement = (
        select(IncidentRow.source_id, DeliveryRow.sent_at)
        .join(DeliveryRow, DeliveryRow.subject == IncidentRow.id)  # type: ignore[arg-type]  # a column expression
        .where(DeliveryRow.sent_at.is_not(None))  # type: ignore[union-attr]  # a column
    )
    return dict(session.exec(statement).all())


def measure(*, quick: bool = False) -> Outcome:
    """Time the first messages."""
    count = 3 if quick else CAUSES
    with (
        tempfile.TemporaryDirectory() as folder,
        serving("bench.outbox_slack", "--teams", str(count), "--channels", "1") as slack,
    ):
        took = sorted(asyncio.run(watched(Path(folder), str(slack.said["api"]), count)))
    part = "incidents"
    figures = [
        Figure(part, f"from a source's turning late to Slack's answer, half of {count}", quantile(took, 0.5), "s"),
        at_most(part, "  p99", quantile(took, 0.99), "s", SECONDS),
    ]
    how = f"One process ({os.cpu_count()} cores), SQLite; the deadlines are looked at each second."
    return Outcome(figures, [how], {"took": took})


def main() -> None:
    """Measure and print."""
    argparse.ArgumentParser(description=__doc__).parse_args()
    outcome = measure()
    show(outcome.figures)
    print(*outcome.notes, outcome.raw, sep="\n")


if __name__ == "__main__":
    main()
