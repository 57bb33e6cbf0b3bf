"""What is asked of a provider's consent page and token service. The only module that knows authlib."""

import json
import secrets
from dataclasses import dataclass
from enum import StrEnum

import httpx
from authlib.oauth2.auth import ClientAuth
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri, prepare_token_request
from authlib.oauth2.rfc7636 import create_s256_code_challenge

from connectors.wire import pinned
from storage.facts.secret import Secret


class TokenStyle(StrEnum):
    """How a provider wants to be asked for tokens."""

    #: form body, Basic authorization (QuickBooks)
    BASIC_FORM = "basic_form"
    #: everything in a JSON body, ``expiring=1`` (Shopify)
    JSON_BODY = "json_body"
    #: everything in a form body; refresh tokens do not rotate (Login with Amazon)
    POST_FORM = "post_form"

    @property
    def rotates(self) -> bool:
        """Whether an answer without a refresh token is no answer."""
        return self is not TokenStyle.POST_FORM


@dataclass(frozen=True, slots=True)
class TokenEndpoint:
    """Where and how tokens are asked for."""

    url: str
    client_id: str
    client_secret: Secret
    style: TokenStyle
    #: the secret before this one, tried where this one is not known yet: providers take a while to change over
    previous_secret: Secret | None = None

    @property
    def secrets(self) -> tuple[Secret, ...]:
        """The secrets to try, in this order."""
        return (self.client_secret, self.previous_secret) if self.previous_secret else (self.client_secret,)


def new_verifier() -> Secret:
    """Return a PKCE verifier of 384 random bits (RFC 7636)."""
    return Secret(secrets.token_urlsafe(48))


def consent_url(
    url: str, client_id: str, *, redirect_uri: str, scope: str, state: Secret, verifier: Secret | None = None
) -> str:
    """Return the address of the consent page of an authorization code grant; with a verifier, PKCE by S256 only."""
    pinned(redirect_uri)
    pkce = {}
    if verifier is not None:
        challenge = create_s256_code_challenge(verifier.reveal())
        pkce = {"code_challenge": challenge, "code_challenge_method": "S256"}
    address = str(pinned(url))
    asked: str = prepare_grant_uri(address, client_id, "code", redirect_uri, scope, state.reveal(), **pkce)
    return asked


def refresh_request(endpoint: TokenEndpoint, client_secret: Secret, refresh: Secret) -> httpx.Request:
    """Ask for new tokens."""
    if endpoint.style is TokenStyle.JSON_BODY:
        asked = {"grant_type": "refresh_token", "refresh_token": refresh.reveal(), "expiring": "1"}
        return _signed(endpoint, client_secret, json.dumps(asked))
    return _signed(endpoint, client_secret, prepare_token_request("refresh_token", "", refresh_token=refresh.reveal()))


def code_request(
    endpoint: TokenEndpoint, client_secret: Secret, code: Secret, redirect_uri: str, verifier: Secret | None
) -> httpx.Request:
    """Ask for the first tokens of a grant."""
    proof = {"code_verifier": verifier.reveal()} if verifier else {}
    if endpoint.style is TokenStyle.JSON_BODY:
        return _signed(endpoint, client_secret, json.dumps({"code": code.reveal(), "expiring": "1", **proof}))
    body = prepare_token_request("authorization_code", "", redirect_uri, code=code.reveal(), **proof)
    return _signed(endpoint, client_secret, body)


def basic_json_request(url: str, client_id: str, client_secret: Secret, said: dict[str, str]) -> httpx.Request:
    """Say something in JSON under the app's Basic authorization (QuickBooks' revocation)."""
    auth = ClientAuth(client_id, client_secret.reveal(), "client_secret_basic")
    headers = {"Accept": "application/json", "Content-Type": "application/json"}
    url, headers, body = auth.prepare("POST", url, headers, json.dumps(said))
    return httpx.Request("POST", url, headers=headers, content=body.encode())


def _signed(endpoint: TokenEndpoint, client_secret: Secret, body: str) -> httpx.Request:
    """Put the app's own keys where this provider looks for them."""
    headers = {"Accept": "application/json", "Content-Type": "application/x-www-form-urlencoded"}
    method: object = "client_secret_post"
    if endpoint.style is TokenStyle.JSON_BODY:
        headers["Content-Type"] = "application/json"
        method = _client_in_json
    elif endpoint.style is TokenStyle.BASIC_FORM:
        headers["x-include-refresh-token-hard-expires-in"] = "true"
        method = "client_secret_basic"
    auth = ClientAuth(endpoint.client_id, client_secret.reveal(), method)
    url, headers, body = auth.prepare("POST", endpoint.url, headers, body)
    return httpx.Request("POST", url, headers=headers, content=body.encode())


def _client_in_json(
    client: ClientAuth, method: str, uri: str, headers: dict[str, str], body: str
) -> tuple[str, dict[str, str], str]:
    _ = method
    named = {"client_id": client.client_id, "client_secret": client.client_secret, **json.loads(body)}
    return uri, headers, json.dumps(named)
