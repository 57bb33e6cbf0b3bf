"""`/data notify` and `/data deliveries`, as people type and press them."""

from dataclasses import replace
from datetime import time

from storage.facts.deliveries import Channel
from storage.facts.quiet import Quiet, Rhythm
from storage.facts.subscriptions import BOTH, OFF, Topic
from templates import actions
from tests.bot.stage import staged
from tests.bot.test_channel_words import told
from tests.bot.twins.world import SHOP


async def test_what_one_is_told_is_changed_in_words_and_unclear_words_change_nothing() -> None:
    async with staged() as stage:
        assert "This is what you are told" in await told(stage, "U0PRIYA", "notify")
        chosen = stage.services.subscriptions.chosen
        for words in ("notify ready", "notify loudly mail", "notify ready sometimes", "notify off"):
            assert "Nothing was changed" in await told(stage, "U0PRIYA", words), words
        assert "no source" in await told(stage, "U0PRIYA", "notify ready zendesk mail")
        assert chosen == {}
        assert "Saved" in await told(stage, "U0PRIYA", "notify ready shop both")
        assert "Saved" in await told(stage, "U0PRIYA", "notify all off")
        assert "Saved" in await told(stage, "U0PRIYA", "notify late all default")
        assert "Saved" in await told(stage, "U0PRIYA", "notify exchange slack")
        assert "Saved" in await told(stage, "U0PRIYA", "notify sent mail")
        assert list(chosen.values()) == [
            (SHOP.id, frozenset({Topic.READY}), BOTH),
            (None, frozenset(Topic), OFF),
            (None, frozenset({Topic.LATE}), None),
            (None, frozenset({Topic.EXCHANGE}), frozenset({Channel.SLACK})),
            (None, frozenset({Topic.SENT}), frozenset({Channel.EMAIL})),
        ]


async def test_two_clicks_send_a_message_again_once() -> None:
    async with staged() as stage:
        assert "550 no such mailbox" in await told(stage, "U0MAYA", "deliveries")
        assert "There is no" in await told(stage, "U0MAYA", "deliveries of yesterday")
        seen = stage.slack.messages("C0FINANCE", viewer="U0MAYA")
        card = [message for message in seen if actions.AGAIN_MAIL in message.actions][-1]
        for _ in range(2):
            assert (await stage.slack.click("U0MAYA", card, actions.AGAIN_MAIL)).ok
        assert len(stage.services.timelines.sent) == 1
        await stage.slack.wait_for(lambda: [t for t in stage.seen("U0MAYA", "C0FINANCE") if "on its way" in t])


async def test_quiet_hours_are_set_in_words_and_unclear_words_change_nothing() -> None:
    async with staged() as stage:
        assert "no quiet hours: messages come at any time" in await told(stage, "U0PRIYA", "notify quiet")
        chosen = stage.services.quiet.chosen
        for words in ("quiet 20:00", "quiet 25:00-07:00", "quiet 08:00-08:00", "quiet 08:00-07:59", "quiet at night"):
            assert "Nothing was changed" in await told(stage, "U0PRIYA", f"notify {words}"), words
        assert chosen == {}
        assert "Quiet every day from 20:00 to 07:30" in await told(stage, "U0PRIYA", "notify quiet 20:00-07:30")
        assert "all of Saturday" in await told(stage, "U0PRIYA", "notify quiet 20.00 to 7:30 and weekends")
        assert "at any time" in await told(stage, "U0PRIYA", "notify quiet off")
        night = Quiet(time(20), time(7, 30))
        assert list(chosen.values()) == [night, replace(night, weekends=True), None]


async def test_a_digest_is_set_in_words_and_a_channels_by_admins_alone() -> None:
    async with staged() as stage:
        assert "You have no digest" in await told(stage, "U0PRIYA", "notify digest")
        chosen = stage.services.digests.chosen
        for words in ("digest at noon", "digest at 24:00", "digest here at 08:30 mail", "digest here"):
            assert "Nothing was changed" in await told(stage, "U0PRIYA", f"notify {words}"), words
        assert chosen == {}
        assert "Saved" in await told(stage, "U0PRIYA", "notify digest at 08:30 weekdays mail")
        assert "Saved" in await told(stage, "U0PRIYA", "notify digest off")
        await told(stage, "U0PRIYA", "notify digest here at 08:30")
        assert "Saved" in await told(stage, "U0DANIEL", "notify digest here at 8.30")
        morning = Rhythm(time(8, 30))
        assert list(chosen.values()) == [
            ("mine", replace(morning, weekdays=True), frozenset({Channel.EMAIL})),
            ("mine", None, BOTH),
            ("C0FINANCE", morning, frozenset()),
        ]
        assert "Saved" in await told(stage, "U0PRIYA", "notify ready shop digest")
        assert stage.services.digests.topics == [(SHOP.id, frozenset({Topic.READY}))]


async def test_what_a_channel_is_told_is_shown_to_all_and_changed_by_admins_where_nobody_reads_along() -> None:
    async with staged() as stage:
        assert "the first channel that was allowed" in await told(stage, "U0PRIYA", "notify here")
        assert "Tidings says nothing" in await told(stage, "U0PRIYA", "notify here", "C0PARTNERS")
        chosen = stage.services.channel_choices.chosen
        assert "Daniel Kim" in await told(stage, "U0PRIYA", "notify late here")
        assert "Nothing was changed" in await told(stage, "U0DANIEL", "notify loudly here")
        assert "no source" in await told(stage, "U0DANIEL", "notify ready zendesk here")
        assert "shared with another company" in await told(stage, "U0DANIEL", "notify ready here", "C0PARTNERS")
        assert chosen == {}
        assert "Saved" in await told(stage, "U0DANIEL", "notify late here")
        assert "Saved" in await told(stage, "U0DANIEL", "notify ready shop here")
        assert "Saved" in await told(stage, "U0DANIEL", "notify failed off here")
        assert "Saved" in await told(stage, "U0DANIEL", "notify all default here")
        assert list(chosen.values()) == [
            ("C0FINANCE", None, frozenset({Topic.LATE}), True),
            ("C0FINANCE", SHOP.id, frozenset({Topic.READY}), True),
            ("C0FINANCE", None, frozenset({Topic.FAILED}), False),
            ("C0FINANCE", None, frozenset(Topic), None),
        ]
