-- A 协调会: called with an invitation, moved or cancelled with the same UID and the next sequence, recorded once it was held.
ALTER TABLE meeting ADD COLUMN topic TEXT NOT NULL DEFAULT '';
ALTER TABLE meeting ADD COLUMN duration INTEGER NOT NULL DEFAULT 120;
ALTER TABLE meeting ADD COLUMN state TEXT NOT NULL DEFAULT 'called';
ALTER TABLE meeting ADD COLUMN sequence INTEGER NOT NULL DEFAULT 0;
ALTER TABLE meeting ADD COLUMN version BIGINT NOT NULL DEFAULT 1;
-- Who is invited; one that is no longer asked is told so and marked.
CREATE TABLE meeting_unit (
    meeting_id TEXT NOT NULL REFERENCES meeting (id),
    unit_id TEXT NOT NULL REFERENCES unit (id),
    dropped BOOLEAN NOT NULL,
    PRIMARY KEY (meeting_id, unit_id)
);
-- What was decided; one with a unit is a task.
CREATE TABLE meeting_decision (
    id TEXT PRIMARY KEY NOT NULL,
    meeting_id TEXT NOT NULL REFERENCES meeting (id),
    text TEXT NOT NULL,
    task_id TEXT REFERENCES task (id),
    at TIMESTAMP NOT NULL
);
CREATE INDEX meeting_decision_meeting ON meeting_decision (meeting_id);
