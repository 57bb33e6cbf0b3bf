-- One row per transaction; positive is money to the seller. DEFERRED amounts are not paid out yet.
SELECT
    t.id AS transaction_id,
    t.type AS transaction_type,
    t.status,
    t.status = 'DEFERRED' AS is_deferred,
    t.description,
    t.posted_at,
    t.currency,
    CAST(t.total_amount AS DECIMAL(18, 3)) AS total_amount,
    t.marketplace_id,
    t.marketplace_name,
    t.account_type,
    t.order_id,
    t.financial_event_group_id,
    t.deferral_reason,
    t.matures_at
FROM raw_amazon_transactions t
