"""`/data reread`: a source, a stream of it or what changed since a day, read once more; a card asks first."""

import re
from datetime import date

from bot import names, values
from bot.case import Case
from bot.reply import Reply
from jobs.refresh.ask import Joined, TriggerKey
from jobs.refresh.rereading import RereadRefusedError, Wanted
from storage.facts.sources import Source
from templates import notices
from templates.notices import reread as words

_SINCE = re.compile(r"(?P<what>.*?)\s*\b(?:from|since)\s+(?P<day>[0-9]{4}-[0-9]{2}-[0-9]{2})\s*", re.ASCII | re.DOTALL)
#: words that the name of a stream may have
_LONGEST_STREAM = 4


async def reread(case: Case) -> Reply:
    """Show the card that asks; nothing is read before it is clicked."""
    match = _SINCE.fullmatch(case.about)
    about, day = (match["what"], match["day"]) if match else (case.about, "")
    try:
        since = date.fromisoformat(day) if day else None
    except ValueError:
        return case.say(words.reread_usage())
    known = await case.services.status.sources(case.actor)
    found = _meant(case, about, known)
    if found is None:
        return case.say(words.reread_usage())
    source, stream = found
    try:
        shown = await case.services.rereads.preview(case.actor, Wanted(source.id, stream, since))
    except RereadRefusedError as error:
        return case.say(words.reread_refused(error.reason))
    value = values.pack_reread(values.new_card(), shown.wanted)
    return case.say(words.confirm_reread(shown.source, shown.label, shown.wanted.since, shown.seconds, value=value))


async def confirmed(case: Case) -> Reply:
    """Start it; the card is the key, so that a second click starts nothing more."""
    card, wanted = values.unpack_reread(case.request.value)
    key = TriggerKey(case.request.team_id, card)
    try:
        outcome = await case.services.rereads.start(case.actor, wanted, key, case.place)
    except RereadRefusedError as error:
        return case.say(words.reread_refused(error.reason), replace=True)
    if isinstance(outcome, Joined):
        return case.say(notices.already_waiting(outcome.refresh), replace=True)
    who = await case.names()
    return case.say(words.reread_started(who.organization, outcome.sources[0]), replace=True)


def _meant(case: Case, about: str, known: list[Source]) -> tuple[Source, str] | None:
    """Return the one source, and the stream, that the words name; None where they name none, or several."""
    said = about.split()
    for length in range(min(_LONGEST_STREAM, len(said) - 1), 0, -1):
        sources = names.find(" ".join(said[:-length]), known).sources
        stream = case.services.rereads.stream_named(sources[0].provider, " ".join(said[-length:])) if sources else ""
        if len(sources) == 1 and stream:
            return sources[0], stream
    sources = names.find(about, known).sources
    return (sources[0], "") if len(sources) == 1 else None
