"""The one place where errors become words; the unexpected is logged under the reference that the person gets."""

from collections.abc import Awaitable, Callable

import structlog

from bot import values
from bot.directory import Directory, Names
from bot.interaction import Interaction
from bot.reply import Reply, Where
from bot.show import ack_body
from jobs.errors import NoAccessError, NoRoomError, NotAllowedError, RequestError, TooLateError, UnavailableError
from storage.facts.ids import new_id
from storage.facts.messages import Message
from storage.facts.people import Actor
from templates import notices

log = structlog.get_logger("bot.edge")


async def in_words(
    work: Callable[[], Awaitable[Reply]], request: Interaction, actor: Actor | None, directory: Directory
) -> Reply:
    """Return the reply of the work, or the words for what went wrong with it."""
    try:
        return await work()
    except RequestError as error:
        return _told(request, await _refused(error, request, actor, directory))
    except Exception:
        reference = new_id("err")
        log.exception("interaction_failed", reference=reference, team=request.team_id, kind=request.kind)
        return _told(request, notices.failure(reference))


async def _refused(error: RequestError, request: Interaction, actor: Actor | None, directory: Directory) -> Message:
    """Return the words for a request that had no effect."""
    match error:
        case NoRoomError():
            log.error("no_room_to_write", team=request.team_id, kind=request.kind)
            return notices.no_room()
        case UnavailableError():
            log.warning("commit_missed_its_time", team=request.team_id, kind=request.kind)
            return notices.try_again()
        case TooLateError():
            return notices.too_late(str(error))
        case NoAccessError():
            log.info("no_access", team=request.team_id, user=request.identity.user_id)
            return notices.no_access(error.standing, value=values.pack(values.new_card(), error.scope))
        case NotAllowedError():
            log.info("denied", team=request.team_id, user=request.identity.user_id, action=error.action)
            return await _denied(error, actor, directory)
        case _:
            return notices.not_found()


def said_in_ack(reply: Reply, request: Interaction) -> str | None:
    """Return what the ack says by itself; words that cannot be shown become a reference, as any error does."""
    try:
        return ack_body(reply, request)
    except Exception:
        reference = new_id("err")
        log.exception("reply_not_rendered", reference=reference, team=request.team_id, kind=request.kind)
        return ack_body(Reply(notices.failure(reference)), request)


async def _denied(error: NotAllowedError, actor: Actor | None, directory: Directory) -> Message:
    member = actor.member if actor else None
    if member is None:
        return notices.not_a_member()
    try:
        names = await directory.names(member.organization_id)
    except UnavailableError:
        names = Names("", ())
    if error.needed is None:
        # A member without a named role that would do: an action of support people.
        return notices.not_found()
    return notices.not_allowed(error.action, error.needed, error.admins or names.admins, names.noun)


def _told(request: Interaction, message: Message) -> Reply:
    return Reply(message, Where.HOME if request.kind == "home" else Where.ANSWER)
