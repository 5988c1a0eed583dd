CREATE INDEX ticket_caller ON ticket (caller_hash, received_at);
