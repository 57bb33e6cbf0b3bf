"""The App Home tab: the status, as one looks at it, one's own messages, and for admins the connections."""

from bot.case import Case
from bot.commands import status
from bot.reply import Reply, Where
from storage.facts.people import Action
from templates import notices


async def opened(case: Case) -> Reply:
    """Show the status of everything, and how the person's own messages stand."""
    shown = await status(case)
    if shown.message is None:
        return shown
    own = await case.services.own.mine(case.actor)
    return Reply(notices.home(shown.message, connects=case.may(Action.CONNECT), own=own), Where.HOME, zone=shown.zone)
