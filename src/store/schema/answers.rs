//! What comes back by mail.

diesel::table! {
    flagged_address (address) {
        address -> Text,
        reason -> Text,
        mail_id -> Nullable<Text>,
        since -> Timestamp,
    }
}

diesel::table! {
    inbound (id) {
        id -> Text,
        digest -> Text,
        kind -> Text,
        state -> Text,
        sender -> Text,
        subject -> Text,
        mail_id -> Nullable<Text>,
        case_id -> Nullable<Text>,
        verdict -> Text,
        received_at -> Timestamp,
        handled_by -> Nullable<Text>,
        handled_at -> Nullable<Timestamp>,
        note -> Nullable<Text>,
    }
}

diesel::table! {
    mail_link (token_hash) {
        token_hash -> Text,
        mail_id -> Text,
        task_id -> Text,
        unit_id -> Text,
        act -> Text,
        expires_at -> Timestamp,
        opened_at -> Nullable<Timestamp>,
        used_at -> Nullable<Timestamp>,
        used_by -> Nullable<Text>,
    }
}
