-- Problems with new tickets since they were counted.
ALTER TABLE problem ADD COLUMN is_uncounted BOOLEAN NOT NULL DEFAULT 0;
CREATE INDEX problem_uncounted ON problem (id) WHERE is_uncounted;
UPDATE problem SET is_uncounted = 1;

-- Counting reads these of every ticket of a problem, without its text.
CREATE INDEX ticket_counted ON ticket (id, received_at, caller_hash, district);
