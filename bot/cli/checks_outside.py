"""What `tidings doctor` asks other parties: Slack whether it knows the bot, the mail server whether it takes us."""

import smtplib
import ssl
from collections.abc import Iterator
from functools import partial
from urllib.parse import unquote, urlsplit

from bot.cli.checks import Finding, fail, look, ok, opens
from storage.credentials import open_bot_token
from storage.facts.secret import Secret
from storage.records import organizations
from storage.seal import Seal
from storage.sessions import Database
from storage.settings import Settings

_SMTP_SECONDS = 10
#: Said in the greeting; looking our own name up would ask a name server.
_OURSELVES = "localhost"
_LOOPBACK = {"127.0.0.1", "localhost", "::1"}
#: What the product calls needs these; `users:read.email` is what a mail address needs.
SCOPES = frozenset(
    {"chat:write", "commands", "im:write", "app_mentions:read", "users:read", "users:read.email"}
    | {f"{kind}:{right}" for kind in ("channels", "groups", "im") for right in ("history", "read")}
)


async def about_slack(settings: Settings, database: Database | None, seal: Seal) -> list[Finding]:
    """Whether Slack accepts each bot token, and whether it may do what is needed."""
    found = [await _auth_test(settings, "SLACK_BOT_TOKEN", Secret(settings.slack_bot_token.get_secret_value()))]
    if database is not None:
        with database.read() as session:
            tokens = organizations.bot_tokens(session)
        for team, sealed in tokens.items():
            if sealed is not None and opens(partial(open_bot_token, seal, team, sealed)):
                found.append(await _auth_test(settings, f"workspace {team}", open_bot_token(seal, team, sealed)))
    return found


async def _auth_test(settings: Settings, name: str, token: Secret) -> Finding:
    import aiohttp
    from slack_sdk.errors import SlackApiError
    from slack_sdk.web.async_client import AsyncWebClient

    client = AsyncWebClient(token=token.reveal(), base_url=settings.slack_api_url, timeout=10)
    try:
        answer = await client.auth_test()
    except SlackApiError as error:
        return fail("slack", f"{name}: Slack says {error.response.get('error')}: copy the token again or reinstall")
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        return fail("slack", f"{name}: {settings.slack_api_url} does not answer ({type(error).__name__})")
    granted = {scope.strip() for scope in str(answer.headers.get("x-oauth-scopes", "")).split(",")}
    missing = sorted(SCOPES - granted) if granted != {""} else []
    if missing:
        return look("slack", f"{name}: missing scopes {', '.join(missing)}: add them and install the app again")
    return ok("slack", f"{name}: {answer.get('team')} as {answer.get('user')}")


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
            yield look("mail", f"{parts.hostname} takes us, NOT encrypted: use smtp+starttls:// or smtps://")
        else:
            yield ok("mail", f"{parts.hostname} takes us")


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
