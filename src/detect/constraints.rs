//! What people decided about tickets: these belong together, those never do. Detection obeys from then on.

use std::collections::BTreeSet;

use rustc_hash::{FxHashMap, FxHashSet};
use serde::{Deserialize, Serialize};

/// A decision that goes against an earlier one, and which.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{a} and {b} were decided otherwise")]
pub struct Contradiction {
    pub a: String,
    pub b: String,
}

/// Decisions about pairs of tickets, whether those are indexed yet or not. Undoing one is taking it out.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Constraints {
    together: FxHashMap<String, BTreeSet<String>>,
    apart: FxHashMap<String, BTreeSet<String>>,
}

impl Constraints {
    /// Refuses what an earlier "never together" of the same tickets, or of others bound to them, forbids.
    pub fn belong_together(&mut self, a: &str, b: &str) -> Result<(), Contradiction> {
        let (left, right) = (self.bound(a), self.bound(b));
        for one in &left {
            if let Some(other) = right.iter().find(|other| self.forbids(one, other)) {
                return Err(Contradiction { a: one.clone(), b: other.clone() });
            }
        }
        link(&mut self.together, a, b);
        Ok(())
    }

    /// Refuses what an earlier "belong together" forbids.
    pub fn never_together(&mut self, a: &str, b: &str) -> Result<(), Contradiction> {
        if self.bound(a).contains(b) {
            return Err(Contradiction { a: a.to_owned(), b: b.to_owned() });
        }
        link(&mut self.apart, a, b);
        Ok(())
    }

    pub fn undo_together(&mut self, a: &str, b: &str) {
        unlink(&mut self.together, a, b);
    }

    pub fn undo_never(&mut self, a: &str, b: &str) {
        unlink(&mut self.apart, a, b);
    }

    /// The ticket and all that belong together with it, over any number of decisions.
    pub fn bound(&self, ticket: &str) -> FxHashSet<String> {
        let mut found = FxHashSet::default();
        let mut open = vec![ticket];
        while let Some(next) = open.pop() {
            if found.insert(next.to_owned()) {
                open.extend(self.together.get(next).into_iter().flatten().map(String::as_str));
            }
        }
        found
    }

    /// The tickets that must not be with this one: those that a decision keeps from it or from a ticket bound to it, and
    /// what is bound to them, whether the tickets that the decision names are there or not.
    pub fn apart(&self, ticket: &str) -> FxHashSet<String> {
        let bound = self.bound(ticket);
        let named = bound.iter().filter_map(|one| self.apart.get(one)).flatten();
        named.flat_map(|other| self.bound(other)).collect()
    }

    /// The tickets bound together by decisions, one group after the other.
    pub fn groups(&self) -> Vec<BTreeSet<String>> {
        let mut seen: FxHashSet<String> = FxHashSet::default();
        let mut groups = Vec::new();
        let mut starts: Vec<&String> = self.together.keys().collect();
        starts.sort_unstable();
        for start in starts {
            if !seen.contains(start) {
                let group = self.bound(start);
                seen.extend(group.iter().cloned());
                groups.push(group.into_iter().collect());
            }
        }
        groups
    }

    /// The tickets that any decision names.
    pub fn decided(&self) -> impl Iterator<Item = &str> {
        self.together.keys().chain(self.apart.keys()).map(String::as_str)
    }

    pub fn is_decided(&self, ticket: &str) -> bool {
        self.together.contains_key(ticket) || self.apart.contains_key(ticket)
    }

    fn forbids(&self, a: &str, b: &str) -> bool {
        self.apart.get(a).is_some_and(|apart| apart.contains(b))
    }
}

fn link(links: &mut FxHashMap<String, BTreeSet<String>>, a: &str, b: &str) {
    links.entry(a.to_owned()).or_default().insert(b.to_owned());
    links.entry(b.to_owned()).or_default().insert(a.to_owned());
}

fn unlink(links: &mut FxHashMap<String, BTreeSet<String>>, a: &str, b: &str) {
    for (one, other) in [(a, b), (b, a)] {
        let Some(linked) = links.get_mut(one) else { continue };
        linked.remove(other);
        if linked.is_empty() {
            links.remove(one);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_contradiction_is_refused_and_named_until_the_decision_is_undone() {
        let mut constraints = Constraints::default();
        constraints.belong_together("a", "b").unwrap();
        constraints.never_together("b", "c").unwrap();
        let refused = constraints.belong_together("c", "a").unwrap_err();
        assert_eq!((refused.a.as_str(), refused.b.as_str()), ("c", "b"));
        assert!(constraints.never_together("a", "b").is_err());
        constraints.undo_never("b", "c");
        constraints.belong_together("c", "a").unwrap();
        assert_eq!(constraints.groups(), [BTreeSet::from(["a".to_owned(), "b".to_owned(), "c".to_owned()])]);
    }
}
