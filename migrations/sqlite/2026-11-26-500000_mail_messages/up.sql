-- A mail's bytes lie apart: each claim and outcome would write them anew, and each list walk past them.
CREATE TABLE mail_message (
    mail_id TEXT PRIMARY KEY NOT NULL REFERENCES mail (id),
    message TEXT NOT NULL
);
INSERT INTO mail_message (mail_id, message) SELECT id, message FROM mail;
ALTER TABLE mail DROP COLUMN message;
-- Few among many: what the log is asked for.
CREATE INDEX mail_queued ON mail (created_at, id) WHERE state = 'queued';
CREATE INDEX mail_failed ON mail (created_at, id) WHERE state = 'failed';
CREATE INDEX mail_bounced ON mail (created_at, id) WHERE state = 'bounced';
-- Who has mails waiting, and since when.
CREATE INDEX mail_waiting ON mail (recipient_id, created_at) WHERE state = 'queued';
-- Who is owed something, and since when.
CREATE INDEX notice_owed_to ON notice (recipient_id, case_id, owed_at) WHERE state = 'owed';
-- A thread begins with the first mail of a case to a recipient, who may have had thousands of others.
CREATE INDEX mail_thread ON mail (recipient_id, case_id, created_at);
