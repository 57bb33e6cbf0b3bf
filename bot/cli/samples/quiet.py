"""Quiet hours, what was held for them, and digests."""

from datetime import time, timedelta

from bot.cli.samples import facts as s
from storage.facts.deliveries import Channel, DeliveryState
from storage.facts.digests import DigestView, Ended, Happened
from storage.facts.incidents import IncidentKind, Resolution
from storage.facts.messages import Message
from storage.facts.own import Own
from storage.facts.quiet import Digest, Quiet, QuietView, Rhythm
from storage.facts.runs import RunState
from storage.facts.sources import ConnectionState, Freshness, Provider
from storage.facts.subscriptions import BOTH, MAIL, ChannelChoice, ChannelChoices, Choice, Choices, Topic
from storage.facts.timelines import Timeline
from templates.notices import digest, notify, notify_here, quiet, telling


def quiet_messages() -> dict[str, Message]:
    """Return every message about them."""
    night = Quiet(time(20), time(7, 30), weekends=True)
    lines = [
        quiet.HeldLine("Temerity Goods: Shopify is ready to import.", s.NOW - timedelta(hours=9)),
        quiet.HeldLine("Temerity Goods: QuickBooks is late.", s.NOW - timedelta(hours=8)),
        quiet.HeldLine(None, s.NOW - timedelta(hours=8)),
        quiet.HeldLine("Access to Shopify <b> ends on Dec 1.", s.NOW - timedelta(hours=2)),
    ]
    held = s.told(DeliveryState.HELD, Channel.EMAIL, held_until=s.NOW + timedelta(hours=9), settled_at=None)
    mine = Digest(
        "dig_1", "org_1", "mem_1", "T0TEMERITY/U0MAYA", Rhythm(time(8, 30), weekdays=True), BOTH, s.NOW, s.NOW
    )
    here = Digest("dig_2", "org_1", None, "T0TEMERITY/C0FINANCE", Rhythm(time(7)), BOTH, s.NOW, s.NOW)
    return {
        "quiet_none": quiet.quiet_shown(QuietView(None, s.ZONE, None)),
        "quiet_now": quiet.quiet_shown(QuietView(night, s.ZONE, s.NOW + timedelta(hours=9), 2), changed=True),
        "quiet_refused": quiet.quiet_refused("at night, please"),
        "held_bundle": quiet.held_bundle(lines),
        "held_flood": quiet.flood_bundle(lines * 8, over=5, bundle_id="dlv_0123456789abcdefghjkmn"),
        "deliveries_held": telling.deliveries(s.ORG, Timeline("rfr_1", (held,), None, by_mail=True), value=None),
        "digest_of_person": digest.digest(_busy(), s.NOW, channel=False),
        "digest_of_channel": digest.digest(_calm(), s.NOW, channel=True),
        "digest_none": digest.digest_shown(DigestView(None, s.ZONE)),
        "digest_both": digest.digest_shown(DigestView(mine, s.ZONE, here, s.ZONE), changed=True),
        "digest_refused": digest.digest_refused("sometimes"),
        "own_saved": notify.own_saved(
            Own(
                Choices((Choice("src_1", Topic.LATE, MAIL, s.NOW),), {"src_1": "Shopify <b>"}, None),
                QuietView(night, s.ZONE, None),
                mine,
            )
        ),
        "notify_here": notify_here.channel_preferences(ChannelChoices((), {}, allowed=True, first=True)),
        "notify_here_chosen": notify_here.channel_preferences(_of_channel(), changed=True),
        "notify_here_not": notify_here.channel_not_allowed(),
        "notify_here_refused": notify_here.channel_notify_refused("loudly"),
    }


def _of_channel() -> ChannelChoices:
    choices = (
        ChannelChoice(None, Topic.FAILED, told=False),
        ChannelChoice("src_1", Topic.FAILED, told=True),
        ChannelChoice("src_1", Topic.READY, told=True),
    )
    return ChannelChoices(choices, {"src_1": "Shopify <b>"}, allowed=True, first=False)


def _busy() -> Happened:
    torn = s.source(connection=ConnectionState.DISCONNECTED)
    books = s.source(Provider.QUICKBOOKS, company="Temerity Goods Inc.")
    second = s.source(number=2)
    return Happened(
        s.ORG,
        s.NOW - timedelta(hours=24),
        (
            s.status(torn, Freshness.OVERDUE, last_ready=s.run(torn, asked=1_700, as_of=1_690)),
            s.status(books),
            s.status(second, Freshness.LATE, last_ready=s.run(second, asked=320, as_of=310)),
        ),
        (
            Ended(torn.id, RunState.READY, held=False, changed=True, count=7),
            Ended(torn.id, RunState.FAILED, held=False, changed=False, count=1),
            Ended(books.id, RunState.READY, held=False, changed=False, count=22),
            Ended(second.id, RunState.FAILED, held=True, changed=False, count=2),
        ),
        (
            s.incident(
                id="inc_2",
                source_id=books.id,
                kind=IncidentKind.LATE,
                reason="late",
                resolution=Resolution.RECOVERED,
                opened_at=s.NOW - timedelta(hours=11),
                resolved_at=s.NOW - timedelta(hours=10),
            ),
            s.incident(),
        ),
        2,
    )


def _calm() -> Happened:
    books = s.source(Provider.QUICKBOOKS, company="Temerity Goods Inc.")
    ended = (Ended(books.id, RunState.READY, held=False, changed=True, count=2),)
    return Happened(s.ORG, s.NOW - timedelta(hours=24), (s.status(books),), ended, (), 0)
