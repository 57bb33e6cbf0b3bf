SELECT
    l._source AS source,
    l.order_id,
    l.line_id,
    l.line_number,
    l.processed_at AS ordered_at,
    l.is_cancelled,
    l.is_test,
    l.sku,
    l.title AS product_name,
    l.quantity,
    l.currency,
    l.gross_amount,
    l.discount_amount,
    l.net_amount,
    l.tax_amount
FROM ready_shopify_order_lines l
