"""Intuit's consent: which company, proven by CompanyInfo, and how it is given up.

Intuit documents no PKCE for its code grant, so none is sent (`connectors.oauth.consent_url` does it where there is
one); the code is bound by our state, the app's secret and the exact redirect address.
"""

import contextlib
from datetime import datetime

from connectors.base import ProviderSettings
from connectors.errors import TOKEN_REJECTED, Broken, ConnectorError, Reconnect
from connectors.grants import Consent, Granted, HintField, Pairs, Returned, ReturnRefusedError
from connectors.oauth import TokenStore, consent_url, converse
from connectors.oauth.answers import INVALID_CLIENT, INVALID_GRANT, TOKEN_REFUSED, refusal_of
from connectors.oauth.asking import basic_json_request
from connectors.oauth.rounds import Round
from connectors.proving import exchanged, first_access, unproven
from connectors.quickbooks import entry
from connectors.quickbooks.discovery import revocation_address
from connectors.returns import code_of, refuse_errors, refuse_others, singles
from storage.facts.clock import Clock
from storage.facts.secret import Secret
from storage.facts.sources import Provider

#: There is no read-only scope; that nothing is written is kept in `connectors.reads`.
SCOPES = ("com.intuit.quickbooks.accounting",)
ISSUER = "https://oauth.platform.intuit.com/op/v1"
_NOT_THIS_COMPANY = frozenset({TOKEN_REJECTED, INVALID_GRANT, "company_not_granted", "wrong_environment"})


class QuickBooksGrants:
    """QuickBooks Online's consent; the person chooses the company on Intuit's page."""

    provider = Provider.QUICKBOOKS
    line = "Invoices, bills, payments, journals and reports of one QuickBooks Online company, collected every hour."
    hint: HintField | None = None

    def read_hint(self, text: str) -> str:
        """Return nothing: nothing is asked."""
        _ = text
        return ""

    def hint_of(self, account: str, region: str) -> str:
        """Return nothing: Intuit's page asks for the company."""
        _ = account, region
        return ""

    def consent(self, settings: ProviderSettings, *, hint: str, redirect_uri: str, state: Secret) -> Consent:
        """Return Intuit's consent page."""
        _ = hint
        url = consent_url(
            settings.auth_url, settings.client_id, redirect_uri=redirect_uri, scope=" ".join(SCOPES), state=state
        )
        return Consent(url)

    def returned(self, settings: ProviderSettings, query: Pairs, *, hint: str, now: datetime) -> Returned:
        """Check what came back; the realm that it names is proven later."""
        _ = settings, hint, now
        said = singles(query)
        refuse_errors(said, "QuickBooks")
        refuse_others(said, ISSUER)
        realm = said.get("realmId", "")
        if not entry.REALM.fullmatch(realm):
            raise ReturnRefusedError("no_account", "QuickBooks named no company: start again in Slack.")
        return Returned(code_of(said), realm)

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
        """Turn the code into tokens and read CompanyInfo of the named realm with them.

        Where they do not open that realm (the address was edited) the fresh grant is given back, as well as that goes.
        """
        _ = hint
        tokens = await exchanged(
            returned, entry.endpoint(settings), settings,
            redirect_uri=redirect_uri, verifier=verifier, asked=SCOPES, clock=clock,
        )  # fmt: skip
        access, store = first_access(tokens, settings, account=returned.account, region="", clock=clock)
        try:
            async with entry.session(access) as session:
                company = await entry.probe(session)
        except (Reconnect, Broken) as refusal:
            if refusal.code not in _NOT_THIS_COMPANY:
                raise
            with contextlib.suppress(ConnectorError):
                await self.revoke(settings, store, account=returned.account, region="")
            raise unproven(refusal, "QuickBooks") from refusal
        return Granted(store.tokens, company.id, company.name, store.tokens.scopes)

    async def revoke(self, settings: ProviderSettings, store: TokenStore, *, account: str, region: str) -> bool:
        """Give the grant up: either token ends both. True also when Intuit does not know them any more."""
        _ = account, region
        tokens = await store.load()
        url = await revocation_address(settings)
        for token in (tokens.refresh, tokens.access):
            if not token:
                continue
            known = await converse(_revocation(url, settings, token), url, settings.limits)
            if known:
                break
        return True


def _revocation(url: str, settings: ProviderSettings, token: Secret) -> Round[bool]:
    """Return whether Intuit took the grant back; False when it does not know the token."""
    *_, last = settings.client_secrets
    for secret in settings.client_secrets:
        answer = yield basic_json_request(url, settings.client_id, secret, {"token": token.reveal()})
        if answer.status == 200:
            return True
        refusal = refusal_of(answer)
        if refusal.code in {TOKEN_REFUSED, INVALID_GRANT}:
            return False
        if refusal.code != INVALID_CLIENT or secret is last:
            raise refusal
    raise AssertionError("there is always a last secret")
