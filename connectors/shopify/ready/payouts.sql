-- One row per payout of Shopify Payments to the bank account. net_amount is positive for what came in at the bank and
-- negative for what Shopify took from it. Fees are what Shopify kept of each kind, positive. Read once an hour.
SELECT
    p.id AS payout_id,
    p.legacy_id AS payout_number_id,
    p.issued_at,
    p.status,
    p.transaction_type,
    p.currency,
    CAST(CASE WHEN p.transaction_type = 'WITHDRAWAL' THEN -ABS(p.net) ELSE p.net END AS DECIMAL(18, 3)) AS net_amount,
    CAST(p.charges_gross AS DECIMAL(18, 3)) AS charges_gross,
    CAST(p.charges_fee AS DECIMAL(18, 3)) AS charges_fee,
    CAST(p.refunds_gross AS DECIMAL(18, 3)) AS refunds_gross,
    CAST(p.refunds_fee AS DECIMAL(18, 3)) AS refunds_fee,
    CAST(p.adjustments_gross AS DECIMAL(18, 3)) AS adjustments_gross,
    CAST(p.adjustments_fee AS DECIMAL(18, 3)) AS adjustments_fee,
    CAST(p.reserved_gross AS DECIMAL(18, 3)) AS reserved_gross,
    CAST(p.reserved_fee AS DECIMAL(18, 3)) AS reserved_fee,
    CAST(p.retried_gross AS DECIMAL(18, 3)) AS retried_gross,
    CAST(p.retried_fee AS DECIMAL(18, 3)) AS retried_fee,
    CAST(p.advances_gross AS DECIMAL(18, 3)) AS advances_gross,
    CAST(p.advances_fee AS DECIMAL(18, 3)) AS advances_fee
FROM raw_shopify_payouts p
