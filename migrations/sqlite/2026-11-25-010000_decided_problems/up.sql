-- Matching asks which problems a person decided about with every turn.
UPDATE problem SET decided_at = created_at WHERE title_by_person AND decided_at IS NULL;
CREATE INDEX problem_decided ON problem (decided_at) WHERE decided_at IS NOT NULL;
