"""The door to one seller: its client, the proof whose it is, and its marketplaces. Kept apart from Arrow."""

import contextlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec

from connectors.amazon.calls import PLANS, call
from connectors.amazon.judge import judge
from connectors.amazon.regions import SELLER
from connectors.base import Access, Company, ProviderSettings, Session
from connectors.errors import TOKEN_REJECTED, Broken, ConnectorError, Reconnect
from connectors.http import Http, Proof
from connectors.oauth import TokenEndpoint, TokenKeeper, TokenStyle
from connectors.wire import Answer, Wire
from storage.facts.secret import Secret

#: Transactions of this many days are looked at for the seller's id.
_PROOF_DAYS = 30


class _Metadata(msgspec.Struct, rename="camel"):
    selling_partner_id: str | None = None


class _Transaction(msgspec.Struct, rename="camel"):
    selling_partner_metadata: _Metadata | None = None


class _Transactions(msgspec.Struct):
    transactions: list[_Transaction] | None = None


class _Finances(msgspec.Struct):
    payload: _Transactions | None = None


class _Taking(msgspec.Struct, rename="camel"):
    is_participating: bool = False


class _Participation(msgspec.Struct, rename="camel"):
    store_name: str | None = None
    participation: _Taking | None = None


class _Participations(msgspec.Struct):
    payload: list[msgspec.Raw]


def endpoint(settings: ProviderSettings) -> TokenEndpoint:
    """Return where tokens are asked for; the settings are those of the region."""
    return TokenEndpoint(
        settings.token_url, settings.client_id, settings.client_secret, TokenStyle.POST_FORM, settings.previous_secret
    )


@contextlib.asynccontextmanager
async def session(access: Access) -> AsyncIterator[Session]:
    """Open a connection to one seller in its region.

    Nothing in Amazon's addresses names the seller, so every new token is asked whose it is before it is used.
    """
    seller, settings = access.account, access.settings.at(access.region)
    if not SELLER.fullmatch(seller):
        raise Broken("this is no Amazon seller id", code="account_malformed")
    keeper = TokenKeeper(access.tokens, endpoint(settings), clock=access.clock, limits=settings.limits)
    async with Wire(settings.api_url, limits=settings.limits) as wire:
        http = Http(
            wire, keeper, clock=access.clock, limiter=access.limiter, key=f"amazon:{seller}",
            rates=(PLANS["participations"],), headers=_headers, judge=judge, writes=access.writes,
            proof=proof(seller, access.clock.now()),
        )  # fmt: skip
        yield Session(access, http, keeper)


def proof(seller: str, now: datetime) -> Proof:
    """Return the call that shows whose a token is.

    No call names the seller but through its data: recent transactions do. Where there are none, or our app lacks the
    finance role, the seller stays the one of the consent, whose answer is bound to our state.
    """
    since = (now - timedelta(days=_PROOF_DAYS)).strftime("%Y-%m-%dT%H:%M:%SZ")
    path = "/finances/2024-06-19/transactions"
    return Proof(call("transactions", path, {"postedAfter": since}, name="seller's id"), _Seller(seller).judge)


@dataclass(frozen=True, slots=True)
class _Seller:
    id: str

    def judge(self, answer: Answer) -> ConnectorError | None:
        """Say what stands against the token being this seller's."""
        if answer.status in {403, 404}:
            refusal = judge(answer)
            return refusal if refusal is not None and refusal.code == TOKEN_REJECTED else None
        if (refusal := judge(answer)) is not None:
            return refusal
        if answer.status != 200:
            return None
        try:
            said = msgspec.json.decode(answer.body, type=_Finances)
        except msgspec.MsgspecError:
            return Broken("Amazon sent transactions of an unknown shape", code="page_unreadable")
        listed = (said.payload and said.payload.transactions) or []
        named = {one.selling_partner_metadata.selling_partner_id for one in listed if one.selling_partner_metadata}
        if named - {None, self.id}:
            words = "Amazon's access is for another seller than this source: connect the account again"
            return Reconnect(words, code="account_changed", request_id=answer.request_id)
        return None


async def participations(opened: Session) -> list[msgspec.Raw]:
    """Return the seller's marketplaces as Amazon sent them; never an empty list."""
    answer = await opened.http.send(call("participations", "/sellers/v1/marketplaceParticipations"))
    try:
        found = msgspec.json.decode(answer.body, type=_Participations).payload
    except msgspec.MsgspecError as error:
        raise Broken("Amazon sent marketplaces of an unknown shape", code="page_unreadable") from error
    if not found:
        raise Broken("Amazon lists no marketplace for this seller", code="no_marketplaces")
    return found


async def probe(opened: Session) -> Company:
    """Ask for the marketplaces; the first store in which the seller takes part gives the name."""
    try:
        found = [msgspec.json.decode(one, type=_Participation) for one in await participations(opened)]
    except msgspec.MsgspecError as error:
        raise Broken("Amazon sent marketplaces of an unknown shape", code="page_unreadable") from error
    found.sort(key=lambda one: not (one.participation and one.participation.is_participating))
    seller = opened.access.account
    return Company(seller, next((one.store_name for one in found if one.store_name), f"Amazon seller {seller}"))


def _headers(token: Secret) -> Mapping[str, str]:
    return {
        "x-amz-access-token": token.reveal(),
        "user-agent": "Tidings/1.0 (Language=Python)",
        "accept": "application/json",
    }
