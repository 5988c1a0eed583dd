//! The engine: tickets, the problems they were placed in, and which of them a new ticket fits.

use std::sync::Arc;

use rustc_hash::{FxHashMap, FxHashSet};

use super::Document;
use super::constraints::Constraints;
use super::lexicon::{Features, Lexicon};
use super::likeness::Likeness;
use super::postings::{Postings, keys};
use super::profile::{Profile, Scale};

/// How alike is alike enough, 0 to 1.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// Likeness of a new ticket and what is there.
    pub online: Likeness,
    /// Likeness of groups when the whole archive is looked at: same grievance, same place.
    pub local: Likeness,
    /// Likeness of problems of one theme: same grievance, wherever.
    pub theme: Likeness,
    /// A ticket joins a problem, or makes one with a lone ticket, from this likeness on.
    pub online_cut: f64,
    /// Two problems of the machine's making are united from this likeness on.
    pub unite_cut: f64,
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
            online: Likeness::online(),
            local: Likeness::local(),
            theme: Likeness::theme(),
            online_cut: 0.1,
            unite_cut: 0.05,
            local_cut: 0.06,
            theme_cut: 0.08,
            candidates: 32,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    Machine,
    Person,
}

/// Where a ticket was put, and what else it might have fitted.
#[derive(Debug, Clone, PartialEq)]
pub struct Placed {
    pub ticket: String,
    pub problem: String,
    /// The problem is new.
    pub founded: bool,
    /// The lone tickets that came along, with their scores: the one that the problem was founded with, and those that it
    /// now fits.
    pub along: Vec<(String, f64)>,
    /// Problems of the machine's own making that the ticket shows to be this one; they are empty now.
    pub absorbed: Vec<String>,
    /// See [`Likeness`].
    pub score: f64,
    pub runner_up: Option<(String, f64)>,
}

pub(super) struct Ticket {
    pub id: Arc<str>,
    pub features: Features,
    pub scale: Scale,
    pub problem: Option<u32>,
    pub by: By,
}

pub(super) struct Problem {
    pub id: Arc<str>,
    /// Positions of its tickets, in the order of placing.
    pub members: Vec<u32>,
    pub profile: Profile,
    pub decided: bool,
    /// Tickets that a person placed.
    pub by_person: u32,
}

/// What a ticket is compared with: a problem, or a ticket that is in none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Unit {
    Problem(u32),
    Lone(u32),
}

impl Unit {
    fn lone(self) -> Option<u32> {
        match self {
            Unit::Lone(ticket) => Some(ticket),
            Unit::Problem(_) => None,
        }
    }

    fn problem(self) -> Option<u32> {
        match self {
            Unit::Problem(number) => Some(number),
            Unit::Lone(_) => None,
        }
    }
}

#[derive(Default)]
pub struct Engine {
    pub(super) settings: Settings,
    pub(super) lexicon: Lexicon,
    pub(super) postings: Postings,
    pub(super) tickets: Vec<Ticket>,
    pub(super) problems: Vec<Problem>,
    positions: FxHashMap<Arc<str>, u32>,
    numbers: FxHashMap<Arc<str>, u32>,
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

