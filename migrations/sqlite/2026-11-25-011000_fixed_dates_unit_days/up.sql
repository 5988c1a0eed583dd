ALTER TABLE task ADD COLUMN fixed_on DATE;
-- two tasks may depend on each other in two ways (start-to-start and finish-to-finish), each once
CREATE TABLE dependency_new (
    id TEXT PRIMARY KEY NOT NULL,
    case_id TEXT NOT NULL REFERENCES cases (id),
    predecessor_id TEXT NOT NULL REFERENCES task (id),
    successor_id TEXT NOT NULL REFERENCES task (id),
    kind TEXT NOT NULL,
    lag_days INTEGER NOT NULL,
    UNIQUE (predecessor_id, successor_id, kind),
    CHECK (predecessor_id <> successor_id)
);
INSERT INTO dependency_new SELECT id, case_id, predecessor_id, successor_id, kind, lag_days FROM dependency;
DROP TABLE dependency;
ALTER TABLE dependency_new RENAME TO dependency;
CREATE INDEX dependency_case ON dependency (case_id);
CREATE INDEX dependency_successor ON dependency (successor_id);
-- days on which one unit works, or does not, unlike the calendar of all
CREATE TABLE unit_day (
    unit_id TEXT NOT NULL REFERENCES unit (id),
    day DATE NOT NULL,
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    PRIMARY KEY (unit_id, day)
);
