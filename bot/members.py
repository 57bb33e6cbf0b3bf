"""`/data members`: who may do what, and the admins' way to change it."""

import re

from bot.case import Case
from bot.reply import Reply
from jobs.members import OutsideError
from storage.facts.people import Role
from templates import notices

#: A person as Slack writes them in a command: ``<@U024BE7LH|maya>`` or the bare id.
_PERSON = re.compile(r"<@(?P<id>[UW][A-Z0-9]{2,20})(?:\|[^>]*)?>|(?P<bare>[UW][A-Z0-9]{6,20})", re.ASCII)
_ROLES = {role.value: role for role in Role}


async def members(case: Case) -> Reply:
    """List the members, or change one."""
    verb, _, rest = case.about.strip().partition(" ")
    match verb.casefold():
        case "":
            who = await case.names()
            return case.say(notices.member_list(who.organization, await case.services.members.all(case.actor)))
        case "grant" | "add":
            return await _grant(case, rest)
        case "revoke" | "remove":
            return await _revoke(case, rest)
        case _:
            return case.say(notices.members_usage())


async def _grant(case: Case, words: str) -> Reply:
    who, _, named = words.strip().rpartition(" ")
    role, person = _ROLES.get(named.casefold()), _PERSON.fullmatch(who.strip())
    if role is None or person is None:
        return case.say(notices.members_usage())
    user_id = person["id"] or person["bare"]

    async def granted() -> Reply:
        try:
            changed = await case.services.members.grant(case.actor, user_id, role, case.trigger)
        except OutsideError:
            return case.say(notices.not_admissible(who))
        return case.say(notices.role_granted(changed.member, changed.before))

    # Slack is asked who the person is, and the ack does not wait for that.
    return Reply(then=granted, zone=case.zone)


async def _revoke(case: Case, words: str) -> Reply:
    person = _PERSON.fullmatch(words.strip())
    name = (person["id"] or person["bare"]) if person else words.strip().removeprefix("@")
    if not name:
        return case.say(notices.members_usage())
    member = await case.services.members.named(case.actor, name)
    changed = await case.services.members.revoke(case.actor, member.id, case.trigger)
    return case.say(notices.role_revoked(changed.member))
