-- The task's clock stands still from this day on: whose duty it is is in dispute.
ALTER TABLE task ADD COLUMN clock_stopped_on DATE;
-- By what right a leader's designation was recorded for the leader.
ALTER TABLE objection ADD COLUMN basis TEXT;
-- A level an objection went on to: by whom, why, until when it is to be settled there.
CREATE TABLE objection_step (
    id TEXT PRIMARY KEY NOT NULL,
    objection_id TEXT NOT NULL REFERENCES objection (id),
    level TEXT NOT NULL,
    note TEXT NOT NULL,
    due_on DATE NOT NULL,
    person_id TEXT NOT NULL,
    at TIMESTAMP NOT NULL
);
CREATE INDEX objection_step_objection ON objection_step (objection_id);
-- What a consulted unit (编办, 司法局) says about it; silence is shown as silence.
CREATE TABLE objection_opinion (
    id TEXT PRIMARY KEY NOT NULL,
    objection_id TEXT NOT NULL REFERENCES objection (id),
    unit_id TEXT NOT NULL REFERENCES unit (id),
    asked_at TIMESTAMP NOT NULL,
    text TEXT,
    person_id TEXT,
    at TIMESTAMP,
    UNIQUE (objection_id, unit_id)
);
CREATE INDEX objection_opinion_unit ON objection_opinion (unit_id) WHERE at IS NULL;
CREATE INDEX objection_ruled ON objection (ruled_at) WHERE ruled_at IS NOT NULL;
