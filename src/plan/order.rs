//! A topological order, and cycles spelled out with its help.

use super::graph::{PlanDependency, PlanTask};
use petgraph::Direction::Incoming;
use petgraph::graph::{DiGraph, NodeIndex};
use rustc_hash::FxHashMap;
use std::collections::VecDeque;

type Graph = DiGraph<PlanTask, PlanDependency>;

/// Every predecessor before its successors.
#[derive(Debug, Clone, Default)]
pub(super) struct Order {
    nodes: Vec<NodeIndex>,
    /// Where a node stands in `nodes`.
    position: Vec<u32>,
}

impl Order {
    /// Kahn's algorithm. Error: the tasks along a cycle, each once.
    pub fn of(graph: &Graph) -> Result<Order, Vec<NodeIndex>> {
        let mut waiting = vec![0u32; graph.node_count()];
        for edge in graph.raw_edges() {
            waiting[edge.target().index()] += 1;
        }
        let mut nodes: Vec<NodeIndex> = graph.node_indices().filter(|node| waiting[node.index()] == 0).collect();
        nodes.reserve(waiting.len() - nodes.len());
        let mut next = 0;
        while let Some(node) = nodes.get(next).copied() {
            next += 1;
            for after in graph.neighbors(node) {
                let left = &mut waiting[after.index()];
                *left -= 1;
                if *left == 0 {
                    nodes.push(after);
                }
            }
        }
        if nodes.len() < graph.node_count() {
            return Err(some_cycle(graph, &waiting));
        }
        let mut position = vec![0; nodes.len()];
        for (at, node) in nodes.iter().enumerate() {
            position[node.index()] = at as u32;
        }
        Ok(Order { nodes, position })
    }

    pub fn nodes(&self) -> &[NodeIndex] {
        &self.nodes
    }

    fn position(&self, node: NodeIndex) -> u32 {
        self.position[node.index()]
    }

    /// The cycle that an edge would close, each task once, from the new edge's tail along the edges that are there.
    /// Only what stands between the two in the order can be on it, so that a check costs no more than that stretch. (The
    /// affected region of D. Pearce, P. Kelly: A dynamic topological sort algorithm for directed acyclic graphs, 2006.)
    pub fn cycle_with(&self, graph: &Graph, from: NodeIndex, to: NodeIndex) -> Option<Vec<NodeIndex>> {
        if from == to {
            return Some(vec![from]);
        }
        let reached = self.reached(graph, from, to);
        let mut back = vec![from];
        let mut node = *reached.get(&from)?;
        while node != to {
            back.push(node);
            node = reached[&node];
        }
        back.push(to);
        back[1..].reverse();
        Some(back)
    }

    /// What an edge's head leads to within the stretch of the order between its ends, each with the node it was reached
    /// from. Empty when the edge agrees with the order.
    fn reached(&self, graph: &Graph, from: NodeIndex, to: NodeIndex) -> FxHashMap<NodeIndex, NodeIndex> {
        let stretch = self.position(to)..=self.position(from);
        let mut reached = FxHashMap::default();
        if stretch.is_empty() {
            return reached;
        }
        reached.insert(to, to);
        let mut queue = VecDeque::from([to]);
        while let Some(node) = queue.pop_front() {
            for next in graph.neighbors(node) {
                if stretch.contains(&self.position(next)) && !reached.contains_key(&next) {
                    reached.insert(next, node);
                    queue.push_back(next);
                }
            }
        }
        reached
    }
}

/// Walks backwards among the nodes that still wait until one comes up again.
fn some_cycle(graph: &Graph, waiting: &[u32]) -> Vec<NodeIndex> {
    let stuck = |node: &NodeIndex| waiting[node.index()] > 0;
    let mut walk: Vec<NodeIndex> = graph.node_indices().filter(stuck).take(1).collect();
    let mut seen: FxHashMap<NodeIndex, usize> = walk.iter().map(|node| (*node, 0)).collect();
    while let Some(last) = walk.last() {
        let Some(before) = graph.neighbors_directed(*last, Incoming).find(stuck) else { break };
        if let Some(at) = seen.get(&before) {
            let mut cycle = walk.split_off(*at);
            cycle.reverse();
            return cycle;
        }
        seen.insert(before, walk.len());
        walk.push(before);
    }
    Vec::new()
}
