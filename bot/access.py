"""Access to refreshes by request: members ask, support decides."""

from bot import values
from bot.case import Case
from bot.reply import NOTHING, Reply
from jobs.access import Wish
from templates import notices


async def ask(case: Case) -> Reply:
    """Ask support, or join whoever did."""
    scope = values.unpack(case.request.value).scope
    # Made anew: what comes back from Slack is kept no further than what it means.
    again = values.pack(values.new_card(), scope)
    answer = await case.services.access.ask(case.actor, Wish(scope, again, case.message), case.trigger)
    return case.say(notices.access_asked(answer.asked, answer.standing, value=again))


async def approve(case: Case) -> Reply:
    """Give it; the post says so by itself."""
    return await _decided(case, approve=True)


async def decline(case: Case) -> Reply:
    """Do not give it; the post says so by itself."""
    return await _decided(case, approve=False)


async def _decided(case: Case, *, approve: bool) -> Reply:
    await case.services.access.decide(
        case.actor, case.request.value, case.trigger, approve=approve, message=case.message
    )
    return NOTHING
