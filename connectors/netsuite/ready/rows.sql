-- One row per row of any other saved search; `cells` holds all of them as JSON pairs of label and text, as they were written.
SELECT
    r.id AS row_key,
    r.feed,
    r.period,
    r.row_date,
    r.amount,
    r.cells
FROM raw_netsuite_rows r
