-- In which order of channels somebody is reached, what carried a notice, and which channels failed it.
ALTER TABLE mail_preference ADD COLUMN channels TEXT NOT NULL DEFAULT '';
ALTER TABLE notice ADD COLUMN delivery_id TEXT;
ALTER TABLE notice ADD COLUMN tried TEXT NOT NULL DEFAULT '';
CREATE INDEX notice_delivery ON notice (delivery_id) WHERE delivery_id IS NOT NULL;
