//! What is owed, sent, and what happened.

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
    mail_message (mail_id) {
        mail_id -> Text,
        message -> Text,
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
        delivery_id -> Nullable<Text>,
        tried -> Text,
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
