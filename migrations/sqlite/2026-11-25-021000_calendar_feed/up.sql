-- a secret address of a calendar; without a case it holds the person's own dates
CREATE TABLE calendar_feed (
    token_hash TEXT PRIMARY KEY NOT NULL,
    person_id TEXT NOT NULL REFERENCES person (id),
    case_id TEXT REFERENCES cases (id),
    created_at TIMESTAMP NOT NULL,
    revoked_at TIMESTAMP
);
CREATE INDEX calendar_feed_person ON calendar_feed (person_id);
