"""What `tidings watch` tells of three workers: nothing while one works, all of it when none does, and the end of it."""

import signal
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import cast

import pytest

from bot.cli.demo_ground import Wishes
from bot.cli.stories.several import Several
from bot.cli.stories.stage import Stage, StoryError, play
from bot.cli.stories.trusting.passing import passes, passes_until
from bot.cli.stories.trusting.people import FINANCE, MAYA
from bot.cli.stories.trusting.quiet import delivered, quiet, undisturbed
from jobs.deliver.results import Accepted, Result
from jobs.watching.troubles import WORKER_DEAD, Trouble, TroubleCode
from jobs.watching.watcher import Watcher
from sandbox.slack import Message
from storage.sessions import Database
from templates import actions
from templates.mail import Mail

WITHIN = timedelta(minutes=5)
STEP = timedelta(seconds=30)
CLOCK, OUTBOX, WORKERS, OVER = (
    "its clock stands still", "its messages are not sent", "no worker shows a sign of life", "Over:",
)  # fmt: skip


#: What is no trouble after a standstill.
PATIENT = "nobody looks for what is missing"


class Watch:
    """A watcher with a post of its own."""

    def __init__(self, stage: Stage, state: Path, watcher: type[Watcher] = Watcher) -> None:
        self.told: list[tuple[datetime, str]] = []
        self.seen: list[TroubleCode] = []
        self._watcher = watcher(stage.database.url, stage.sandbox.clock, self._send, state)

    async def _send(self, letter: Mail, key: str, now: datetime) -> Result:
        self.told.append((now, letter.subject))
        return Accepted(key)

    async def look(self) -> None:
        """Look once."""
        self.seen = await self._watcher.look()

    async def is_well(self) -> bool:
        """Whether nothing stands still now."""
        await self.look()
        return not self.seen

    def when(self, words: str) -> datetime | None:
        """Return when it first told so."""
        return next((at for at, subject in self.told if words in subject), None)


class Polite(Watcher):
    """Twin: looks whether the database answers, as a check of a port or of a process does, and at nothing else."""

    async def _troubles(self, now: datetime) -> Sequence[Trouble]:
        return [one for one in await super()._troubles(now) if one.code is TroubleCode.DATABASE]


def must_tell(watch: Watch, words: str, since: datetime) -> None:
    """Refuse a watcher that did not tell it in time."""
    at = watch.when(words)
    if at is None or at - since > WITHIN:
        raise StoryError(f"{words!r} since {since} was told at {at}; told in all: {watch.told}, seen: {watch.seen}")


def several(stage: Stage) -> Several:
    return cast("Several", stage.within)


async def one_dies(stage: Stage, watch: Watch) -> None:
    """Kill one; the others go on, and whoever watches says nothing."""
    await stage.until("a pulse without trouble", watch.is_well, lambda: f"; seen: {watch.seen}")
    told = len(watch.told)
    await several(stage).workers[0].dies()
    died = stage.sandbox.clock.now()
    while stage.sandbox.clock.now() - died < timedelta(minutes=6):
        await passes(stage, stage.sandbox.clock.now(), timedelta(0))
        await watch.look()
        stage.expect(len(watch.told) == told, f"one dead worker of three is an alarm: {watch.told}")
    stage.told("one of three workers is dead for six minutes: no alarm")


async def message_waits(stage: Stage) -> None:
    """Confirm a refresh while Slack is down, so that its card is tried and waits."""

    def offer() -> Message | None:
        found = [one for one in stage.messages(FINANCE, MAYA) if actions.REFRESH_CONFIRM in one.actions]
        return found[-1] if found else None

    async def waits() -> bool:
        return not await delivered(stage)

    await stage.act(lambda: stage.slack.command(MAYA, FINANCE, "/data", "refresh shopify"))
    card = await stage.see("a card that asks", offer)
    await stage.outside(lambda: stage.slack.lie("*", "server_error", times=None))
    await stage.act(lambda: stage.slack.click(MAYA, card, actions.REFRESH_CONFIRM))
    await stage.until("a message that waits", waits)


