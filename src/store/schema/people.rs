//! Units, people, their posts, sessions and tokens.

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
        submits_signed_in -> Bool,
        head_signs_off -> Bool,
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
    unit_day (unit_id, day) {
        unit_id -> Text,
        day -> Date,
        kind -> Text,
        name -> Text,
    }
}

diesel::table! {
    calendar_feed (token_hash) {
        token_hash -> Text,
        person_id -> Text,
        case_id -> Nullable<Text>,
        created_at -> Timestamp,
        revoked_at -> Nullable<Timestamp>,
    }
}
