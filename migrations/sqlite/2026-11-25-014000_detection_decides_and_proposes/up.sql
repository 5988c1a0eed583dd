-- Between which problems a decision moved tickets, so that it can be taken back.
ALTER TABLE decision ADD COLUMN from_problem_id TEXT REFERENCES problem (id);
ALTER TABLE decision ADD COLUMN to_problem_id TEXT REFERENCES problem (id);
CREATE INDEX decision_from ON decision (from_problem_id);
CREATE INDEX decision_to ON decision (to_problem_id);

-- Terms carry their strength from now on; they are found anew.
UPDATE problem SET terms = '[]';

-- What is out of the ordinary about a problem.
ALTER TABLE problem ADD COLUMN unusual DOUBLE PRECISION;
ALTER TABLE problem ADD COLUMN burst_at TIMESTAMP;
ALTER TABLE problem ADD COLUMN burst_callers BIGINT;
ALTER TABLE problem ADD COLUMN insistent_calls BIGINT;
ALTER TABLE problem ADD COLUMN returns_on DATE;
ALTER TABLE problem ADD COLUMN returns_callers BIGINT;
CREATE INDEX problem_parent ON problem (parent_id);

-- What consolidation leaves to people, because a person decided before.
CREATE TABLE proposal (
    id TEXT PRIMARY KEY NOT NULL,
    kind TEXT NOT NULL,
    problem_id TEXT NOT NULL REFERENCES problem (id),
    -- the problem to merge into
    into_id TEXT REFERENCES problem (id),
    score DOUBLE PRECISION,
    at TIMESTAMP NOT NULL
);
CREATE INDEX proposal_problem ON proposal (problem_id);
CREATE TABLE proposal_ticket (
    proposal_id TEXT NOT NULL REFERENCES proposal (id),
    ticket_id TEXT NOT NULL REFERENCES ticket (id),
    PRIMARY KEY (proposal_id, ticket_id)
);
