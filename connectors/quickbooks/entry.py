"""The door to one QuickBooks company: its client, and the question whose it is. Kept apart from Arrow."""

import contextlib
import re
from collections.abc import AsyncIterator, Mapping

import msgspec

from connectors.base import Access, Company, ProviderSettings, Session
from connectors.errors import Broken
from connectors.http import Http
from connectors.limits import Rate
from connectors.oauth import TokenEndpoint, TokenKeeper, TokenStyle
from connectors.quickbooks.faults import judge, judge_json
from connectors.reads import Call
from connectors.wire import Wire
from storage.facts.secret import Secret

#: Lower minor versions are ignored since August 2025; saying it keeps a later default from changing answers silently.
MINOR_VERSION = "75"
REALM = re.compile(r"[0-9]{1,32}", re.ASCII)
#: 10 calls a second per company and app, 500 a minute per company, counted over any second and any minute. Buckets let
#: what they hold and what they gain pass in one of them, so both together stay below; 98 % of 500 a minute is used. A
#: bucket of 500 let 600 pass in its first minute: they were refused, and everything of that company stood.
RATES = (Rate(per_second=8.5, burst=2), Rate(per_second=490 / 60, burst=10))


class _CompanyInfo(msgspec.Struct, rename="pascal"):
    company_name: str


class _CompanyAnswer(msgspec.Struct, rename="pascal"):
    company_info: _CompanyInfo


def endpoint(settings: ProviderSettings) -> TokenEndpoint:
    """Return where tokens are asked for."""
    return TokenEndpoint(
        settings.token_url, settings.client_id, settings.client_secret, TokenStyle.BASIC_FORM, settings.previous_secret
    )


@contextlib.asynccontextmanager
async def session(access: Access) -> AsyncIterator[Session]:
    """Open a connection to one company.

    Every address names the company, and Intuit refuses a token of another one (3100, 3201): so a renewal that brings
    somebody else's token stops the connection and never brings somebody else's books.
    """
    realm, settings = access.account, access.settings
    if not REALM.fullmatch(realm):
        raise Broken("this is no QuickBooks company id", code="account_malformed")
    keeper = TokenKeeper(access.tokens, endpoint(settings), clock=access.clock, limits=settings.limits)
    async with Wire(settings.api_url, limits=settings.limits) as wire:
        http = Http(
            wire, keeper, clock=access.clock, limiter=access.limiter, key=f"quickbooks:{realm}", rates=RATES,
            headers=_headers, judge=judge, writes=access.writes, places=access.places,
        )  # fmt: skip
        yield Session(access, http, keeper)


async def probe(opened: Session) -> Company:
    """Ask for the company's name; that it is answered at all proves the realm, which the answer does not repeat."""
    realm = opened.access.account
    path = f"/v3/company/{realm}/companyinfo/{realm}"
    answer = await opened.http.send(Call("GET", path, "companyinfo", {"minorversion": MINOR_VERSION}), judge_json)
    try:
        return Company(realm, msgspec.json.decode(answer.body, type=_CompanyAnswer).company_info.company_name)
    except msgspec.MsgspecError as error:
        raise Broken("QuickBooks did not tell the company's name", code="page_unreadable") from error


def _headers(token: Secret) -> Mapping[str, str]:
    return {"Authorization": f"Bearer {token.reveal()}", "Accept": "application/json"}
