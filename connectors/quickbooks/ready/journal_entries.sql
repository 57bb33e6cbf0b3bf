-- One row per journal entry, with both of its sides.
SELECT
    j.id AS journal_entry_id,
    j.doc_number AS journal_number,
    j.txn_date AS journal_date,
    j.currency,
    COALESCE(j.exchange_rate, 1) AS exchange_rate,
    j.adjustment AS is_adjustment,
    TRY_CAST(COALESCE(SUM(l.amount) FILTER (WHERE l.posting_type = 'Debit'), 0) AS DECIMAL(18, 2)) AS debit_amount,
    TRY_CAST(COALESCE(SUM(l.amount) FILTER (WHERE l.posting_type = 'Credit'), 0) AS DECIMAL(18, 2)) AS credit_amount,
    COUNT(l.position) AS line_count,
    j.private_note,
    j.created_at,
    j.updated_at
FROM raw_quickbooks_journal_entries j
LEFT JOIN raw_quickbooks_journal_lines l ON l.parent_id = j.id
GROUP BY ALL
