//! Tasks, their dependencies, and what happens beside their state.

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
        fixed_on -> Nullable<Date>,
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
        clock_stopped_on -> Nullable<Date>,
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
        granted_due_on -> Nullable<Date>,
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
        basis -> Nullable<Text>,
    }
}

diesel::table! {
    objection_step (id) {
        id -> Text,
        objection_id -> Text,
        level -> Text,
        note -> Text,
        due_on -> Date,
        person_id -> Text,
        at -> Timestamp,
    }
}

diesel::table! {
    objection_opinion (id) {
        id -> Text,
        objection_id -> Text,
        unit_id -> Text,
        asked_at -> Timestamp,
        text -> Nullable<Text>,
        person_id -> Nullable<Text>,
        at -> Nullable<Timestamp>,
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
        awaits_sign_off -> Bool,
    }
}

diesel::table! {
    checklist_item (id) {
        id -> Text,
        task_id -> Text,
        text -> Text,
        done_by -> Nullable<Text>,
        done_at -> Nullable<Timestamp>,
    }
}
