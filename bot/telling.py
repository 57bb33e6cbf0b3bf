"""`/data deliveries`: what became of messages, sending one again; `/data notify test` tries whether they arrive."""

import asyncio
import re
from dataclasses import replace

from bot import values
from bot.case import Case
from bot.reply import Reply
from jobs.errors import NotFoundError
from jobs.refresh.ask import TriggerKey
from storage.facts.deliveries import Channel, DeliveryState
from storage.facts.timelines import Timeline
from templates.notices import telling

_ID = re.compile(r"(?:rfr|run|rcp|inc|dlv|tst)_[0-9a-z]{8,40}", re.ASCII)
#: How long the answer to a test waits for it.
_LOOKS, _BETWEEN = 16, 0.5
_OPEN = frozenset({DeliveryState.PENDING, DeliveryState.SENDING})


async def deliveries(case: Case) -> Reply:
    """Show what became of the messages about what the words name."""
    said = case.about.strip().casefold()
    named = _ID.search(said)
    return await _shown(case, named.group() if named else "last" if said in {"", "last"} else said)


async def pressed(case: Case) -> Reply:
    """Show it for the thing of the button."""
    if not _ID.fullmatch(case.request.value):
        raise NotFoundError
    return await _shown(case, case.request.value)


async def _shown(case: Case, named: str) -> Reply:
    try:
        timeline = await case.services.timelines.of(case.actor, named)
    except NotFoundError:
        return case.say(telling.no_deliveries(named))
    who = await case.names()
    value = values.pack_held(values.new_card(), timeline.again) if timeline.again else None
    return case.say(telling.deliveries(who.organization, timeline, value=value))


async def by_mail(case: Case) -> Reply:
    """Mail a message again, to the person's own confirmed address."""
    return await _again(case, Channel.EMAIL)


async def by_slack(case: Case) -> Reply:
    """Send a message again, to the person's own direct messages."""
    return await _again(case, Channel.SLACK)


async def _again(case: Case, channel: Channel) -> Reply:
    card, delivery_id = values.unpack_held(case.request.value)
    # The card is the key, so that a second click sends nothing more; by each way once.
    key = TriggerKey(case.request.team_id, f"{card}.{channel}")
    sent = await case.services.timelines.again(case.actor, delivery_id, channel, key)
    mailed = channel is Channel.EMAIL
    return case.say(telling.sent_again(mailed, case.member.email or "your address", sent.delivery_id))


async def test(case: Case) -> Reply:
    """Send a test to the person, and say what became of it once that is known."""
    test_id = await case.services.timelines.test(case.actor, case.trigger)

    async def then() -> Reply:
        return case.say(telling.test_sent(test_id, await _ended(case, test_id)))

    return replace(case.say(telling.test_sent(test_id, None)), then=then)


async def _ended(case: Case, test_id: str) -> Timeline:
    timeline = await case.services.timelines.of(case.actor, test_id)
    for _ in range(_LOOKS):
        if not any(one.delivery.state in _OPEN for one in timeline.told):
            break
        await asyncio.sleep(_BETWEEN)
        timeline = await case.services.timelines.of(case.actor, test_id)
    return timeline
