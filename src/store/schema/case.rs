//! Cases and what belongs to a case as a whole.

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
        coordinator_id -> Nullable<Text>,
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
        proxy_source -> Nullable<Text>,
    }
}

diesel::table! {
    opinion_link (token_hash) {
        token_hash -> Text,
        case_id -> Text,
        unit_id -> Text,
        expires_at -> Timestamp,
    }
}

diesel::table! {
    directive (id) {
        id -> Text,
        case_id -> Text,
        task_id -> Nullable<Text>,
        text -> Text,
        leader -> Text,
        leader_id -> Nullable<Text>,
        given_on -> Date,
        source -> Text,
        due_on -> Nullable<Date>,
        recorded_by -> Text,
        at -> Timestamp,
        reported_at -> Nullable<Timestamp>,
        version -> BigInt,
        moved -> Integer,
    }
}

diesel::table! {
    directive_unit (directive_id, unit_id) {
        directive_id -> Text,
        unit_id -> Text,
        report -> Nullable<Text>,
        reported_by -> Nullable<Text>,
        reported_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    directive_reader (directive_id, person_id) {
        directive_id -> Text,
        person_id -> Text,
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
    case_order (case_id) {
        case_id -> Text,
        position -> Integer,
        reason -> Text,
        person_id -> Text,
        at -> Timestamp,
    }
}
