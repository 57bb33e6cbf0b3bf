"""Who may do what: the list, and what a change came to."""

from collections.abc import Sequence

from storage.facts.messages import Code, Inline, Message, Note, Paragraph, Part, Person, Strong, Table
from storage.facts.people import GroupRole, Member, Role
from storage.facts.sources import Source
from templates.notices.answers import say
from templates.text import counted, label, listed, shorten
from templates.words import ROLES, source_name

_MAY = {
    Role.VIEWER: "sees status and history",
    Role.REFRESHER: "starts and cancels refreshes",
    Role.MANAGER: "manages {metrics} and exchanges",
    Role.ADMIN: "connects accounts, changes roles and settings",
}
_MOST = 60


def member_list(
    organization: str, members: Sequence[Member], groups: Sequence[GroupRole] = (), noun: str = "Metric"
) -> Message:
    """Return who may do what, and how an admin changes it."""
    may = {role: words.format(metrics=f"{noun.lower()}s") for role, words in _MAY.items()}
    rows = tuple(
        ((Person(label(member.name), member.team_id, member.user_id),), (ROLES[member.role],), (may[member.role],))
        for member in members[:_MOST]
    )
    more = len(members) - _MOST
    caption = f"Members of {label(organization)}" + (f" (the first {_MOST} of {len(members)})" if more > 0 else "")
    change = (
        "Admins change roles: ",
        Code("/data members grant @person refresher"),
        " or ",
        Code("/data members revoke @person"),
        ". Roles: viewer, refresher, manager, admin.",
    )
    summary = f"{label(organization)} has {counted(len(members), 'member')} in Tidings."
    return Message(
        summary,
        (
            Paragraph((Strong(summary),)),
            Table(caption, ("Person", "Role", "May"), rows),
            *_groups(groups),
            Note(change),
        ),
        kind="members",
    )


def _groups(groups: Sequence[GroupRole]) -> tuple[Part, ...]:
    """Return who has a role by a Slack user group; named by its id, since a mention would call its people."""
    if not groups:
        return ()
    words: list[Inline] = ["By user group: "]
    for number, each in enumerate(groups):
        words += [", " if number else "", Code(each.group_id), f" gives {ROLES[each.role]}"]
    return (Note((*words, ".")),)


def role_granted(member: Member, before: Role | None) -> Message:
    """Return the answer to a role that was given."""
    name, role = label(member.name), ROLES[member.role]
    if before is member.role:
        return say(f"{name} was {role} already. Nothing was changed.", kind="members")
    was = f" (was {ROLES[before]})" if before else ""
    return say(f"{name} is {role} now{was}: {_MAY[member.role]}.", kind="members")


def role_revoked(member: Member, connected: Sequence[Source] = ()) -> Message:
    """Return the answer to a role that was taken away; what they had connected needs somebody else's name."""
    summary = f"{label(member.name)} has no role in Tidings any more. What they did stays in the audit."
    if not connected:
        return say(summary)
    names, words = _take_over(connected)
    return say(f"{summary} They connected {names}: please take it over.", (summary,), words)


def owner_left(member: Member, connected: Sequence[Source]) -> Message:
    """Return what admins are told of somebody who left Slack, or is a guest there now, and had connected sources."""
    summary = f"{label(member.name)} is no full member of your Slack workspace any more."
    if not connected:
        return say(f"{summary} What they had connected was taken over meanwhile.", kind="members")
    names, words = _take_over(connected)
    role: Inline = "Their role in Tidings stays until an admin takes it away: "
    taken = Code(f"/data members revoke {label(member.name)}")
    told = f"{summary} They connected {names}: please take it over."
    return say(told, (Strong(summary),), words, (role, taken, "."), kind="members")


def _take_over(connected: Sequence[Source]) -> tuple[str, tuple[Inline, ...]]:
    """Return the names of sources, and how somebody else puts them into their own name."""
    names = listed([source_name(source) for source in connected])
    words: list[Inline] = [f"They connected {names}. This stays connected for the organization; to take it over: "]
    for number, source in enumerate(connected):
        words += [", " if number else "", Code(f"/data reconnect {label(source.label)}")]
    return names, (*words, ".")


def not_admissible(words: str) -> Message:
    """Return the answer for somebody who cannot be a member."""
    who = shorten(label(words), 80)
    return say(
        f"{who} cannot have a role here: only full members of this workspace can, no guests, bots or people of other "
        "workspaces. Nothing was changed.",
        kind="members",
    )


def group_changed(handle: str, before: Role | None, role: Role | None) -> Message:
    """Return the answer to a user group whose people have another role now."""
    name = shorten(label(handle), 60)
    if before is role:
        has = f"gave {ROLES[role]} already" if role else "gave no role"
        return say(f"The user group {name} {has}. Nothing was changed.", kind="members")
    if role is None:
        return say(
            f"The user group {name} gives no role any more. Roles that people have themselves stay.", kind="members"
        )
    return say(
        f"People in the user group {name} are {ROLES[role]} now: each {_MAY[role]}. Whoever leaves the group loses "
        "that within a minute, and whoever has a higher role keeps it.",
        kind="members",
    )


def group_not_admin() -> Message:
    """Return the answer to a group that was to make admins."""
    return say(
        "A user group cannot make admins: whoever may change the group in Slack could make themselves one. Nothing was "
        "changed. Name admins one by one with /data members grant @person admin.",
        kind="members",
    )


def no_such_group() -> Message:
    """Return the answer to a group that Slack does not show."""
    return say(
        "Slack shows Tidings no such user group in this workspace, or did not answer. Nothing was changed.",
        kind="members",
    )


def group_usage() -> Message:
    """Return how the command is written."""
    return say(
        "Write it as /data members group refresher @group, or /data members group none @group.",
        (
            "Write it as ",
            Code("/data members group refresher @group"),
            " or ",
            Code("/data members group none @group"),
            ". Roles: viewer, refresher, manager.",
        ),
        kind="members",
    )


def members_usage() -> Message:
    """Return how the command is written."""
    return say(
        "Write it as /data members grant @person refresher, or /data members revoke @person.",
        (
            "Write it as ",
            Code("/data members grant @person refresher"),
            " or ",
            Code("/data members revoke @person"),
            ". Roles: viewer, refresher, manager, admin.",
        ),
        kind="members",
    )
