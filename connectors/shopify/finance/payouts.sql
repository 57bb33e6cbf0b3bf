SELECT
    p._source AS source,
    p.payout_id,
    p.issued_at AS paid_at,
    NULL AS period_start,
    NULL AS period_end,
    p.status,
    p.currency,
    p.net_amount AS amount
FROM ready_shopify_payouts p
