"""What support is told when a shop's customer wants to know what is held of them."""

from datetime import datetime

from storage.facts.messages import Facts, Message, Note, Paragraph, Strong, When
from templates.text import label

_WHAT_TO_DO = (
    "Send the shop's owner the customer's row of ready_shopify_customers and their rows of ready_shopify_orders."
    " Tidings reads no names, addresses, mail or phone numbers."
)


def data_requested(
    *, organization: str, shop: str, customer: str, orders: int, received: datetime, due: datetime
) -> Message:
    """Return the request and what to do about it; it names nobody but by the shop's own number."""
    return Message(
        f"A customer of {label(shop)} asks for their data",
        (
            Paragraph(("A customer of ", Strong(label(shop)), " asks the shop for the data that is held of them.")),
            Facts(
                (
                    ("Organization", (label(organization),)),
                    ("Customer number", (label(customer),)),
                    ("Orders named", (str(orders),)),
                    ("Received", (When(received),)),
                    ("Answer until", (When(due),)),
                )
            ),
            Paragraph((_WHAT_TO_DO,)),
            Note(("The request is in the organization's audit.",)),
        ),
        kind="privacy_data_request",
    )
