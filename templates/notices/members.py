"""Who may do what: the list, and what a change came to."""

from collections.abc import Sequence

from storage.facts.messages import Code, Message, Note, Paragraph, Person, Strong, Table
from storage.facts.people import Member, Role
from templates.notices.answers import say
from templates.text import counted, label, shorten
from templates.words import ROLES

_MAY = {
    Role.VIEWER: "sees status and history",
    Role.REFRESHER: "starts and cancels refreshes",
    Role.MANAGER: "manages metrics and exchanges",
    Role.ADMIN: "connects accounts, changes roles and settings",
}
_MOST = 60


def member_list(organization: str, members: Sequence[Member]) -> Message:
    """Return who may do what, and how an admin changes it."""
    rows = tuple(
        ((Person(label(member.name), member.team_id, member.user_id),), (ROLES[member.role],), (_MAY[member.role],))
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
        (Paragraph((Strong(summary),)), Table(caption, ("Person", "Role", "May"), rows), Note(change)),
        kind="members",
    )


def role_granted(member: Member, before: Role | None) -> Message:
    """Return the answer to a role that was given."""
    name, role = label(member.name), ROLES[member.role]
    if before is member.role:
        return say(f"{name} was {role} already. Nothing was changed.", kind="members")
    was = f" (was {ROLES[before]})" if before else ""
    return say(f"{name} is {role} now{was}: {_MAY[member.role]}.", kind="members")


def role_revoked(member: Member) -> Message:
    """Return the answer to a role that was taken away."""
    return say(f"{label(member.name)} has no role in Tidings any more. What they did stays in the audit.")


def not_admissible(words: str) -> Message:
    """Return the answer for somebody who cannot be a member."""
    who = shorten(label(words), 80)
    return say(
        f"{who} cannot have a role here: only full members of this workspace can, no guests, bots or people of other "
        "workspaces. Nothing was changed.",
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
