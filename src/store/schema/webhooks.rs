//! Endpoints that are pushed to, what was pushed, and each try.

diesel::table! {
    webhook (id) {
        id -> Text,
        name -> Text,
        kind -> Text,
        url -> Text,
        secret -> Text,
        events -> Text,
        carries_notices -> Bool,
        template -> Text,
        active -> Bool,
        version -> BigInt,
        created_at -> Timestamp,
    }
}

diesel::table! {
    webhook_delivery (id) {
        id -> Text,
        webhook_id -> Text,
        message_id -> Text,
        event -> Text,
        title -> Text,
        body -> Text,
        recipient_id -> Nullable<Text>,
        case_id -> Nullable<Text>,
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
    webhook_attempt (id) {
        id -> Text,
        delivery_id -> Text,
        outcome -> Text,
        status -> Nullable<Integer>,
        response -> Text,
        at -> Timestamp,
    }
}
