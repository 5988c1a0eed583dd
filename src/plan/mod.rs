//! A case's tasks as a graph. Values in, values out: no clock, no database.
//!
//! * [`graph`]: tasks and dependencies, on an [`order`] that is kept; cycles spelled out.
//! * [`readiness`]: which tasks are released, withheld, or may be submitted.
//! * [`schedule`]: earliest and latest dates, slack, the critical path; [`reason`] says why, in words.
//! * [`forecast`]: the distribution of the end, from how long each task may take ([`estimate`]).
//! * [`what_if`]: a changed plan beside the plan as it is.
//! * [`network`] and [`workdays`]: plan and calendars on flat arrays, for the passes.
//! * [`lamp`]: what colour a case shows.
//! * [`layout`] and [`gantt`]: where things are drawn.

mod estimate;
mod forecast;
pub mod gantt;
mod graph;
mod lamp;
pub mod layout;
mod network;
mod order;
mod readiness;
mod reason;
mod schedule;
mod what_if;
mod workdays;

pub use estimate::History;
pub use forecast::{Forecast, Runs};
pub use graph::{Plan, PlanDependency, PlanError, PlanTask};
pub use lamp::Lamp;
pub use readiness::Release;
pub use schedule::{AsOf, Cause, Schedule, TaskDates, due_date};
pub use what_if::{Difference, Moved, UnitMoved};
pub use workdays::Calendars;
