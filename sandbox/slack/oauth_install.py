"""Installing the app by OAuth v2: the page, the exchange, tokens that rotate, and leaving."""

from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from sandbox.consent import Card, Sheet, asks_a_person, draw, sorry
from sandbox.slack.core import Core
from sandbox.slack.errors import Json, Refusal
from sandbox.slack.oauth import Asked, Code
from sandbox.slack.oauth_keys import check_client
from sandbox.slack.world import SCOPES, Installation, Person
from storage.facts.secret import Secret

_HOUSE, _BRAND = "Slack", "slack"
_PAGE = "/oauth/v2/authorize"
_WORDS = {
    "chat:write": "send messages as @Tidings",
    "commands": "add slash commands",
    "im:write": "start direct messages with people",
    "im:history": "read its direct messages",
    "channels:history": "read messages in public channels it was added to",
    "groups:history": "read messages in private channels it was added to",
    "channels:read": "see which public channels there are",
    "groups:read": "see which private channels it was added to",
    "im:read": "see its direct messages",
    "users:read": "see the people of the workspace",
    "users:read.email": "see people's e-mail addresses",
    "app_mentions:read": "read messages that mention it",
    "usergroups:read": "see user groups and who is in them",
}


def install_routes(core: Core) -> list[Route]:
    """Return the routes of the page."""
    page = _Page(core)
    return [Route(_PAGE, page.authorize, methods=["GET"]), Route(_PAGE, page.answered, methods=["POST"])]


class _Page:
    def __init__(self, core: Core) -> None:
        self._core = core

    async def authorize(self, request: Request) -> Response:
        query, oauth = request.query_params, self._core.oauth
        back, scopes = query.get("redirect_uri", ""), tuple(filter(None, query.get("scope", "").split(",")))
        problems = {
            "invalid_client_id": query.get("client_id") != self._core.world.app.client_id,
            "bad_redirect_uri": not oauth.takes(back),
            "no_scopes": not scopes and not query.get("user_scope"),
        }
        if wrong := next((name for name, is_wrong in problems.items() if is_wrong), ""):
            oauth.note("refused", query.get("team", ""), "", wrong)
            return sorry(_HOUSE, _BRAND, "Oops", "Something about this install link is not in order.", code=wrong)
        asked = Asked(back, query.get("state", ""), scopes=scopes)
        hint = query.get("team", "")
        if not asks_a_person(request, oauth.asking):
            return self._go(asked, (oauth.installs or hint or self._places()[0]) if oauth.consents else "")
        oauth.note("asked", hint, "", "install")
        return draw(self._sheet(asked, hint))

    def _places(self) -> list[str]:
        world = self._core.world
        return [*(team for team in world.teams if admin_of(self._core, team)), *world.enterprises]

    def _sheet(self, asked: Asked, hint: str) -> Sheet:
        world = self._core.world
        allows = [_WORDS.get(scope, scope) for scope in asked.scopes if scope not in self._core.oauth.withheld]
        return Sheet(
            _HOUSE, _BRAND, f"Install {world.app.name}", f"{world.app.name} asks for access to a workspace.", _PAGE,
            self._core.oauth.asks.open(asked), asked.back, question="Where?",
            cards=tuple(self._card(place) for place in self._places()),
            chosen=hint, allows=tuple(allows), yes="Allow",
        )  # fmt: skip

    def _card(self, place: str) -> Card:
        world, admin = self._core.world, admin_of(self._core, place)
        by = f"as {admin.real_name}" if admin else ""
        here = [each for each in installed(self._core, place) if not each.revoked]
        mark = "installed already" if here else ""
        if place in world.enterprises:
            teams = ", ".join(team.name for team in world.teams.values() if team.enterprise == place)
            return Card(place, f"{world.enterprises[place]}, the whole organization", f"{teams} · {by}", mark)
        return Card(place, world.teams[place].name, by, mark)

    async def answered(self, request: Request) -> Response:
        form = {key: str(value) for key, value in (await request.form()).items()}
        asked = self._core.oauth.asks.take(form.get("ask", ""))
        place = form.get("choice", "") if form.get("decision") == "yes" else ""
        if asked is None or (place and place not in self._places()):
            return sorry(_HOUSE, _BRAND, "Please begin again", "This page was answered already, or it is too old.")
        return self._go(asked, place)

    def _go(self, asked: Asked, place: str) -> Response:
        oauth, admin = self._core.oauth, admin_of(self._core, place)
        query = {"error": "access_denied", "state": asked.state}
        if place and admin:
            query = {"code": oauth.code("install", place, admin.id, asked), "state": asked.state}
            oauth.note("installed", place, admin.id, ",".join(asked.scopes))
        else:
            oauth.note("declined", place, "", "install")
        return RedirectResponse(f"{asked.back}{'&' if '?' in asked.back else '?'}{urlencode(query)}", 302)


