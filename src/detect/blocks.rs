//! What consolidation leaves together, because people did.

use rustc_hash::FxHashSet;

use super::Engine;

/// Tickets that move as one.
pub struct Block {
    pub members: Vec<u32>,
    /// A problem that a person decided about.
    pub held: Option<u32>,
}

/// Problems that a person decided about and tickets that a person bound together are blocks; every other ticket is one by
/// itself. In the order of their first tickets.
pub fn blocks(engine: &Engine, order: &[u32]) -> Vec<Block> {
    let mut joined: FxHashSet<u32> = FxHashSet::default();
    let mut blocks: Vec<Block> = Vec::new();
    let decided: Vec<bool> = (0..engine.problems.len() as u32).map(|number| engine.is_held(number)).collect();
    for &position in order {
        if joined.contains(&position) {
            continue;
        }
        let held = engine.tickets[position as usize].problem.filter(|&problem| decided[problem as usize]);
        let members = match held {
            Some(problem) => engine.problems[problem as usize].members.clone(),
            None => engine
                .bound_positions(position)
                .into_iter()
                .filter(|&other| {
                    engine.tickets[other as usize].problem.is_none_or(|problem| !decided[problem as usize])
                })
                .collect(),
        };
        joined.extend(&members);
        blocks.push(Block { members, held });
    }
    blocks
}
