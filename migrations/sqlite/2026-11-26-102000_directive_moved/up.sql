-- How often its date was moved: each date has a ladder of its own.
ALTER TABLE directive ADD COLUMN moved INTEGER NOT NULL DEFAULT 0;
