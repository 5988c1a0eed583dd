-- Problems with new tickets since they were counted.
ALTER TABLE problem ADD COLUMN is_uncounted BOOLEAN NOT NULL DEFAULT FALSE;
CREATE INDEX problem_uncounted ON problem (id) WHERE is_uncounted;
UPDATE problem SET is_uncounted = TRUE;

-- Counting reads these of every ticket of a problem, without its text.
CREATE INDEX ticket_counted ON ticket (id) INCLUDE (received_at, caller_hash, district);
