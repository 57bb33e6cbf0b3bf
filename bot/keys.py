"""`/data api keys`: keys with which programs read metrics, for admins."""

import re

from bot.case import Case
from bot.reply import Reply
from jobs.api_keys import READ, WRITE
from jobs.errors import NotFoundError, TooLateError
from templates.notices import api_keys as words

_NEW = re.compile(r"keys? new (?P<name>.+?)(?: (?P<scope>read|write))?", re.IGNORECASE)
_REMOVE = re.compile(r"keys? (?P<id>key_[0-9a-z]{1,40}) remove", re.ASCII | re.IGNORECASE)


async def api(case: Case) -> Reply:
    """Show the keys, make one or remove one."""
    said, service = " ".join(case.about.split()), case.services.api_keys
    noun = (await case.names()).noun
    made, removed = _NEW.fullmatch(said), _REMOVE.fullmatch(said)
    try:
        if made is not None:
            scopes = WRITE if (made["scope"] or "").casefold() == "write" else READ
            new = await service.new(case.actor, made["name"], scopes, case.trigger)
            return case.say(words.key_made(new.key, new.token.reveal(), noun))
        if removed is not None:
            key = await service.revoke(case.actor, removed["id"].casefold(), case.trigger)
            return case.say(words.key_removed(key, noun))
        known = await service.all(case.actor)
    except TooLateError as error:
        return case.say(words.key_refused(str(error), noun))
    except NotFoundError:
        return case.say(words.key_refused("there is no such key", noun))
    return case.say(words.keys(known, case.now, noun))
