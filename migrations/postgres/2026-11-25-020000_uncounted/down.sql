DROP INDEX ticket_counted;
DROP INDEX problem_uncounted;
ALTER TABLE problem DROP COLUMN is_uncounted;
