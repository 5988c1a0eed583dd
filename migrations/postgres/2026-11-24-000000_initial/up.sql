-- Ids are UUIDv7 text, times are UTC cut to microseconds, dates are local dates of the configured zone.
-- Both databases hold the same tables; they differ only where a comment in the PostgreSQL file says so.

-- People -----------------------------------------------------------------------------------------------------------
CREATE TABLE unit (
    id TEXT PRIMARY KEY NOT NULL,
    parent_id TEXT REFERENCES unit (id),
    -- ids from the root down to this unit, each closed by '/': a subtree is a prefix
    path TEXT NOT NULL,
    name TEXT NOT NULL UNIQUE,
    name_en TEXT,
    mailbox TEXT,
    active BOOLEAN NOT NULL,
    version BIGINT NOT NULL,
    created_at TIMESTAMP NOT NULL
);
CREATE TABLE person (
    id TEXT PRIMARY KEY NOT NULL,
    login TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    email TEXT,
    phone TEXT,
    lang TEXT NOT NULL,
    password_hash TEXT,
    failed_sign_ins INTEGER NOT NULL,
    locked_until TIMESTAMP,
    active BOOLEAN NOT NULL,
    version BIGINT NOT NULL,
    created_at TIMESTAMP NOT NULL
);
CREATE TABLE post (
    id TEXT PRIMARY KEY NOT NULL,
    person_id TEXT NOT NULL REFERENCES person (id),
    role TEXT NOT NULL,
    unit_id TEXT REFERENCES unit (id),
    case_id TEXT,
    since TIMESTAMP NOT NULL,
    until TIMESTAMP
);
CREATE INDEX post_person ON post (person_id);
CREATE INDEX post_unit ON post (unit_id, role);
CREATE TABLE session (
    token_hash TEXT PRIMARY KEY NOT NULL,
    person_id TEXT NOT NULL REFERENCES person (id),
    csrf TEXT NOT NULL,
    created_at TIMESTAMP NOT NULL,
    expires_at TIMESTAMP NOT NULL
);
CREATE TABLE api_token (
    token_hash TEXT PRIMARY KEY NOT NULL,
    person_id TEXT NOT NULL REFERENCES person (id),
    name TEXT NOT NULL,
    created_at TIMESTAMP NOT NULL,
    revoked_at TIMESTAMP
);

-- The house's own ------------------------------------------------------------------------------------------------
CREATE TABLE setting (
    key TEXT PRIMARY KEY NOT NULL,
    value TEXT NOT NULL,
    changed_at TIMESTAMP NOT NULL
);
CREATE TABLE number_series (
    name TEXT PRIMARY KEY NOT NULL,
    last BIGINT NOT NULL
);
CREATE TABLE lease (
    name TEXT PRIMARY KEY NOT NULL,
    holder TEXT NOT NULL,
    until TIMESTAMP NOT NULL
);
CREATE TABLE idempotency (
    person_id TEXT NOT NULL,
    key TEXT NOT NULL,
    request_hash TEXT NOT NULL,
    status INTEGER NOT NULL,
    response TEXT NOT NULL,
    created_at TIMESTAMP NOT NULL,
    PRIMARY KEY (person_id, key)
);
CREATE TABLE calendar_day (
    day DATE PRIMARY KEY NOT NULL,
    kind TEXT NOT NULL,
    name TEXT NOT NULL
);
CREATE TABLE policy (
    id TEXT PRIMARY KEY NOT NULL,
    kind TEXT NOT NULL,
    version INTEGER NOT NULL,
    document TEXT NOT NULL,
    effective_from TIMESTAMP NOT NULL,
    created_by TEXT,
    UNIQUE (kind, version)
);

