"""The App Home tab: the status, as one looks at it."""

from bot.case import Case
from bot.commands import status
from bot.reply import Reply, Where


async def opened(case: Case) -> Reply:
    """Show the status of everything."""
    shown = await status(case)
    return Reply(shown.message, Where.HOME, zone=shown.zone)
