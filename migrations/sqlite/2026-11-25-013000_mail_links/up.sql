-- A link in a mail that does one thing for its unit. Only the token's hash is kept.
CREATE TABLE mail_link (
    token_hash TEXT PRIMARY KEY NOT NULL,
    mail_id TEXT NOT NULL,
    task_id TEXT NOT NULL REFERENCES task (id),
    unit_id TEXT NOT NULL REFERENCES unit (id),
    act TEXT NOT NULL,
    -- on real time
    expires_at TIMESTAMP NOT NULL,
    opened_at TIMESTAMP,
    used_at TIMESTAMP,
    used_by TEXT
);
CREATE INDEX mail_link_mail ON mail_link (mail_id);
-- A unit may want its people signed in when they hand a result in.
ALTER TABLE unit ADD COLUMN submits_signed_in BOOLEAN NOT NULL DEFAULT FALSE;
