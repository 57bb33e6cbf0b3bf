"""`/data receipt`: the immutable record of one finished refresh of a source."""

import re

from bot.case import Case
from bot.reply import Reply
from jobs.errors import NotFoundError
from templates import notices

_ID = re.compile(r"rcp_[0-9a-z]{8,40}", re.ASCII)


async def receipt(case: Case) -> Reply:
    """Show the receipt that the words name; without one, say where ids stand."""
    return await _shown(case, case.about)


async def pressed(case: Case) -> Reply:
    """Show the receipt of the message whose button was pressed."""
    return await _shown(case, case.request.value)


async def _shown(case: Case, words: str) -> Reply:
    named = _ID.search(words.casefold())
    if named is None:
        return case.say(notices.receipt_usage(words.strip()))
    try:
        page = await case.services.receipts.one(case.actor, named.group())
    except NotFoundError:
        return case.say(notices.no_receipt(named.group()))
    who = await case.names()
    return case.say(notices.receipt(who.organization, page))
