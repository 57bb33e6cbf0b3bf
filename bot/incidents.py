"""Buttons on an incident: take it on, or hear nothing of it for a while, once it is shown what that hides."""

import json
import re
from dataclasses import replace
from datetime import datetime

from bot import names, values
from bot.case import Case
from bot.payloads import MalformedError, parse_json
from bot.reply import Reply
from jobs.errors import NotFoundError
from jobs.incidents.handling import Snooze, SnoozePreview
from jobs.incidents.until import EndRefusedError
from jobs.refresh.ask import TriggerKey
from templates import notices
from templates.notices import handled as words

_WORDS = {
    Snooze.HOUR: "For 1 hour",
    Snooze.FOUR_HOURS: "For 4 hours",
    Snooze.TOMORROW: "Until tomorrow, 9:00",
    Snooze.TWO_DAYS: "For 2 days",
}
_MOST = 100
#: The source, and from the first word of an end on the end.
_ASKED = re.compile(
    r"(?P<about>.+?)(?:\s+(?P<until>(?:for|until|till|at|to(?:day|morrow)|(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*|[0-9])"
    r"(?:[\s:.-].*|[0-9a-z].*)?))?",
    re.ASCII | re.IGNORECASE | re.DOTALL,
)


async def acknowledge(case: Case) -> Reply:
    """Take it on; the message says so by itself."""
    found = await case.services.incidents.acknowledge(case.actor, case.request.value, case.trigger)
    # Only what this click did: somebody else's snooze is on the message.
    return case.say(words.handled_told(replace(found, snoozed_until=None), case.now))


async def ask(case: Case) -> Reply:
    """Show what a snooze hides, and until when."""
    shown = await case.services.incidents.preview(case.actor, case.request.value)
    if shown is None:
        raise NotFoundError
    return _card(case, case.request.value, shown)


async def snooze_words(case: Case) -> Reply:
    """Show what a snooze of everything that a source is told of hides, until the end that was typed."""
    asked = _ASKED.fullmatch(" ".join(case.about.split()))
    if asked is None:
        return case.say(words.snooze_usage())
    known = await case.services.status.sources(case.actor)
    found = names.find(asked["about"], known)
    if not found.sources:
        return case.say(notices.unknown_source(asked["about"], [source.label for source in known], found.guess))
    if len(found.sources) > 1:
        return case.say(words.snooze_usage())
    source = found.sources[0]
    try:
        shown = await case.services.incidents.preview(case.actor, source.id, asked["until"] or "")
    except EndRefusedError as error:
        return case.say(words.snooze_refused(error.reason))
    except NotFoundError:
        return case.say(words.snooze_none(source))
    return case.say(words.snooze_usage(asked["until"] or "")) if shown is None else _card(case, source.id, shown)


def _card(case: Case, named: str, shown: SnoozePreview) -> Reply:
    card = values.new_card()
    choices = [
        (_WORDS[one] if one else "Snooze until then", end, _pack(card, named, one or end)) for one, end in shown.choices
    ]
    return case.say(words.snooze_preview(shown.sources, choices, shown.reminder_at))


async def snooze(case: Case) -> Reply:
    """Say nothing of it until then; the card is the key, so that a second click changes nothing."""
    card, incident_id, choice = _unpack(case.request.value)
    key = TriggerKey(case.request.team_id, card)
    try:
        found = await case.services.incidents.snooze(case.actor, incident_id, choice, key)
    except EndRefusedError as error:
        return case.say(words.snooze_refused(error.reason), replace=True)
    return case.say(words.handled_told(replace(found, acknowledged_until=None), case.now), replace=True)


def _pack(card: str, incident_id: str, choice: Snooze | datetime) -> str:
    until = choice.value if isinstance(choice, Snooze) else choice.isoformat()
    return json.dumps({"c": card, "i": incident_id, "u": until}, separators=(",", ":"))


def _unpack(value: str) -> tuple[str, str, Snooze | datetime]:
    try:
        packed = parse_json(value)
        card, incident_id = (str(packed.get(name) or "")[:_MOST] for name in ("c", "i"))
        said = str(packed.get("u"))[:_MOST]
        choice = Snooze(said) if said in set(Snooze) else datetime.fromisoformat(said)
    except (MalformedError, ValueError):
        raise NotFoundError from None
    if isinstance(choice, datetime) and choice.tzinfo is None:
        raise NotFoundError
    if not card.isascii() or not card or not incident_id:
        raise NotFoundError
    return card, incident_id, choice
