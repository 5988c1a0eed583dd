-- What a decision settled instead of a mail, newest first.
CREATE INDEX notice_skipped ON notice (owed_at, id) WHERE state = 'skipped';
