"""Amazon's consent: which region, which seller, proven by a call; it can be taken back in Seller Central only.

Amazon documents no PKCE for sellers' consent, so none is sent (`connectors.oauth.consent_url` does it where there is
one); the code is bound by our state, the app's secret and the exact redirect address, and lives for five minutes.
"""

from dataclasses import replace
from datetime import datetime, timedelta

from connectors.amazon import entry
from connectors.amazon.regions import REGIONS, SELLER
from connectors.base import ProviderSettings
from connectors.errors import TOKEN_REJECTED, Broken, Reconnect
from connectors.grants import Choice, Consent, Granted, HintError, HintField, Pairs, Returned, ReturnRefusedError
from connectors.oauth import TokenStore
from connectors.oauth.answers import INVALID_GRANT
from connectors.proving import exchanged, first_access, unproven
from connectors.returns import code_of, refuse_errors, refuse_others, singles
from connectors.wire import pinned
from storage.facts.clock import Clock
from storage.facts.secret import Secret
from storage.facts.sources import Provider

#: A seller's consent ends after this long, whatever happens.
CONSENT_LIVES = timedelta(days=365)
_OTHER_SELLER = frozenset({TOKEN_REJECTED, INVALID_GRANT, "account_changed"})


class AmazonGrants:
    """A seller's consent in one region."""

    provider = Provider.AMAZON
    line = "Orders, returns, stock, sales, settlements and transactions of a seller; when you ask and every six hours."
    hint: HintField | None = HintField(
        label="Region",
        help="Where the seller account sells. Accounts in several regions are connected one by one.",
        choices=tuple(Choice(value, label) for value, label in REGIONS.items()),
    )

    def read_hint(self, text: str) -> str:
        """Return the region."""
        region = text.strip().lower()
        if region not in REGIONS:
            raise HintError(f"Choose a region: {', '.join(REGIONS.values())}.")
        return region

    def hint_of(self, account: str, region: str) -> str:
        """Return the account's region."""
        _ = account
        return region

    def consent(self, settings: ProviderSettings, *, hint: str, redirect_uri: str, state: Secret) -> Consent:
        """Return Seller Central's consent page of the region."""
        pinned(redirect_uri)
        asked = {"application_id": settings.application_id, "state": state.reveal(), "redirect_uri": redirect_uri}
        if settings.draft:
            asked["version"] = "beta"
        return Consent(str(pinned(settings.at(hint).auth_url).copy_merge_params(asked)))

    def returned(self, settings: ProviderSettings, query: Pairs, *, hint: str, now: datetime) -> Returned:
        """Check what came back; the seller that it names is proven later."""
        _ = settings, hint, now
        said = singles(query)
        refuse_errors(said, "Amazon")
        refuse_others(said, None)
        seller = said.get("selling_partner_id", "")
        if not SELLER.fullmatch(seller):
            raise ReturnRefusedError("no_account", "Amazon named no seller: start again in Slack.")
        return Returned(code_of(said, "spapi_oauth_code"), seller)

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
        """Turn the code into tokens and ask, with them, for the seller's marketplaces and whose they are."""
        tokens = await exchanged(
            returned, entry.endpoint(settings.at(hint)), settings,
            redirect_uri=redirect_uri, verifier=verifier, asked=(), clock=clock,
        )  # fmt: skip
        tokens = replace(tokens, hard_expires_at=clock.now() + CONSENT_LIVES)
        access, store = first_access(tokens, settings, account=returned.account, region=hint, clock=clock)
        try:
            async with entry.session(access) as session:
                company = await entry.probe(session)
        except Reconnect as refusal:
            if refusal.code not in _OTHER_SELLER:
                raise
            raise unproven(refusal, "Amazon") from refusal
        except Broken as refusal:
            if refusal.code != "access_refused":
                raise
            words = f"Amazon refuses this access: is the seller account open, and is its region {REGIONS[hint]}?"
            raise ReturnRefusedError("region_refused", words) from refusal
        return Granted(store.tokens, company.id, company.name, store.tokens.scopes, region=hint)

    async def revoke(self, settings: ProviderSettings, store: TokenStore, *, account: str, region: str) -> bool:
        """Return False: only the seller can, in Seller Central (Apps and Services, Manage Your Apps)."""
        _ = settings, store, account, region
        return False
