"""Erasing what is known of a connection's exchange, because its admin wanted that when it was disconnected."""

from storage.records import desktop_requests, exchange, exchange_given, exchange_orders
from storage.sessions import Session


def forget(session: Session, source_id: str) -> None:
    """Delete what the far side was given and every order; the pairs and their history of totals stay."""
    for pair in exchange.pairs_of_source(session, source_id):
        exchange_given.forget(session, pair.id)
    exchange_orders.forget(session, source_id)
    desktop_requests.forget(session, source_id)
