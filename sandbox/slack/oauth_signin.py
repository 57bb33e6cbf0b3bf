"""Sign in with Slack (OpenID Connect): the page, the token with its identity, and who that is."""

import base64
import hashlib
import json
from functools import cache
from urllib.parse import urlencode

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from sandbox.consent import Card, Sheet, asks_a_person, draw, sorry
from sandbox.providers.tokens import proven
from sandbox.slack.core import Core
from sandbox.slack.errors import Json, Refusal
from sandbox.slack.oauth import ACTS_AS, Asked
from sandbox.slack.oauth_keys import check_client
from sandbox.slack.world import Person

_HOUSE, _BRAND = "Slack", "slack"
_PAGE = "/openid/connect/authorize"
_ISSUER = "https://slack.com"
_KEY_NAME = "sandbox-slack-key"
#: Seconds that an identity token may be used, as Slack's.
_IDENTITY_LIFE = 300


def signin_routes(core: Core) -> list[Route]:
    """Return the page, the key set and the discovery document."""
    page = _SignIn(core)
    return [
        Route(_PAGE, page.authorize, methods=["GET"]),
        Route(_PAGE, page.answered, methods=["POST"]),
        Route("/openid/connect/keys", _keys),
        Route("/.well-known/openid-configuration", page.discovery),
    ]


class _SignIn:
    def __init__(self, core: Core) -> None:
        self._core = core

    async def authorize(self, request: Request) -> Response:
        query, oauth = request.query_params, self._core.oauth
        problems = {
            "invalid_client_id": query.get("client_id") != self._core.world.app.client_id,
            "bad_redirect_uri": not oauth.takes(query.get("redirect_uri", "")),
            "unsupported_response_type": query.get("response_type") != "code",
            "invalid_scope": "openid" not in query.get("scope", "").replace(",", " ").split(),
            "invalid_code_challenge_method": "code_challenge" in query and query.get("code_challenge_method") != "S256",
        }
        if wrong := next((name for name, is_wrong in problems.items() if is_wrong), ""):
            oauth.note("refused", query.get("team", ""), "", wrong)
            return sorry(_HOUSE, _BRAND, "Oops", "Something about this sign-in link is not in order.", code=wrong)
        scopes = tuple(query["scope"].replace(",", " ").split())
        asked = Asked(query["redirect_uri"], query.get("state", ""), query.get("nonce", ""), scopes,
                      query.get("code_challenge", ""))  # fmt: skip
        team = query.get("team", "")
        if not asks_a_person(request, oauth.asking):
            return self._go(asked, (oauth.signs_in or self._first(team)) if oauth.consents else "")
        oauth.note("asked", team, "", "sign in")
        return draw(self._sheet(asked, team, request.cookies.get(ACTS_AS, "")))

    def _people(self, team: str) -> list[Person]:
        """Return everybody who could sit in front of a browser, those of the team first."""
        people = [each for each in self._core.world.people.values() if not each.bot_id and not each.deleted]
        return sorted(people, key=lambda person: person.team != team)

    def _first(self, team: str) -> str:
        people = self._people(team)
        return next((person.id for person in people if person.is_admin), people[0].id)

    def _sheet(self, asked: Asked, team: str, acts_as: str) -> Sheet:
        world, people = self._core.world, self._people(team)
        cards = {
            each.id: Card(each.id, each.real_name, f"{world.teams[each.team].name} · {each.email or 'no e-mail'}",
                 "admin" if each.is_admin else ("guest" if each.is_restricted else ""))
            for each in people
        }  # fmt: skip
        theirs = tuple(cards[each.id] for each in people if team not in world.teams or each.team == team)
        where = f" Sign in to {world.teams[team].name}." if team in world.teams else ""
        return Sheet(
            _HOUSE, _BRAND, f"Sign in to {world.app.name} with Slack",
            f"{world.app.name} wants to know who you are. It learns your name and your workspace, nothing else.{where}",
            _PAGE, self._core.oauth.asks.open(asked), asked.back, question="Sign in as", cards=theirs,
            others=tuple(card for card in cards.values() if card not in theirs), others_title="Somebody else",
            chosen=acts_as if acts_as in cards else "", yes="Sign in",
        )  # fmt: skip

    async def answered(self, request: Request) -> Response:
        form = {key: str(value) for key, value in (await request.form()).items()}
        asked = self._core.oauth.asks.take(form.get("ask", ""))
        user = form.get("choice", "") if form.get("decision") == "yes" else ""
        if asked is None or (user and user not in self._core.world.people):
            return sorry(_HOUSE, _BRAND, "Please begin again", "This page was answered already, or it is too old.")
        return self._go(asked, user)

    def _go(self, asked: Asked, user: str) -> Response:
        oauth, query = self._core.oauth, {"state": asked.state}
        if user:
            team = self._core.person(user).team
            query = {"code": oauth.code("sign_in", team, user, asked), **query}
            oauth.note("signed_in", team, user)
        else:
            query = {"error": "access_denied", **query}
            oauth.note("declined", "", "", "sign in")
        return RedirectResponse(f"{asked.back}{'&' if '?' in asked.back else '?'}{urlencode(query)}", 302)

    async def discovery(self, _: Request) -> Response:
        url = self._core.url
        return JSONResponse({
            "issuer": _ISSUER,
            "authorization_endpoint": f"{url}{_PAGE}",
            "token_endpoint": f"{url}/api/openid.connect.token",
            "userinfo_endpoint": f"{url}/api/openid.connect.userInfo",
            "jwks_uri": f"{url}/openid/connect/keys",
            "scopes_supported": ["openid", "profile", "email"],
            "response_types_supported": ["code"],
            "response_modes_supported": ["form_post"],
            "grant_types_supported": ["authorization_code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "claims_supported": ["sub", "auth_time", "iss"],
            "claims_parameter_supported": False,
            "request_parameter_supported": False,
            "request_uri_parameter_supported": True,
            "token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic"],
        })  # fmt: skip


