"""Allowing Tidings to create orders in QuickBooks, and taking that back, as far as Slack goes."""

from bot.case import Case
from bot.reply import Reply
from jobs.errors import TooLateError
from templates.notices.exchange_writing import writing_ask, writing_changed, writing_none, writing_refused

#: what is typed behind `/data exchange`
WORDS = frozenset({"allow orders", "stop orders"})


async def asked(case: Case, said: str) -> Reply:
    """Ask before anything changes; what stands already is only said."""
    who = await case.names()
    found = await case.services.order_writing.shown(case.actor)
    if not found:
        return case.say(writing_none(who.organization))
    wanted = said == "allow orders"
    one = next((one for one in found if one.allowed is not wanted), found[0])
    if one.allowed is wanted:
        return case.say(writing_changed(one.books, allowed=one.allowed, changed=False))
    return case.say(writing_ask(who.organization, one.books, allowed=one.allowed))


async def allowed(case: Case) -> Reply:
    """Allow it."""
    try:
        done = await case.services.order_writing.allow(case.actor, case.request.value)
    except TooLateError as error:
        return case.say(writing_refused(str(error)), replace=True)
    return case.say(writing_changed(done.books, allowed=True, changed=done.changed), replace=True)


async def forbidden(case: Case) -> Reply:
    """Take it back."""
    done = await case.services.order_writing.withdraw(case.actor, case.request.value)
    return case.say(writing_changed(done.books, allowed=False, changed=done.changed), replace=True)
