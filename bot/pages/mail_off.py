"""The page behind the link in a mail that turns off such mails: looking changes nothing, the button does.

Mail programs press the button themselves (RFC 8058), without a page and without a cookie. The link is all they have, so
the link alone has to say who and what: it is signed, and does one thing to one person.
"""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bot.pages.draw import PLAIN_FOOTER, page, said
from bot.pages.edge import Told, in_words, told_of
from bot.pages.port import MailOffs
from jobs.subscriptions.links import PATH
from jobs.subscriptions.mail_off import Standing
from templates.notices.mail_off import topic_words

#: No link of ours is longer.
_MOST = 200
_LOOK = "look in Slack with /data notify what you are told."


class MailOffPages:
    """Draws the page and hands the press on."""

    def __init__(self, offs: MailOffs) -> None:
        self._offs = offs

    def routes(self) -> list[Route]:
        """Return the addresses."""
        return [
            Route(PATH, in_words(self._look, _told), methods=["GET"]),
            Route(PATH, in_words(self._stop, _told), methods=["POST"]),
        ]

    async def _look(self, request: Request) -> Response:
        ticket = _ticket(request)
        found = await self._offs.look(ticket)
        if found is None:
            return _gone()
        if found.standing is Standing.DONE:
            return said(
                "This link was used before",
                f"It turned off mail when {topic_words(found.topic)}. It does nothing a second time.",
                step=_LOOK,
            )
        return page("mail_off", when=topic_words(found.topic), ticket=ticket, path=PATH, footer=PLAIN_FOOTER)

    async def _stop(self, request: Request) -> Response:
        # What stands in the body is not read: a mail program's says nothing that the address does not.
        found = await self._offs.stop(_ticket(request))
        if found is None:
            return _gone()
        return said(
            f"No more mail when {topic_words(found.topic)}",
            "Slack messages come as before, and so does other mail. A note in Slack says how to turn it on again.",
            step=_LOOK,
        )


def _ticket(request: Request) -> str:
    tickets = request.query_params.getlist("ticket") if len(request.url.query) <= _MOST else []
    return tickets[0] if len(tickets) == 1 else ""


def _gone() -> Response:
    return said(
        "This link does nothing",
        "It is older than 60 days, was cut on its way, or is not for anybody here any more. Nothing was changed.",
        step=_LOOK,
        status=410,
    )


def _told(error: Exception) -> Told:
    return told_of(error, _LOOK)