    /// An engine that has read all tickets before it weighs their words; in no problem yet, see
    /// [`Engine::consolidate`].
    pub fn read_all<'a>(settings: Settings, documents: impl Iterator<Item = Document<'a>> + Clone) -> Self {
        let mut engine = Engine::new(settings);
        documents.clone().for_each(|document| drop(engine.lexicon.learn(&document)));
        engine.lexicon = engine.lexicon.settled();
        for document in documents {
            if !engine.contains(document.id) {
                let features = engine.lexicon.read(&document);
                engine.index(document.id, features);
            }
        }
        engine
    }

    fn index(&mut self, id: &str, features: Features) -> u32 {
        if self.lexicon.weigh_if_grown() {
            self.reweigh();
        }
        let position = self.tickets.len() as u32;
        let id: Arc<str> = id.into();
        self.postings.add(position, &keys(Profile::of(&self.lexicon, &features).terms()));
        self.positions.insert(id.clone(), position);
        let scale = Scale::of(&self.lexicon, &features);
        self.tickets.push(Ticket { id, features, scale, problem: None, by: By::Machine });
        position
    }

    fn reweigh(&mut self) {
        for ticket in &mut self.tickets {
            ticket.scale = Scale::of(&self.lexicon, &ticket.features);
        }
        for number in 0..self.problems.len() {
            let mut profile = Profile::default();
            for &member in &self.problems[number].members {
                profile.add(&self.profile_of(member));
            }
            self.problems[number].profile = profile;
        }
    }

    /// Indexes a new ticket and puts it where it fits: into a problem, or into a new one with a lone ticket it is like.
    /// Nothing for a ticket that fits nowhere yet, or is already indexed.
    pub fn arrive(&mut self, document: &Document, new_problem: impl FnOnce() -> String) -> Option<Placed> {
        if self.contains(document.id) {
            return None;
        }
        let features = self.lexicon.learn(document);
        let position = self.index(document.id, features);
        let mut fitting = self.fitting(document.id, Some(position), &self.tickets[position as usize].features);
        let bound = self.bound_problem(document.id);
        if let Some(bound) = bound {
            let at = fitting.iter().position(|(unit, _)| *unit == bound);
            let score = at.map_or(1.0, |at| fitting.remove(at).1);
            fitting.insert(0, (bound, score.max(self.settings.online_cut)));
        }
        let &(unit, score) = fitting.first().filter(|(_, score)| *score >= self.settings.online_cut)?;
        let runner_up = fitting.iter().skip(1).find_map(|&(unit, score)| Some((self.problem_named(unit)?, score)));
        let mut along = Vec::new();
        let problem = match unit {
            Unit::Problem(number) => self.id_of(number),
            Unit::Lone(other) => {
                let problem = new_problem();
                self.place(&self.id(other).to_owned(), &problem, By::Machine);
                along.push((self.id(other).to_owned(), score));
                problem
            }
        };
        self.place(document.id, &problem, By::Machine);
        along.extend(self.gather(&problem, &fitting));
        let (problem, absorbed) = self.unite(problem, &fitting);
        Some(Placed {
            ticket: document.id.to_owned(),
            problem,
            founded: matches!(unit, Unit::Lone(_)),
            along,
            absorbed,
            score,
            runner_up,
        })
    }

    /// Unites the problem with those among these that it is like, unless a person decided about either. The one with most
    /// tickets stays; gives it, and those that went.
    fn unite(&mut self, problem: String, near: &[(Unit, f64)]) -> (String, Vec<String>) {
        let (mut stays, mut absorbed) = (self.number(&problem), Vec::new());
        let least = self.settings.unite_cut;
        let worth_it = near.iter().filter(|(_, score)| *score >= least);
        for other in worth_it.filter_map(|(unit, _)| unit.problem()) {
            let (one, two) = (&self.problems[stays as usize], &self.problems[other as usize]);
            let like = || self.settings.online.of(&one.profile, &two.profile, &self.lexicon);
            let theirs = || self.is_held(stays) || self.is_held(other);
            if other == stays || two.members.is_empty() || like() < least || theirs() {
                continue;
            }
            let goes = if two.members.len() > one.members.len() { stays } else { other };
            stays = if goes == stays { other } else { stays };
            self.pour(goes, stays);
            absorbed.push(self.id_of(goes));
        }
        (self.id_of(stays), absorbed)
    }

    /// Moves all tickets of one problem into another.
    fn pour(&mut self, from: u32, into: u32) {
        let source = &mut self.problems[from as usize];
        let (members, profile) = (std::mem::take(&mut source.members), std::mem::take(&mut source.profile));
        let by_person = std::mem::take(&mut source.by_person);
        for &member in &members {
            self.tickets[member as usize].problem = Some(into);
        }
        let target = &mut self.problems[into as usize];
        target.members.extend(members);
        target.profile.add(&profile);
        target.by_person += by_person;
    }

    /// Takes the lone tickets among these into the problem where it fits them, as it is now.
    fn gather(&mut self, problem: &str, near: &[(Unit, f64)]) -> Vec<(String, f64)> {
        let number = self.number(problem);
        let mut gathered = Vec::new();
        for lone in near.iter().filter_map(|(unit, _)| unit.lone()) {
            let ticket = &self.tickets[lone as usize];
            if ticket.problem.is_some() || self.forbidden(&ticket.id, Unit::Problem(number)) {
                continue;
            }
            let score = self.alike(&self.profile_of(lone), Unit::Problem(number));
            if score >= self.settings.online_cut {
                let id = ticket.id.to_string();
                self.place(&id, problem, By::Machine);
                gathered.push((id, score));
            }
        }
        gathered
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
        let profile = self.profile_of(position);
        let moved = &mut self.tickets[position as usize];
        let source = std::mem::replace(&mut moved.problem, target);
        let was_by = std::mem::replace(&mut moved.by, by);
        let stays = source == target;
        if let Some(source) = source.map(|source| &mut self.problems[source as usize]) {
            source.by_person -= u32::from(was_by == By::Person);
            if !stays {
                source.members.retain(|&member| member != position);
                source.profile.remove(&profile);
            }
        }
        if let Some(target) = target.map(|target| &mut self.problems[target as usize]) {
            target.by_person += u32::from(by == By::Person);
            if !stays {
                target.members.push(position);
                target.profile.add(&profile);
            }
        }
    }

    fn profile_of(&self, position: u32) -> Profile {
        Profile::of(&self.lexicon, &self.tickets[position as usize].features)
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

    /// The `n` problems a text fits best, best first, whatever their likeness. A problem with a ticket that must never
    /// be together with this one is left out.
    pub fn ranked(&self, document: &Document, n: usize) -> Vec<(String, f64)> {
        let known = self.positions.get(document.id).copied();
        let features = match known {
            Some(position) => self.tickets[position as usize].features.clone(),
            None => self.lexicon.read(document),
        };
        let fitting = self.fitting(document.id, known, &features);
        fitting.into_iter().filter_map(|(unit, score)| Some((self.problem_named(unit)?, score))).take(n).collect()
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

    /// The problem's tickets in the order of their placing; none for an unknown problem.
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
        self.problems.push(Problem {
            id: id.clone(),
            members: Vec::new(),
            profile: Profile::default(),
            decided: false,
            by_person: 0,
        });
        self.numbers.insert(id, number);
        number
    }

    /// What the ticket is most like, most first; nothing it must not be together with.
    fn fitting(&self, id: &str, itself: Option<u32>, features: &Features) -> Vec<(Unit, f64)> {
        let own = Profile::of(&self.lexicon, features);
        let near = self.postings.nearest(&keys(own.terms()), self.settings.candidates + 1);
        let mut seen = FxHashSet::default();
        let mut fitting: Vec<(Unit, f64)> = near
            .into_iter()
            .filter(|&ticket| Some(ticket) != itself)
            .map(|ticket| self.unit(ticket))
            .filter(|unit| seen.insert(*unit) && !self.forbidden(id, *unit))
            .map(|unit| (unit, self.alike(&own, unit)))
            .collect();
        fitting.sort_by(|a, b| b.1.total_cmp(&a.1));
        fitting
    }

    fn alike(&self, own: &Profile, unit: Unit) -> f64 {
        let (lexicon, by) = (&self.lexicon, &self.settings.online);
        match unit {
            Unit::Problem(number) => by.of(own, &self.problems[number as usize].profile, lexicon),
            Unit::Lone(ticket) => {
                let Ticket { features, scale, .. } = &self.tickets[ticket as usize];
                by.of_single(own, features, scale, lexicon)
            }
        }
    }

    fn unit(&self, ticket: u32) -> Unit {
        self.tickets[ticket as usize].problem.map_or(Unit::Lone(ticket), Unit::Problem)
    }

    fn problem_named(&self, unit: Unit) -> Option<String> {
        match unit {
            Unit::Problem(number) => Some(self.id_of(number)),
            Unit::Lone(_) => None,
        }
    }

    fn id_of(&self, problem: u32) -> String {
        self.problems[problem as usize].id.to_string()
    }

    /// Where a ticket is that this one belongs together with.
    fn bound_problem(&self, id: &str) -> Option<Unit> {
        let itself = self.position(id)?;
        self.bound_positions(itself).into_iter().find(|&other| other != itself).map(|other| self.unit(other))
    }

    fn forbidden(&self, id: &str, unit: Unit) -> bool {
        self.constraints.is_decided(id)
            && self
                .constraints
                .bound(id)
                .iter()
                .flat_map(|one| self.constraints.apart(one).collect::<Vec<_>>())
                .filter_map(|other| self.position(other))
                .any(|other| self.unit(other) == unit)
    }
}
