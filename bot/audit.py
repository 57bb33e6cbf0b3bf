"""`/data audit`: who did what, for admins."""

from bot.case import Case
from bot.reply import Reply
from templates import notices

_SHOWN, _MOST = 15, 50


async def audit(case: Case) -> Reply:
    """Show the newest entries; a number after the command asks for that many."""
    words = case.about.strip()
    wanted = int(words) if words.isascii() and words.isdecimal() and len(words) < 4 else _SHOWN
    page = await case.services.audit.newest(case.actor, max(1, min(wanted, _MOST)))
    who = await case.names()
    return case.say(notices.audit_list(who.organization, page, who.noun))