-- Tickets --------------------------------------------------------------------------------------------------------
CREATE TABLE import_run (
    id TEXT PRIMARY KEY NOT NULL,
    file_name TEXT NOT NULL,
    stored BIGINT NOT NULL,
    repeated BIGINT NOT NULL,
    rejected BIGINT NOT NULL,
    rejects_file TEXT,
    started_at TIMESTAMP NOT NULL,
    finished_at TIMESTAMP,
    started_by TEXT
);
CREATE TABLE ticket (
    -- n and tx give the order of commits: see store/tickets.rs
    n BIGSERIAL PRIMARY KEY,
    -- here the transaction's id, so that a hole which fills later is not passed by
    tx BIGINT NOT NULL DEFAULT (pg_current_xact_id()::text::bigint),
    id TEXT NOT NULL UNIQUE,
    source_no TEXT NOT NULL UNIQUE,
    title TEXT NOT NULL,
    body TEXT NOT NULL,
    received_at TIMESTAMP NOT NULL,
    due_at TIMESTAMP,
    channel TEXT,
    category TEXT,
    district TEXT,
    latitude DOUBLE PRECISION,
    longitude DOUBLE PRECISION,
    caller_hash TEXT,
    caller_key_version INTEGER,
    state TEXT NOT NULL,
    disposition TEXT NOT NULL,
    version BIGINT NOT NULL,
    created_at TIMESTAMP NOT NULL
);
CREATE INDEX ticket_commit ON ticket (tx, n);
CREATE INDEX ticket_received ON ticket (received_at);
CREATE INDEX ticket_caller ON ticket (caller_hash, received_at);
CREATE TABLE ticket_order (
    seq BIGINT PRIMARY KEY NOT NULL,
    ticket_n BIGINT NOT NULL,
    ticket_tx BIGINT NOT NULL,
    ticket_id TEXT NOT NULL UNIQUE
);
CREATE TABLE ticket_contact (
    ticket_id TEXT PRIMARY KEY NOT NULL,
    phone TEXT,
    name TEXT,
    address TEXT
);
CREATE TABLE urge (
    id TEXT PRIMARY KEY NOT NULL,
    ticket_id TEXT NOT NULL REFERENCES ticket (id),
    note TEXT,
    person_id TEXT NOT NULL,
    at TIMESTAMP NOT NULL
);
CREATE INDEX urge_ticket ON urge (ticket_id);
CREATE TABLE evaluation (
    id TEXT PRIMARY KEY NOT NULL,
    ticket_id TEXT NOT NULL REFERENCES ticket (id),
    resolved TEXT NOT NULL,
    satisfied TEXT NOT NULL,
    at TIMESTAMP NOT NULL
);
CREATE INDEX evaluation_ticket ON evaluation (ticket_id);

-- Problems -------------------------------------------------------------------------------------------------------
CREATE TABLE problem (
    id TEXT PRIMARY KEY NOT NULL,
    no BIGINT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    parent_id TEXT REFERENCES problem (id),
    state TEXT NOT NULL,
    merged_into TEXT REFERENCES problem (id),
    title TEXT NOT NULL,
    title_by_person BOOLEAN NOT NULL,
    -- JSON arrays of {name, count} or {term, weight}
    terms TEXT NOT NULL,
    places TEXT NOT NULL,
    tickets BIGINT NOT NULL,
    callers BIGINT NOT NULL,
    window_callers BIGINT NOT NULL,
    growth DOUBLE PRECISION,
    heat DOUBLE PRECISION NOT NULL,
    first_at TIMESTAMP NOT NULL,
    last_at TIMESTAMP NOT NULL,
    proposed_at TIMESTAMP,
    reason TEXT,
    decided_by TEXT,
    decided_at TIMESTAMP,
    version BIGINT NOT NULL,
    created_at TIMESTAMP NOT NULL
);
CREATE INDEX problem_rank ON problem (state, heat);
CREATE TABLE membership (
    id TEXT PRIMARY KEY NOT NULL,
    ticket_id TEXT NOT NULL REFERENCES ticket (id),
    problem_id TEXT NOT NULL REFERENCES problem (id),
    level TEXT NOT NULL,
    placed_by TEXT NOT NULL,
    person_id TEXT,
    engine_version INTEGER NOT NULL,
    score DOUBLE PRECISION NOT NULL,
    runner_up_id TEXT,
    runner_up_score DOUBLE PRECISION,
    since TIMESTAMP NOT NULL,
    until TIMESTAMP
);
CREATE UNIQUE INDEX membership_open ON membership (ticket_id, level) WHERE until IS NULL;
CREATE INDEX membership_problem ON membership (problem_id) WHERE until IS NULL;
CREATE TABLE decision (
    id TEXT PRIMARY KEY NOT NULL,
    kind TEXT NOT NULL,
    reason TEXT,
    person_id TEXT NOT NULL,
    at TIMESTAMP NOT NULL,
    -- the decision that this one takes back
    inverse_of TEXT REFERENCES decision (id)
);
CREATE TABLE decision_ticket (
    decision_id TEXT NOT NULL REFERENCES decision (id),
    side INTEGER NOT NULL,
    ticket_id TEXT NOT NULL,
    PRIMARY KEY (decision_id, side, ticket_id)
);

