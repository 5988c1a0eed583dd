//! The template format under `workflows/`: roles instead of units, durations, dependencies, what is observed at the end.
//!
//! * [`format`]: what a file holds; the JSON Schema for editors comes from it (`shenban playbook schema`).
//! * [`check`]: reading a file, every fault with its place; [`rules`] is what its shape does not say, [`tree`] knows where
//!   things stand.
//! * [`learned`]: a playbook from how a case really went; [`changes`]: what one version does otherwise than another.
//! * [`instantiate`]: parameters, optional tasks ([`condition`]) and units make a case's tasks.

mod changes;
mod check;
mod condition;
mod format;
mod instantiate;
mod learned;
mod rules;
mod tree;

pub use check::Fault;
pub use format::{After, Answer, Link, Parameter, Per, Playbook, PlaybookRole, PlaybookTask, Points, ThreePoints};
pub use instantiate::{Draft, DraftDependency, DraftTask, filled, instantiate};
pub use learned::{Past, PastTask};

/// The playbooks that come with the program: file name and text.
const SHIPPED: &[(&str, &str)] = &[
    ("school-gate-congestion.yaml", include_str!("../../workflows/school-gate-congestion.yaml")),
    ("night-construction-noise.yaml", include_str!("../../workflows/night-construction-noise.yaml")),
    ("restaurant-fumes.yaml", include_str!("../../workflows/restaurant-fumes.yaml")),
    ("street-vendors.yaml", include_str!("../../workflows/street-vendors.yaml")),
    ("residential-parking.yaml", include_str!("../../workflows/residential-parking.yaml")),
    ("property-management-disputes.yaml", include_str!("../../workflows/property-management-disputes.yaml")),
    ("title-deed-delays.yaml", include_str!("../../workflows/title-deed-delays.yaml")),
    ("e-bike-charging-fire-risk.yaml", include_str!("../../workflows/e-bike-charging-fire-risk.yaml")),
    ("heating-complaints.yaml", include_str!("../../workflows/heating-complaints.yaml")),
    ("ageing-water-pipes.yaml", include_str!("../../workflows/ageing-water-pipes.yaml")),
    ("black-odorous-water.yaml", include_str!("../../workflows/black-odorous-water.yaml")),
    ("unpaid-wages.yaml", include_str!("../../workflows/unpaid-wages.yaml")),
    ("old-neighbourhood-flooding.yaml", include_str!("../../workflows/old-neighbourhood-flooding.yaml")),
];

/// The shipped playbooks.
pub fn shipped() -> Vec<Playbook> {
    SHIPPED.iter().filter_map(|(_, text)| Playbook::parse(text).ok()).collect()
}

pub fn by_key(key: &str) -> Option<Playbook> {
    shipped().into_iter().find(|playbook| playbook.key == key)
}

#[cfg(test)]
mod tests;
