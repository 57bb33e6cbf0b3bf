"""`/data escalation`: who is called when a refresh does not end, and a card that shows another policy first."""

import json
import re

from bot import values
from bot.case import Case
from bot.payloads import MalformedError, parse_json
from bot.reply import Reply
from jobs.channels import ChannelRefusedError, refused
from jobs.errors import NotFoundError
from jobs.escalating.wishes import PolicyRefusedError
from jobs.refresh.ask import Place, TriggerKey
from templates.notices import install
from templates.notices import policy as words

#: A channel without its name: `here`, or as Slack writes it where it does not tell the name.
_NAMELESS = re.compile(r"(?P<before>\bchannel )(?:here\b|<#(?P<id>[CG][A-Z0-9]{2,20})\|?>)", re.ASCII | re.IGNORECASE)
_MOST_ID, _MOST_WORDS = 100, 300


async def escalation(case: Case) -> Reply:
    """Show the policy; with a change behind it the card that asks."""
    said = case.about.strip()
    if not said:
        return case.say(words.policy_shown(await case.services.policies.shown(case.actor)))
    nameless = _NAMELESS.search(said)
    if nameless is None:
        return await _asked(case, said)
    place = Place(case.request.team_id, (nameless["id"] or case.request.channel_id).upper())
    # Which of the two it is, Slack tells, and the ack does not wait for that.
    return Reply(then=lambda: _named(case, said, place), zone=case.zone)


async def _named(case: Case, said: str, place: Place) -> Reply:
    try:
        room = (await case.services.channels.look(case.actor, place)).room
    except ChannelRefusedError as error:
        return case.say(install.channel_refused(error.reason))
    reason = refused(room)
    if reason is not None:
        return case.say(install.channel_refused(reason))
    named = f"<#{place.channel_id}|{room.name.removeprefix('#') or place.channel_id.lower()}>"
    return await _asked(case, _NAMELESS.sub(lambda found: f"{found['before']}{named}", said, count=1))


async def _asked(case: Case, said: str) -> Reply:
    if len(said) > _MOST_WORDS:
        return case.say(words.policy_usage(said[:_MOST_ID]))
    try:
        shown = await case.services.policies.preview(case.actor, said)
    except PolicyRefusedError as error:
        return case.say(words.policy_refused(error.reason))
    if shown is None:
        return case.say(words.policy_usage(said))
    packed = {"c": values.new_card(), "w": said, "v": shown.seen}
    value = json.dumps(packed, separators=(",", ":"), ensure_ascii=False)
    return case.say(words.policy_preview(shown, value))


async def confirmed(case: Case) -> Reply:
    """Save the policy of the card; the card is the key, so that a second click changes nothing."""
    card, said, seen = _unpack(case.request.value)
    key = TriggerKey(case.request.team_id, card)
    try:
        found = await case.services.policies.change(case.actor, said, seen, key)
    except PolicyRefusedError as error:
        return case.say(words.policy_refused(error.reason), replace=True)
    return case.say(words.policy_set(found), replace=True)


def _unpack(value: str) -> tuple[str, str, int]:
    """Return what the button carries; NotFoundError for a value that is not of our making."""
    try:
        packed = parse_json(value)
    except MalformedError:
        raise NotFoundError from None
    card, said, seen = (packed.get(name) for name in ("c", "w", "v"))
    if not isinstance(card, str) or not card.isascii() or not 0 < len(card) <= _MOST_ID:
        raise NotFoundError
    if not isinstance(said, str) or len(said) > _MOST_WORDS or type(seen) is not int:
        raise NotFoundError
    return card, said, seen
