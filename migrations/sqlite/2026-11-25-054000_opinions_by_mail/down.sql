ALTER TABLE cases DROP COLUMN coordinator_id;
ALTER TABLE consultation DROP COLUMN proxy_source;
DROP TABLE opinion_link;
