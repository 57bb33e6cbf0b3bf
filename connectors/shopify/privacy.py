"""What Tidings holds of a shop's customer.

No names, addresses, mail or phone numbers are ever read (`documents`). What is held is Shopify's number of the
customer, what the shop noted of them (tags, state, language), their sums, and on orders, draft orders and abandoned
checkouts the number again, tags and the buyer's own order number.
"""

from connectors.shopify.requests import PrivacyRequest
from connectors.shopify.shapes import CUSTOMERS
from storage.facts.personal import Redaction

_ORDER_COLUMNS = ("customer_id", "tags", "po_number")
_READY_CUSTOMER = (
    "customer_number_id", "created_at", "updated_at", "state", "locale", "tags", "tax_exempt", "number_of_orders",
    "amount_spent", "currency",
)  # fmt: skip


def redactions(request: PrivacyRequest) -> tuple[Redaction, ...]:
    """Return everything that must be made empty."""
    customer, orders = (request.customer,), request.orders
    names = tuple(field.name for field in CUSTOMERS.fields if field.name != "id")
    return (
        Redaction("raw_shopify_customers", {"id": customer}, names),
        Redaction("raw_shopify_orders", {"id": orders, "customer_id": customer}, _ORDER_COLUMNS),
        Redaction("raw_shopify_draft_orders", {"customer_id": customer, "order_id": orders}, _ORDER_COLUMNS),
        Redaction("raw_shopify_abandoned_checkouts", {"customer_id": customer}, ("customer_id",)),
        Redaction("ready_shopify_customers", {"customer_id": customer}, _READY_CUSTOMER),
        Redaction("ready_shopify_orders", {"order_id": orders, "customer_id": customer}, _ORDER_COLUMNS),
        Redaction("ready_shopify_draft_orders", {"customer_id": customer, "order_id": orders}, _ORDER_COLUMNS),
        Redaction("ready_shopify_abandoned_checkouts", {"customer_id": customer}, ("customer_id",)),
    )
