-- One row per settlement: what Amazon deposited for a period of about two weeks. Amounts are signed as Amazon signs them:
-- positive is money to the seller.
SELECT
    s.id AS settlement_id,
    s.started_at,
    s.ended_at,
    s.deposited_at,
    s.currency,
    CAST(s.total_amount AS DECIMAL(18, 3)) AS total_amount,
    s.lines AS line_count
FROM raw_amazon_settlements s
