//! What the house itself keeps: settings, numbers, leases, answered requests, the calendar.

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
