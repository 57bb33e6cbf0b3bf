"""`/data members`: who may do what, and the admins' way to change it."""

import re

from bot.case import Case
from bot.reply import Reply
from jobs.authorize import authorize
from jobs.members import OutsideError
from storage.facts.people import Action, Role
from templates import notices

#: A person as Slack writes them in a command: ``<@U024BE7LH|maya>`` or the bare id.
_PERSON = re.compile(r"<@(?P<id>[UW][A-Z0-9]{2,20})(?:\|[^>]*)?>|(?P<bare>[UW][A-Z0-9]{6,20})", re.ASCII)
#: A user group: ``<!subteam^S0FINTEAM|@finance-team>``.
_GROUP = re.compile(r"<!subteam\^(?P<id>S[A-Z0-9]{2,20})(?:\|@?(?P<handle>[^>|]{1,80}))?>", re.ASCII)
_ROLES = {role.value: role for role in Role}


async def members(case: Case) -> Reply:
    """List the members, or change one."""
    verb, _, rest = case.about.strip().partition(" ")
    match verb.casefold():
        case "":
            who = await case.names()
            listed, groups = await case.services.members.all(case.actor), await case.services.members.groups(case.actor)
            return case.say(notices.member_list(who.organization, listed, groups, who.noun))
        case "grant" | "add":
            return await _grant(case, rest)
        case "revoke" | "remove":
            return await _revoke(case, rest)
        case "group":
            return await _group(case, rest)
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


async def _group(case: Case, words: str) -> Reply:
    """Give the people of a Slack user group a role (`refresher @finance-team`), or none (`none @finance-team`)."""
    named, _, who = words.strip().partition(" ")
    group, taken = _GROUP.fullmatch(who.strip()), named.casefold() == "none"
    role = _ROLES.get(named.casefold())
    if group is None or (role is None and not taken):
        return case.say(notices.group_usage())
    if role is Role.ADMIN:
        return case.say(notices.group_not_admin())
    authorize(case.actor, Action.MANAGE_MEMBERS)
    group_id = group["id"]

    async def agreed() -> Reply:
        try:
            before = await case.services.members.group(case.actor, group_id, role, case.trigger)
        except OutsideError:
            return case.say(notices.no_such_group())
        return case.say(notices.group_changed(group["handle"] or group_id, before, role))

    return Reply(then=agreed, zone=case.zone)


async def _revoke(case: Case, words: str) -> Reply:
    person = _PERSON.fullmatch(words.strip())
    name = (person["id"] or person["bare"]) if person else words.strip().removeprefix("@")
    if not name:
        return case.say(notices.members_usage())
    member = await case.services.members.named(case.actor, name)
    changed = await case.services.members.revoke(case.actor, member.id, case.trigger)
    return case.say(notices.role_revoked(changed.member, changed.connected))
