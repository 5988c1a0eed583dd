//! The graph itself, on petgraph.

use crate::domain::task::{DependencyKind, DurationUnit, TaskState};
use chrono::NaiveDate;
use petgraph::Direction;
use petgraph::stable_graph::{EdgeIndex, NodeIndex, StableDiGraph};
use petgraph::visit::EdgeRef;
use std::collections::{HashMap, VecDeque};

/// A task as the plan sees it. Dates are local.
#[derive(Debug, Clone, PartialEq)]
pub struct PlanTask {
    pub id: String,
    pub no: i32,
    pub title: String,
    pub unit_id: String,
    pub state: TaskState,
    pub duration: i32,
    pub duration_unit: DurationUnit,
    pub not_before: Option<NaiveDate>,
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
    pub(super) graph: StableDiGraph<PlanTask, PlanDependency>,
    index: HashMap<String, NodeIndex>,
    /// Every predecessor before its successors; ties by number.
    order: Vec<NodeIndex>,
}

impl Plan {
    /// Errors: a dependency on a task that is not there, on itself, twice the same, or a cycle.
    pub fn build(tasks: Vec<PlanTask>, dependencies: Vec<PlanDependency>) -> Result<Plan, PlanError> {
        let mut graph = StableDiGraph::with_capacity(tasks.len(), dependencies.len());
        let index: HashMap<String, NodeIndex> =
            tasks.into_iter().map(|task| (task.id.clone(), graph.add_node(task))).collect();
        for dependency in dependencies {
            let node = |id: &String| index.get(id).copied().ok_or_else(|| PlanError::UnknownTask(id.clone()));
            let (from, to) = (node(&dependency.predecessor)?, node(&dependency.successor)?);
            if from == to {
                return Err(PlanError::SelfDependency(dependency.predecessor));
            }
            if graph.find_edge(from, to).is_some() {
                return Err(PlanError::Duplicate(dependency.id));
            }
            graph.add_edge(from, to, dependency);
        }
        let mut plan = Plan { graph, index, order: Vec::new() };
        plan.order = plan.sorted()?;
        Ok(plan)
    }

    /// Kahn's algorithm; what it cannot reach holds a cycle, which is then spelled.
    fn sorted(&self) -> Result<Vec<NodeIndex>, PlanError> {
        let mut waiting: HashMap<NodeIndex, usize> = self
            .graph
            .node_indices()
            .map(|node| (node, self.graph.edges_directed(node, Direction::Incoming).count()))
            .collect();
        let mut ready: VecDeque<NodeIndex> = self.graph.node_indices().filter(|node| waiting[node] == 0).collect();
        let mut order = Vec::with_capacity(waiting.len());
        while let Some(node) = ready.pop_front() {
            order.push(node);
            for next in self.graph.neighbors_directed(node, Direction::Outgoing) {
                let left = waiting.entry(next).or_default();
                *left -= 1;
                if *left == 0 {
                    ready.push_back(next);
                }
            }
        }
        if order.len() == self.graph.node_count() {
            return Ok(order);
        }
        Err(PlanError::Cycle(self.some_cycle(&waiting)))
    }

    /// Walks backwards among the tasks that still wait until one comes up again.
    fn some_cycle(&self, waiting: &HashMap<NodeIndex, usize>) -> Vec<String> {
        let stuck = |node: &NodeIndex| waiting[node] > 0;
        let mut walk: Vec<NodeIndex> = self.graph.node_indices().filter(stuck).take(1).collect();
        let mut seen: HashMap<NodeIndex, usize> = walk.iter().map(|node| (*node, 0)).collect();
        while let Some(last) = walk.last() {
            let Some(before) = self.graph.neighbors_directed(*last, Direction::Incoming).find(stuck) else { break };
            if let Some(at) = seen.get(&before) {
                let mut cycle: Vec<String> = walk[*at..].iter().map(|node| self.graph[*node].id.clone()).collect();
                cycle.reverse();
                return cycle;
            }
            seen.insert(before, walk.len());
            walk.push(before);
        }
        Vec::new()
    }

    /// The cycle that a new dependency would close: the tasks from `predecessor` along existing dependencies, each once.
    pub fn would_cycle(&self, predecessor: &str, successor: &str) -> Option<Vec<String>> {
        let (from, to) = (*self.index.get(predecessor)?, *self.index.get(successor)?);
        if from == to {
            return Some(vec![predecessor.to_owned()]);
        }
        let mut came_from: HashMap<NodeIndex, NodeIndex> = HashMap::new();
        let mut queue = VecDeque::from([to]);
        while let Some(node) = queue.pop_front() {
            if node == from {
                return Some(self.spelled(from, to, &came_from));
            }
            for next in self.graph.neighbors_directed(node, Direction::Outgoing) {
                if next != to && !came_from.contains_key(&next) {
                    came_from.insert(next, node);
                    queue.push_back(next);
                }
            }
        }
        None
    }

    fn spelled(&self, from: NodeIndex, to: NodeIndex, came_from: &HashMap<NodeIndex, NodeIndex>) -> Vec<String> {
        let mut back = vec![from];
        let mut node = from;
        while node != to {
            node = came_from[&node];
            back.push(node);
        }
        // `back` runs against the arrows; after its first task, the new arrow's tail, it is turned round.
        back[1..].reverse();
        back.into_iter().map(|node| self.graph[node].id.clone()).collect()
    }

    pub fn task(&self, id: &str) -> Option<&PlanTask> {
        self.index.get(id).map(|node| &self.graph[*node])
    }

    /// Every predecessor before its successors.
    pub fn tasks(&self) -> impl DoubleEndedIterator<Item = &PlanTask> {
        self.order.iter().map(|node| &self.graph[*node])
    }

    pub fn dependencies(&self) -> impl Iterator<Item = &PlanDependency> {
        let mut edges: Vec<EdgeIndex> = self.graph.edge_indices().collect();
        edges.sort();
        edges.into_iter().filter_map(|edge| self.graph.edge_weight(edge))
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
            state: TaskState::Waiting,
            duration: 1 + no % 7,
            duration_unit: DurationUnit::WorkingDays,
            not_before: None,
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
