//! The ladder's formal steps, calls, who is on duty, and how people want their mails.

diesel::table! {
    supervision (id) {
        id -> Text,
        no -> Nullable<Text>,
        task_id -> Text,
        case_id -> Text,
        stage -> Text,
        cycle -> Integer,
        unit_id -> Text,
        text -> Text,
        report_by -> Date,
        state -> Text,
        drafted_at -> Timestamp,
        decided_by -> Nullable<Text>,
        decided_at -> Nullable<Timestamp>,
        reason -> Nullable<Text>,
    }
}

diesel::table! {
    phone_call (id) {
        id -> Text,
        task_id -> Text,
        whom -> Text,
        outcome -> Text,
        note -> Text,
        promised_on -> Nullable<Date>,
        person_id -> Text,
        at -> Timestamp,
    }
}

diesel::table! {
    mail_preference (recipient_id) {
        recipient_id -> Text,
        rhythm -> Text,
        muted -> Text,
        channels -> Text,
    }
}

diesel::table! {
    absence (id) {
        id -> Text,
        person_id -> Text,
        deputy_id -> Text,
        from_day -> Date,
        until_day -> Date,
    }
}

diesel::table! {
    duty (id) {
        id -> Text,
        unit_id -> Text,
        day -> Date,
        person -> Text,
        phone -> Text,
        person_id -> Nullable<Text>,
    }
}

diesel::table! {
    brief (id) {
        id -> Text,
        no -> Text,
        kind -> Text,
        from_day -> Date,
        until_day -> Date,
        note -> Text,
        content -> Text,
        issued_by -> Text,
        issued_at -> Timestamp,
    }
}

diesel::table! {
    proxy_entry (id) {
        id -> Text,
        task_id -> Text,
        act -> Text,
        source -> Text,
        entered_by -> Text,
        entered_at -> Timestamp,
        correction -> Nullable<Text>,
        corrected_by -> Nullable<Text>,
        corrected_at -> Nullable<Timestamp>,
    }
}
