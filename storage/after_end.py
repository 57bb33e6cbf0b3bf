"""A call when a session's transaction is over, whether it was committed or not."""

from collections.abc import Callable

from sqlalchemy import event
from sqlalchemy.orm import SessionTransaction

from storage.sessions import Session


def after_end(session: Session, call: Callable[[], None]) -> None:
    """Call when the outermost transaction of the session has ended; savepoints in it do not count."""

    def ended(_session: Session, transaction: SessionTransaction) -> None:
        if transaction.parent is None:
            call()

    event.listen(session, "after_transaction_end", ended)
