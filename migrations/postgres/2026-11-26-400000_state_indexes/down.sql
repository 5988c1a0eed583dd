DROP INDEX supervision_drafted;
DROP INDEX inbound_review;
DROP INDEX webhook_delivery_due;
CREATE INDEX supervision_drafted ON supervision (drafted_at) WHERE state = 'drafted';
CREATE INDEX inbound_review ON inbound (received_at) WHERE state = 'review';
CREATE INDEX webhook_delivery_due ON webhook_delivery (next_attempt_at) WHERE state = 'queued';
DROP INDEX notice_mail;
CREATE INDEX notice_mail ON notice (mail_id);
CREATE INDEX notice_subject ON notice (subject_id);