def openid_token(core: Core, args: Json) -> Json:
    """Exchange a code for a token and an identity (`openid.connect.token`); a code works once."""
    check_client(core, args)
    if args.get("grant_type", "authorization_code") != "authorization_code":
        raise Refusal("invalid_grant_type")
    code = core.oauth.take("sign_in", args)
    if not proven(code.asked.challenge, str(args.get("code_verifier", ""))):
        raise Refusal("invalid_code_verifier")
    token = core.oauth.opaque("xoxp-sandbox-")
    core.oauth.people[token] = code.user
    core.oauth.note("exchanged", code.where, code.user, "sign in")
    identity = _signed(_claims(core, code.user, code.asked.nonce, token))
    return {"access_token": token, "token_type": "Bearer", "id_token": identity}


def openid_userinfo(core: Core, token: str | None) -> Json:
    """Say who a token stands for (`openid.connect.userInfo`)."""
    if not token:
        raise Refusal("not_authed")
    if token not in core.oauth.people:
        raise Refusal("invalid_auth")
    person = core.person(core.oauth.people[token])
    if person.deleted:
        raise Refusal("account_inactive")
    return _about(core, person)


def _about(core: Core, person: Person) -> Json:
    team, given = core.world.teams[person.team], person.real_name.split()
    found: Json = {
        "sub": person.id,
        "https://slack.com/user_id": person.id,
        "https://slack.com/team_id": person.team,
        "name": person.real_name,
        "given_name": given[0],
        "family_name": given[-1],
        "locale": "en-US",
        "https://slack.com/team_name": team.name,
        "https://slack.com/team_domain": team.domain,
    }
    if person.email:
        found |= {"email": person.email, "email_verified": True}
    return found


def _claims(core: Core, user: str, nonce: str, token: str) -> Json:
    now = int(core.clock.now().timestamp())
    half = hashlib.sha256(token.encode()).digest()[:16]
    return {
        "iss": _ISSUER,
        "aud": core.world.app.client_id,
        "iat": now,
        "auth_time": now,
        "exp": now + _IDENTITY_LIFE,
        "at_hash": _url64(half),
        **({"nonce": nonce} if nonce else {}),
        **_about(core, core.person(user)),
    }


def _signed(claims: Json) -> str:
    header = {"typ": "JWT", "alg": "RS256", "kid": _KEY_NAME}
    parts = ".".join(_url64(json.dumps(part, separators=(",", ":")).encode()) for part in (header, claims))
    return f"{parts}.{_url64(_key().sign(parts.encode(), padding.PKCS1v15(), hashes.SHA256()))}"


async def _keys(_: Request) -> Response:
    public = _key().public_key().public_numbers()
    numbers = {"n": _url64(public.n.to_bytes(256)), "e": _url64(public.e.to_bytes(3))}
    return JSONResponse({"keys": [{"kty": "RSA", "use": "sig", "alg": "RS256", "kid": _KEY_NAME, **numbers}]})


@cache
def _key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def _url64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
