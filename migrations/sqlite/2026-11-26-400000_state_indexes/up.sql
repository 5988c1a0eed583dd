-- A state is bound to a statement, not written into it, and a plan that holds for every state cannot use an index over the
-- rows of one: where few rows change, the state is the index's first column instead.
DROP INDEX supervision_drafted;
DROP INDEX inbound_review;
DROP INDEX webhook_delivery_due;
CREATE INDEX supervision_drafted ON supervision (state, drafted_at);
CREATE INDEX inbound_review ON inbound (state, received_at);
CREATE INDEX webhook_delivery_due ON webhook_delivery (state, next_attempt_at);
-- A notice is found by its subject's kind and id; most wait without a mail.
DROP INDEX notice_subject;
DROP INDEX notice_mail;
CREATE INDEX notice_mail ON notice (mail_id) WHERE mail_id IS NOT NULL;
