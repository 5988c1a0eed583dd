//! Whatever comes in whatever order: what people decided holds, and what they placed stays.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use rustc_hash::FxHashSet;

use super::{By, Document, Engine, Settings};

const MATTERS: [&str; 3] = ["夜间施工噪音扰民", "路灯损坏无人维修", "餐馆油烟直排扰民"];
const PLACES: [&str; 3] = ["清水湾小区", "白鹭花园", "青石路"];
const TICKETS: usize = 24;

#[derive(Debug, Clone)]
enum Step {
    Arrive(usize),
    Move(usize, usize),
    Together(usize, usize),
    Never(usize, usize),
    UndoNever(usize, usize),
    Consolidate,
    Restart,
    Reindex,
}

fn step() -> impl Strategy<Value = Step> {
    let ticket = 0..TICKETS;
    prop_oneof![
        8 => ticket.clone().prop_map(Step::Arrive),
        1 => (ticket.clone(), 0..3_usize).prop_map(|(ticket, problem)| Step::Move(ticket, problem)),
        1 => (ticket.clone(), ticket.clone()).prop_map(|(a, b)| Step::Together(a, b)),
        2 => (ticket.clone(), ticket.clone()).prop_map(|(a, b)| Step::Never(a, b)),
        1 => (ticket.clone(), ticket).prop_map(|(a, b)| Step::UndoNever(a, b)),
        1 => Just(Step::Consolidate),
        1 => Just(Step::Restart),
        1 => Just(Step::Reindex),
    ]
}

fn id(ticket: usize) -> String {
    format!("t{ticket:02}")
}

/// The engine beside what people did, in the order they did it.
struct World {
    engine: Engine,
    problems: usize,
    arrived: Vec<usize>,
    by_person: BTreeMap<usize, String>,
    never: Vec<(usize, usize)>,
    together: Vec<(usize, usize)>,
}

impl World {
    fn new() -> Self {
        let (engine, problems) = (Engine::new(Settings::default()), 0);
        World { engine, problems, arrived: vec![], by_person: BTreeMap::new(), never: vec![], together: vec![] }
    }

    fn document<T>(ticket: usize, with: impl FnOnce(&Document) -> T) -> T {
        let (place, matter) = (PLACES[ticket % 3], MATTERS[ticket / 3 % 3]);
        let (title, body) = (format!("{place}{matter}"), format!("{place}的{matter}，已经是第{ticket}天，请解决。"));
        let received_at = chrono::NaiveDateTime::default();
        with(&Document { id: &id(ticket), title: &title, body: &body, received_at, ..Document::default() })
    }

    fn take(&mut self, step: &Step) {
        match *step {
            Step::Arrive(ticket) => {
                let mut told = self.memberships();
                let problems = &mut self.problems;
                let new_problem = || {
                    *problems += 1;
                    format!("P{problems}")
                };
                let placed = Self::document(ticket, |document| self.engine.arrive(document, new_problem));
                if let Some(placed) = placed {
                    let known = told.values().any(|problem| *problem == placed.problem);
                    assert!(placed.founded != known, "a problem is founded once: {placed:?}");
                    told.values_mut()
                        .filter(|problem| placed.absorbed.contains(problem))
                        .for_each(|problem| problem.clone_from(&placed.problem));
                    let came = placed.along.iter().map(|(ticket, _)| ticket).chain([&placed.ticket]);
                    told.extend(came.map(|ticket| (ticket.clone(), placed.problem.clone())));
                }
                assert_eq!(told, self.memberships(), "what is told is what changed");
                if !self.arrived.contains(&ticket) {
                    self.arrived.push(ticket);
                }
            }
            // As the app does: a person moves what is there, and not against a decision.
            Step::Move(ticket, problem) => {
                let problem = format!("H{problem}");
                let members = self.engine.members(&problem);
                let forbidden = |&(a, b): &(usize, usize)| {
                    (a == ticket && members.contains(&id(b))) || (b == ticket && members.contains(&id(a)))
                };
                let bound = self.together.iter().any(|&(a, b)| a == ticket || b == ticket);
                if self.arrived.contains(&ticket) && !self.never.iter().any(forbidden) && !bound {
                    self.engine.place(&id(ticket), &problem, By::Person);
                    self.by_person.insert(ticket, problem);
                }
            }
            Step::Together(a, b) if a != b && !self.arrived.contains(&a) && !self.arrived.contains(&b) => {
                if self.engine.constraints().belong_together(&id(a), &id(b)).is_ok() {
                    self.together.push((a, b));
                }
            }
            Step::Never(a, b) if a != b && !self.are_bound_together(a, b) => {
                if self.engine.constraints().never_together(&id(a), &id(b)).is_ok() {
                    self.never.push((a, b));
                }
            }
            Step::UndoNever(a, b) => {
                self.engine.constraints().undo_never(&id(a), &id(b));
                self.never.retain(|&pair| pair != (a, b) && pair != (b, a));
            }
            Step::Consolidate => {
                let done = self.engine.consolidate(|| {
                    self.problems += 1;
                    format!("P{}", self.problems)
                });
                self.engine.apply(&done.changes);
            }
            Step::Restart => self.restart(),
            Step::Reindex => self.reindex(),
            Step::Together(..) | Step::Never(..) => {}
        }
    }

