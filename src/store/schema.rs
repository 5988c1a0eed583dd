//! The tables, as `migrations/` makes them.

diesel::table! {
    unit (id) {
        id -> Text,
        parent_id -> Nullable<Text>,
        path -> Text,
        name -> Text,
        name_en -> Nullable<Text>,
        mailbox -> Nullable<Text>,
        active -> Bool,
        version -> BigInt,
        created_at -> Timestamp,
    }
}

diesel::table! {
    person (id) {
        id -> Text,
        login -> Text,
        name -> Text,
        email -> Nullable<Text>,
        phone -> Nullable<Text>,
        lang -> Text,
        password_hash -> Nullable<Text>,
        failed_sign_ins -> Integer,
        locked_until -> Nullable<Timestamp>,
        active -> Bool,
        version -> BigInt,
        created_at -> Timestamp,
    }
}

diesel::table! {
    post (id) {
        id -> Text,
        person_id -> Text,
        role -> Text,
        unit_id -> Nullable<Text>,
        case_id -> Nullable<Text>,
        since -> Timestamp,
        until -> Nullable<Timestamp>,
    }
}

diesel::table! {
    session (token_hash) {
        token_hash -> Text,
        person_id -> Text,
        csrf -> Text,
        created_at -> Timestamp,
        expires_at -> Timestamp,
    }
}

