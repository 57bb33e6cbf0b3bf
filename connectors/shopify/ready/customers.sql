-- One row per customer; no names or addresses are read, amounts need none.
SELECT
    c.id AS customer_id,
    c.legacy_id AS customer_number_id,
    c.created_at,
    c.updated_at,
    c.state,
    c.locale,
    c.tags,
    c.tax_exempt,
    c.number_of_orders,
    CAST(c.amount_spent AS DECIMAL(18, 3)) AS amount_spent,
    c.amount_spent_currency AS currency
FROM raw_shopify_customers c
