-- One row per delivered file: the instant of its data, and what became of it (loaded; same: its content was there already; late:
-- newer data was there already).
SELECT
    f.id AS file_key,
    f.feed,
    f.path,
    f.size AS bytes,
    f.sha256,
    f.data_as_of,
    f.modified_at,
    f.row_count,
    f.fate
FROM raw_netsuite_files f
