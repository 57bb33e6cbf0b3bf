"""`tidings manifest`: the Slack app's manifest for one installation of Tidings; needs no other setting."""

from urllib.parse import urlsplit

from bot.cli.say import line, stop
from jobs.manifest import text_for


def run(public_url: str, *, socket_mode: bool) -> None:
    """Print it."""
    parts = urlsplit(public_url)
    if (
        parts.scheme != "https"
        or not parts.hostname
        or parts.query
        or parts.fragment
        or public_url.split() != [public_url]
    ):
        stop("Slack reaches only https addresses, such as https://tidings.your-company.example")
    line(text_for(public_url, socket_mode=socket_mode).rstrip())
