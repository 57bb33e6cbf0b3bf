"""Silence is an event: a schedule that nobody submits and a clock that stands still are told within five minutes."""

import tempfile
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

from bot.cli.stories.stage import Stage
from bot.cli.stories.trusting.passing import passes, passes_until
from bot.cli.stories.trusting.people import SUPPORT_ADDRESS, first_line, for_support, mails
from bot.cli.stories.trusting.quiet import no_slot_is_missing, quiet
from bot.cli.stories.trusting.reasons import why
from jobs.deliver.mail import MailSender
from jobs.deliver.results import Result
from jobs.schedule import schedule_of
from jobs.slots import next_slot
from jobs.watching.troubles import TroubleCode
from jobs.watching.watcher import Watcher
from sandbox.slack import Message
from storage.facts.secret import Secret
from storage.facts.sources import Provider, Source
from templates.mail import Mail

#: A report that is open takes in what joins; what is missed is told a little more than three minutes after its time.
_TOLD = timedelta(minutes=3.5)
WITHIN = timedelta(minutes=5)
#: Who looks after Tidings at night.
ON_CALL = "on-call@tidings.example"
#: What is missed soon after a report belongs to that report.
_APART = timedelta(minutes=20)


async def heard(stage: Stage) -> None:
    """Play it inside the product, in every process of it."""
    # What was missed while hours passed at once is told first, by a report of its own, until it is over.
    await quiet(stage)
    await passes(stage, stage.sandbox.clock.now(), _TOLD)
    await passes_until(stage, "the end of what was missed before", partial(no_slot_is_missing, stage))
    await _a_schedule_stops(stage)
    await _the_clock_stops(stage)


async def _a_schedule_stops(stage: Stage) -> None:
    books, due = await _next_of_quickbooks(stage)
    await stage.within.loses_slots_of([books.id])
    # Two looks of each process: by the second one every clock knows what it loses.
    await passes(stage, stage.sandbox.clock.now(), timedelta(0))
    await passes(stage, due, timedelta(0))
    missed = partial(_since, stage, due, "did not start on time", "quickbooks")
    await passes_until(stage, "word of the missed collection", partial(_is_there, stage, missed))
    told = await stage.see("word of the missed collection", missed)
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
    ended = partial(_since, stage, now, "Over:", "scheduled collection")
    await passes(stage, now + timedelta(minutes=11), timedelta(0))
    await passes_until(stage, "the end of it", partial(_is_there, stage, ended))
    over = await stage.see("the end of it", ended)
    stage.told(f"it is submitted again, and the clock makes up for it: {first_line(over)!r}")


async def _the_clock_stops(stage: Stage) -> None:
    clock = stage.sandbox.clock
    with tempfile.TemporaryDirectory(prefix="tidings-watch-") as folder:
        sender = MailSender(Secret(stage.sandbox.mail.smtp_url), "watch@tidings.example")

        async def send(letter: Mail, key: str, now: datetime) -> Result:
            return await sender.send(ON_CALL, letter, key, now)

        watcher = Watcher(stage.database.url, clock, send, Path(folder) / "watch.json")
        seen: list[TroubleCode] = []

        async def well() -> bool:
            seen[:] = await watcher.look()
            return not seen

        await quiet(stage)
        await stage.until("a pulse without trouble", well, lambda: f"; the watcher sees {seen}")
        before = await stage.outside(lambda: len(mails(stage, ON_CALL)))
        await stage.within.clocks_beat(beating=False)
        await stage.until("that every clock stands still", partial(stage.within.clocks_are, beating=False))
        stopped = clock.now()
        await stage.hours_pass(3 / 60)
        found = await watcher.look()
        stage.expect(TroubleCode.CLOCK in found, f"the watcher saw only {found}")
        mail = await stage.see("the watcher's mail", lambda: next(iter(mails(stage, ON_CALL)[before:]), None))
        stage.expect(mail.accepted_at - stopped <= WITHIN, f"it was told only after {mail.accepted_at - stopped}")
        stage.told(f"every clock of the product stands still, and the watcher mails: {mail.subject!r}")
        await stage.within.clocks_beat(beating=True)
        await stage.until("a pulse without trouble", well, lambda: f"; the watcher sees {seen}")
        await stage.until("that every clock runs", partial(stage.within.clocks_are, beating=True))
        mail = await stage.see("the watcher's last word", lambda: next(iter(mails(stage, ON_CALL, "Over:")), None))
        stage.told(f"it runs again, and the watcher says so: {mail.subject!r}")


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
        await quiet(stage)


async def _is_there(stage: Stage, look: Callable[[], Message | None]) -> bool:
    return await stage.outside(look) is not None


def _since(stage: Stage, since: datetime, *words: str) -> Message | None:
    found = for_support(stage, *words)
    return found if found is not None and found.at >= since else None


def _mail(stage: Stage, since: datetime, words: str) -> str | None:
    found = [one.subject for one in mails(stage, SUPPORT_ADDRESS, words) if one.accepted_at >= since]
    return found[-1] if found else None
