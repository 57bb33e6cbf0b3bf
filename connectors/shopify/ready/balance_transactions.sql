-- One row for everything that moved the balance at Shopify Payments: charges positive, refunds negative.
-- net_amount = amount - fee_amount; the rows of a payout add up to its net. payout_id is empty until it is paid out.
SELECT
    t.id AS balance_transaction_id,
    t.transaction_date,
    t.type,
    t.source_type,
    t.source_id,
    t.source_order_transaction_id AS transaction_number_id,
    t.order_id,
    t.order_name,
    t.payout_id,
    p.status AS payout_status,
    p.issued_at AS payout_issued_at,
    COALESCE(t.test, FALSE) AS is_test,
    t.adjustment_reason,
    t.currency,
    CAST(t.amount AS DECIMAL(18, 3)) AS amount,
    CAST(t.fee AS DECIMAL(18, 3)) AS fee_amount,
    CAST(t.net AS DECIMAL(18, 3)) AS net_amount
FROM raw_shopify_balance_transactions t
LEFT JOIN raw_shopify_payouts p ON p.id = t.payout_id
