"""Erasing what is known of a connection's exchange, because its admin wanted that when it was disconnected."""

from storage.records import desktop_requests, exchange, exchange_given, exchange_orders, web_connector
from storage.sessions import Session


def forget(session: Session, source_id: str) -> None:
    """Delete what the far side was given, every order, and which QuickBooks Desktop takes them.

    The pairs and their history of totals stay, without the records that they name: also where the company's own data
    is what was erased.
    """
    for pair in exchange.pairs_of_source(session, source_id):
        exchange_given.forget(session, pair.id)
    exchange_orders.forget(session, source_id)
    desktop_requests.forget(session, source_id)
    web_connector.forget(session, source_id)
    exchange.forget_records(session, source_id)
