ALTER TABLE import_run DROP COLUMN failure;
ALTER TABLE import_run DROP COLUMN state;
