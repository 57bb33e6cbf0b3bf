"""When a connection does not work: the ladder of what to try, the test, and the ticket."""

from bot.case import Case
from bot.reply import Reply
from storage.facts.people import Role
from templates import notices


async def ladder(case: Case) -> Reply:
    """Show what to try."""
    source = await case.services.help.source(case.actor, case.request.value)
    who = await case.names()
    may = case.member.role.includes(Role.ADMIN)
    return case.say(notices.connection_help(who.organization, source, may_reconnect=may, admins=who.admins))


async def test(case: Case) -> Reply:
    """Ask the provider, behind the ack."""
    source = await case.services.help.source(case.actor, case.request.value)

    async def tested() -> Reply:
        error = await case.services.help.test(case.actor, source.id)
        return case.say(notices.connection_tested(source, error.detail if error else None, case.now))

    return Reply(then=tested, zone=case.zone)


async def ticket(case: Case) -> Reply:
    """Open a ticket with support."""
    return case.say(
        notices.ticket_opened(await case.services.help.ticket(case.actor, case.request.value, case.trigger))
    )
