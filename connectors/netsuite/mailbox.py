"""The mailbox of a grant."""

from connectors.base import ProviderSettings
from connectors.mailed.bearer import asking
from connectors.mailed.imap import Mailbox, allowed
from connectors.netsuite.feeds import Grant
from storage.facts.clock import Clock


def mailbox(grant: Grant, settings: ProviderSettings, clock: Clock) -> Mailbox:
    """Return it, to be opened; Broken for a server that the operator did not allow."""
    allowed(grant.endpoint, settings.endpoints)
    bearer = None
    if grant.sign_in != "password":
        bearer = asking(
            grant.sign_in, grant.tenant, grant.client_id, grant.secret, grant.refresh,
            clock=clock, limits=settings.limits, at=settings.token_url,
        )  # fmt: skip
    return Mailbox(grant.endpoint, grant.user, grant.secret, grant.folder, bearer=bearer)