def oauth_access(core: Core, args: Json) -> Json:
    """Give tokens for a code, or new ones for a refresh token (`oauth.v2.access`); both work once."""
    check_client(core, args)
    if args.get("grant_type", "authorization_code") == "refresh_token":
        given = str(args.get("refresh_token", ""))
        place = core.oauth.refreshes.pop(given, None)
        found = installed(core, place) if place else []
        if place is None or not found or found[0].revoked:
            raise Refusal("invalid_refresh_token")
        rotate(core, found)
        core.oauth.note("renewed", place, found[0].bot_user)
        return _answer(core, found[0], "")
    code = core.oauth.take("install", args)
    found = _install(core, code)
    core.oauth.note("exchanged", code.where, code.user, "install")
    return _answer(core, found[0], code.user)


def oauth_exchange(core: Core, args: Json) -> Json:
    """Turn a token that lives for ever into one that rotates (`oauth.v2.exchange`); there is no way back."""
    check_client(core, args)
    given = str(args.get("token", ""))
    found = [app for app in core.world.app.installations.values() if app.token.reveal() == given and not app.revoked]
    if not found:
        raise Refusal("invalid_token")
    if not core.oauth.rotation:
        raise Refusal("token_rotation_not_enabled")
    if found[0].expires_at is not None:
        raise Refusal("token_already_exchanged")
    rotate(core, found)
    return _answer(core, found[0], "")


def revoke_own(core: Core, app: Installation, _: Json) -> Json:
    """Take the calling token back (`auth.revoke`)."""
    for each in installed(core, app.enterprise or app.team):
        each.revoked = True
    core.oauth.note("uninstalled", app.enterprise or app.team, app.bot_user, "auth.revoke")
    return {"revoked": True}


def uninstall_own(core: Core, app: Installation, args: Json) -> Json:
    """Let the app leave by itself (`apps.uninstall`)."""
    check_client(core, args)
    revoke_own(core, app, args)
    return {}


def installed(core: Core, place: str) -> list[Installation]:
    """Return the installation of a team, or all those of an enterprise."""
    found = core.world.app.installations.values()
    return [each for each in found if place in {each.team, each.enterprise}]


def admin_of(core: Core, place: str) -> Person | None:
    """Return who installs apps in a team or an enterprise; None where nobody may."""
    teams = core.world.teams
    people = (each for each in core.world.people.values() if each.is_admin and not each.deleted)
    return next((each for each in people if place in {each.team, teams[each.team].enterprise}), None)


def rotate(core: Core, found: list[Installation]) -> None:
    """Give an installation a new pair; the access token of before works until its own end."""
    now, first = core.clock.now(), found[0]
    token, refresh = Secret(core.oauth.opaque("xoxe.xoxb-1-")), core.oauth.opaque("xoxe-1-")
    core.oauth.refreshes[refresh] = first.enterprise or first.team
    for each in found:
        if each.expires_at is not None:
            each.former[each.token.reveal()] = each.expires_at
        each.token, each.refresh, each.expires_at = token, Secret(refresh), now + core.oauth.token_lifetime


def _install(core: Core, code: Code) -> list[Installation]:
    """Put the app into a team, or into every team of an enterprise under one token."""
    world = core.world
    whole = code.where in world.enterprises
    teams = [team.id for team in world.teams.values() if code.where == (team.enterprise if whole else team.id)]
    given = frozenset(code.asked.scopes or SCOPES) - core.oauth.withheld
    token = Secret(core.oauth.opaque("xoxb-sandbox-"))
    found = []
    for team in teams:
        known = world.app.installations.get(team)
        if known is None:
            known = _bot_joins(core, team, token)
        elif known.revoked:
            known.token, known.scopes, known.expires_at, known.former = token, frozenset(), None, {}
        known.revoked, known.enterprise = False, code.where if whole else None
        # Scopes only ever add up while the app stays installed.
        known.scopes |= given
        found.append(known)
    for each in found[1:]:
        each.token = found[0].token
    if core.oauth.rotation:
        rotate(core, found)
    return found


def _bot_joins(core: Core, team: str, token: Secret) -> Installation:
    """Make the bot user of a team and its direct messages."""
    world, mark = core.world, team.removeprefix("T0")[:6]
    bot = Person(f"U0TID{mark}", team, "tidings", world.app.name, bot_id=f"B0TID{mark}")
    world.people[bot.id] = bot
    app = Installation(team, bot.id, str(bot.bot_id), token, frozenset())
    world.app.installations[team] = app
    for person in world.of_team(team):
        if not person.bot_id:
            world.direct(person.id)
    return app


def _answer(core: Core, app: Installation, user: str) -> Json:
    world = core.world
    enterprise = {"id": app.enterprise, "name": world.enterprises[app.enterprise]} if app.enterprise else None
    answer: Json = {
        "app_id": world.app.id,
        "access_token": app.token.reveal(),
        "token_type": "bot",
        "scope": ",".join(sorted(app.scopes)),
        "bot_user_id": app.bot_user,
        "team": None if app.enterprise else {"id": app.team, "name": world.teams[app.team].name},
        "enterprise": enterprise,
        "is_enterprise_install": app.enterprise is not None,
    }
    if user:
        answer["authed_user"] = {"id": user}
    if app.expires_at is not None and app.refresh is not None:
        left = int((app.expires_at - core.clock.now()).total_seconds() + 0.999)
        answer |= {"expires_in": left, "refresh_token": app.refresh.reveal()}
    return answer
