ALTER TABLE import_run DROP COLUMN saved_at;
