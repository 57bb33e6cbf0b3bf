"""What `tidings doctor` asks Slack: each workspace's token, its scopes against the manifest, and the channels."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from bot.cli.checks import Finding, fail, look, ok
from connectors.backoff import http_date
from connectors.errors import Broken
from jobs.bot_tokens import BotTokens
from jobs.installs.tokens import InstallTokens
from jobs.manifest import LOST, granted, manifest
from jobs.rooms import Room, room_from
from storage.facts.clock import SystemClock
from storage.facts.installations import Serving
from storage.facts.secret import Secret
from storage.records import installations, organizations, seeds, workspaces
from storage.seal import Seal
from storage.sessions import Database, Session
from storage.settings import Settings

if TYPE_CHECKING:
    from slack_sdk.web.async_client import AsyncWebClient

_SUBJECT = "slack"
_CHANNEL = "channel"
_SECONDS = 10
#: minutes by which our clock may be ahead before Slack's requests are too old for the guard
_MOST_AHEAD = 5
_INVITE = "type /invite @Tidings in it"


@dataclass(frozen=True, slots=True)
class _Place:
    """A channel in which something is to be said."""

    team_id: str
    channel_id: str
    #: "allowed channel" or "SUPPORT_CHANNEL"
    what: str
    #: whether it belongs to the operator, who may share it
    support: bool


class _RefusedError(Exception):
    """Slack said no, or nothing; the text is its word for it."""


async def about_slack(settings: Settings, database: Database | None, seal: Seal) -> list[Finding]:
    """Whether Slack accepts each token, whether it may do what is needed, and whether it reaches each channel."""
    ask = _asking(settings)
    found: list[Finding] = []
    default = Secret(settings.slack_bot_token.get_secret_value())
    if default:
        found.append(await _token(ask, "SLACK_BOT_TOKEN", default, "copy the token again or reinstall"))
    if database is None:
        return found
    tokens = _tokens(settings, database, seal, default)
    with database.read() as session:
        serving = [each for team in workspaces.open_teams(session) if (each := installations.serving(session, team))]
        places = _places(session, settings)
        left = workspaces.closed(session)
    again = f"install it again at {settings.public_url.rstrip('/')}/slack/install"
    found += [await _workspace(ask, again, tokens, each) for each in serving]
    found += [look(_SUBJECT, f"workspace {each.team_id} ({each.name}): Tidings was removed: {again}") for each in left]
    found += [await _channel(ask, tokens, place) for place in places]
    return found


Ask = Callable[..., Any]


def _asking(settings: Settings) -> Ask:
    from slack_sdk.web.async_client import AsyncWebClient

    def client(token: Secret) -> "AsyncWebClient":
        return AsyncWebClient(token=token.reveal(), base_url=settings.slack_api_url, timeout=_SECONDS)

    async def ask(token: Secret, method: str, **arguments: str) -> Any:
        import aiohttp
        from slack_sdk.errors import SlackApiError

        try:
            return await client(token).api_call(method, params=arguments)
        except SlackApiError as error:
            raise _RefusedError(f"Slack says {error.response.get('error')}") from None
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise _RefusedError(f"{settings.slack_api_url} does not answer ({type(error).__name__})") from None

    return ask


def _tokens(settings: Settings, database: Database, seal: Seal, default: Secret) -> BotTokens:
    from connectors.slack_signin import SlackApp

    clock = SystemClock()
    secret = Secret(settings.slack_client_secret.get_secret_value())
    app = SlackApp(settings.slack_client_id, secret, settings.slack_api_url)
    # The real path: a token whose time is over is renewed by it.
    usable = InstallTokens(database, clock, seal, app).usable
    return BotTokens(database, clock, seal, default, usable=usable)


async def _workspace(ask: Ask, again: str, tokens: BotTokens, serving: Serving) -> Finding:
    name = f"workspace {serving.team_id}"
    found = serving.installation
    cure = "copy the token again or reinstall"
    if found is not None:
        name = f"workspace {serving.team_id} ({found.name})"
        cure = again
    try:
        token = await tokens.token(serving.team_id)
    except Broken as error:
        return fail(_SUBJECT, f"{name}: {error.detail}; or {cure}")
    if token is None:
        return fail(_SUBJECT, f"{name}: no token is stored: {cure}")
    return await _token(ask, name, token, cure, team_id=serving.team_id)


async def _token(ask: Ask, name: str, token: Secret, cure: str, *, team_id: str = "") -> Finding:
    try:
        answer = await ask(token, "auth.test", **({"team_id": team_id} if team_id else {}))
    except _RefusedError as refusal:
        return fail(_SUBJECT, f"{name}: {refusal}: {cure}")
    if team_id and answer.get("team_id") != team_id:
        return fail(_SUBJECT, f"{name}: the token is of another workspace ({answer.get('team_id')}): {cure}")
    if wrong := clock_words(str(answer.headers.get("date", "")), SystemClock().now()):
        return fail(_SUBJECT, f"{name}: {wrong}")
    said = str(answer.headers.get("x-oauth-scopes", ""))
    missing = manifest().missing(granted(said)) if said else ()
    if missing:
        lost = "; ".join(dict.fromkeys(LOST[scope] for scope in missing))
        return look(
            _SUBJECT,
            f"{name}: missing scopes {', '.join(missing)}, so this does not work: {lost}. Add them to the app as in "
            f"manifest.yaml, then {cure}",
        )
    return ok(_SUBJECT, f"{name}: {answer.get('team')} as {answer.get('user')}, with every scope")


def clock_words(said: str, now: datetime) -> str:
    """Return what is wrong with this machine's clock, by the time that Slack's answer says; empty: nothing."""
    at = http_date(said)
    minutes = int((now - at).total_seconds() / 60) if at is not None else 0
    if not minutes:
        return ""
    apart = f"{abs(minutes)} min {'ahead of' if minutes > 0 else 'behind'} Slack's"
    # As the guard has it: a minute in the one direction, five in the other.
    soon = 0 < minutes < _MOST_AHEAD
    refused = f"from {_MOST_AHEAD} min on Slack's requests are" if soon else "so that Slack's requests are"
    return f"this machine's clock is {apart}, {refused} refused: set it by a time service"


def _places(session: Session, settings: Settings) -> list[_Place]:
    found: dict[tuple[str, str], _Place] = {}
    for organization in seeds.organizations(session):
        for team_id, channel_id in organizations.allowed_channels(session, organization.id):
            what = f"allowed channel {channel_id} of {organization.name}"
            found[team_id, channel_id] = _Place(team_id, channel_id, what, support=False)
        if organization.support_channel:
            _add_support(found, organization.support_channel, f"support channel of {organization.name}")
    if settings.support_channel:
        _add_support(found, settings.support_channel, "SUPPORT_CHANNEL")
    return list(found.values())


def _add_support(found: dict[tuple[str, str], _Place], text: str, what: str) -> None:
    team_id, _, channel_id = text.partition("/")
    found[team_id, channel_id] = _Place(team_id, channel_id, f"{what} {text}", support=True)


async def _channel(ask: Ask, tokens: BotTokens, place: _Place) -> Finding:
    try:
        token = await tokens.token(place.team_id)
    except Broken as error:
        return fail(_CHANNEL, f"{place.what}: {error.detail}")
    if token is None:
        return fail(_CHANNEL, f"{place.what}: Tidings is not installed in {place.team_id}: install it there")
    try:
        answer = await ask(token, "conversations.info", channel=place.channel_id, team_id=place.team_id)
    except _RefusedError as refusal:
        return fail(_CHANNEL, f"{place.what}: {refusal}: {_INVITE}, or choose another channel")
    return _room(place, room_from(answer.get("channel") or {}))


def _room(place: _Place, room: Room) -> Finding:
    if room.archived:
        return fail(_CHANNEL, f"{place.what} (#{room.name}) is archived: choose another one")
    if not room.joined:
        return fail(_CHANNEL, f"{place.what} (#{room.name}): Tidings is not in it: {_INVITE}")
    if room.shared and not place.support:
        cure = "an admin takes it back there with /data channel deny"
        return look(
            _CHANNEL, f"{place.what} (#{room.name}) is shared with another company: nothing is said there; {cure}"
        )
    if room.shared:
        return look(_CHANNEL, f"{place.what} (#{room.name}) is shared with another company, which reads along")
    return ok(_CHANNEL, f"{place.what} (#{room.name}): Tidings is in it")
