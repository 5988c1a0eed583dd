DROP INDEX notice_delivery;
ALTER TABLE notice DROP COLUMN tried;
ALTER TABLE notice DROP COLUMN delivery_id;
ALTER TABLE mail_preference DROP COLUMN channels;
