//! The engine: problems as sets of tickets, and which of them a ticket fits.

use rustc_hash::{FxHashMap, FxHashSet};

use super::Document;
use super::index::{Index, Query, best_first};

/// A problem is judged by this many of its members, those nearest to the ticket.
const NEAREST_MEMBERS: usize = 3;

/// How alike is alike enough; scores are cosines, 0 to 1.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// A ticket joins a problem from this score on.
    pub join_threshold: f32,
    /// Two tickets in no problem make one from this score on.
    pub pair_threshold: f32,
    /// Tickets compared exactly for one question.
    pub max_candidates: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Settings { join_threshold: 0.18, pair_threshold: 0.22, max_candidates: 64 }
    }
}

/// The problem a ticket fits best.
#[derive(Debug, Clone, PartialEq)]
pub struct Match {
    pub problem_id: String,
    pub score: f32,
    /// The next best problem, whatever its score.
    pub runner_up: Option<(String, f32)>,
}

struct Problem {
    id: String,
    /// Positions in the index, in the order of placing.
    members: Vec<u32>,
}

/// The tickets, the problems they were placed in, and what people forbade.
pub struct Engine {
    settings: Settings,
    pub(super) index: Index,
    problems: Vec<Problem>,
    by_id: FxHashMap<String, usize>,
    /// By position of the ticket: its problem.
    placed: Vec<Option<usize>>,
    apart: FxHashMap<String, FxHashSet<String>>,
}

impl Engine {
    pub fn new(settings: Settings) -> Self {
        Engine {
            settings,
            index: Index::default(),
            problems: Vec::new(),
            by_id: FxHashMap::default(),
            placed: Vec::new(),
            apart: FxHashMap::default(),
        }
    }

    /// Indexes a ticket, in no problem yet. A ticket already indexed stays as it is.
    pub fn add(&mut self, document: &Document) {
        self.index.add(document);
        self.placed.resize(self.index.tickets.len(), None);
    }

    /// Begins a problem without tickets; one that exists stays as it is.
    pub fn found(&mut self, problem_id: &str) {
        self.problem_number(problem_id);
    }

    /// Puts the ticket into the problem, founding it where needed. A ticket not indexed is ignored.
    pub fn place(&mut self, ticket_id: &str, problem_id: &str) {
        self.move_ticket(ticket_id, Some(problem_id));
    }

    /// Takes the ticket out of its problem and into another, or into none. A ticket not indexed is ignored.
    pub fn move_ticket(&mut self, ticket_id: &str, problem_id: Option<&str>) {
        let Some(position) = self.index.position(ticket_id) else { return };
        let target = problem_id.map(|id| self.problem_number(id));
        let source = std::mem::replace(&mut self.placed[position as usize], target);
        if source == target {
            return;
        }
        if let Some(source) = source {
            self.problems[source].members.retain(|&member| member != position);
        }
        if let Some(target) = target {
            self.problems[target].members.push(position);
        }
    }

    /// Moves all tickets of one problem into another.
    pub fn merge(&mut self, from: &str, into: &str) {
        let Some(&source) = self.by_id.get(from) else { return };
        let target = self.problem_number(into);
        if source == target {
            return;
        }
        let moved = std::mem::take(&mut self.problems[source].members);
        for &position in &moved {
            self.placed[position as usize] = Some(target);
        }
        self.problems[target].members.extend(moved);
    }

    /// Forbids the machine to bring these two tickets together, in either order and whether indexed yet or not.
    pub fn never_together(&mut self, a: &str, b: &str) {
        self.apart.entry(a.to_owned()).or_default().insert(b.to_owned());
        self.apart.entry(b.to_owned()).or_default().insert(a.to_owned());
    }

    /// The best problem for the ticket, if it reaches the threshold.
    pub fn suggest(&self, document: &Document) -> Option<Match> {
        let mut ranked = self.ranked(document, 2).into_iter();
        let (problem_id, score) = ranked.next()?;
        (score >= self.settings.join_threshold).then(|| Match { problem_id, score, runner_up: ranked.next() })
    }

    /// The `n` problems the ticket fits best, with their scores, best first. A problem with a ticket that must never
    /// be together with this one is left out.
    pub fn ranked(&self, document: &Document, n: usize) -> Vec<(String, f32)> {
        let forbidden = self.forbidden_problems(document.id);
        let mut sums: FxHashMap<usize, (f32, usize)> = FxHashMap::default();
        for (position, score) in self.nearest(document) {
            let Some(problem) = self.placed[position as usize] else { continue };
            let (sum, members) = sums.entry(problem).or_default();
            if *members < NEAREST_MEMBERS && !forbidden.contains(&problem) {
                *sum += score;
                *members += 1;
            }
        }
        let mut scores: Vec<(u32, f32)> = sums
            .into_iter()
            .filter(|(_, (_, members))| *members > 0)
            .map(|(problem, (sum, members))| (problem as u32, sum / members as f32))
            .collect();
        scores.sort_unstable_by(best_first);
        scores.truncate(n);
        scores.into_iter().map(|(problem, score)| (self.problems[problem as usize].id.clone(), score)).collect()
    }

    /// The most similar ticket that is in no problem, if the two reach the threshold.
    pub fn neighbour(&self, document: &Document) -> Option<(String, f32)> {
        let apart = self.apart.get(document.id);
        self.nearest(document)
            .into_iter()
            .filter(|&(position, _)| self.placed[position as usize].is_none())
            .map(|(position, score)| (&self.index.ticket(position).id, score))
            .find(|(id, _)| apart.is_none_or(|apart| !apart.contains(*id)))
            .filter(|&(_, score)| score >= self.settings.pair_threshold)
            .map(|(id, score)| (id.clone(), score))
    }

    pub fn problem_of(&self, ticket_id: &str) -> Option<String> {
        let problem = self.placed[self.index.position(ticket_id)? as usize]?;
        Some(self.problems[problem].id.clone())
    }

    /// Whether the ticket is indexed.
    pub fn contains(&self, ticket_id: &str) -> bool {
        self.index.position(ticket_id).is_some()
    }

    /// Tickets indexed.
    pub fn len(&self) -> usize {
        self.index.tickets.len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The problem's tickets in the order of their placing; none for an unknown problem.
    pub fn members(&self, problem_id: &str) -> Vec<String> {
        self.positions(problem_id).iter().map(|&position| self.index.ticket(position).id.clone()).collect()
    }

    pub(super) fn positions(&self, problem_id: &str) -> &[u32] {
        self.by_id.get(problem_id).map_or(&[], |&number| &self.problems[number].members)
    }

    fn problem_number(&mut self, id: &str) -> usize {
        if let Some(&number) = self.by_id.get(id) {
            return number;
        }
        self.problems.push(Problem { id: id.to_owned(), members: Vec::new() });
        self.by_id.insert(id.to_owned(), self.problems.len() - 1);
        self.problems.len() - 1
    }

    fn nearest(&self, document: &Document) -> Vec<(u32, f32)> {
        let itself = self.index.position(document.id);
        let query: Query = self.index.query(document);
        let mut found = self.index.nearest(&query, self.settings.max_candidates + 1);
        found.retain(|&(position, _)| Some(position) != itself);
        found
    }

    fn forbidden_problems(&self, ticket_id: &str) -> FxHashSet<usize> {
        let others = self.apart.get(ticket_id).into_iter().flatten();
        others.filter_map(|other| self.placed[self.index.position(other)? as usize]).collect()
    }
}