-- Cases ----------------------------------------------------------------------------------------------------------
CREATE TABLE cases (
    id TEXT PRIMARY KEY NOT NULL,
    no TEXT NOT NULL UNIQUE,
    title TEXT NOT NULL,
    goal TEXT NOT NULL,
    state TEXT NOT NULL,
    grade TEXT NOT NULL,
    sensitive BOOLEAN NOT NULL,
    lead_unit_id TEXT NOT NULL REFERENCES unit (id),
    original_deadline DATE NOT NULL,
    deadline DATE NOT NULL,
    round INTEGER NOT NULL,
    plan_revision BIGINT NOT NULL,
    -- the agreed wording for callers, who answers for it and until when it holds
    answer TEXT NOT NULL,
    answer_author TEXT,
    answer_until DATE,
    playbook_key TEXT,
    playbook_hash TEXT,
    playbook_text TEXT,
    playbook_parameters TEXT,
    -- JSON of domain::case::ObservationRule
    observation_rule TEXT NOT NULL,
    issued_at TIMESTAMP,
    verifying_at TIMESTAMP,
    ended_at TIMESTAMP,
    end_reason TEXT,
    keeper_unit_id TEXT REFERENCES unit (id),
    version BIGINT NOT NULL,
    created_by TEXT NOT NULL,
    created_at TIMESTAMP NOT NULL
);
CREATE INDEX cases_state ON cases (state);
CREATE TABLE case_problem (
    case_id TEXT NOT NULL REFERENCES cases (id),
    problem_id TEXT NOT NULL REFERENCES problem (id),
    since TIMESTAMP NOT NULL,
    until TIMESTAMP,
    PRIMARY KEY (case_id, problem_id)
);
CREATE UNIQUE INDEX case_problem_open ON case_problem (problem_id) WHERE until IS NULL;
CREATE TABLE case_unit (
    case_id TEXT NOT NULL REFERENCES cases (id),
    unit_id TEXT NOT NULL REFERENCES unit (id),
    part TEXT NOT NULL,
    since TIMESTAMP NOT NULL,
    PRIMARY KEY (case_id, unit_id)
);
CREATE INDEX case_unit_unit ON case_unit (unit_id);
CREATE TABLE case_role (
    case_id TEXT NOT NULL REFERENCES cases (id),
    role_key TEXT NOT NULL,
    name TEXT NOT NULL,
    unit_id TEXT REFERENCES unit (id),
    PRIMARY KEY (case_id, role_key)
);
CREATE TABLE approval (
    id TEXT PRIMARY KEY NOT NULL,
    case_id TEXT NOT NULL REFERENCES cases (id),
    subject TEXT NOT NULL,
    basis TEXT NOT NULL,
    approver TEXT NOT NULL,
    decided_on DATE,
    -- an urgent case may be issued first and approved after: then this says why, until decided_on is filled
    reason TEXT,
    file_id TEXT,
    recorded_by TEXT NOT NULL,
    recorded_at TIMESTAMP NOT NULL
);
CREATE INDEX approval_case ON approval (case_id);
CREATE TABLE consultation (
    id TEXT PRIMARY KEY NOT NULL,
    case_id TEXT NOT NULL REFERENCES cases (id),
    unit_id TEXT NOT NULL REFERENCES unit (id),
    asked_at TIMESTAMP NOT NULL,
    due_on DATE NOT NULL,
    reply TEXT,
    comment TEXT,
    replied_at TIMESTAMP,
    UNIQUE (case_id, unit_id)
);
CREATE TABLE meeting (
    id TEXT PRIMARY KEY NOT NULL,
    case_id TEXT NOT NULL REFERENCES cases (id),
    held_at TIMESTAMP NOT NULL,
    place TEXT NOT NULL,
    minutes TEXT NOT NULL,
    recorded_by TEXT NOT NULL,
    created_at TIMESTAMP NOT NULL
);
CREATE INDEX meeting_case ON meeting (case_id);
CREATE TABLE directive (
    id TEXT PRIMARY KEY NOT NULL,
    case_id TEXT NOT NULL REFERENCES cases (id),
    text TEXT NOT NULL,
    leader TEXT NOT NULL,
    due_on DATE,
    recorded_by TEXT NOT NULL,
    at TIMESTAMP NOT NULL,
    report TEXT,
    reported_at TIMESTAMP
);
CREATE INDEX directive_case ON directive (case_id);
CREATE TABLE observation (
    id TEXT PRIMARY KEY NOT NULL,
    case_id TEXT NOT NULL REFERENCES cases (id),
    problem_id TEXT NOT NULL REFERENCES problem (id),
    round INTEGER NOT NULL,
    compare TEXT NOT NULL,
    -- the baseline is frozen when the window begins; a merge or split re-bases it by an event
    baseline_from DATE NOT NULL,
    baseline_until DATE NOT NULL,
    baseline_callers BIGINT NOT NULL,
    baseline_days BIGINT NOT NULL,
    window_from DATE NOT NULL,
    window_until DATE NOT NULL,
    target_percent INTEGER NOT NULL,
    observed_callers BIGINT,
    observed_days BIGINT,
    result TEXT NOT NULL,
    decided_at TIMESTAMP,
    UNIQUE (case_id, problem_id, round)
);
CREATE TABLE look_back (
    id TEXT PRIMARY KEY NOT NULL,
    case_id TEXT NOT NULL REFERENCES cases (id),
    due_on DATE NOT NULL,
    result TEXT,
    done_by TEXT,
    done_at TIMESTAMP
);
CREATE INDEX look_back_case ON look_back (case_id);
CREATE TABLE attachment (
    id TEXT PRIMARY KEY NOT NULL,
    ticket_id TEXT NOT NULL REFERENCES ticket (id),
    case_id TEXT NOT NULL REFERENCES cases (id),
    mode TEXT NOT NULL,
    told TEXT NOT NULL,
    prior_state TEXT NOT NULL,
    prior_disposition TEXT NOT NULL,
    since TIMESTAMP NOT NULL,
    until TIMESTAMP,
    person_id TEXT,
    ended_by TEXT,
    end_reason TEXT
);
CREATE UNIQUE INDEX attachment_open ON attachment (ticket_id) WHERE until IS NULL;
CREATE INDEX attachment_case ON attachment (case_id);

