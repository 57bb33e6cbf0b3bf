SELECT
    r._source AS source,
    r.refund_id,
    r.part_id AS refund_line_id,
    r.order_id,
    COALESCE(r.processed_at, r.created_at) AS refunded_at,
    r.kind,
    r.is_test,
    r.sku,
    r.quantity,
    r.currency,
    r.amount_before_tax,
    r.tax_amount,
    r.total_amount
FROM ready_shopify_refunds r
