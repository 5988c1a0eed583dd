//! The engine: tickets, the problems they were placed in, and which of them a new ticket fits.

use std::sync::Arc;

use rustc_hash::{FxHashMap, FxHashSet};
use serde::{Deserialize, Serialize};

use super::Document;
use super::constraints::Constraints;
use super::lexicon::{Features, Lexicon};
use super::likeness::Likeness;
use super::postings::{KEYS, Postings, keys};
use super::problem::Problem;
use super::profile::{Profile, Scale};
use super::weights::Weights;

/// How alike is alike enough, 0 to 1.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// Likeness of tickets of one problem: same grievance, same place.
    pub local: Likeness,
    /// Likeness of problems of one theme: same grievance, wherever.
    pub theme: Likeness,
    /// A ticket joins a problem, or makes one with a lone ticket, from this likeness on.
    pub online_cut: f64,
    /// Two problems of the machine's making are united from this likeness on,
    pub unite_cut: f64,
    /// when a ticket is this much like either.
    pub unite_near: f64,
    /// The same for groups of tickets, when the whole archive is looked at.
    pub local_cut: f64,
    /// Problems are of one theme from this likeness on.
    pub theme_cut: f64,
    /// Earlier tickets looked at for one ticket.
    pub candidates: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            local: Likeness::local(),
            theme: Likeness::theme(),
            online_cut: 0.07,
            unite_cut: 0.035,
            unite_near: 0.06,
            local_cut: 0.025,
            theme_cut: 0.09,
            candidates: 8,
        }
    }
}

/// Of so many tickets all that they say is kept until it is weighed; the rest are read again, as memory is bounded.
const READ_ONCE: usize = 50_000;
/// So many bytes of Chinese text bring a new term, roughly; room is made for no more terms than these at once.
const BYTES_A_TERM: usize = 30;
const ROOM_MOST: usize = 1 << 18;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum By {
    Machine,
    Person,
}

#[derive(Serialize, Deserialize)]
pub(super) struct Ticket {
    pub id: Arc<str>,
    pub features: Features,
    pub scale: Scale,
    pub problem: Option<u32>,
    pub by: By,
}

impl Ticket {
    pub fn profile(&self, weights: &Weights) -> Profile {
        Profile::scaled(weights, &self.features, &self.scale)
    }
}

#[derive(Default)]
pub struct Engine {
    pub(super) settings: Settings,
    pub(super) lexicon: Lexicon,
    pub(super) postings: Postings,
    pub(super) tickets: Vec<Ticket>,
    pub(super) problems: Vec<Problem>,
    pub(super) positions: FxHashMap<Arc<str>, u32>,
    pub(super) numbers: FxHashMap<Arc<str>, u32>,
    pub(super) constraints: Constraints,
}

impl Engine {
    pub fn new(settings: Settings) -> Self {
        Engine { settings, ..Engine::default() }
    }

    /// Indexes a ticket, in no problem yet. A ticket already indexed stays as it is.
    pub fn add(&mut self, document: &Document) {
        if self.contains(document.id) {
            return;
        }
        let features = self.lexicon.learn(document);
        self.index(document.id, features);
    }

