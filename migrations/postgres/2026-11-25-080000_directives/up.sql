-- A directive may be about one task, came by some way, has limited readers, and waits until each unit that must has reported.
ALTER TABLE directive ADD COLUMN task_id TEXT REFERENCES task (id);
ALTER TABLE directive ADD COLUMN leader_id TEXT REFERENCES person (id);
ALTER TABLE directive ADD COLUMN given_on DATE NOT NULL DEFAULT '2026-01-01';
ALTER TABLE directive ADD COLUMN source TEXT NOT NULL DEFAULT 'entered';
ALTER TABLE directive ADD COLUMN version BIGINT NOT NULL DEFAULT 1;
UPDATE directive SET given_on = at::date, leader_id = recorded_by;
CREATE TABLE directive_unit (
    directive_id TEXT NOT NULL REFERENCES directive (id),
    unit_id TEXT NOT NULL REFERENCES unit (id),
    report TEXT,
    reported_by TEXT,
    reported_at TIMESTAMP,
    PRIMARY KEY (directive_id, unit_id)
);
CREATE INDEX directive_unit_unit ON directive_unit (unit_id) WHERE reported_at IS NULL;
CREATE TABLE directive_reader (
    directive_id TEXT NOT NULL REFERENCES directive (id),
    person_id TEXT NOT NULL REFERENCES person (id),
    PRIMARY KEY (directive_id, person_id)
);
INSERT INTO directive_unit (directive_id, unit_id, report, reported_at)
    SELECT directive.id, cases.lead_unit_id, directive.report, directive.reported_at
    FROM directive JOIN cases ON cases.id = directive.case_id;
ALTER TABLE directive DROP COLUMN report;
