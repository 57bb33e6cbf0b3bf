"""An outbox that is drained at Slack's own limits: the real engine on SQLite, the stand-in with its limits beside it.

Most deliveries go to many channels of many workspaces, a tenth of them to one channel, which takes one a second. In the
middle an escalation is added there. Run: python -m bench.outbox [--deliveries 10000]
"""

import argparse
import asyncio
import os
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from bench.figures import Figure, Outcome, at_most, show
from bench.processes import serving

DELIVERIES = 10_000
TEAMS, CHANNELS = 50, 10
#: one in so many goes to the one busy channel
_BUSY = 10
#: an escalation's wait, from its commit to Slack's answer
CALL_SECONDS = 10.0
_KIND, _CALL, _PATIENCE = "bench", "escalation_step", 3600.0


def _destinations(count: int, teams: int) -> list[str]:
    places = [f"T{number:05}/C{number:05}X{place:02}" for place in range(CHANNELS) for number in range(teams)]
    wide = count - count // _BUSY
    return [places[0]] * (count // _BUSY) + [places[1 + one % (len(places) - 1)] for one in range(wide)]


async def drained(folder: Path, api: str, count: int, teams: int) -> dict[str, Any]:
    """Write the deliveries, drain them, add the escalation when a third is sent; return times and counts."""
    from jobs.deliver.handler import DeliveryHandler
    from jobs.deliver.mail import MailSender
    from jobs.deliver.mailing import Mailing
    from jobs.deliver.posting import Posting
    from jobs.deliver.slack import SlackSender
    from jobs.engine import Engine
    from jobs.notify.notifier import Notifier
    from jobs.subscriptions.capping import Caps
    from jobs.work import Work
    from storage.facts.clock import SystemClock
    from storage.facts.deliveries import Channel
    from storage.facts.messages import Message, Paragraph
    from storage.facts.secret import Secret
    from storage.migrate import migrate
    from storage.records import deliveries
    from storage.sessions import open_database
    from storage.tables import OrganizationRow, WorkspaceRow

    clock, database = SystemClock(), open_database(f"sqlite:///{folder / 'tidings.db'}")
    migrate(database)

    async def token(team_id: str) -> Secret:
        return Secret(f"xoxb-bench-{int(team_id[1:])}")

    def words(_session: Any, delivery: Any, _now: datetime) -> Message:
        return Message(f"Delivery {delivery.subject}", (Paragraph((f"Delivery {delivery.subject}",)),))

    sender = SlackSender(api, token)
    posting = Posting(database, clock, sender, own_words={_KIND: words, _CALL: words})
    mailing = Mailing(database, clock, MailSender(Secret("smtp://127.0.0.1:9"), "tidings@tidings.example"))
    asked: Counter[str] = Counter()

    def enqueue(session: Any, work: Work) -> object:
        asked[work.subject] += 1
        return engine.enqueue(session, work)

    notifier = Notifier(enqueue, support_channel="", support_email="")
    handler = DeliveryHandler(
        database, clock, enqueue, notifier, posting, mailing, may_act=lambda: True, caps=Caps(count * 2, count * 2)
    )
    engine = Engine(database, clock, handlers={"delivery": handler.handle})

    def add(session: Any, destination: str, number: int, kind: str = _KIND) -> str:
        now = clock.now()
        made = deliveries.add(
            session, organization_id="org_1", kind=kind, subject=str(number), channel=Channel.SLACK, member_id=None,
            destination=destination, now=now, expires_at=now + timedelta(hours=24),
        )  # fmt: skip
        assert made is not None
        enqueue(session, Work("delivery", made, queue="notify", urgent=kind != _KIND))
        return made

    def fill(session: Any) -> None:
        session.add(OrganizationRow(id="org_1", name="Company", timezone="UTC", created_at=clock.now()))
        session.flush()
        for number in range(teams):
            session.add(WorkspaceRow(team_id=f"T{number:05}", organization_id="org_1", name=f"Company {number}"))
        session.flush()
        for number, destination in enumerate(_destinations(count, teams)):
            add(session, destination, number)

    await engine.launch()
    try:
        began, cpu = time.monotonic(), time.process_time()
        await database.writing(fill)
        filled, filled_cpu = time.monotonic(), time.process_time()
        waited = await _called(database, add, count, filled)
        while not await database.reading(lambda session: _is_drained(session, count)):
            if time.monotonic() - filled > _PATIENCE:
                break
            await asyncio.sleep(1.0)
        ended, ended_cpu = time.monotonic(), time.process_time()
    finally:
        await engine.close(drain_seconds=1.0)
        await sender.close()
    sent = await database.reading(_sent)
    database.close()
    return {
        "fill": {"seconds": filled - began, "cpu": filled_cpu - cpu},
        "seconds": ended - filled,
        "cpu": ended_cpu - filled_cpu,
        "call": waited,
        "sent": len(sent),
        "tries": sum(asked.values()) / len(asked),
        "attempts": max(one[2] for one in sent),
        "wide": max((one[1] for one in sent if not one[0].startswith("T00000/")), default=0.0),
        "busy": max((one[1] for one in sent if one[0] == "T00000/C00000X00"), default=0.0),
        "refused": sum(one[2] - 1 for one in sent),
    }


async def _called(database: Any, add: Callable[..., str], count: int, since: float) -> float:
    """Add the escalation when a third is sent; return after how many seconds Slack had it."""
    while await database.reading(_settled) < count // 3 and time.monotonic() - since < _PATIENCE:
        await asyncio.sleep(0.5)
    call = await database.writing(lambda session: add(session, "T00000/C00000X00", count, _CALL))
    began = time.monotonic()
    while not await database.reading(lambda session: _is_sent(session, call)):
        if time.monotonic() - began > _PATIENCE:
            raise TimeoutError("the escalation was not sent")
        await asyncio.sleep(0.1)
    return time.monotonic() - began


def _settled(session: Any) -> int:
    from sqlalchemy import func
    from sqlmodel import select

    from storage.tables import DeliveryRow

    statement = select(func.count()).select_from(DeliveryRow).where(DeliveryRow.settled_at.is_not(None))  # type: ignore[union-attr]  # a column
    return int(session.exec(statement).one())


def _is_drained(session: Any, count: int) -> bool:
    return _settled(session) > count


def _is_sent(session: Any, delivery_id: str) -> bool:
    from storage.facts.deliveries import DeliveryState
    from storage.records import deliveries

    return deliveries.delivery(session, delivery_id).state is DeliveryState.SENT


def _sent(session: Any) -> list[tuple[str, float, int]]:
    """Return where each went, how many seconds after the first, and after how many attempts."""
    from sqlmodel import select

    from storage.tables import DeliveryRow

    rows = session.exec(select(DeliveryRow).where(DeliveryRow.sent_at.is_not(None))).all()  # type: ignore[union-attr]  # a column
    first = min(row.sent_at for row in rows)
    return [(row.destination, (row.sent_at - first).total_seconds(), row.attempts) for row in rows]


def measure(*, quick: bool = False, count: int | None = None) -> Outcome:
    """Drain one outbox."""
    count, teams = count or (40 if quick else DELIVERIES), 4 if quick else TEAMS
    with (
        tempfile.TemporaryDirectory() as folder,
        serving("bench.outbox_slack", "--teams", str(teams), "--channels", str(CHANNELS)) as slack,
    ):
        found = asyncio.run(drained(Path(folder), str(slack.said["api"]), count, teams))
    part = "outbox"
    wide = count - count // _BUSY
    allowed = min(4.0 * teams, 1.0 * teams * CHANNELS)
    figures = [
        Figure(part, f"CPU per delivery, {count} of them", found["cpu"] / count * 1000, "ms"),
        Figure(part, f"{wide} to {teams * CHANNELS - 1} channels, per second", wide / max(found["wide"], 1.0), "/s"),
        Figure(part, "  what the limits allow", allowed, "/s"),
        Figure(part, f"one channel takes {count // _BUSY} of them, per second",
               count // _BUSY / max(found["busy"], 1.0), "/s"),
        at_most(part, "an escalation into that channel, from its commit to Slack's answer", found["call"], "s",
                CALL_SECONDS),
        Figure(part, "refused by Slack for coming too early", float(found["refused"]), ""),
        Figure(part, "looked after so many times each, on average", found["tries"], ""),
        at_most(part, "not delivered", float(count + 1 - found["sent"]), "", 0),
    ]  # fmt: skip
    how = f"One process ({os.cpu_count()} cores), SQLite; the stand-in's limits are on, its own CPU is not counted."
    return Outcome(figures, [how], found)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--deliveries", type=int, default=DELIVERIES)
    outcome = measure(count=parser.parse_args().deliveries)
    show(outcome.figures)
    print(*outcome.notes, outcome.raw, sep="\n")


if __name__ == "__main__":
    main()
