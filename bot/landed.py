"""`/data landed`: whether a change is in the data, and a word when it lands."""

from bot import names
from bot.case import Case
from bot.reply import Reply
from jobs.explain.wanted import read_wanted
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
        ids = [source.id for source in chosen]
        answer = await case.services.landed.landed(case.actor, wanted, ids, case.trigger)
        return case.say(found(who.organization, answer, case.now, zone=case.zone))

    return Reply(then=looked, zone=case.zone)


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
