"""Topics by what is done about them; their names are the providers'."""

from connectors.quickbooks.events import CHANGED
from connectors.shopify.events import REREAD

#: Topics after which the source is read again, soon; all of them are one wish.
AGAIN = REREAD
#: Topics that say that something changed at a source which is read by its timer only.
NOTED = frozenset({CHANGED})
