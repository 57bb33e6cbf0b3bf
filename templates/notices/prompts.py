"""Questions to suggest: what is wrong first, then what everybody asks. Each is understood as it stands."""

from collections import Counter
from collections.abc import Sequence

from storage.facts.sources import ConnectionState, Freshness
from storage.facts.status import SourceStatus
from storage.facts.talk import Prompt
from templates.notices.status import urgent_first
from templates.text import label
from templates.words import provider_name

#: Slack shows four.
MOST = 4
#: of what is wrong, so that the usual questions keep their place
_WRONG = 2
_LONGEST = 75
_LATE = frozenset({Freshness.LATE, Freshness.OVERDUE})


def prompts(statuses: Sequence[SourceStatus], *, may_refresh: bool) -> tuple[Prompt, ...]:
    """Return what to suggest to somebody who sees these sources."""
    if not statuses:
        return (Prompt("What can you do?", "What can you do?"),)
    kinds = Counter(entry.source.provider for entry in statuses)
    wrong = [
        question
        for entry in urgent_first(statuses)
        if (question := _question(entry, alone=kinds[entry.source.provider] == 1)) and len(question) <= _LONGEST
    ]
    usual = ["Is my data fresh?", "When is the next refresh?", "What can you do?"]
    if may_refresh:
        # It asks before anything starts.
        usual.insert(1, "Refresh everything")
    return tuple(Prompt(one, one) for one in (*wrong[:_WRONG], *usual)[:MOST])


def _question(entry: SourceStatus, *, alone: bool) -> str:
    """Return what is worth asking about one source now; empty where nothing is."""
    source = entry.source
    name = provider_name(source.provider) if alone else label(source.label)
    if source.connection is ConnectionState.DISCONNECTED and not source.on_purpose:
        return f"How do I reconnect {name}?"
    if entry.active is not None:
        return f"Is {name} running?"
    return f"Why is {name} not fresh?" if entry.freshness in _LATE else ""
