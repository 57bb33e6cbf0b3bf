"""Runs with the people behind them."""

from dataclasses import dataclass

from storage.facts.runs import Run


@dataclass(frozen=True, slots=True)
class Asker:
    """A member who asked for a run or joined it."""

    name: str
    user_id: str


@dataclass(frozen=True, slots=True)
class Begun:
    """A run, and who asked for it, the first one first; nobody where the clock began it and nobody joined."""

    run: Run
    people: tuple[Asker, ...] = ()
