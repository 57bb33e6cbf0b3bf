"""Buttons on an incident: take it on, or hear nothing of it for a while, once it is shown what that hides."""

import json
from dataclasses import replace

from bot import values
from bot.case import Case
from bot.payloads import MalformedError, parse_json
from bot.reply import Reply
from jobs.errors import NotFoundError
from jobs.incidents.handling import Snooze
from jobs.refresh.ask import TriggerKey
from templates.notices import handled as words

_WORDS = {
    Snooze.HOUR: "For 1 hour",
    Snooze.FOUR_HOURS: "For 4 hours",
    Snooze.TOMORROW: "Until tomorrow, 9:00",
    Snooze.TWO_DAYS: "For 2 days",
}
_MOST = 100


async def acknowledge(case: Case) -> Reply:
    """Take it on; the message says so by itself."""
    found = await case.services.incidents.acknowledge(case.actor, case.request.value, case.trigger)
    # Only what this click did: somebody else's snooze is on the message.
    return case.say(words.handled_told(replace(found, snoozed_until=None), case.now))


async def ask(case: Case) -> Reply:
    """Show what a snooze hides, and until when."""
    shown = await case.services.incidents.preview(case.actor, case.request.value)
    card = values.new_card()
    choices = [(_WORDS[one], end, _pack(card, case.request.value, one)) for one, end in shown.choices]
    return case.say(words.snooze_preview(shown.sources, choices, shown.reminder_at))


async def snooze(case: Case) -> Reply:
    """Say nothing of it until then; the card is the key, so that a second click changes nothing."""
    card, incident_id, choice = _unpack(case.request.value)
    key = TriggerKey(case.request.team_id, card)
    found = await case.services.incidents.snooze(case.actor, incident_id, choice, key)
    return case.say(words.handled_told(replace(found, acknowledged_until=None), case.now), replace=True)


def _pack(card: str, incident_id: str, choice: Snooze) -> str:
    return json.dumps({"c": card, "i": incident_id, "u": choice}, separators=(",", ":"))


def _unpack(value: str) -> tuple[str, str, Snooze]:
    try:
        packed = parse_json(value)
        card, incident_id = (str(packed.get(name) or "")[:_MOST] for name in ("c", "i"))
        choice = Snooze(str(packed.get("u")))
    except (MalformedError, ValueError):
        raise NotFoundError from None
    if not card.isascii() or not card or not incident_id:
        raise NotFoundError
    return card, incident_id, choice
