-- One row per expense, cheque or card charge that was paid at once. Amounts are positive; a credit (money back on a card) is
-- negative in signed_amount.
SELECT
    d.id AS purchase_id,
    d.doc_number AS purchase_number,
    d.txn_date AS purchase_date,
    d.payment_type,
    COALESCE(d.credit, FALSE) AS is_credit,
    d.account_id AS paid_from_account_id,
    d.account_name AS paid_from_account_name,
    d.entity_type,
    d.entity_id,
    d.entity_name,
    d.currency,
    COALESCE(d.exchange_rate, 1) AS exchange_rate,
    d.total_amount,
    CASE WHEN d.credit THEN -d.total_amount ELSE d.total_amount END AS signed_amount,
    d.total_tax AS tax_amount,
    TRY(CAST(d.total_amount * COALESCE(d.exchange_rate, 1) AS DECIMAL(18, 2))) AS home_total_amount,
    d.payment_method_name AS payment_method,
    d.payment_reference,
    d.print_status,
    d.department_id,
    d.department_name,
    d.memo,
    d.private_note,
    d.created_at,
    d.updated_at
FROM raw_quickbooks_purchases d
