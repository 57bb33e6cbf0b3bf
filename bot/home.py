"""The App Home tab: the status, as one looks at it, and for admins the connections."""

from bot.case import Case
from bot.commands import status
from bot.reply import Reply, Where
from storage.facts.people import Action
from templates import notices


async def opened(case: Case) -> Reply:
    """Show the status of everything."""
    shown = await status(case)
    if shown.message is None:
        return shown
    return Reply(notices.home(shown.message, connects=case.may(Action.CONNECT)), Where.HOME, zone=shown.zone)
