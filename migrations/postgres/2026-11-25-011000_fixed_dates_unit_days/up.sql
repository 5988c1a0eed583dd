ALTER TABLE task ADD COLUMN fixed_on DATE;
-- two tasks may depend on each other in two ways (start-to-start and finish-to-finish), each once
ALTER TABLE dependency DROP CONSTRAINT dependency_predecessor_id_successor_id_key;
ALTER TABLE dependency ADD UNIQUE (predecessor_id, successor_id, kind);
-- days on which one unit works, or does not, unlike the calendar of all
CREATE TABLE unit_day (
    unit_id TEXT NOT NULL REFERENCES unit (id),
    day DATE NOT NULL,
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    PRIMARY KEY (unit_id, day)
);
