"""My notifications: the form opens at once, is filled behind that, and saves what was changed, or says what is wrong."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, time

from sandbox.slack.views import View
from storage.facts.deliveries import Channel
from storage.facts.own import Own
from storage.facts.quiet import Digest, Quiet, QuietView, Rhythm
from storage.facts.subscriptions import BOTH, OFF, Choice, Choices, Topic
from templates import actions
from templates.forms.notifications import notifications_form
from tests.bot.stage import Stage, staged
from tests.bot.twins.world import SHOP

AT = datetime(2026, 11, 21, 15, 0, tzinfo=UTC)
LATE = Choice(SHOP.id, Topic.LATE, frozenset({Channel.EMAIL}), AT)


async def seen(stage: Stage, look: Callable[[], View | None]) -> View:
    """Return the view once it is there."""
    found = await stage.slack.wait_for(look)
    assert found is not None
    return found


async def opened(stage: Stage, user: str = "U0MAYA") -> View:
    """Open App Home, press the button, and return the form once it is filled."""
    await stage.slack.open_home(user)
    home = await seen(stage, lambda: stage.slack.home(user))
    assert (await stage.slack.click(user, home, actions.NOTIFY_FORM)).ok
    return await filled(stage, user)


async def filled(stage: Stage, user: str = "U0MAYA", topic: str = "late.all") -> View:
    """Return the form once it asks for that topic."""

    def look() -> View | None:
        view = stage.slack.modal(user)
        return view if view and any(block["block_id"] == topic for block in view.blocks) else None

    return await seen(stage, look)


async def test_the_form_opens_before_anything_is_looked_up_and_is_filled_in_place() -> None:
    async with staged() as stage:
        await stage.slack.open_home("U0MAYA")
        home = await seen(stage, lambda: stage.slack.home("U0MAYA"))
        assert "no quiet hours, no digest" in str(home.blocks)
        stage.services.own.gate = asyncio.Event()
        assert (await stage.slack.click("U0MAYA", home, actions.NOTIFY_FORM)).ok
        first = await seen(stage, lambda: stage.slack.modal("U0MAYA"))
        assert "One moment" in str(first.blocks)
        known = first.id
        stage.services.own.gate.set()
        assert (await filled(stage)).id == known
        assert stage.slack.refused == []


async def test_what_is_changed_is_saved_and_nothing_else() -> None:
    async with staged() as stage:
        own = stage.services.own
        own.choices = (LATE, Choice(None, Topic.FAILED, OFF, AT))
        await opened(stage)
        changed: dict[str, object] = {"ready.all": "both", "quiet": "20:00-07:30 weekends", "digest": "8:30 weekdays"}
        assert (await stage.slack.submit_view("U0MAYA", {**changed, "disconnected.all": "digest"})).ok
        (wanted,) = own.saved.values()
        assert (wanted.source_id, wanted.in_digest) == (None, frozenset({Topic.DISCONNECTED}))
        assert wanted.ways == {Topic.READY: BOTH}
        assert wanted.quiet == (Quiet(time(20), time(7, 30), weekends=True),)
        assert wanted.digest == ((Rhythm(time(8, 30), weekdays=True), BOTH),)
        view = await seen(stage, lambda: stage.slack.modal("U0MAYA"))
        assert "Saved" in str(view.blocks)
        # App Home behind it says so at once.
        await stage.slack.wait_for(lambda: "quiet from 20:00 to 07:30" in str(stage.slack.home("U0MAYA").blocks))  # type: ignore[union-attr]


async def test_another_source_shows_its_own_choices_and_saves_for_it_alone() -> None:
    async with staged() as stage:
        own = stage.services.own
        own.choices, own.quiet = (LATE,), Quiet(time(20), time(7, 30))
        own.digest = Digest("dig_1", "org_1", "mem_1", "T/U", Rhythm(time(8, 30)), BOTH, AT, AT)
        view = await opened(stage)
        assert (await stage.slack.click("U0MAYA", view, actions.NOTIFY_ABOUT, SHOP.id)).ok
        view = await filled(stage, topic=f"late.{SHOP.id}")
        late = next(block for block in view.blocks if block["block_id"] == f"late.{SHOP.id}")
        assert late["element"]["initial_option"]["value"] == "mail"
        assert (await stage.slack.submit_view("U0MAYA", {f"late.{SHOP.id}": "default", "quiet": "", "digest": ""})).ok
        (wanted,) = own.saved.values()
        assert (wanted.source_id, wanted.in_digest) == (SHOP.id, frozenset())
        assert wanted.ways == {Topic.LATE: None}
        assert (wanted.quiet, wanted.digest) == ((None,), (None,))


async def test_what_is_wrong_is_said_beside_it_and_nothing_is_saved() -> None:
    async with staged() as stage:
        await opened(stage)
        wrong: dict[str, object] = {"quiet": "at night", "digest": "early"}
        await stage.slack.submit_view("U0MAYA", wrong)
        view = await filled(stage)
        assert set(view.errors) == {"quiet", "digest"}
        await stage.slack.submit_view("U0MAYA", {"late.all": "digest", "quiet": "", "digest": ""})
        assert set((await filled(stage)).errors) == {"digest"}
        assert stage.services.own.saved == {}


def test_sources_that_the_list_has_no_room_for_are_not_kept_quiet_about() -> None:
    def own(count: int) -> Own:
        named = {f"src_{number}": f"Shop {number}" for number in range(count)}
        return Own(Choices((), named, None), QuietView(None, "UTC", None), None)

    said = [any("Only the first 90" in str(part) for part in notifications_form(own(n), None).parts) for n in (90, 91)]
    assert said == [False, True]
