"""`/data mute`: what is muted, a card that shows what a mute hides, and lifting it."""

import json
import re
from datetime import datetime

from bot import names, values
from bot.case import Case
from bot.payloads import MalformedError, parse_json
from bot.reply import Reply
from jobs.authorize import authorize
from jobs.errors import NotFoundError
from jobs.incidents.until import EndRefusedError
from jobs.refresh.ask import TriggerKey
from storage.facts.incidents import IncidentKind
from storage.facts.mutes import MUTABLE
from storage.facts.people import Action
from storage.facts.sources import Source
from templates import notices
from templates.notices import mutes as words

_ASKED = re.compile(
    r"(?P<about>.*?)(?:^|\s)(?P<kind>late|failing|failed|failures|all|disconnected|disconnects?|escalations?)"
    r"(?:\s+(?P<rest>.*))?$",
    re.ASCII | re.IGNORECASE | re.DOTALL,
)
_NEVER = {"d": "Lost connections", "e": "Escalations"}
_MOST = 100


async def mute(case: Case) -> Reply:
    """Show what is muted; with a source and a kind behind it the card that asks, or lift it."""
    known = await case.services.status.sources(case.actor)
    said = case.about.strip()
    if not said or names.is_everything(said):
        return case.say(words.mutes(known, case.now))
    authorize(case.actor, Action.MUTE_ALARMS)
    asked = _ASKED.fullmatch(said)
    if asked is None:
        return case.say(words.mute_usage(said))
    kind = asked["kind"].casefold()
    if kind[0] in _NEVER:
        return case.say(words.mute_never(_NEVER[kind[0]]))
    about = asked["about"].strip()
    found = names.find(about, known) if about else None
    if found is None or len(found.sources) > 1:
        return case.say(words.mute_usage())
    if not found.sources:
        return case.say(notices.unknown_source(about, [source.label for source in known], found.guess))
    kinds = MUTABLE if kind == "all" else (IncidentKind.LATE if kind == "late" else IncidentKind.FAILING,)
    rest = (asked["rest"] or "").strip()
    return await _asked(case, found.sources[0], kinds, rest)


async def preview(case: Case, source: Source) -> Reply:
    """Show the card that mutes every kind that can be muted, for as long as it usually is."""
    return await _asked(case, source, MUTABLE, "")


async def _asked(case: Case, source: Source, kinds: tuple[IncidentKind, ...], rest: str) -> Reply:
    if rest.casefold() == "off":
        lifted = await case.services.mutes.lift(case.actor, source.id, kinds, case.trigger)
        return case.say(words.mute_lifted(lifted.source, lifted.kinds, lifted.open))
    try:
        shown = await case.services.mutes.preview(case.actor, source.id, kinds, rest)
    except EndRefusedError as error:
        return case.say(words.mute_refused(error.reason))
    if shown is None or shown.until is None:
        return case.say(words.mute_usage(rest))
    value = _pack(values.new_card(), shown.source.id, kinds, shown.until, shown.seen)
    return case.say(words.mute_preview(shown.source, kinds, shown.until, shown.open, shown.lately, value))


async def confirmed(case: Case) -> Reply:
    """Mute as the card says; the card is the key, so that a second click changes nothing."""
    card, source_id, kinds, until, seen = _unpack(case.request.value)
    key = TriggerKey(case.request.team_id, card)
    try:
        found = await case.services.mutes.mute(case.actor, source_id, kinds, until, seen, key)
    except EndRefusedError as error:
        return case.say(words.mute_refused(error.reason), replace=True)
    return case.say(words.mute_set(found.source, found.kinds, until), replace=True)


def _pack(card: str, source_id: str, kinds: tuple[IncidentKind, ...], until: datetime, seen: int) -> str:
    packed = {"c": card, "s": source_id, "k": kinds, "u": until.isoformat(), "v": seen}
    return json.dumps(packed, separators=(",", ":"))


def _unpack(value: str) -> tuple[str, str, tuple[IncidentKind, ...], datetime, int]:
    """Return what the button carries; NotFoundError for a value that is not of our making."""
    try:
        packed = parse_json(value)
        card, source_id, end = (str(packed.get(name) or "")[:_MOST] for name in ("c", "s", "u"))
        listed, seen = packed.get("k"), packed.get("v")
        kinds = tuple(IncidentKind(str(kind)) for kind in listed) if isinstance(listed, list) else ()
        until = datetime.fromisoformat(end)
    except (MalformedError, ValueError):
        raise NotFoundError from None
    if not card.isascii() or not card or not kinds or until.tzinfo is None or type(seen) is not int:
        raise NotFoundError
    return card, source_id, kinds, until, seen
