//! The graph itself, on petgraph.

use super::network::Frame;
use super::order::Order;
use crate::domain::task::{DependencyKind, DurationUnit, TaskState};
use chrono::NaiveDate;
use petgraph::Direction;
use petgraph::graph::{DiGraph, NodeIndex};
use petgraph::visit::EdgeRef;
use rustc_hash::{FxBuildHasher, FxHashMap, FxHashSet};
use std::sync::Arc;

/// A task as the plan sees it. Dates are local.
#[derive(Debug, Clone, PartialEq)]
pub struct PlanTask {
    pub id: String,
    pub no: i32,
    pub title: String,
    pub unit_id: String,
    /// What kind of work it is: tasks alike share it across cases. Empty when not known.
    pub kind: String,
    pub state: TaskState,
    /// The likeliest; zero for a milestone.
    pub duration: i32,
    /// The optimistic and the pessimistic duration, where someone gave them.
    pub range: Option<(i32, i32)>,
    pub duration_unit: DurationUnit,
    pub not_before: Option<NaiveDate>,
    /// The day it has to be released on, neither before nor after.
    pub fixed_on: Option<NaiveDate>,
    pub release_on: Option<NaiveDate>,
    pub due_on: Option<NaiveDate>,
    pub released_on: Option<NaiveDate>,
    pub started_on: Option<NaiveDate>,
    /// When it was accepted or cancelled.
    pub ended_on: Option<NaiveDate>,
    pub blocked: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub struct PlanDependency {
    pub id: String,
    /// The predecessor's task id.
    pub predecessor: String,
    pub successor: String,
    pub kind: DependencyKind,
    /// Working days. A negative lag (a lead) moves dates only and never releases early.
    pub lag_days: i32,
}

/// Why tasks and dependencies make no plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PlanError {
    /// Ids of the tasks along the cycle, each once.
    Cycle(Vec<String>),
    UnknownTask(String),
    SelfDependency(String),
    /// The id of a dependency that repeats another.
    Duplicate(String),
}

#[derive(Debug, Clone)]
pub struct Plan {
    pub(super) graph: DiGraph<PlanTask, PlanDependency>,
    pub(super) index: Arc<FxHashMap<String, NodeIndex>>,
    pub(super) order: Order,
    pub(super) frame: Arc<Frame>,
}

impl Plan {
    /// Errors: a dependency on a task that is not there, on itself, twice of one kind between the same two, or a cycle.
    pub fn build(tasks: Vec<PlanTask>, dependencies: Vec<PlanDependency>) -> Result<Plan, PlanError> {
        let mut graph = DiGraph::with_capacity(tasks.len(), dependencies.len());
        let index = tasks.into_iter().map(|task| (task.id.clone(), graph.add_node(task))).collect();
        let mut plan = Plan { graph, index: Arc::new(index), order: Order::default(), frame: Arc::default() };
        let mut pairs = FxHashSet::with_capacity_and_hasher(dependencies.len(), FxBuildHasher);
        for dependency in dependencies {
            let (from, to) = plan.ends(&dependency)?;
            if !pairs.insert((from, to, dependency.kind)) {
                return Err(PlanError::Duplicate(dependency.id));
            }
            plan.graph.add_edge(from, to, dependency);
        }
        plan.order = Order::of(&plan.graph).map_err(|cycle| PlanError::Cycle(plan.ids(&cycle)))?;
        plan.frame = Arc::new(Frame::of(&plan.graph, plan.order.nodes()));
        Ok(plan)
    }

    /// The two tasks of a dependency.
    fn ends(&self, dependency: &PlanDependency) -> Result<(NodeIndex, NodeIndex), PlanError> {
        let node = |id: &String| self.index.get(id).copied().ok_or_else(|| PlanError::UnknownTask(id.clone()));
        let (from, to) = (node(&dependency.predecessor)?, node(&dependency.successor)?);
        if from == to {
            return Err(PlanError::SelfDependency(dependency.predecessor.clone()));
        }
        Ok((from, to))
    }

    /// The cycle that a new dependency would close: the tasks from `predecessor` along existing dependencies, each once.
    pub fn would_cycle(&self, predecessor: &str, successor: &str) -> Option<Vec<String>> {
        let (from, to) = (*self.index.get(predecessor)?, *self.index.get(successor)?);
        self.order.cycle_with(&self.graph, from, to).map(|cycle| self.ids(&cycle))
    }

    fn ids(&self, nodes: &[NodeIndex]) -> Vec<String> {
        nodes.iter().map(|node| self.graph[*node].id.clone()).collect()
    }

    pub fn task(&self, id: &str) -> Option<&PlanTask> {
        self.index.get(id).map(|node| &self.graph[*node])
    }

    /// Every predecessor before its successors.
    pub fn tasks(&self) -> impl DoubleEndedIterator<Item = &PlanTask> {
        self.order.nodes().iter().map(|node| &self.graph[*node])
    }

