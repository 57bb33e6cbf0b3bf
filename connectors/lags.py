"""How far behind their own events providers are, by their own word; a connector notes it with the run it holds for."""

from collections.abc import Mapping, Sequence

from storage.facts.sources import Provider

#: The end of the connector's sentence.
STATED: Mapping[Provider, str] = {
    Provider.AMAZON: "Amazon's own sales reports are 24 to 72 hours behind.",
}


def lag_of(provider: Provider, notes: Sequence[str]) -> str | None:
    """Return the sentence in which a run notes how far the provider is behind; None where it does not."""
    stated = STATED.get(provider)
    return next((note for note in notes if stated and note.endswith(stated)), None)
