-- A brief (简报) to the leaders, as it was issued: what it says does not change afterwards.
CREATE TABLE brief (
    id TEXT PRIMARY KEY NOT NULL,
    no TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    from_day DATE NOT NULL,
    until_day DATE NOT NULL,
    note TEXT NOT NULL,
    -- JSON of domain::brief::Content
    content TEXT NOT NULL,
    issued_by TEXT NOT NULL,
    issued_at TIMESTAMP NOT NULL,
    UNIQUE (kind, until_day)
);
