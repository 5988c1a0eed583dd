-- A leader's order among open cases: 1 comes first.
CREATE TABLE case_order (
    case_id TEXT PRIMARY KEY NOT NULL REFERENCES cases (id),
    position INTEGER NOT NULL,
    reason TEXT NOT NULL,
    person_id TEXT NOT NULL,
    at TIMESTAMP NOT NULL
);
