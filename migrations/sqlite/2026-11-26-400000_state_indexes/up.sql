-- A state is bound to a statement, not written into it, and a plan that holds for every state cannot use an index that
-- covers one: the state is the index's first column instead.
DROP INDEX task_due;
DROP INDEX task_release;
DROP INDEX mail_due;
DROP INDEX notice_owed;
DROP INDEX supervision_drafted;
DROP INDEX inbound_review;
DROP INDEX webhook_delivery_due;
CREATE INDEX task_due ON task (state, due_on);
CREATE INDEX task_release ON task (state, release_on);
CREATE INDEX mail_due ON mail (state, next_attempt_at);
CREATE INDEX notice_owed ON notice (state, owed_at);
CREATE INDEX supervision_drafted ON supervision (state, drafted_at);
CREATE INDEX inbound_review ON inbound (state, received_at);
CREATE INDEX webhook_delivery_due ON webhook_delivery (state, next_attempt_at);