diesel::table! {
    api_token (token_hash) {
        token_hash -> Text,
        person_id -> Text,
        name -> Text,
        created_at -> Timestamp,
        revoked_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    setting (key) {
        key -> Text,
        value -> Text,
        changed_at -> Timestamp,
    }
}

diesel::table! {
    number_series (name) {
        name -> Text,
        last -> BigInt,
    }
}

diesel::table! {
    lease (name) {
        name -> Text,
        holder -> Text,
        until -> Timestamp,
    }
}

diesel::table! {
    idempotency (person_id, key) {
        person_id -> Text,
        key -> Text,
        request_hash -> Text,
        status -> Integer,
        response -> Text,
        created_at -> Timestamp,
    }
}

diesel::table! {
    calendar_day (day) {
        day -> Date,
        kind -> Text,
        name -> Text,
    }
}

diesel::table! {
    policy (id) {
        id -> Text,
        kind -> Text,
        version -> Integer,
        document -> Text,
        effective_from -> Timestamp,
        created_by -> Nullable<Text>,
    }
}

diesel::table! {
    import_run (id) {
        id -> Text,
        file_name -> Text,
        stored -> BigInt,
        repeated -> BigInt,
        rejected -> BigInt,
        rejects_file -> Nullable<Text>,
        started_at -> Timestamp,
        finished_at -> Nullable<Timestamp>,
        started_by -> Nullable<Text>,
    }
}

diesel::table! {
    ticket (n) {
        n -> BigInt,
        tx -> BigInt,
        id -> Text,
        source_no -> Text,
        title -> Text,
        body -> Text,
        received_at -> Timestamp,
        due_at -> Nullable<Timestamp>,
        channel -> Nullable<Text>,
        category -> Nullable<Text>,
        district -> Nullable<Text>,
        latitude -> Nullable<Double>,
        longitude -> Nullable<Double>,
        caller_hash -> Nullable<Text>,
        caller_key_version -> Nullable<Integer>,
        state -> Text,
        disposition -> Text,
        version -> BigInt,
        created_at -> Timestamp,
    }
}

diesel::table! {
    ticket_order (seq) {
        seq -> BigInt,
        ticket_n -> BigInt,
        ticket_tx -> BigInt,
        ticket_id -> Text,
    }
}

diesel::table! {
    ticket_contact (ticket_id) {
        ticket_id -> Text,
        phone -> Nullable<Text>,
        name -> Nullable<Text>,
        address -> Nullable<Text>,
    }
}

diesel::table! {
    urge (id) {
        id -> Text,
        ticket_id -> Text,
        note -> Nullable<Text>,
        person_id -> Text,
        at -> Timestamp,
    }
}

diesel::table! {
    evaluation (id) {
        id -> Text,
        ticket_id -> Text,
        resolved -> Text,
        satisfied -> Text,
        at -> Timestamp,
    }
}

diesel::table! {
    problem (id) {
        id -> Text,
        no -> BigInt,
        kind -> Text,
        parent_id -> Nullable<Text>,
        state -> Text,
        merged_into -> Nullable<Text>,
        title -> Text,
        title_by_person -> Bool,
        terms -> Text,
        places -> Text,
        tickets -> BigInt,
        callers -> BigInt,
        window_callers -> BigInt,
        growth -> Nullable<Double>,
        heat -> Double,
        first_at -> Timestamp,
        last_at -> Timestamp,
        proposed_at -> Nullable<Timestamp>,
        reason -> Nullable<Text>,
        decided_by -> Nullable<Text>,
        decided_at -> Nullable<Timestamp>,
        version -> BigInt,
        created_at -> Timestamp,
    }
}

diesel::table! {
    membership (id) {
        id -> Text,
        ticket_id -> Text,
        problem_id -> Text,
        level -> Text,
        placed_by -> Text,
        person_id -> Nullable<Text>,
        engine_version -> Integer,
        score -> Double,
        runner_up_id -> Nullable<Text>,
        runner_up_score -> Nullable<Double>,
        since -> Timestamp,
        until -> Nullable<Timestamp>,
    }
}

diesel::table! {
    decision (id) {
        id -> Text,
        kind -> Text,
        reason -> Nullable<Text>,
        person_id -> Text,
        at -> Timestamp,
        inverse_of -> Nullable<Text>,
    }
}

diesel::table! {
    decision_ticket (decision_id, side, ticket_id) {
        decision_id -> Text,
        side -> Integer,
        ticket_id -> Text,
    }
}

diesel::table! {
    cases (id) {
        id -> Text,
        no -> Text,
        title -> Text,
        goal -> Text,
        state -> Text,
        grade -> Text,
        sensitive -> Bool,
        lead_unit_id -> Text,
        original_deadline -> Date,
        deadline -> Date,
        round -> Integer,
        plan_revision -> BigInt,
        answer -> Text,
        answer_author -> Nullable<Text>,
        answer_until -> Nullable<Date>,
        playbook_key -> Nullable<Text>,
        playbook_hash -> Nullable<Text>,
        playbook_text -> Nullable<Text>,
        playbook_parameters -> Nullable<Text>,
        observation_rule -> Text,
        issued_at -> Nullable<Timestamp>,
        verifying_at -> Nullable<Timestamp>,
        ended_at -> Nullable<Timestamp>,
        end_reason -> Nullable<Text>,
        keeper_unit_id -> Nullable<Text>,
        version -> BigInt,
        created_by -> Text,
        created_at -> Timestamp,
    }
}

diesel::table! {
    case_problem (case_id, problem_id) {
        case_id -> Text,
        problem_id -> Text,
        since -> Timestamp,
        until -> Nullable<Timestamp>,
    }
}

diesel::table! {
    case_unit (case_id, unit_id) {
        case_id -> Text,
        unit_id -> Text,
        part -> Text,
        since -> Timestamp,
    }
}

diesel::table! {
    case_role (case_id, role_key) {
        case_id -> Text,
        role_key -> Text,
        name -> Text,
        unit_id -> Nullable<Text>,
    }
}

diesel::table! {
    approval (id) {
        id -> Text,
        case_id -> Text,
        subject -> Text,
        basis -> Text,
        approver -> Text,
        decided_on -> Nullable<Date>,
        reason -> Nullable<Text>,
        file_id -> Nullable<Text>,
        recorded_by -> Text,
        recorded_at -> Timestamp,
    }
}

diesel::table! {
    consultation (id) {
        id -> Text,
        case_id -> Text,
        unit_id -> Text,
        asked_at -> Timestamp,
        due_on -> Date,
        reply -> Nullable<Text>,
        comment -> Nullable<Text>,
        replied_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    meeting (id) {
        id -> Text,
        case_id -> Text,
        held_at -> Timestamp,
        place -> Text,
        minutes -> Text,
        recorded_by -> Text,
        created_at -> Timestamp,
    }
}

diesel::table! {
    directive (id) {
        id -> Text,
        case_id -> Text,
        text -> Text,
        leader -> Text,
        due_on -> Nullable<Date>,
        recorded_by -> Text,
        at -> Timestamp,
        report -> Nullable<Text>,
        reported_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    observation (id) {
        id -> Text,
        case_id -> Text,
        problem_id -> Text,
        round -> Integer,
        compare -> Text,
        baseline_from -> Date,
        baseline_until -> Date,
        baseline_callers -> BigInt,
        baseline_days -> BigInt,
        window_from -> Date,
        window_until -> Date,
        target_percent -> Integer,
        observed_callers -> Nullable<BigInt>,
        observed_days -> Nullable<BigInt>,
        result -> Text,
        decided_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    look_back (id) {
        id -> Text,
        case_id -> Text,
        due_on -> Date,
        result -> Nullable<Text>,
        done_by -> Nullable<Text>,
        done_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    attachment (id) {
        id -> Text,
        ticket_id -> Text,
        case_id -> Text,
        mode -> Text,
        told -> Text,
        prior_state -> Text,
        prior_disposition -> Text,
        since -> Timestamp,
        until -> Nullable<Timestamp>,
        person_id -> Nullable<Text>,
        ended_by -> Nullable<Text>,
        end_reason -> Nullable<Text>,
    }
}

diesel::table! {
    task (id) {
        id -> Text,
        case_id -> Text,
        no -> Integer,
        round -> Integer,
        title -> Text,
        description -> Text,
        acceptance -> Text,
        evidence -> Text,
        outcome -> Nullable<Text>,
        unit_id -> Text,
        officer_id -> Nullable<Text>,
        state -> Text,
        template_key -> Nullable<Text>,
        parent_task_id -> Nullable<Text>,
        duration_optimistic -> Nullable<Integer>,
        duration -> Integer,
        duration_pessimistic -> Nullable<Integer>,
        duration_unit -> Text,
        not_before -> Nullable<Date>,
        release_on -> Nullable<Date>,
        due_on -> Nullable<Date>,
        baseline_start -> Nullable<Date>,
        baseline_finish -> Nullable<Date>,
        percent -> Integer,
        submission_round -> Integer,
        released_at -> Nullable<Timestamp>,
        acknowledged_at -> Nullable<Timestamp>,
        started_at -> Nullable<Timestamp>,
        submitted_at -> Nullable<Timestamp>,
        ended_at -> Nullable<Timestamp>,
        version -> BigInt,
        created_at -> Timestamp,
    }
}

diesel::table! {
    dependency (id) {
        id -> Text,
        case_id -> Text,
        predecessor_id -> Text,
        successor_id -> Text,
        kind -> Text,
        lag_days -> Integer,
    }
}

diesel::table! {
    assignment (id) {
        id -> Text,
        task_id -> Text,
        unit_id -> Text,
        officer_id -> Nullable<Text>,
        reason -> Nullable<Text>,
        since -> Timestamp,
        until -> Nullable<Timestamp>,
        person_id -> Text,
    }
}

diesel::table! {
    report (id) {
        id -> Text,
        task_id -> Text,
        percent -> Integer,
        text -> Text,
        person_id -> Text,
        proxy_source -> Nullable<Text>,
        at -> Timestamp,
    }
}

diesel::table! {
    comment (id) {
        id -> Text,
        task_id -> Text,
        text -> Text,
        person_id -> Text,
        at -> Timestamp,
    }
}

diesel::table! {
    file (id) {
        id -> Text,
        case_id -> Text,
        task_id -> Nullable<Text>,
        name -> Text,
        media_type -> Text,
        size -> BigInt,
        sha256 -> Text,
        storage_key -> Text,
        person_id -> Text,
        at -> Timestamp,
    }
}

diesel::table! {
    block (id) {
        id -> Text,
        task_id -> Text,
        reason -> Text,
        helper_unit_id -> Nullable<Text>,
        due_on -> Date,
        raised_by -> Text,
        raised_at -> Timestamp,
        answer -> Nullable<Text>,
        answered_by -> Nullable<Text>,
        answered_at -> Nullable<Timestamp>,
        resolution -> Nullable<Text>,
        cleared_by -> Nullable<Text>,
        cleared_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    extension (id) {
        id -> Text,
        task_id -> Text,
        reason -> Text,
        old_due_on -> Date,
        asked_due_on -> Date,
        asked_by -> Text,
        asked_at -> Timestamp,
        granted -> Nullable<Bool>,
        note -> Nullable<Text>,
        decided_by -> Nullable<Text>,
        decided_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    objection (id) {
        id -> Text,
        task_id -> Text,
        level -> Text,
        clause -> Text,
        reason -> Text,
        due_on -> Date,
        holder_unit_id -> Text,
        raised_by -> Text,
        raised_at -> Timestamp,
        upheld -> Nullable<Bool>,
        new_unit_id -> Nullable<Text>,
        ruling -> Nullable<Text>,
        ruled_by -> Nullable<Text>,
        ruled_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    submission (id) {
        id -> Text,
        task_id -> Text,
        round -> Integer,
        text -> Text,
        person_id -> Text,
        at -> Timestamp,
        signed_off_by -> Nullable<Text>,
        lead_accepted_by -> Nullable<Text>,
        lead_accepted_at -> Nullable<Timestamp>,
        accepted -> Nullable<Bool>,
        verdict_note -> Nullable<Text>,
        verdict_by -> Nullable<Text>,
        verdict_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    mail (id) {
        id -> Text,
        message_id -> Text,
        case_id -> Nullable<Text>,
        recipient_kind -> Text,
        recipient_id -> Text,
        recipient_name -> Text,
        address -> Text,
        subject -> Text,
        message -> Text,
        state -> Text,
        attempts -> Integer,
        next_attempt_at -> Timestamp,
        claimed_by -> Nullable<Text>,
        claimed_until -> Nullable<Timestamp>,
        created_at -> Timestamp,
        settled_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    notice (id) {
        id -> Text,
        subject_kind -> Text,
        subject_id -> Text,
        stage -> Text,
        recipient_kind -> Text,
        recipient_id -> Text,
        cycle -> Integer,
        case_id -> Nullable<Text>,
        policy_version -> Integer,
        detail -> Text,
        state -> Text,
        mail_id -> Nullable<Text>,
        decision -> Nullable<Text>,
        owed_at -> Timestamp,
    }
}

diesel::table! {
    attempt (id) {
        id -> Text,
        mail_id -> Text,
        channel -> Text,
        outcome -> Text,
        response -> Text,
        at -> Timestamp,
    }
}

diesel::table! {
    event (n) {
        n -> BigInt,
        tx -> BigInt,
        id -> Text,
        at -> Timestamp,
        kind -> Text,
        subject_kind -> Text,
        subject_id -> Text,
        case_id -> Nullable<Text>,
        actor_kind -> Text,
        actor_id -> Nullable<Text>,
        actor_name -> Text,
        channel -> Text,
        correlation -> Text,
        payload -> Text,
    }
}

diesel::table! {
    event_seal (seq) {
        seq -> BigInt,
        event_n -> BigInt,
        event_tx -> BigInt,
        event_id -> Text,
        hash -> Text,
    }
}

diesel::joinable!(task -> unit (unit_id));
diesel::joinable!(task -> cases (case_id));
// Only the tables that queries really join: every pair costs compile time.
diesel::allow_tables_to_appear_in_same_query!(unit, person, post, session, api_token);
diesel::allow_tables_to_appear_in_same_query!(cases, case_problem, case_unit, unit);
diesel::allow_tables_to_appear_in_same_query!(task, unit);
diesel::allow_tables_to_appear_in_same_query!(task, cases);
diesel::allow_tables_to_appear_in_same_query!(task, dependency);
diesel::allow_tables_to_appear_in_same_query!(task, block);
diesel::allow_tables_to_appear_in_same_query!(event, event_seal);
diesel::allow_tables_to_appear_in_same_query!(ticket, ticket_order, membership, attachment);
diesel::allow_tables_to_appear_in_same_query!(ticket_contact, membership);
diesel::allow_tables_to_appear_in_same_query!(decision, decision_ticket);
diesel::allow_tables_to_appear_in_same_query!(mail, lease);
