"""`/data notify`: a test of whether messages arrive."""

from bot import telling as told
from bot.case import Case
from bot.reply import Reply
from templates.notices import telling


async def notify(case: Case) -> Reply:
    """Send a test."""
    if case.about.strip().casefold() == "test":
        return await told.test(case)
    return case.say(telling.notify_usage())
