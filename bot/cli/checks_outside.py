"""What `tidings doctor` asks the mail server: whether it takes us."""

import smtplib
import ssl
from collections.abc import Iterator
from urllib.parse import unquote, urlsplit

from bot.cli.checks import Finding, fail, look, ok
from storage.settings import Settings

_SMTP_SECONDS = 10
#: Said in the greeting; looking our own name up would ask a name server.
_OURSELVES = "localhost"
_LOOPBACK = {"127.0.0.1", "localhost", "::1"}


def about_smtp(settings: Settings) -> Iterator[Finding]:
    """Whether the mail server takes us; no mail is sent."""
    url = settings.smtp_url.get_secret_value()
    if not url:
        yield look("mail", "SMTP_URL is empty: nobody is told by mail, and every message says so")
        return
    parts = urlsplit(url)
    try:
        _greet(parts.scheme, parts.hostname or "", parts.port, parts.username, parts.password)
    except smtplib.SMTPAuthenticationError:
        yield fail("mail", f"{parts.hostname} refuses user and password of SMTP_URL")
    except (smtplib.SMTPException, OSError) as error:
        yield fail("mail", f"{parts.hostname}:{parts.port} cannot be used ({type(error).__name__}): check SMTP_URL")
    else:
        if parts.scheme == "smtp" and parts.hostname not in _LOOPBACK:
            yield look("mail", f"{parts.hostname} takes our mail, NOT encrypted: use smtp+starttls:// or smtps://")
        else:
            yield ok("mail", f"{parts.hostname} takes our mail")


def _greet(scheme: str, host: str, port: int | None, user: str | None, password: str | None) -> None:
    context = ssl.create_default_context()
    if scheme == "smtps":
        with smtplib.SMTP_SSL(
            host, port or 465, local_hostname=_OURSELVES, timeout=_SMTP_SECONDS, context=context
        ) as server:
            _log_in(server, user, password)
        return
    starttls = scheme == "smtp+starttls"
    with smtplib.SMTP(
        host, port or (587 if starttls else 25), local_hostname=_OURSELVES, timeout=_SMTP_SECONDS
    ) as server:
        server.ehlo()
        if starttls:
            server.starttls(context=context)
            server.ehlo()
        _log_in(server, user, password)


def _log_in(server: smtplib.SMTP, user: str | None, password: str | None) -> None:
    if user:
        server.login(unquote(user), unquote(password or ""))
    server.noop()
