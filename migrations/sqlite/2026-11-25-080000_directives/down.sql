ALTER TABLE directive ADD COLUMN report TEXT;
UPDATE directive SET report = (SELECT max(report) FROM directive_unit WHERE directive_id = directive.id);
DROP TABLE directive_reader;
DROP TABLE directive_unit;
ALTER TABLE directive DROP COLUMN version;
ALTER TABLE directive DROP COLUMN source;
ALTER TABLE directive DROP COLUMN given_on;
ALTER TABLE directive DROP COLUMN leader_id;
ALTER TABLE directive DROP COLUMN task_id;
