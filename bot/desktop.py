"""`/data exchange desktop`: which QuickBooks Desktop takes orders, for admins."""

import re
from collections.abc import Awaitable, Callable

from bot.case import Case
from bot.reply import Reply
from jobs.errors import NotFoundError, TooLateError
from jobs.exchange.desktop.registering import Handed
from storage.facts.messages import Message
from templates.notices import desktop as words

_WORDS = re.compile(r"desktop(?: (?P<rest>.*))?", re.IGNORECASE | re.DOTALL)
_NEW = re.compile(r"new(?: (?P<account>[0-9a-z_-]{1,64}))?", re.ASCII)
_ONE = re.compile(r"(?P<id>qbd_[0-9a-z]{1,40}) (?P<verb>password|file|company|remove)", re.ASCII)


def about_desktop(said: str) -> str | None:
    """Return what stands behind the word `desktop`; None for words that are about something else."""
    found = _WORDS.fullmatch(" ".join(said.split()))
    return (found["rest"] or "").casefold() if found is not None else None


async def desktop(case: Case, said: str) -> Reply:
    """Show the registrations, make one, or do with one what the words say."""
    service = case.services.desktops
    one = _ONE.fullmatch(said)
    try:
        if not said:
            every = await service.all(case.actor)
            known = [(found.connector, found.waiting) for found in every]
            accounts = {found.connector.id: found.account for found in every}
            return case.say(words.desktops(known, case.now, accounts))
        if new := _NEW.fullmatch(said):
            return case.say(_made(await service.new(case.actor, case.trigger, new["account"] or "")))
        if one is not None:
            return await _with(case, one["id"], one["verb"])
    except TooLateError as error:
        return case.say(words.desktop_refused(str(error)))
    except NotFoundError:
        return case.say(words.desktop_refused("there is no such QuickBooks Desktop"))
    await service.all(case.actor)
    return case.say(words.desktop_usage(said))


async def _with(case: Case, registration_id: str, verb: str) -> Reply:
    service, actor, trigger = case.services.desktops, case.actor, case.trigger

    async def password() -> Reply:
        return case.say(_made(await service.renew(actor, registration_id, trigger), renewed=True))

    async def file() -> Reply:
        found = await service.link(actor, registration_id)
        return case.say(words.desktop_file(found.connector, found.url, found.until))

    async def company() -> Reply:
        return case.say(words.desktop_company(await service.agree(actor, registration_id, trigger)))

    async def remove() -> Reply:
        return case.say(words.desktop_removed(await service.withdraw(actor, registration_id, trigger)))

    done: dict[str, Callable[[], Awaitable[Reply]]] = {
        "password": password, "file": file, "company": company, "remove": remove,
    }  # fmt: skip
    return await done[verb]()


def _made(handed: Handed, *, renewed: bool = False) -> Message:
    assert handed.password is not None
    shown = handed.password.reveal()
    return words.desktop_made(
        handed.connector, shown, handed.url, handed.until, renewed=renewed, account=handed.account
    )