-- Tasks ----------------------------------------------------------------------------------------------------------
CREATE TABLE task (
    id TEXT PRIMARY KEY NOT NULL,
    case_id TEXT NOT NULL REFERENCES cases (id),
    no INTEGER NOT NULL,
    round INTEGER NOT NULL,
    title TEXT NOT NULL,
    description TEXT NOT NULL,
    acceptance TEXT NOT NULL,
    evidence TEXT NOT NULL,
    outcome TEXT,
    unit_id TEXT NOT NULL REFERENCES unit (id),
    officer_id TEXT REFERENCES person (id),
    state TEXT NOT NULL,
    template_key TEXT,
    parent_task_id TEXT REFERENCES task (id),
    duration_optimistic INTEGER,
    duration INTEGER NOT NULL,
    duration_pessimistic INTEGER,
    duration_unit TEXT NOT NULL,
    not_before DATE,
    release_on DATE,
    due_on DATE,
    baseline_start DATE,
    baseline_finish DATE,
    percent INTEGER NOT NULL,
    submission_round INTEGER NOT NULL,
    released_at TIMESTAMP,
    acknowledged_at TIMESTAMP,
    started_at TIMESTAMP,
    submitted_at TIMESTAMP,
    ended_at TIMESTAMP,
    version BIGINT NOT NULL,
    created_at TIMESTAMP NOT NULL,
    UNIQUE (case_id, no)
);
CREATE INDEX task_unit ON task (unit_id, state);
CREATE INDEX task_due ON task (due_on) WHERE state IN ('ready', 'acknowledged', 'in_progress');
CREATE INDEX task_release ON task (release_on) WHERE state = 'waiting' AND release_on IS NOT NULL;
CREATE TABLE dependency (
    id TEXT PRIMARY KEY NOT NULL,
    case_id TEXT NOT NULL REFERENCES cases (id),
    predecessor_id TEXT NOT NULL REFERENCES task (id),
    successor_id TEXT NOT NULL REFERENCES task (id),
    kind TEXT NOT NULL,
    lag_days INTEGER NOT NULL,
    UNIQUE (predecessor_id, successor_id),
    CHECK (predecessor_id <> successor_id)
);
CREATE INDEX dependency_case ON dependency (case_id);
CREATE INDEX dependency_successor ON dependency (successor_id);
CREATE TABLE assignment (
    id TEXT PRIMARY KEY NOT NULL,
    task_id TEXT NOT NULL REFERENCES task (id),
    unit_id TEXT NOT NULL REFERENCES unit (id),
    officer_id TEXT REFERENCES person (id),
    reason TEXT,
    since TIMESTAMP NOT NULL,
    until TIMESTAMP,
    person_id TEXT NOT NULL
);
CREATE INDEX assignment_task ON assignment (task_id);
CREATE TABLE report (
    id TEXT PRIMARY KEY NOT NULL,
    task_id TEXT NOT NULL REFERENCES task (id),
    percent INTEGER NOT NULL,
    text TEXT NOT NULL,
    person_id TEXT NOT NULL,
    -- how it came (phone, chat, paper) when a coordinator recorded it for the unit
    proxy_source TEXT,
    at TIMESTAMP NOT NULL
);
CREATE INDEX report_task ON report (task_id);
CREATE TABLE comment (
    id TEXT PRIMARY KEY NOT NULL,
    task_id TEXT NOT NULL REFERENCES task (id),
    text TEXT NOT NULL,
    person_id TEXT NOT NULL,
    at TIMESTAMP NOT NULL
);
CREATE INDEX comment_task ON comment (task_id);
CREATE TABLE file (
    id TEXT PRIMARY KEY NOT NULL,
    case_id TEXT NOT NULL REFERENCES cases (id),
    task_id TEXT REFERENCES task (id),
    name TEXT NOT NULL,
    media_type TEXT NOT NULL,
    size BIGINT NOT NULL,
    sha256 TEXT NOT NULL,
    storage_key TEXT NOT NULL,
    person_id TEXT NOT NULL,
    at TIMESTAMP NOT NULL
);
CREATE INDEX file_case ON file (case_id);
CREATE INDEX file_task ON file (task_id);
CREATE TABLE block (
    id TEXT PRIMARY KEY NOT NULL,
    task_id TEXT NOT NULL REFERENCES task (id),
    reason TEXT NOT NULL,
    helper_unit_id TEXT REFERENCES unit (id),
    due_on DATE NOT NULL,
    raised_by TEXT NOT NULL,
    raised_at TIMESTAMP NOT NULL,
    answer TEXT,
    answered_by TEXT,
    answered_at TIMESTAMP,
    resolution TEXT,
    cleared_by TEXT,
    cleared_at TIMESTAMP
);
CREATE UNIQUE INDEX block_open ON block (task_id) WHERE cleared_at IS NULL;
CREATE INDEX block_helper ON block (helper_unit_id) WHERE cleared_at IS NULL;
CREATE TABLE extension (
    id TEXT PRIMARY KEY NOT NULL,
    task_id TEXT NOT NULL REFERENCES task (id),
    reason TEXT NOT NULL,
    old_due_on DATE NOT NULL,
    asked_due_on DATE NOT NULL,
    asked_by TEXT NOT NULL,
    asked_at TIMESTAMP NOT NULL,
    granted BOOLEAN,
    note TEXT,
    decided_by TEXT,
    decided_at TIMESTAMP
);
CREATE UNIQUE INDEX extension_open ON extension (task_id) WHERE decided_at IS NULL;
CREATE TABLE objection (
    id TEXT PRIMARY KEY NOT NULL,
    task_id TEXT NOT NULL REFERENCES task (id),
    level TEXT NOT NULL,
    clause TEXT NOT NULL,
    reason TEXT NOT NULL,
    due_on DATE NOT NULL,
    holder_unit_id TEXT NOT NULL REFERENCES unit (id),
    raised_by TEXT NOT NULL,
    raised_at TIMESTAMP NOT NULL,
    upheld BOOLEAN,
    new_unit_id TEXT REFERENCES unit (id),
    ruling TEXT,
    ruled_by TEXT,
    ruled_at TIMESTAMP
);
CREATE UNIQUE INDEX objection_open ON objection (task_id) WHERE ruled_at IS NULL;
CREATE TABLE submission (
    id TEXT PRIMARY KEY NOT NULL,
    task_id TEXT NOT NULL REFERENCES task (id),
    round INTEGER NOT NULL,
    text TEXT NOT NULL,
    person_id TEXT NOT NULL,
    at TIMESTAMP NOT NULL,
    signed_off_by TEXT,
    lead_accepted_by TEXT,
    lead_accepted_at TIMESTAMP,
    accepted BOOLEAN,
    verdict_note TEXT,
    verdict_by TEXT,
    verdict_at TIMESTAMP,
    UNIQUE (task_id, round)
);

