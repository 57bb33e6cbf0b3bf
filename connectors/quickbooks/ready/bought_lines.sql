-- One row per line that carries money, by account or by item.${note}
SELECT
    d.id AS ${document}_id,
    l.position + 1 AS line_position,
    l.line_id,
    d.doc_number AS ${document}_number,
    d.txn_date AS ${document}_date,
    d.${payee}_id,
    d.${payee}_name,
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
    TRY(CAST(l.amount * COALESCE(d.exchange_rate, 1) AS DECIMAL(18, 2))) AS home_amount,
    l.tax_code_id
FROM raw_quickbooks_${document}s d
JOIN raw_quickbooks_${document}_lines l ON l.parent_id = d.id
WHERE l.detail_type IN ('AccountBasedExpenseLineDetail', 'ItemBasedExpenseLineDetail')
