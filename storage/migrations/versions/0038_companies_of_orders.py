"""Into which company of QuickBooks an order went, since ids of one name nothing in another's books; and an index.

All revisions of an order are found by its number within its connection, which has thousands.
"""

import sqlalchemy as sa
from alembic import op

revision = "0038"
down_revision = "0037"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("exchange_orders") as batch_op:
        batch_op.add_column(sa.Column("books_id", sa.String(), nullable=False, server_default=""))
        batch_op.create_index("ix_exchange_orders_revisions", ["source_id", "order_no"])
    op.execute(
        "UPDATE exchange_orders SET books_id = coalesce((SELECT max(p.books_id) FROM exchange_pairs p"
        " WHERE p.source_id = exchange_orders.source_id AND p.pair = 'orders'), '') WHERE target = 'estimate'"
    )
