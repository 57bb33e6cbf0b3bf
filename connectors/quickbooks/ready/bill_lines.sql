-- One row per bill line that carries money, by account or by item.
SELECT
    b.id AS bill_id,
    l.position + 1 AS line_position,
    l.line_id,
    b.doc_number AS bill_number,
    b.txn_date AS bill_date,
    b.vendor_id,
    b.vendor_name,
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
    b.currency,
    CAST(l.amount * COALESCE(b.exchange_rate, 1) AS DECIMAL(18, 2)) AS home_amount,
    l.tax_code_id
FROM raw_quickbooks_bills b
JOIN raw_quickbooks_bill_lines l ON l.parent_id = b.id
WHERE l.detail_type IN ('AccountBasedExpenseLineDetail', 'ItemBasedExpenseLineDetail')
