-- One row per bill; amounts in its currency, and in the company's where that differs.
SELECT
    b.id AS bill_id,
    b.doc_number AS bill_number,
    b.txn_date AS bill_date,
    b.due_date,
    b.vendor_id,
    b.vendor_name,
    b.currency,
    COALESCE(b.exchange_rate, 1) AS exchange_rate,
    b.total_amount,
    b.total_tax AS tax_amount,
    b.balance AS open_amount,
    TRY(CAST(b.total_amount - b.balance AS DECIMAL(18, 2))) AS settled_amount,
    TRY(CAST(COALESCE(b.home_total_amount, b.total_amount * COALESCE(b.exchange_rate, 1)) AS DECIMAL(18, 2)))
        AS home_total_amount,
    TRY(CAST(COALESCE(b.home_balance, b.balance * COALESCE(b.exchange_rate, 1)) AS DECIMAL(18, 2))) AS home_open_amount,
    b.sales_term_name AS terms,
    b.ap_account_id,
    b.ap_account_name,
    b.department_id,
    b.department_name,
    b.private_note,
    b.created_at,
    b.updated_at
FROM raw_quickbooks_bills b
