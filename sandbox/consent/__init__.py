"""Pages on which a person says yes or no at somebody else's house: the same sheet for every stand-in that asks."""

from sandbox.consent.asking import Asking, Asks, asks_a_person
from sandbox.consent.sheet import Card, Sheet, draw, sorry, told

__all__ = ["Asking", "Asks", "Card", "Sheet", "asks_a_person", "draw", "sorry", "told"]
