-- When a run last told how far it is: one that has stopped telling was interrupted.
ALTER TABLE import_run ADD COLUMN saved_at TIMESTAMP;
