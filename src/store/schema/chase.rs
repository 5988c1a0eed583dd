//! The ladder's formal steps, calls, and how people want their mails.

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
