"""The organization's QuickBooks companies, for connections over which files of one of them go."""

from dataclasses import replace

from connectors.base import ProviderSettings
from jobs.connecting.means import Means
from jobs.exchange.pairs import companies
from storage.facts.flows import Flow
from storage.facts.sources import Provider, Source
from storage.records import exchange
from storage.sessions import Session

#: Providers that files are made for, from the books of QuickBooks.
EXCHANGED = frozenset({Provider.POCKETADVANTAGE})


def books_held(session: Session, organization_id: str) -> list[Source]:
    """Return the organization's QuickBooks companies that no person has disconnected."""
    return companies(session, organization_id)


def settings_here(session: Session, means: Means, flow: Flow) -> ProviderSettings:
    """Return the settings of a flow's provider with the companies whose files may go there."""
    settings = means.settings_for(flow)
    if flow.provider not in EXCHANGED:
        return settings
    held = books_held(session, flow.organization_id)
    named = [one.company or one.label for one in held]
    # Two of one name are told apart by their account.
    names = [
        f"{name} ({one.account})" if named.count(name) > 1 else name for one, name in zip(held, named, strict=True)
    ]
    return replace(settings, companies=tuple(zip((one.id for one in held), names, strict=True)))


def books_now(session: Session, source_id: str) -> str:
    """Return the company whose files go over a connection; empty where nobody said yet which."""
    known = {pair.books_id for pair in exchange.pairs_of_source(session, source_id)}
    return known.pop() if len(known) == 1 else ""
