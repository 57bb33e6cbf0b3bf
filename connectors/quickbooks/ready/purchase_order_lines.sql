-- One row per line that carries money, by account or by item.
SELECT
    d.id AS purchase_order_id,
    l.position + 1 AS line_position,
    l.line_id,
    d.doc_number AS purchase_order_number,
    d.txn_date AS purchase_order_date,
    d.vendor_id,
    d.vendor_name,
    l.detail_type,
    COALESCE(l.account_id, l.item_account_id) AS account_id,
    COALESCE(l.account_name, l.item_account_name) AS account_name,
    l.item_id,
    l.item_name,
    l.customer_id,
    l.customer_name,
    l.class_id,
    l.class_name,
    l.billable_status,
    l.description,
    l.quantity,
    l.unit_price,
    l.amount,
    d.currency,
    CAST(l.amount * COALESCE(d.exchange_rate, 1) AS DECIMAL(18, 2)) AS home_amount,
    l.tax_code_id
FROM raw_quickbooks_purchase_orders d
JOIN raw_quickbooks_purchase_order_lines l ON l.parent_id = d.id
WHERE l.detail_type IN ('AccountBasedExpenseLineDetail', 'ItemBasedExpenseLineDetail')