async def goes_by(stage: Stage, begun: datetime, look: Callable[[], object], watches: Sequence[Watch]) -> None:
    """Let half minutes pass until that is so, or five minutes are over; nobody in the product looks meanwhile."""
    then = begun
    while not look() and then - begun < WITHIN:
        then += STEP
        left = max(then - stage.sandbox.clock.now(), timedelta(0))
        await stage.outside(partial(stage.sandbox.pass_time, left))
        for watch in watches:
            await watch.look()


async def all_freeze(stage: Stage, watch: Watch, polite: Watch) -> None:
    """Stop every worker where it is: its clock, its deliveries; then let them go on."""
    await undisturbed(stage)
    await message_waits(stage)
    frozen = several(stage).workers
    for life in frozen:
        life.process.send_signal(signal.SIGSTOP)
    begun = stage.sandbox.clock.now()
    await stage.outside(stage.slack.stop_lying)
    await goes_by(stage, begun, lambda: watch.when(CLOCK) and watch.when(OUTBOX), [watch, polite])
    for life in frozen:
        life.process.send_signal(signal.SIGCONT)
    for words in (CLOCK, OUTBOX):
        must_tell(watch, words, begun)
        with pytest.raises(StoryError):
            must_tell(polite, words, begun)
        late = cast("datetime", watch.when(words)) - begun
        stage.told(f"every worker is frozen, and the watcher tells after {late.seconds} s that {words}")
    await is_over(stage, watch)
    await stage.see(
        "what Maya asked for", lambda: [one for one in stage.messages(FINANCE, MAYA) if "is ready" in one.everything]
    )
    await quiet(stage)


async def all_die(stage: Stage, watch: Watch) -> None:
    """Kill every worker, then start a new one."""
    known = len(watch.told)
    for life in several(stage).workers:
        await life.dies()
    begun = stage.sandbox.clock.now()

    async def seen() -> bool:
        await watch.look()
        return TroubleCode.WORKERS in watch.seen

    # By the database's clock, which no story moves.
    await stage.until(f"{WORKER_DEAD:.0f} s without a sign of life", seen, lambda: f"; seen: {watch.seen}")
    await goes_by(stage, begun, lambda: watch.when(WORKERS), [watch])
    must_tell(watch, WORKERS, begun)
    late = cast("datetime", watch.when(WORKERS)) - begun
    stage.told(f"every worker is dead, and {late.seconds} s later the watcher has told {watch.told[known:]}")
    await several(stage).begin()
    await is_over(stage, watch)


async def is_over(stage: Stage, watch: Watch) -> None:
    """Wait until all is well again, and told so."""

    async def over() -> bool:
        return await watch.is_well() and OVER in watch.told[-1][1]

    # Sweeps are patient for two and a half minutes: no trouble, and nothing to be told of.
    await passes_until(stage, f"that it works again ({watch.seen}, {watch.told})", over)
    stage.told(f"they go on, and the watcher says so: {watch.told[-1][1]!r}")


@pytest.mark.postgres
@pytest.mark.timeout(900)
def test_the_watcher_tells_when_every_worker_is_gone_and_not_before(
    postgres_database: Database, tmp_path: Path, capsys: pytest.CaptureFixture[str], logs_restored: None
) -> None:
    async def watched(stage: Stage) -> None:
        watch, polite = Watch(stage, tmp_path / "watch.json"), Watch(stage, tmp_path / "polite.json", Polite)
        await stage.first_reads()
        await one_dies(stage, watch)
        await all_freeze(stage, watch, polite)
        await all_die(stage, watch)
        stage.expect(not watch.when(PATIENT), f"a false alarm: {watch.told}")

    wishes = Wishes(size=5, workers=3, database_url=postgres_database.url)
    assert play("watched", watched, wishes, patience=300), capsys.readouterr().out
