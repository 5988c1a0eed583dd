//! The template format under `workflows/`: roles instead of units, durations, dependencies, what is observed at the end.

mod check;
mod format;
mod instantiate;

pub use format::{After, Duration, Fault, Playbook, PlaybookRole, PlaybookTask, Points};
pub use instantiate::{Draft, DraftDependency, DraftTask, instantiate};

/// The playbooks that come with the program: file name and text.
const SHIPPED: &[(&str, &str)] = &[
    ("school-gate-congestion.yaml", include_str!("../../workflows/school-gate-congestion.yaml")),
    ("old-neighbourhood-flooding.yaml", include_str!("../../workflows/old-neighbourhood-flooding.yaml")),
    ("e-bike-charging-fire-risk.yaml", include_str!("../../workflows/e-bike-charging-fire-risk.yaml")),
];

/// The shipped playbooks.
pub fn shipped() -> Vec<Playbook> {
    SHIPPED.iter().filter_map(|(_, text)| Playbook::parse(text).ok()).collect()
}

pub fn by_key(key: &str) -> Option<Playbook> {
    shipped().into_iter().find(|playbook| playbook.key == key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;

    #[test]
    fn every_shipped_playbook_is_a_plan_of_eight_to_twenty_six_tasks() {
        for (name, text) in SHIPPED {
            let playbook = Playbook::parse(text).unwrap_or_else(|faults| panic!("{name}: {faults:?}"));
            assert!((8..=26).contains(&playbook.tasks.len()), "{name}");
            assert!(playbook.tasks.iter().all(|task| task.title.chars().count() <= 16), "{name}: titles fit a card");
            let units = playbook.roles.iter().map(|role| (role.key.clone(), role.key.clone())).collect();
            let draft = instantiate(&playbook, &units).unwrap();
            let edges: usize = playbook.tasks.iter().map(|task| task.after.len()).sum();
            assert_eq!(draft.dependencies.len(), edges, "{name}");
            assert!(draft.dependencies.iter().all(|edge| edge.predecessor_no < edge.successor_no), "{name}");
        }
    }

    #[test]
    fn a_role_without_a_unit_is_named() {
        let playbook = by_key("school-gate-congestion").unwrap();
        let error = instantiate(&playbook, &HashMap::new()).unwrap_err();
        assert!(error.to_string().contains("交警") && error.to_string().contains("财政"), "{error}");
    }
}
