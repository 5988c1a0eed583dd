DROP TABLE meeting_decision;
DROP TABLE meeting_unit;
ALTER TABLE meeting DROP COLUMN version;
ALTER TABLE meeting DROP COLUMN sequence;
ALTER TABLE meeting DROP COLUMN state;
ALTER TABLE meeting DROP COLUMN duration;
ALTER TABLE meeting DROP COLUMN topic;
