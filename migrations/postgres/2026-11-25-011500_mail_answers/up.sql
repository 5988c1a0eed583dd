-- An address that a mail server refuses, or that a report says is gone: no mail goes there until a person says so.
CREATE TABLE flagged_address (
    address TEXT PRIMARY KEY NOT NULL,
    reason TEXT NOT NULL,
    mail_id TEXT,
    since TIMESTAMP NOT NULL
);
-- What came in by mail; its bytes are a file named by the digest.
CREATE TABLE inbound (
    id TEXT PRIMARY KEY NOT NULL,
    digest TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    state TEXT NOT NULL,
    sender TEXT NOT NULL,
    subject TEXT NOT NULL,
    -- the mail it answers or reports on
    mail_id TEXT,
    case_id TEXT,
    -- what was done, or why a person has to look
    verdict TEXT NOT NULL,
    received_at TIMESTAMP NOT NULL,
    handled_by TEXT,
    handled_at TIMESTAMP,
    note TEXT
);
CREATE INDEX inbound_review ON inbound (received_at) WHERE state = 'review';
CREATE INDEX inbound_sender ON inbound (sender, received_at);
