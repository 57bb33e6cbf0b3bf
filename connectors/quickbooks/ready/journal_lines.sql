-- One row per posting: debit positive, credit negative in signed_amount.
SELECT
    j.id AS journal_entry_id,
    l.position + 1 AS line_position,
    l.line_id,
    j.doc_number AS journal_number,
    j.txn_date AS journal_date,
    l.account_id,
    l.account_name,
    l.posting_type,
    l.amount,
    CASE WHEN l.posting_type = 'Credit' THEN -l.amount ELSE l.amount END AS signed_amount,
    j.currency,
    TRY(CAST(
        CASE WHEN l.posting_type = 'Credit' THEN -l.amount ELSE l.amount END * COALESCE(j.exchange_rate, 1)
        AS DECIMAL(18, 2)
    )) AS home_signed_amount,
    l.description,
    l.entity_type,
    l.entity_id,
    l.entity_name,
    l.class_id,
    l.class_name,
    l.department_id,
    l.department_name,
    l.tax_code_id
FROM raw_quickbooks_journal_entries j
JOIN raw_quickbooks_journal_lines l ON l.parent_id = j.id
WHERE l.posting_type IS NOT NULL
