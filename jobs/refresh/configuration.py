"""Which configuration a run ran under: one short version, that is another one whenever anything of it is.

Two receipts with the same version were read and made ready by the same rules; where they differ, so may the numbers
without any change at the provider.
"""

import hashlib
from collections.abc import Iterable, Sequence

from storage.facts.ready import ReadyTable
from storage.facts.sources import Source
from storage.facts.streams import Stream

#: signs of the hash that are kept: enough to tell versions apart, short enough to read out
_SIGNS = 12


def version_of(source: Source, streams: Sequence[Stream], ready: Iterable[ReadyTable]) -> str:
    """Return the version of what is read (records and columns), how it is made ready (SQL), and of which account when.

    A customer's own declarations (feeds) are in it by the tables that they give. Access tokens are not: they change
    daily and decide nothing.
    """
    account = (source.provider.value, source.account, source.mode.value, source.region, source.environment)
    schedule = (source.planned_minutes or source.schedule_minutes, repr(source.rule), source.zone)
    facts = (account, schedule, tuple(streams), tuple(sorted(ready, key=lambda table: table.name)))
    return hashlib.sha256(repr(facts).encode()).hexdigest()[:_SIGNS]
