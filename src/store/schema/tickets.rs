//! Tickets and the problems they are placed in.

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
        unusual -> Nullable<Double>,
        burst_at -> Nullable<Timestamp>,
        burst_callers -> Nullable<BigInt>,
        insistent_calls -> Nullable<BigInt>,
        returns_on -> Nullable<Date>,
        returns_callers -> Nullable<BigInt>,
        is_uncounted -> Bool,
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
        from_problem_id -> Nullable<Text>,
        to_problem_id -> Nullable<Text>,
    }
}

diesel::table! {
    proposal (id) {
        id -> Text,
        kind -> Text,
        problem_id -> Text,
        into_id -> Nullable<Text>,
        score -> Nullable<Double>,
        at -> Timestamp,
    }
}

diesel::table! {
    proposal_ticket (proposal_id, ticket_id) {
        proposal_id -> Text,
        ticket_id -> Text,
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
        state -> Text,
        failure -> Nullable<Text>,
        saved_at -> Nullable<Timestamp>,
    }
}
