"""`/data notify digest at 08:30`: what happened, once a day, to oneself or to the channel where it is said."""

import re
from collections.abc import Mapping, Sequence
from datetime import time

from bot.case import Case
from bot.reply import Reply
from jobs.errors import NotFoundError
from storage.facts.deliveries import Channel
from storage.facts.messages import Code
from storage.facts.quiet import Rhythm
from storage.facts.subscriptions import BOTH, Ways
from templates.notices import digest as words

_AT = re.compile(
    r"(?:daily )?(?:at )?([01]?\d|2[0-3])[:.]([0-5]\d)(?P<days> (?:on )?weekdays)?"
    r"(?: (?:by )?(?P<way>slack|mail|both))?",
    re.ASCII,
)
_WAYS: Mapping[str | None, Ways] = {
    None: BOTH,
    "both": BOTH,
    "slack": frozenset({Channel.SLACK}),
    "mail": frozenset({Channel.EMAIL}),
}
_NOT_HERE = ("A digest comes only where an admin lets Tidings speak: ", Code("/data channel allow"), ".")


def read_rhythm(words: str) -> tuple[Rhythm, Ways] | None:
    """Read ``08:30 weekdays mail``; None for words that name no time of day."""
    found = _AT.fullmatch(" ".join(words.casefold().split()))
    return (
        (Rhythm(time(int(found[1]), int(found[2])), weekdays=bool(found["days"])), _WAYS[found["way"]])
        if found
        else None
    )


async def digest(case: Case, said: Sequence[str]) -> Reply:
    """Show the digests that come here; with a time behind it, set one."""
    service = case.services.digests
    if not said:
        return case.say(words.digest_shown(await service.seen(case.actor, case.place)))
    here, rest = said[0] == "here", " ".join(said[1:] if said[0] == "here" else said)
    found = _AT.fullmatch(rest)
    if (found is None and rest != "off") or (here and found is not None and found["way"]):
        return case.say(words.digest_refused(" ".join(said)))
    rhythm = Rhythm(time(int(found[1]), int(found[2])), weekdays=found["days"] is not None) if found else None
    if not here:
        ways = _WAYS[found["way"] if found else None]
        view = await service.choose(case.actor, rhythm, ways, case.place, case.trigger)
        return case.say(words.digest_shown(view, changed=True))
    try:
        view = await service.choose_here(case.actor, rhythm, case.place, case.trigger)
    except NotFoundError:
        return case.say(words.digest_refused(" ".join(said), _NOT_HERE))
    return case.say(words.digest_shown(view, changed=True))