    fn memberships(&self) -> BTreeMap<String, String> {
        let problem = |ticket: String| Some((self.engine.problem_of(&ticket)?.to_owned(), ticket));
        (0..TICKETS).map(id).filter_map(problem).map(|(problem, ticket)| (ticket, problem)).collect()
    }

    /// A new engine with the same tickets, and what people did.
    fn afresh(&self) -> Engine {
        let mut engine = Engine::new(Settings::default());
        for &ticket in &self.arrived {
            Self::document(ticket, |document| engine.add(document));
        }
        for (ticket, problem) in &self.by_person {
            engine.place(&id(*ticket), problem, By::Person);
        }
        for &(a, b) in &self.together {
            engine.constraints().belong_together(&id(a), &id(b)).unwrap();
        }
        for &(a, b) in &self.never {
            engine.constraints().never_together(&id(a), &id(b)).unwrap();
        }
        engine
    }

    /// What the machine did is forgotten and done again.
    fn reindex(&mut self) {
        self.engine = self.afresh();
        self.take(&Step::Consolidate);
    }

    /// The same memberships too; everything as it was.
    fn restart(&mut self) {
        let mut engine = self.afresh();
        for &ticket in self.arrived.iter().rev().filter(|ticket| !self.by_person.contains_key(ticket)) {
            if let Some(problem) = self.engine.problem_of(&id(ticket)) {
                engine.place(&id(ticket), problem, By::Machine);
            }
        }
        for ticket in 0..TICKETS {
            let ranked = |engine: &Engine| Self::document(ticket, |document| engine.ranked(document, 5));
            assert_eq!(ranked(&self.engine), ranked(&engine), "a restart changes nothing");
        }
        self.engine = engine;
    }

    fn are_together(&self, a: usize, b: usize) -> bool {
        let problem = self.engine.problem_of(&id(a));
        problem.is_some() && problem == self.engine.problem_of(&id(b))
    }

    /// Whether these, or tickets that a person bound to them, share a problem: a person splits it first.
    fn are_bound_together(&mut self, a: usize, b: usize) -> bool {
        let (one, other) = (self.engine.constraints().bound(&id(a)), self.engine.constraints().bound(&id(b)));
        let problems = |bound: FxHashSet<String>| -> BTreeSet<String> {
            bound.iter().filter_map(|ticket| self.engine.problem_of(ticket)).map(str::to_owned).collect()
        };
        !problems(one).is_disjoint(&problems(other))
    }

    fn check(&self) {
        for (ticket, problem) in &self.by_person {
            assert_eq!(self.engine.problem_of(&id(*ticket)), Some(&**problem), "what a person placed stays");
        }
        for &(a, b) in &self.never {
            assert!(!self.are_together(a, b), "{a} and {b} are never together");
        }
        let here = |&&(a, b): &&(usize, usize)| self.arrived.contains(&a) && self.arrived.contains(&b);
        for &(a, b) in self.together.iter().filter(here) {
            assert!(self.are_together(a, b), "{a} and {b} belong together");
        }
    }
}

#[test]
fn the_first_tickets_of_a_new_archive_find_each_other() {
    let mut world = World::new();
    world.take(&Step::Arrive(0));
    world.take(&Step::Arrive(9));
    assert!(world.are_together(0, 9), "the same matter at the same place");
}

proptest! {
    #[test]
    fn decisions_hold_after_any_sequence(steps in proptest::collection::vec(step(), 1..80)) {
        let mut world = World::new();
        for step in &steps {
            world.take(step);
            world.check();
        }
    }
}
