-- What was entered for a unit (代录), how it came, and what the unit says is right.
CREATE TABLE proxy_entry (
    id TEXT PRIMARY KEY NOT NULL,
    task_id TEXT NOT NULL REFERENCES task (id),
    act TEXT NOT NULL,
    source TEXT NOT NULL,
    entered_by TEXT NOT NULL,
    entered_at TIMESTAMP NOT NULL,
    correction TEXT,
    corrected_by TEXT,
    corrected_at TIMESTAMP
);
CREATE INDEX proxy_entry_task ON proxy_entry (task_id);
