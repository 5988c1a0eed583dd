-- Other channels than mail (其他渠道): who is told of what over HTTP, what was sent, and each try.
CREATE TABLE webhook (
    id TEXT PRIMARY KEY NOT NULL,
    name TEXT NOT NULL,
    kind TEXT NOT NULL,
    url TEXT NOT NULL,
    secret TEXT NOT NULL,
    -- patterns of the events it wants, separated by spaces
    events TEXT NOT NULL,
    -- whether notices to people go this way
    carries_notices BOOLEAN NOT NULL,
    -- the kind's own when empty
    template TEXT NOT NULL,
    active BOOLEAN NOT NULL,
    version BIGINT NOT NULL,
    created_at TIMESTAMP NOT NULL
);
CREATE TABLE webhook_delivery (
    id TEXT PRIMARY KEY NOT NULL,
    webhook_id TEXT NOT NULL REFERENCES webhook (id),
    -- the same over every try and replay: what the receiver knows it by
    message_id TEXT NOT NULL,
    event TEXT NOT NULL,
    title TEXT NOT NULL,
    body TEXT NOT NULL,
    -- whom a notice is for
    recipient_id TEXT,
    case_id TEXT,
    state TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    next_attempt_at TIMESTAMP NOT NULL,
    claimed_by TEXT,
    claimed_until TIMESTAMP,
    created_at TIMESTAMP NOT NULL,
    settled_at TIMESTAMP,
    UNIQUE (webhook_id, message_id)
);
CREATE INDEX webhook_delivery_due ON webhook_delivery (next_attempt_at) WHERE state = 'queued';
CREATE INDEX webhook_delivery_log ON webhook_delivery (webhook_id, created_at);
CREATE INDEX webhook_delivery_recipient ON webhook_delivery (recipient_id, created_at) WHERE recipient_id IS NOT NULL;
CREATE TABLE webhook_attempt (
    id TEXT PRIMARY KEY NOT NULL,
    delivery_id TEXT NOT NULL REFERENCES webhook_delivery (id),
    outcome TEXT NOT NULL,
    -- HTTP, when there was an answer
    status INTEGER,
    response TEXT NOT NULL,
    at TIMESTAMP NOT NULL
);
CREATE INDEX webhook_attempt_delivery ON webhook_attempt (delivery_id);
