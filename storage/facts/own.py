"""Everything about the messages of one person."""

from dataclasses import dataclass

from storage.facts.quiet import Digest, QuietView
from storage.facts.subscriptions import Choices


@dataclass(frozen=True, slots=True)
class Own:
    """What a person chose to be told, their quiet hours (with their zone), and their digest."""

    choices: Choices
    quiet: QuietView
    digest: Digest | None