    /// In the order they were given.
    pub fn dependencies(&self) -> impl Iterator<Item = &PlanDependency> {
        self.graph.edge_weights()
    }

    /// The dependencies into a task, with their predecessors.
    pub fn before(&self, id: &str) -> Vec<(&PlanDependency, &PlanTask)> {
        self.beside(id, Direction::Incoming)
    }

    /// The dependencies out of a task, with their successors.
    pub fn after(&self, id: &str) -> Vec<(&PlanDependency, &PlanTask)> {
        self.beside(id, Direction::Outgoing)
    }

    fn beside(&self, id: &str, direction: Direction) -> Vec<(&PlanDependency, &PlanTask)> {
        let Some(node) = self.index.get(id) else { return Vec::new() };
        let mut found: Vec<_> = self
            .graph
            .edges_directed(*node, direction)
            .map(|edge| {
                let other = if direction == Direction::Incoming { edge.source() } else { edge.target() };
                (edge.weight(), &self.graph[other])
            })
            .collect();
        found.sort_by_key(|(_, task)| task.no);
        found
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use proptest::prelude::*;

    pub fn task(no: i32) -> PlanTask {
        PlanTask {
            id: no.to_string(),
            no,
            title: format!("任务{no}"),
            unit_id: format!("u{}", no % 3),
            kind: String::new(),
            state: TaskState::Waiting,
            duration: 1 + no % 7,
            range: None,
            duration_unit: DurationUnit::WorkingDays,
            not_before: None,
            fixed_on: None,
            release_on: None,
            due_on: None,
            released_on: None,
            started_on: None,
            ended_on: None,
            blocked: false,
        }
    }

    pub fn edge(predecessor: i32, successor: i32) -> PlanDependency {
        PlanDependency {
            id: format!("{predecessor}-{successor}"),
            predecessor: predecessor.to_string(),
            successor: successor.to_string(),
            kind: DependencyKind::FinishToStart,
            lag_days: 0,
        }
    }

    /// A random acyclic plan: an edge goes from a smaller to a larger number.
    pub fn any_plan(max: i32) -> impl Strategy<Value = Plan> {
        (2..max).prop_flat_map(|n| {
            proptest::collection::btree_set((0..n, 0..n), 0..(3 * n as usize)).prop_map(move |pairs| {
                let edges = pairs.into_iter().filter(|(a, b)| a < b).map(|(a, b)| edge(a, b)).collect();
                Plan::build((0..n).map(task).collect(), edges).unwrap_or_else(|error| panic!("{error:?}"))
            })
        })
    }

    #[test]
    fn a_cycle_is_spelled_in_the_order_of_its_arrows() {
        let plan = Plan::build((1..=4).map(task).collect(), vec![edge(1, 2), edge(2, 3), edge(3, 4)]).unwrap();
        // 4 → 2 would close 2 → 3 → 4 → 2, told from the new arrow's tail.
        assert_eq!(plan.would_cycle("4", "2"), Some(vec!["4".into(), "2".into(), "3".into()]));
        assert_eq!(plan.would_cycle("1", "4"), None);
        let cycle = Plan::build((1..=3).map(task).collect(), vec![edge(1, 2), edge(2, 3), edge(3, 1)]).unwrap_err();
        let PlanError::Cycle(ids) = cycle else { panic!("{cycle:?}") };
        assert_eq!(ids.len(), 3);
    }

    #[test]
    fn a_chain_of_a_hundred_thousand_does_not_overflow() {
        let n = 100_000;
        let plan = Plan::build((0..n).map(task).collect(), (1..n).map(|i| edge(i - 1, i)).collect()).unwrap();
        assert_eq!(plan.would_cycle(&(n - 1).to_string(), "0").map(|cycle| cycle.len()), Some(n as usize));
    }

    proptest! {
        #[test]
        fn edges_let_through_never_close_a_cycle(pairs in proptest::collection::vec((0i32..12, 0i32..12), 0..80)) {
            let tasks = || (0..12).map(task).collect::<Vec<_>>();
            let mut edges: Vec<PlanDependency> = Vec::new();
            for (from, to) in pairs {
                let plan = Plan::build(tasks(), edges.clone()).unwrap();
                let known = edges.iter().any(|e| e.id == edge(from, to).id);
                match plan.would_cycle(&from.to_string(), &to.to_string()) {
                    None if !known => edges.push(edge(from, to)),
                    None => {}
                    Some(cycle) => {
                        prop_assert_eq!(&cycle[0], &from.to_string());
                        let closing: Vec<_> = cycle.iter().cycle().skip(1).take(cycle.len()).collect();
                        for (a, b) in cycle.iter().zip(closing).skip(1) {
                            prop_assert!(edges.iter().any(|e| &e.predecessor == a && &e.successor == b));
                        }
                    }
                }
            }
            prop_assert!(petgraph::algo::toposort(&Plan::build(tasks(), edges).unwrap().graph, None).is_ok());
        }
    }
}
