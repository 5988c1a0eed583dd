DROP TABLE unit_day;
CREATE TABLE dependency_old (
    id TEXT PRIMARY KEY NOT NULL,
    case_id TEXT NOT NULL REFERENCES cases (id),
    predecessor_id TEXT NOT NULL REFERENCES task (id),
    successor_id TEXT NOT NULL REFERENCES task (id),
    kind TEXT NOT NULL,
    lag_days INTEGER NOT NULL,
    UNIQUE (predecessor_id, successor_id),
    CHECK (predecessor_id <> successor_id)
);
INSERT OR IGNORE INTO dependency_old SELECT id, case_id, predecessor_id, successor_id, kind, lag_days FROM dependency;
DROP TABLE dependency;
ALTER TABLE dependency_old RENAME TO dependency;
CREATE INDEX dependency_case ON dependency (case_id);
CREATE INDEX dependency_successor ON dependency (successor_id);
ALTER TABLE task DROP COLUMN fixed_on;
