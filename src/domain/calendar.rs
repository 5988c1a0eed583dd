//! The working-day calendar.
