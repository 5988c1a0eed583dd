ALTER TABLE unit DROP COLUMN submits_signed_in;
DROP TABLE mail_link;
