"""The address behind a download link: a file, or in one sentence that the link does nothing."""

import re

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bot.pages.edge import Told, in_words, told_of
from bot.pages.port import Files
from bot.pages.ticket import link_over, ticket_of
from jobs.metrics.export import FileForm
from jobs.metrics.files import PATH

_LOOK = "ask for another one in Slack: /data metric <name> csv."
_KINDS = {FileForm.CSV: "text/csv; charset=utf-8; header=present", FileForm.JSON: "application/json"}
_NOT_PLAIN = re.compile(r"[^a-z0-9]+", re.ASCII)


class MetricFilePages:
    """Hands files over."""

    def __init__(self, files: Files) -> None:
        self._files = files

    def routes(self) -> list[Route]:
        """Return the address."""
        return [Route(PATH, in_words(self._file, _told), methods=["GET"])]

    async def _file(self, request: Request) -> Response:
        ticket = ticket_of(request)
        found = await self._files.file(ticket) if ticket is not None else None
        if found is None:
            return link_over(_LOOK)
        # Names are people's: of the file's name only plain letters and digits are left.
        name = _NOT_PLAIN.sub("-", found.name.casefold()).strip("-")[:60] or "metric"
        headers = {"content-disposition": f'attachment; filename="{name}.{found.form.value}"'}
        return Response(found.content, media_type=_KINDS[found.form], headers=headers)


def _told(error: Exception) -> Told:
    return told_of(error, _LOOK)
