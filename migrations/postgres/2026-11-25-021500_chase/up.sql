-- A 督办单: drafted by the ladder, edited, numbered and signed by a person.
CREATE TABLE supervision (
    id TEXT PRIMARY KEY NOT NULL,
    no TEXT UNIQUE,
    task_id TEXT NOT NULL REFERENCES task (id),
    case_id TEXT NOT NULL REFERENCES cases (id),
    stage TEXT NOT NULL,
    cycle INTEGER NOT NULL,
    unit_id TEXT NOT NULL REFERENCES unit (id),
    text TEXT NOT NULL,
    report_by DATE NOT NULL,
    state TEXT NOT NULL,
    drafted_at TIMESTAMP NOT NULL,
    decided_by TEXT,
    decided_at TIMESTAMP,
    reason TEXT,
    UNIQUE (task_id, stage, cycle)
);
CREATE INDEX supervision_drafted ON supervision (drafted_at) WHERE state = 'drafted';
-- A call about a task: whom, what came of it, what was promised.
CREATE TABLE phone_call (
    id TEXT PRIMARY KEY NOT NULL,
    task_id TEXT NOT NULL REFERENCES task (id),
    whom TEXT NOT NULL,
    outcome TEXT NOT NULL,
    note TEXT NOT NULL,
    promised_on DATE,
    person_id TEXT NOT NULL,
    at TIMESTAMP NOT NULL
);
CREATE INDEX phone_call_task ON phone_call (task_id);
-- How a unit or a person wants its mails.
CREATE TABLE mail_preference (
    recipient_id TEXT PRIMARY KEY NOT NULL,
    rhythm TEXT NOT NULL,
    -- codes of stages that are not mailed, separated by spaces
    muted TEXT NOT NULL
);
CREATE TABLE absence (
    id TEXT PRIMARY KEY NOT NULL,
    person_id TEXT NOT NULL REFERENCES person (id),
    deputy_id TEXT NOT NULL REFERENCES person (id),
    from_day DATE NOT NULL,
    until_day DATE NOT NULL
);
CREATE INDEX absence_person ON absence (person_id);
-- The ceiling and the window look here for every recipient.
CREATE INDEX mail_recipient ON mail (recipient_id, created_at);
CREATE INDEX notice_subject ON notice (subject_id);
