DROP INDEX objection_ruled;
DROP TABLE objection_opinion;
DROP TABLE objection_step;
ALTER TABLE objection DROP COLUMN basis;
ALTER TABLE task DROP COLUMN clock_stopped_on;
