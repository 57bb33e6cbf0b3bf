"""The mailbox of a grant."""

from connectors.base import ProviderSettings
from connectors.mailed.imap import Mailbox, allowed
from connectors.netsuite.feeds import Grant


def mailbox(grant: Grant, settings: ProviderSettings) -> Mailbox:
    """Return it, to be opened; Broken for a server that the operator did not allow."""
    allowed(grant.endpoint, settings.endpoints)
    return Mailbox(grant.endpoint, grant.user, grant.secret, grant.folder)
