-- What the settlements say was taken from the seller for buyers. Fees and withheld tax are between Amazon and others.
SELECT
    l._source AS source,
    COALESCE(l.adjustment_id, l.order_id) AS refund_id,
    l.settlement_line_id AS refund_line_id,
    l.order_id,
    l.posted_at AS refunded_at,
    l.amount_description AS kind,
    FALSE AS is_test,
    l.sku,
    NULL AS quantity,
    l.currency,
    CASE WHEN l.amount_description LIKE '%Tax' THEN 0 ELSE -l.amount END AS amount_before_tax,
    CASE WHEN l.amount_description LIKE '%Tax' THEN -l.amount ELSE 0 END AS tax_amount,
    -l.amount AS total_amount
FROM ready_amazon_settlement_lines l
WHERE l.transaction_type = 'Refund' AND l.amount_type IN ('ItemPrice', 'Promotion')
