-- The mail log shows the newest first without reading every message.
CREATE INDEX mail_recent ON mail (created_at, id);