-- Notices --------------------------------------------------------------------------------------------------------
CREATE TABLE mail (
    id TEXT PRIMARY KEY NOT NULL,
    message_id TEXT NOT NULL UNIQUE,
    case_id TEXT,
    recipient_kind TEXT NOT NULL,
    recipient_id TEXT NOT NULL,
    recipient_name TEXT NOT NULL,
    address TEXT NOT NULL,
    subject TEXT NOT NULL,
    -- the whole message, 7-bit, frozen when first claimed
    message TEXT NOT NULL,
    state TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    next_attempt_at TIMESTAMP NOT NULL,
    claimed_by TEXT,
    claimed_until TIMESTAMP,
    created_at TIMESTAMP NOT NULL,
    settled_at TIMESTAMP
);
CREATE INDEX mail_due ON mail (next_attempt_at) WHERE state = 'queued';
CREATE INDEX mail_case ON mail (case_id);
CREATE TABLE notice (
    id TEXT PRIMARY KEY NOT NULL,
    subject_kind TEXT NOT NULL,
    subject_id TEXT NOT NULL,
    stage TEXT NOT NULL,
    recipient_kind TEXT NOT NULL,
    recipient_id TEXT NOT NULL,
    cycle INTEGER NOT NULL,
    case_id TEXT,
    policy_version INTEGER NOT NULL,
    detail TEXT NOT NULL,
    state TEXT NOT NULL,
    mail_id TEXT REFERENCES mail (id),
    decision TEXT,
    owed_at TIMESTAMP NOT NULL,
    UNIQUE (subject_kind, subject_id, stage, recipient_kind, recipient_id, cycle)
);
CREATE INDEX notice_owed ON notice (owed_at) WHERE state = 'owed';
CREATE INDEX notice_case ON notice (case_id);
CREATE INDEX notice_mail ON notice (mail_id);
CREATE TABLE attempt (
    id TEXT PRIMARY KEY NOT NULL,
    mail_id TEXT NOT NULL REFERENCES mail (id),
    channel TEXT NOT NULL,
    outcome TEXT NOT NULL,
    response TEXT NOT NULL,
    at TIMESTAMP NOT NULL
);
CREATE INDEX attempt_mail ON attempt (mail_id);

-- Events ---------------------------------------------------------------------------------------------------------
CREATE TABLE event (
    n BIGSERIAL PRIMARY KEY,
    -- here the transaction's id, so that a hole which fills later is not passed by
    tx BIGINT NOT NULL DEFAULT (pg_current_xact_id()::text::bigint),
    id TEXT NOT NULL UNIQUE,
    at TIMESTAMP NOT NULL,
    kind TEXT NOT NULL,
    subject_kind TEXT NOT NULL,
    subject_id TEXT NOT NULL,
    case_id TEXT,
    actor_kind TEXT NOT NULL,
    actor_id TEXT,
    actor_name TEXT NOT NULL,
    channel TEXT NOT NULL,
    correlation TEXT NOT NULL,
    payload TEXT NOT NULL
);
CREATE INDEX event_commit ON event (tx, n);
CREATE INDEX event_subject ON event (subject_id);
CREATE INDEX event_case ON event (case_id, at);
CREATE TABLE event_seal (
    seq BIGINT PRIMARY KEY NOT NULL,
    event_n BIGINT NOT NULL,
    event_tx BIGINT NOT NULL,
    event_id TEXT NOT NULL UNIQUE,
    hash TEXT NOT NULL
);
