"""The one decision whether an actor may do something to an object; deny by default."""

from collections.abc import Mapping

from jobs.errors import NotAllowedError, NotFoundError
from storage.facts.people import Action, Actor, Member, Role

#: What a member needs, for everything that members do.
NEEDED: Mapping[Action, Role] = {
    Action.SEE_STATUS: Role.VIEWER,
    Action.SEE_HISTORY: Role.VIEWER,
    Action.CONFIRM_EMAIL: Role.VIEWER,
    Action.SEND_AGAIN: Role.VIEWER,
    Action.SEND_TEST: Role.VIEWER,
    Action.CHOOSE_MESSAGES: Role.VIEWER,
    Action.SHARE_ANSWER: Role.VIEWER,
    Action.START_REFRESH: Role.REFRESHER,
    Action.CANCEL_REFRESH: Role.REFRESHER,
    Action.LOAD_HELD: Role.MANAGER,
    Action.CHANGE_SCHEDULE: Role.MANAGER,
    Action.CHANGE_PROMISE: Role.MANAGER,
    Action.CHANGE_METRICS: Role.MANAGER,
    Action.REREAD: Role.MANAGER,
    Action.RUN_EXCHANGE: Role.MANAGER,
    Action.CHANGE_EXCHANGE: Role.ADMIN,
    Action.ALLOW_ORDERS: Role.ADMIN,
    Action.HANDLE_INCIDENT: Role.MANAGER,
    Action.MUTE_ALARMS: Role.MANAGER,
    Action.ASK_FOR_HELP: Role.VIEWER,
    Action.ASK_FOR_ACCESS: Role.VIEWER,
    Action.SEE_MEMBERS: Role.VIEWER,
    Action.CONNECT: Role.ADMIN,
    Action.DISCONNECT: Role.ADMIN,
    Action.MANAGE_MEMBERS: Role.ADMIN,
    Action.MANAGE_CHANNELS: Role.ADMIN,
    Action.SEE_AUDIT: Role.ADMIN,
    Action.MANAGE_WEBHOOKS: Role.ADMIN,
    Action.MANAGE_API_KEYS: Role.ADMIN,
    Action.MANAGE_DESKTOP: Role.ADMIN,
    Action.CHANGE_ESCALATION: Role.ADMIN,
    Action.NAME_METRICS: Role.ADMIN,
}

#: What only listed support people do, and only to an object that a support post names.
SUPPORT = frozenset(
    {Action.ACKNOWLEDGE_ESCALATION, Action.RETRY_ESCALATED, Action.CANCEL_ESCALATED, Action.DECIDE_ACCESS}
)


def authorize(actor: Actor, action: Action, owner: str | None = None) -> Member:
    """Return the member when they may do that to an object of the organization `owner` (None: their own).

    NotAllowedError names the role that is missing; an object of another organization is NotFoundError.
    """
    needed = NEEDED.get(action)
    member = actor.member
    if needed is None or member is None:
        raise NotAllowedError(action, None)
    if owner is not None and owner != member.organization_id:
        raise NotFoundError
    if not member.role.includes(needed):
        raise NotAllowedError(action, needed)
    return member


def authorize_support(actor: Actor, action: Action, *, named_in_post: bool) -> None:
    """Pass when a listed support person acts on an object that a support post names."""
    if action not in SUPPORT or not actor.support:
        raise NotAllowedError(action, None)
    if not named_in_post:
        raise NotFoundError
