//! A case's tasks as a graph. Values in, values out: no clock, no database.
//!
//! * [`graph`]: tasks and dependencies, cycles spelled out.
//! * [`readiness`]: which tasks are released, withheld, or may be submitted.
//! * [`schedule`]: earliest and latest dates, slack, the critical path, the forecast.
//! * [`lamp`]: what colour a case shows.
//! * [`layout`] and [`gantt`]: where things are drawn.

pub mod gantt;
mod graph;
mod lamp;
pub mod layout;
mod readiness;
mod schedule;

pub use graph::{Plan, PlanDependency, PlanError, PlanTask};
pub use lamp::Lamp;
pub use readiness::Release;
pub use schedule::{Schedule, TaskDates, due_date};
