"""What `/data exchange` needs of the system behind it."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Protocol

from jobs.exchange.writing import Writing
from jobs.refresh.ask import TriggerKey
from storage.facts.exchange import ExchangeRun
from storage.facts.exchange_mapping import MappingLook, MappingSaved, MappingView, MappingWish
from storage.facts.exchange_orders import KeptOrder
from storage.facts.exchange_view import ExchangeView, FileVersion, PairView, RunView
from storage.facts.people import Actor


class OrderWriting(Protocol):
    """Whether orders may be created in QuickBooks."""

    async def shown(self, actor: Actor) -> list[Writing]:
        """Return the QuickBooks companies and whether it is allowed there."""
        ...

    async def allow(self, actor: Actor, source_id: str) -> Writing:
        """Allow it (TooLateError)."""
        ...

    async def withdraw(self, actor: Actor, source_id: str) -> Writing:
        """Take it back."""
        ...


class Exchange(Protocol):
    """The exchange of files and orders with PocketAdvantage."""

    async def view(self, actor: Actor) -> list[ExchangeView]:
        """Return each connection with its pairs."""
        ...

    async def one(self, actor: Actor, pair_id: str) -> PairView:
        """Return one pair."""
        ...

    async def run(self, actor: Actor, run_id: str) -> RunView:
        """Return one run with what it left out."""
        ...

    async def history(self, actor: Actor, pair_id: str) -> list[ExchangeRun]:
        """Return the last runs of a pair, newest first."""
        ...

    async def choose_books(self, actor: Actor, source_id: str, books_id: str, trigger: TriggerKey) -> ExchangeView:
        """Say whose records go over a connection (TooLateError)."""
        ...

    async def start(self, actor: Actor, pair_id: str, trigger: TriggerKey) -> ExchangeRun:
        """Begin a run, or return the one that is under way."""
        ...

    async def dry_run(self, actor: Actor, pair_id: str, trigger: TriggerKey) -> ExchangeRun:
        """Make what a run would send, and send nothing."""
        ...

    async def pause(self, actor: Actor, pair_id: str, trigger: TriggerKey) -> PairView:
        """Stop a pair for a while."""
        ...

    async def resume(self, actor: Actor, pair_id: str, trigger: TriggerKey) -> PairView:
        """Let it run again."""
        ...

    async def switch(self, actor: Actor, pair_id: str, trigger: TriggerKey, *, on: bool) -> PairView:
        """Switch it on or off."""
        ...

    async def preview_schedule(self, actor: Actor, pair_id: str, words: str) -> Sequence[datetime]:
        """Return the next runs under another schedule (ScheduleRefusedError)."""
        ...

    async def schedule(self, actor: Actor, pair_id: str, words: str, seen: int, trigger: TriggerKey) -> PairView:
        """Set it (ScheduleRefusedError)."""
        ...

    async def release(self, actor: Actor, run_id: str, trigger: TriggerKey) -> ExchangeRun:
        """Let what is held go."""
        ...

    async def discard(self, actor: Actor, run_id: str, trigger: TriggerKey) -> ExchangeRun:
        """Put what is held away."""
        ...

    async def orders(self, actor: Actor, pair_id: str, text: str) -> list[KeptOrder]:
        """Return what is known of an order."""
        ...

    async def order_again(self, actor: Actor, pair_id: str, order_no: str, trigger: TriggerKey) -> str:
        """Let an order be taken again; return what comes of it."""
        ...

    async def replay(self, actor: Actor, run_id: str, trigger: TriggerKey) -> ExchangeRun:
        """Take the orders of an earlier run again (TooLateError)."""
        ...

    async def sent_since(self, actor: Actor, pair_id: str, day: date) -> int:
        """Return how many invoices went in that night and after it."""
        ...

    async def send_again(self, actor: Actor, pair_id: str, day: date, trigger: TriggerKey) -> ExchangeRun:
        """Send them again (TooLateError)."""
        ...

    async def versions(self, actor: Actor, pair_id: str) -> list[FileVersion]:
        """Return the earlier files of a pair."""
        ...

    async def restore(self, actor: Actor, pair_id: str, name: str, trigger: TriggerKey) -> ExchangeRun:
        """Put an earlier file back."""
        ...


class Adapting(Protocol):
    """The organization's own mapping."""

    async def view(self, actor: Actor, pair_id: str) -> MappingView:
        """Return the mapping of a pair as it is in force (NotFoundError)."""
        ...

    async def check(self, actor: Actor, wish: MappingWish) -> None:
        """Pass when it could be saved (MappingRefusedError, TooLateError)."""
        ...

    async def look(self, actor: Actor, wish: MappingWish) -> MappingLook:
        """Return what it would change; nothing is saved (as `check`; UnavailableError)."""
        ...

    async def save(self, actor: Actor, wish: MappingWish, trigger: TriggerKey) -> MappingSaved:
        """Save it, once for the same trigger (as `check`)."""
        ...
