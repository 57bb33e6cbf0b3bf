SELECT
    s._source AS source,
    s.settlement_id AS payout_id,
    s.deposited_at AS paid_at,
    s.started_at AS period_start,
    s.ended_at AS period_end,
    NULL AS status,
    s.currency,
    s.total_amount AS amount
FROM ready_amazon_settlements s
