//! Meetings of task forces.

diesel::table! {
    meeting (id) {
        id -> Text,
        case_id -> Text,
        held_at -> Timestamp,
        place -> Text,
        minutes -> Text,
        recorded_by -> Text,
        created_at -> Timestamp,
        topic -> Text,
        duration -> Integer,
        state -> Text,
        sequence -> Integer,
        version -> BigInt,
    }
}

diesel::table! {
    meeting_unit (meeting_id, unit_id) {
        meeting_id -> Text,
        unit_id -> Text,
        dropped -> Bool,
    }
}

diesel::table! {
    meeting_decision (id) {
        id -> Text,
        meeting_id -> Text,
        text -> Text,
        task_id -> Nullable<Text>,
        at -> Timestamp,
    }
}
