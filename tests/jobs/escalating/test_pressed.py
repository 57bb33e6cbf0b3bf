"""The whole way through Slack: an alarm that is taken on and snoozed, and a refresh that calls a channel, then support."""

import contextlib
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

from bot.guard import Verifier
from bot.surface import Surface
from bot.web import SLACK_PATH, build_web
from jobs.incidents.noticing import lost
from jobs.notify.notifier import Notifier
from sandbox.misbehave import Kind, Rule
from sandbox.slack.wire import serving
from storage.facts.sources import Provider
from storage.sessions import Database
from templates import actions
from tests.bot.stage import fetch_from
from tests.jobs.briefly import briefly
from tests.jobs.stage import Stage, staged
from tests.waiting import eventually

A_BIT = timedelta(seconds=1)


@contextlib.asynccontextmanager
async def spoken_to(stage: Stage) -> AsyncIterator[None]:
    """Put the bot's Slack side in front of the real services."""
    surface = Surface(stage.jobs.services, fetch_from(stage.slack), stage.slack.api_url, stage.clock, learns=True)
    await surface.start()

    async def ready() -> bool:
        return True

    verifier = Verifier(stage.slack.app.signing_secret, stage.clock)
    async with serving(build_web(surface.take, verifier, ready)) as port:
        stage.slack.request_url = f"http://127.0.0.1:{port}{SLACK_PATH}"
        try:
            yield
        finally:
            await surface.close()


class Reader:
    """Looks at one channel as somebody who presses what is there."""

    def __init__(self, stage: Stage, user: str, channel: str) -> None:
        self.stage, self.user, self.channel = stage, user, channel

    async def sees(self, *words: str) -> Any:
        """Return the newest message that says all of it, once there is one."""

        def look() -> Any:
            found = self.stage.slack.messages(self.channel, viewer=self.user)
            return next((post for post in reversed(found) if all(word in post.everything for word in words)), None)

        return await eventually(look)

    async def presses(self, post: Any, action: str) -> None:
        """Press the first button of that action; who presses is known, as after any other look."""
        await self.stage.actor(self.user, post.team)
        named = next(one for one in post.actions if one.partition(".")[0] == action)
        assert (await self.stage.slack.click(self.user, post, named)).ok


async def test_what_people_press_on_alarms_and_escalations(sqlite_database: Database, tmp_path: Path) -> None:
    async with staged(sqlite_database, tmp_path, connectors=briefly) as stage, spoken_to(stage):
        daniel, sam = Reader(stage, "U0DANIEL", "C0FINANCE"), Reader(stage, "U0SAM", "C0DATASUP")
        notifier = Notifier(stage.engine.enqueue, support_channel="", support_email="")
        books = stage.source(Provider.QUICKBOOKS)
        stage.database.in_write(lambda s: lost(s, books.id, "the grant was revoked", stage.clock.now(), notifier))
        alarm = await daniel.sees("is disconnected")
        await daniel.presses(alarm, actions.INCIDENT_ACKNOWLEDGE)
        assert (await daniel.sees("is disconnected", "Acknowledged by Daniel Kim")).ts == alarm.ts
        await daniel.presses(await daniel.sees("is disconnected", "Acknowledged by"), actions.INCIDENT_SNOOZE_ASK)
        await daniel.presses(await daniel.sees("Snooze this alarm?", "is put off"), actions.INCIDENT_SNOOZE)
        assert (await daniel.sees("is disconnected", "Snoozed by Daniel Kim")).ts == alarm.ts

        typed = "escalation channel here after 30 minutes"
        assert (await stage.slack.command("U0DANIEL", "C0FINANCE", "/data", typed)).ok
        await daniel.presses(await daniel.sees("Step 2, after 30 min", "#finance"), actions.POLICY_SET)
        await daniel.sees("Saved: this holds")
        stage.shopify.script.add(Rule(Kind.LATENCY, operation="query", seconds=600, times=1))
        outcome = await stage.request(Provider.SHOPIFY)
        stage.clock.advance(timedelta(minutes=30) + A_BIT)
        called = await daniel.sees("Still not finished.", "support is told")
        (run,) = (await stage.jobs.services.refresh.get(await stage.actor(), outcome.refresh_id)).runs
        assert run[1].id not in called.everything
        assert not called.actions
        assert stage.slack.messages("C0DATASUP", viewer="U0SAM") == []
        stage.clock.advance(timedelta(hours=2, minutes=30))
        await sam.presses(await sam.sees("Needs support", run[1].id, "#finance"), actions.ESCALATION_ACKNOWLEDGE)
        await sam.sees("Acknowledged by Sam Keller")
        assert stage.slack.red == []
