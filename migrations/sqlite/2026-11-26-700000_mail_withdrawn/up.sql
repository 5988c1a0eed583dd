-- Few among many: what the log is asked for.
CREATE INDEX mail_withdrawn ON mail (created_at, id) WHERE state = 'withdrawn';
