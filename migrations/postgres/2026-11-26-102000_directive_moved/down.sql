ALTER TABLE directive DROP COLUMN moved;
