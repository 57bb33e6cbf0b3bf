"""Links that hand a file over for a quarter of an hour: what stands in one, and what one says that is over."""

from starlette.requests import Request
from starlette.responses import Response

from bot.pages.draw import said

#: No link of ours is longer.
_MOST = 300


def ticket_of(request: Request) -> str | None:
    """Return the one ticket of a link; None for a link that is none of ours."""
    tickets = request.query_params.getlist("ticket") if len(request.url.query) <= _MOST else []
    return tickets[0] if len(tickets) == 1 else None


def link_over(step: str) -> Response:
    """Say that a link does nothing, and how one gets another."""
    return said(
        "This link does nothing",
        "It is older than 15 minutes, was cut on its way, or is not for anybody here any more.",
        step=step,
        status=410,
    )
