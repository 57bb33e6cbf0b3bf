"""Silence is an event: a schedule that nobody submits and a clock that stands still are told within five minutes."""

import asyncio
import tempfile
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

from bot.cli.stories.stage import Stage
from bot.cli.stories.trusting.passing import NOTICED, passes
from bot.cli.stories.trusting.people import SUPPORT_ADDRESS, first_line, for_support, mails
from bot.cli.stories.trusting.reasons import why
from jobs.deliver.mail import MailSender
from jobs.deliver.results import Result
from jobs.schedule import SLOT_WAITS, schedule_of
from jobs.slots import next_slot
from jobs.watching.troubles import TroubleCode
from jobs.watching.watcher import Watcher
from sandbox.slack import Message
from storage.facts.secret import Secret
from storage.facts.sources import Provider, Source
from storage.records import deadlines, expectations
from templates.mail import Mail

WITHIN = timedelta(minutes=5)
#: Who looks after Tidings at night.
ON_CALL = "on-call@tidings.example"
#: What is missed soon after a report belongs to that report.
_APART = timedelta(minutes=20)


async def heard(stage: Stage) -> None:
    """Play it inside the product, in every process of it."""
    # What was missed while hours passed at once is told first, by a report of its own.
    await passes(stage, stage.sandbox.clock.now(), NOTICED)
    await _a_schedule_stops(stage)
    await _the_clock_stops(stage)


async def _a_schedule_stops(stage: Stage) -> None:
    books, due = await _next_of_quickbooks(stage)
    await stage.until("that nothing runs, and no slot waits for the end of a run", partial(_all_is_quiet, stage))
    await stage.within.loses_slots_of([books.id])
    # Two looks of each process: by the second one every clock knows what it loses.
    await passes(stage, stage.sandbox.clock.now(), timedelta(0))
    await passes(stage, due, NOTICED)
    told = await stage.see(
        "word of the missed collection",
        # What was missed just before may stand in the same report.
        lambda: _since(stage, due, "did not start on time", "quickbooks"),
    )
    late = told.at - due
    stage.expect(late <= WITHIN, f"it was told only after {late}")
    mail = await stage.see("its mail", lambda: _mail(stage, due, "did not start on time"))
    stage.told(
        f"nobody submits QuickBooks any more; {late.seconds} s after its time {first_line(told)!r}; mail {mail!r}"
    )
    await stage.hours_pass(2)
    await why(stage, "quickbooks", "a collection is due since", "support of Tidings")
    stage.told("two hours later `/data why quickbooks` names our own clock as the cause")
    await stage.within.loses_slots_of([])
    now = await stage.outside(stage.sandbox.clock.now)
    await passes(stage, now + timedelta(minutes=11), timedelta(minutes=3))
    over = await stage.see("the end of it", lambda: _since(stage, now, "Over:", "scheduled collection"))
    stage.told(f"it is submitted again, and the clock makes up for it: {first_line(over)!r}")


async def _the_clock_stops(stage: Stage) -> None:
    clock = stage.sandbox.clock
    with tempfile.TemporaryDirectory(prefix="tidings-watch-") as folder:
        sender = MailSender(Secret(stage.sandbox.mail.smtp_url), "watch@tidings.example")

        async def send(letter: Mail, key: str, now: datetime) -> Result:
            return await sender.send(ON_CALL, letter, key, now)

        watcher = Watcher(stage.database.url, clock, send, Path(folder) / "watch.json")
        await stage.until("the clock's beat", lambda: _beats(stage))
        stage.expect(await watcher.look() == [], "the watcher sees trouble where there is none")
        await stage.within.clocks_beat(beating=False)
        await stage.until("that every clock stands still", partial(stage.within.clocks_are, beating=False))
        stopped = clock.now()
        await stage.hours_pass(3 / 60)
        found = await watcher.look()
        stage.expect(TroubleCode.CLOCK in found, f"the watcher saw only {found}")
        mail = await stage.see("the watcher's mail", lambda: next(iter(mails(stage, ON_CALL)), None))
        stage.expect(mail.accepted_at - stopped <= WITHIN, f"it was told only after {mail.accepted_at - stopped}")
        stage.told(f"every clock of the product stands still, and the watcher mails: {mail.subject!r}")
        await stage.within.clocks_beat(beating=True)

        async def well() -> bool:
            return await watcher.look() == []

        await stage.until("the clock's beat", well)
        mail = await stage.see("the watcher's last word", lambda: next(iter(mails(stage, ON_CALL)[1:]), None))
        stage.told(f"it runs again, and the watcher says so: {mail.subject!r}")


async def _beats(stage: Stage) -> bool:
    with stage.database.read() as session:
        due = expectations.clock_beat(session)
    return due is not None and due > stage.sandbox.clock.now()


async def _next_of_quickbooks(stage: Stage) -> tuple[Source, datetime]:
    """Let every source be collected in its time until QuickBooks is the next one, and it is far enough from here."""
    began = stage.sandbox.clock.now()
    while True:
        now = stage.sandbox.clock.now()
        planned = [(next_slot(schedule_of(one.source), now), one.source) for one in await stage.statuses()]
        due, source = min(planned, key=lambda one: one[0])
        if source.provider is Provider.QUICKBOOKS and due - began >= _APART:
            return source, due
        await stage.outside(partial(stage.sandbox.pass_time, due - now))
        await stage.until("the collection in its time", partial(_collected, stage, source, due))


async def _all_is_quiet(stage: Stage) -> bool:
    return await _idle(stage) and not await asyncio.to_thread(_slot_waits, stage) and await _idle(stage)


def _slot_waits(stage: Stage) -> bool:
    with stage.database.read() as session:
        return bool(deadlines.due(session, stage.sandbox.clock.now(), of=[SLOT_WAITS]))


async def _idle(stage: Stage) -> bool:
    return all(one.active is None for one in await stage.statuses())


async def _collected(stage: Stage, source: Source, since: datetime) -> bool:
    found = next(one for one in await stage.statuses() if one.source.id == source.id)
    return found.active is None and found.last_data_refresh is not None and found.last_data_refresh >= since


def _since(stage: Stage, since: datetime, *words: str) -> Message | None:
    found = for_support(stage, *words)
    return found if found is not None and found.at >= since else None


def _mail(stage: Stage, since: datetime, words: str) -> str | None:
    found = [one.subject for one in mails(stage, SUPPORT_ADDRESS, words) if one.accepted_at >= since]
    return found[-1] if found else None