    /// Reads all tickets before it weighs their words; they are in no problem yet, see [`Engine::consolidate`].
    pub fn read_all<'a>(&mut self, documents: impl Iterator<Item = Document<'a>> + Clone) {
        let bytes: usize = documents.clone().map(|document| document.title.len() + document.body.len()).sum();
        self.lexicon.make_room((bytes / BYTES_A_TERM).min(ROOM_MOST));
        let mut said = Vec::new();
        for document in documents.clone() {
            let counted = self.lexicon.count(&document);
            if said.len() < READ_ONCE {
                said.push(counted);
            }
        }
        self.lexicon.settle();
        self.postings.make_room(self.lexicon.len());
        let mut said = said.into_iter();
        for document in documents {
            let known = said.next().map(|said| self.lexicon.heaviest(&said, 2));
            if !self.contains(document.id) {
                let features = known.unwrap_or_else(|| self.lexicon.read(&document));
                self.index(document.id, features);
            }
        }
    }

    /// Gives its position, its profile, and the terms it is found by.
    pub(super) fn index(&mut self, id: &str, features: Features) -> (u32, Profile, Vec<(u32, u32)>) {
        if self.lexicon.weigh_if_grown() {
            self.reweigh();
        }
        let position = self.tickets.len() as u32;
        let id: Arc<str> = id.into();
        let (profile, scale) = Profile::with_scale(self.lexicon.weights(), &features);
        let keys = keys(profile.terms(), KEYS);
        self.postings.add(position, &keys);
        self.positions.insert(id.clone(), position);
        self.tickets.push(Ticket { id, features, scale, problem: None, by: By::Machine });
        (position, profile, keys)
    }

    fn reweigh(&mut self) {
        for ticket in &mut self.tickets {
            ticket.scale = Scale::of(self.lexicon.weights(), &ticket.features);
        }
        let (weights, tickets) = (self.lexicon.weights(), &self.tickets);
        let profile_of = |position: u32| tickets[position as usize].profile(weights);
        self.problems.iter_mut().for_each(|problem| problem.refresh(profile_of));
    }

    /// Begins a problem without tickets; one that exists stays as it is.
    pub fn found(&mut self, problem: &str) {
        self.number(problem);
    }

    /// Puts the ticket into the problem, out of another where it was. A ticket not indexed is ignored.
    pub fn place(&mut self, ticket: &str, problem: &str, by: By) {
        self.move_ticket(ticket, Some(problem), by);
    }

    /// Takes the ticket out of its problem and into another, or into none. A ticket not indexed is ignored.
    pub fn move_ticket(&mut self, ticket: &str, problem: Option<&str>, by: By) {
        let Some(&position) = self.positions.get(ticket) else { return };
        let target = problem.map(|id| self.number(id));
        self.settle(position, target, by, None);
    }

    /// The same by number; `own` is the ticket's profile where it is at hand.
    pub(super) fn settle(&mut self, position: u32, target: Option<u32>, by: By, own: Option<&Profile>) {
        let moved = &mut self.tickets[position as usize];
        let source = std::mem::replace(&mut moved.problem, target);
        let was_by = std::mem::replace(&mut moved.by, by);
        let stays = source == target;
        let (weights, tickets) = (self.lexicon.weights(), &self.tickets);
        let profile_of = |at: u32| match own {
            Some(own) if at == position => own.clone(),
            _ => tickets[at as usize].profile(weights),
        };
        if let Some(source) = source.map(|source| &mut self.problems[source as usize]) {
            source.by_person -= u32::from(was_by == By::Person);
            if !stays {
                source.leave(position, profile_of);
            }
        }
        if let Some(target) = target.map(|target| &mut self.problems[target as usize]) {
            target.by_person += u32::from(by == By::Person);
            if !stays {
                target.enter(position, profile_of);
            }
        }
    }

    /// Puts every ticket where these say it is, (ticket, problem, by whom), and all others into none.
    pub fn agree<'a>(&mut self, standing: impl Iterator<Item = (&'a str, &'a str, By)>) {
        let mut stray: FxHashSet<u32> =
            (0..self.tickets.len() as u32).filter(|&at| self.tickets[at as usize].problem.is_some()).collect();
        for (ticket, problem, by) in standing {
            self.place(ticket, problem, by);
            stray.remove(&self.position(ticket).unwrap_or(u32::MAX));
        }
        for at in stray {
            let ticket = self.tickets[at as usize].id.clone();
            self.move_ticket(&ticket, None, By::Machine);
        }
    }

    pub(super) fn profile_of(&self, position: u32) -> Profile {
        self.tickets[position as usize].profile(self.lexicon.weights())
    }

    /// Moves all tickets of one problem into another, as a person decided.
    pub fn merge(&mut self, from: &str, into: &str) {
        for ticket in self.members(from) {
            self.place(&ticket, into, By::Person);
        }
    }

    /// Marks a problem as decided about: consolidation leaves its tickets alone and proposes instead.
    pub fn decide(&mut self, problem: &str) {
        let number = self.number(problem);
        self.problems[number as usize].decided = true;
    }

    pub fn constraints(&mut self) -> &mut Constraints {
        &mut self.constraints
    }

    /// Loads names of places, from a gazetteer; others are learned from the tickets.
    pub fn know_places<'a>(&mut self, names: impl IntoIterator<Item = &'a str>) {
        names.into_iter().for_each(|name| self.lexicon.know_place(name));
    }

    pub fn problem_of(&self, ticket: &str) -> Option<&str> {
        let problem = self.tickets[*self.positions.get(ticket)? as usize].problem?;
        Some(&self.problems[problem as usize].id)
    }

    pub fn contains(&self, ticket: &str) -> bool {
        self.positions.contains_key(ticket)
    }

    /// Tickets indexed.
    pub fn len(&self) -> usize {
        self.tickets.len()
    }

    pub fn is_empty(&self) -> bool {
        self.tickets.is_empty()
    }

    /// The problem's tickets in the order of arrival; none for an unknown problem.
    pub fn members(&self, problem: &str) -> Vec<String> {
        self.problem(problem)
            .into_iter()
            .flat_map(|problem| &problem.members)
            .map(|&at| self.id(at).to_owned())
            .collect()
    }

    pub(super) fn position(&self, ticket: &str) -> Option<u32> {
        self.positions.get(ticket).copied()
    }

    pub(super) fn problem(&self, id: &str) -> Option<&Problem> {
        self.numbers.get(id).map(|&number| &self.problems[number as usize])
    }

    pub(super) fn features(&self, position: u32) -> &Features {
        &self.tickets[position as usize].features
    }

    pub(super) fn id(&self, position: u32) -> &str {
        &self.tickets[position as usize].id
    }

    pub(super) fn is_known(&self, problem: &str) -> bool {
        self.numbers.contains_key(problem)
    }

    /// Whether a person decided about the problem, by itself or by one of its tickets.
    pub(super) fn is_held(&self, number: u32) -> bool {
        let problem = &self.problems[number as usize];
        let within = |id: &str| self.position(id).is_some_and(|at| self.tickets[at as usize].problem == Some(number));
        problem.decided || problem.by_person > 0 || self.constraints.decided().any(within)
    }

    /// The ticket and those that belong together with it.
    pub(super) fn bound_positions(&self, position: u32) -> Vec<u32> {
        let id = &*self.tickets[position as usize].id;
        if !self.constraints.is_decided(id) {
            return vec![position];
        }
        let mut bound: Vec<u32> = self.constraints.bound(id).iter().filter_map(|other| self.position(other)).collect();
        bound.sort_unstable();
        bound
    }

    pub(super) fn number(&mut self, id: &str) -> u32 {
        if let Some(&number) = self.numbers.get(id) {
            return number;
        }
        let (number, id): (u32, Arc<str>) = (self.problems.len() as u32, id.into());
        self.problems.push(Problem::new(id.clone()));
        self.numbers.insert(id, number);
        number
    }
}
