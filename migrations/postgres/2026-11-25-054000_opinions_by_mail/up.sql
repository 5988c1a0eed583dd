-- A link in a mail that answers a consultation for its unit. Only the token's hash is kept.
CREATE TABLE opinion_link (
    token_hash TEXT PRIMARY KEY NOT NULL,
    case_id TEXT NOT NULL REFERENCES cases (id),
    unit_id TEXT NOT NULL REFERENCES unit (id),
    -- on real time
    expires_at TIMESTAMP NOT NULL
);
-- How an opinion came that a coordinator entered for the unit (代录).
ALTER TABLE consultation ADD COLUMN proxy_source TEXT;
-- Who looks after a case now: not always who opened it.
ALTER TABLE cases ADD COLUMN coordinator_id TEXT;
UPDATE cases SET coordinator_id = created_by;
