-- One row per part of a transaction. Parts of the whole (item_number null) with is_leaf add up to its total; parts of
-- items say the same once more, item by item: never add both.
SELECT
    t.id AS transaction_id,
    b.position + 1 AS line_number,
    t.type AS transaction_type,
    t.status,
    t.posted_at,
    t.order_id,
    b.item_number + 1 AS item_number,
    b.item_number IS NOT NULL AS of_item,
    b.sku,
    b.asin,
    b.quantity_shipped,
    b.level,
    b.path,
    b.type AS part_type,
    b.is_leaf,
    b.currency,
    CAST(b.amount AS DECIMAL(18, 3)) AS amount
FROM raw_amazon_transactions t
JOIN raw_amazon_transaction_breakdowns b ON b.parent_id = t.id
