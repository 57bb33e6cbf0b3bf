"""Shopify's consent: which shop, signed on its way back, proven by the shop's own word, and how it is given up.

Shopify documents no PKCE for its code grant, so none is sent (`connectors.oauth.consent_url` does it where there is
one); the way back is signed with the app's secret instead, and the tokens come from the shop's own host.
"""

import re
from dataclasses import replace
from datetime import datetime

import msgspec

from connectors.base import ProviderSettings
from connectors.errors import TOKEN_REJECTED, Broken, Reconnect
from connectors.grants import Consent, Granted, HintError, HintField, Pairs, Returned, ReturnRefusedError
from connectors.oauth import TokenStore, consent_url
from connectors.oauth.answers import INVALID_GRANT
from connectors.proving import access_by, exchanged, first_access, unproven
from connectors.returns import code_of, refuse_errors, refuse_others, singles
from connectors.shopify import entry
from connectors.shopify.documents.app import SCOPES, UNINSTALL
from connectors.shopify.graph import Graph
from connectors.shopify.signed import verify
from storage.facts.clock import Clock, SystemClock
from storage.facts.secret import Secret
from storage.facts.sources import Provider

_DEAD = frozenset({TOKEN_REJECTED, INVALID_GRANT})
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,59}", re.ASCII)
_ADMIN = re.compile(r"(?:https?://)?admin\.shopify\.com/store/([a-z0-9][a-z0-9-]{0,59})(?:[/?#].*)?", re.ASCII)
_ADDRESS = re.compile(r"(?:https?://)?([a-z0-9][a-z0-9-]{0,59}\.myshopify\.com)(?:[/?#].*)?", re.ASCII)
_LONGEST = 300


class ShopifyGrants:
    """A shop's consent; which shop it is must be known before."""

    provider = Provider.SHOPIFY
    line = "Orders, products and customers of one Shopify shop, collected when you ask and every hour."
    hint: HintField | None = HintField(
        label="Shop",
        help="Your shop's Shopify address: the name before .myshopify.com, as your Shopify admin shows it.",
        placeholder="your-shop.myshopify.com",
    )

    def read_hint(self, text: str) -> str:
        """Return the shop's domain, from its name, its address or the address of its admin."""
        typed = text.strip()
        if typed.isascii() and len(typed) <= _LONGEST:
            typed = typed.lower()
            if _NAME.fullmatch(typed):
                return f"{typed}.myshopify.com"
            if found := _ADDRESS.fullmatch(typed):
                return found[1]
            if found := _ADMIN.fullmatch(typed):
                return f"{found[1]}.myshopify.com"
        raise HintError(
            "This is no Shopify address. It looks like your-shop.myshopify.com; your own domain (your-shop.com) does "
            "not do. In Shopify, see Settings, Domains."
        )

    def hint_of(self, account: str, region: str) -> str:
        """Return the shop itself."""
        _ = region
        return account

    def consent(self, settings: ProviderSettings, *, hint: str, redirect_uri: str, state: Secret) -> Consent:
        """Return the shop's consent page."""
        if not entry.DOMAIN.fullmatch(hint):
            raise HintError("a shop's full domain is needed")
        url = consent_url(
            settings.address(settings.auth_url, hint), settings.client_id,
            redirect_uri=redirect_uri, scope=",".join(SCOPES), state=state,
        )  # fmt: skip
        return Consent(url)

    def returned(self, settings: ProviderSettings, query: Pairs, *, hint: str, now: datetime) -> Returned:
        """Check what came back: one answer, signed, fresh, of the shop that was asked."""
        said = singles(query)
        refuse_errors(said, "Shopify")
        shop = verify(said, settings.client_secrets, now)
        refuse_others(said, None)
        if shop != hint:
            raise ReturnRefusedError(
                "other_shop", f"Shopify answered for {shop}, not for {hint}: start again in Slack."
            )
        return Returned(code_of(said), shop)

    def verify_install(self, settings: ProviderSettings, query: Pairs, *, now: datetime) -> str:
        """Return the shop from which the app is launched or installed (Shopify opens our app address, signed)."""
        return verify(singles(query), settings.client_secrets, now)

    async def exchange(
        self,
        settings: ProviderSettings,
        returned: Returned,
        *,
        hint: str,
        redirect_uri: str,
        verifier: Secret | None,
        clock: Clock,
    ) -> Granted:
        """Turn the code into tokens that expire, and ask the shop for its name and domain with them."""
        shop = returned.account
        if shop != hint or not entry.DOMAIN.fullmatch(shop):
            raise ReturnRefusedError("other_shop", "Shopify answered for another shop: start again in Slack.")
        tokens = await exchanged(
            returned, entry.endpoint(settings, shop), settings,
            redirect_uri=redirect_uri, verifier=verifier, asked=(), clock=clock,
        )  # fmt: skip
        access, store = first_access(tokens, settings, account=shop, region="", clock=clock)
        try:
            async with entry.session(access) as session:
                company = await entry.probe(session)
        except Reconnect as refusal:
            if refusal.code not in _DEAD:
                raise
            raise unproven(refusal, "Shopify") from refusal
        if company.id != shop:
            raise ReturnRefusedError("other_shop", "The shop that answered is another one: start again in Slack.")
        scopes = store.tokens.scopes
        return Granted(store.tokens, company.id, company.name, scopes, missing=self.lacking(scopes))

    def lacking(self, scopes: tuple[str, ...]) -> tuple[str, ...]:
        """Return what was asked for and is not given."""
        return lacking(SCOPES, scopes)

    async def revoke(self, settings: ProviderSettings, store: TokenStore, *, account: str, region: str) -> bool:
        """Uninstall the app from the shop: that ends every grant of this app there, whoever holds it.

        The only mutation outside of exchanges: one constant document, sent over a connection of its own with the write
        capability, which the connection that collects never has. True also when the shop no longer knows us.
        """
        _ = region
        access = access_by(store, settings, account=account, region="", clock=SystemClock())
        try:
            async with entry.session(replace(access, writes=True)) as session:
                data = await Graph(session.http).ask("Uninstall", UNINSTALL, {})
        except Reconnect as refusal:
            if refusal.code in _DEAD:
                return True
            raise
        return _gone(data)


class _Error(msgspec.Struct):
    code: str | None = None


class _Uninstalled(msgspec.Struct, rename="camel"):
    user_errors: list[_Error]


class _Answer(msgspec.Struct, rename="camel"):
    app_uninstall: _Uninstalled


def _gone(data: msgspec.Raw) -> bool:
    try:
        errors = msgspec.json.decode(data, type=_Answer).app_uninstall.user_errors
    except msgspec.MsgspecError as error:
        raise Broken("Shopify did not say whether the app was uninstalled", code="page_unreadable") from error
    if all(error.code in {"APP_NOT_INSTALLED", "APP_NOT_FOUND"} for error in errors):
        return True
    raise Broken("Shopify did not uninstall the app", code="uninstall_refused")


def lacking(asked: tuple[str, ...], granted: tuple[str, ...]) -> tuple[str, ...]:
    """Return the scopes that were asked for and are not given; ``write_x`` gives ``read_x`` as well."""
    given = {*granted, *(f"read_{scope.removeprefix('write_')}" for scope in granted if scope.startswith("write_"))}
    return tuple(scope for scope in asked if scope not in given)
