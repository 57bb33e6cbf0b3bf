"""`/data landed`: whether a change is in the data, and a word when it lands."""

from collections.abc import Sequence

from bot import names
from bot.case import Case
from bot.reply import Reply
from jobs.explain.wanted import read_wanted
from storage.facts.landed import Sought
from storage.facts.messages import Message
from storage.facts.sources import Source
from templates import notices
from templates.notices.landed import landed as found
from templates.notices.landed import landed_usage


async def landed(case: Case) -> Reply:
    """Look behind the ack: the lake may take a while."""
    known = await case.services.status.sources(case.actor)
    who = await case.names()
    if not known:
        return case.say(notices.no_sources(who.organization, who.admins))
    chosen, words = _parted(case.about, known)
    wanted = read_wanted(words, case.zone, case.now)
    if wanted is None:
        return case.say(landed_usage(case.about.strip()))

    async def looked() -> Reply:
        return case.say(await look_for(case, wanted, chosen, words))

    return Reply(then=looked, zone=case.zone)


async def look_for(case: Case, wanted: Sought | None, chosen: Sequence[Source], words: str) -> Message:
    """Return whether it is there, in these sources (none: in all); where nothing is named, how to name it."""
    if wanted is None:
        return landed_usage(words.strip())
    who = await case.names()
    answer = await case.services.landed.landed(case.actor, wanted, [source.id for source in chosen], case.trigger)
    return found(who.organization, answer, case.now, zone=case.zone)


def _parted(about: str, known: list[Source]) -> tuple[list[Source], str]:
    """Return the sources that the words name, and the words without their names."""
    kept: list[str] = []
    chosen: dict[str, Source] = {}
    for word in about.split():
        plain = names.plain(word)
        named = names.find(plain, known).sources if plain and not any(sign.isdigit() for sign in plain) else ()
        if named and names.nickname(plain) is not None:
            chosen.update({source.id: source for source in named})
        else:
            kept.append(word)
    return list(chosen.values()), " ".join(kept)
