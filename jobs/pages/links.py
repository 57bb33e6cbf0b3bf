"""Links to pages: signed for one person of one organization and one source or metric, for 15 minutes.

Whoever has such a link reads the page while its person may: it carries no login, so that it also opens on a phone
that never saw Slack. What it says of itself is checked here, who may read is looked up at each use.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from jobs.signing import Signing
from storage.facts.secret import Secret

#: Where the pages are.
PATH = "/page"
VALID = timedelta(minutes=15)
_TICKET = re.compile(
    r"(?P<about>(?:src|met)_[a-z0-9]{1,64})\.(?P<organization>org_[a-z0-9_]{1,64})\.(?P<member>mem_[a-z0-9_]{1,64})"
    r"\.(?P<until>[0-9]{10})\.(?P<mark>[A-Za-z0-9_-]{43})",
    re.ASCII,
)


@dataclass(frozen=True, slots=True)
class PageClaim:
    """What a link says of itself; nothing of it is true before `PageLinks.made` says so."""

    #: id of the source or of the metric
    about: str
    organization_id: str
    member_id: str
    until: int
    mark: str = ""


class PageLinks:
    """Makes and checks links. Keys are those of SECRET_KEYS: links from before a rotation still count."""

    def __init__(self, keys: Sequence[Secret], public_url: str) -> None:
        self._signing = Signing("page", keys)
        self._public_url = public_url

    def link(self, claim: PageClaim) -> str:
        """Return the address of a page."""
        said = f"{claim.about}.{claim.organization_id}.{claim.member_id}.{claim.until}"
        return f"{self._public_url}{PATH}?ticket={said}.{self._signing.mark(*self._parts(claim))}"

    def made(self, claim: PageClaim, now: datetime) -> bool:
        """Whether the link was made here for that person, organization and object, and is young enough."""
        return self._signing.made(claim.mark, *self._parts(claim)) and now.timestamp() < claim.until

    def _parts(self, claim: PageClaim) -> tuple[str, ...]:
        return self._public_url, claim.about, claim.organization_id, claim.member_id, str(claim.until)


def read_ticket(text: str) -> PageClaim | None:
    """Return what a link claims; None for what no link of ours says."""
    found = _TICKET.fullmatch(text)
    if found is None:
        return None
    return PageClaim(found["about"], found["organization"], found["member"], int(found["until"]), found["mark"])
