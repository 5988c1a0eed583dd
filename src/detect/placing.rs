//! Where a ticket fits: in bounded time, whatever the archive's size.

use rustc_hash::FxHashSet;

use super::engine::Ticket;
use super::postings::{REMEMBERED, keys};
use super::problem::Problem;
use super::profile::{Profile, Table};
use super::{By, Document, Engine, Settings, parting};

/// Tickets looked at of one term: half of what consolidation looks at, as somebody waits.
const LATEST: usize = REMEMBERED / 2;
/// A ticket asks for others by this many of its heaviest terms: more would find those that share what many say.
const ASKED: usize = 16;
/// Two problems with more tickets each are left to consolidation, so that placing one ticket stays cheap.
const UNITED_MOST: usize = 64;
/// When a problem gets its so many tickets it is looked at for several grievances of one place: while it is small this is
/// cheap and tells most.
const SMALL: [usize; 3] = [4, 6, 8];
/// When it is looked at for halves that have grown apart.
const GROWN: usize = 12;
/// Its tickets are of one grievance when this much is left in common; the words of few tickets are less settled than
/// those that consolidation sees.
const ONE_GRIEVANCE: f64 = 0.01;

/// Where a ticket was put, and what else it might have fitted.
#[derive(Debug, Clone, PartialEq)]
pub struct Placed {
    pub ticket: String,
    pub problem: String,
    /// The problem is new.
    pub founded: bool,
    /// The tickets that came along, with their scores: the one that the problem was founded with, lone ones that it now
    /// fits, and those that belong together with this one by a decision.
    pub along: Vec<(String, f64)>,
    /// Problems of the machine's own making that the ticket shows to be this one; they are empty now.
    pub absorbed: Vec<String>,
    /// The problem that the ticket and those that came along are no part of after all: nothing but the place is common.
    pub parted_from: Option<String>,
    /// See [`Likeness`].
    pub score: f64,
    pub runner_up: Option<(String, f64)>,
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

impl Engine {
    /// Indexes a new ticket and puts it where it fits: into a problem, or into a new one with a lone ticket it is like.
    /// Nothing for a ticket that fits nowhere yet, or is already indexed.
    pub fn arrive(&mut self, document: &Document, mut new_problem: impl FnMut() -> String) -> Option<Placed> {
        if self.contains(document.id) {
            return None;
        }
        let features = self.lexicon.learn(document);
        let (position, own, found_by) = self.index(document.id, features);
        let mut fitting = self.fitting(document.id, Some(position), &own, &keys(&found_by, ASKED));
        if let Some(bound) = self.bound_unit(document.id) {
            let at = fitting.iter().position(|(unit, _)| *unit == bound);
            let score = at.map_or(1.0, |at| fitting.remove(at).1);
            fitting.insert(0, (bound, score.max(self.settings.online_cut)));
        }
        let &(unit, score) = fitting.first().filter(|(_, score)| *score >= self.settings.online_cut)?;
        let runner_up = fitting.iter().skip(1).find_map(|&(unit, score)| Some((self.problem_named(unit)?, score)));
        let (mut founded, mut along) = (false, Vec::new());
        let problem = match unit {
            Unit::Problem(number) => self.id_of(number),
            Unit::Lone(other) => {
                let decided = self.decided_like_both(&own, other, &fitting).map(|number| self.id_of(number));
                founded = decided.is_none();
                let problem = decided.unwrap_or_else(&mut new_problem);
                let with = self.id(other).to_owned();
                self.place(&with, &problem, By::Machine);
                along.push((with, score));
                problem
            }
        };
        let number = self.number(&problem);
        self.settle(position, Some(number), By::Machine, Some(&own));
        along.extend(self.bring_bound(position, &problem));
        along.extend(self.gather(&problem, &fitting));
        let own = problem.clone();
        let (problem, mut absorbed) = self.unite(problem, &fitting);
        // One that was founded for this ticket and is gone already need not be told of.
        absorbed.retain(|gone| !(founded && *gone == own));
        let placed = Placed {
            ticket: document.id.to_owned(),
            founded: founded && problem == own,
            runner_up: runner_up.filter(|(other, _)| *other != problem),
            problem,
            along,
            absorbed,
            parted_from: None,
            score,
        };
        Some(self.parted(position, placed, new_problem))
    }

    /// Takes the ticket, with those of its grievance, out of a problem that has become two.
    fn parted(&mut self, position: u32, placed: Placed, new_problem: impl FnOnce() -> String) -> Placed {
        // Only one problem can be told of.
        let stays = placed.founded || !placed.along.is_empty() || !placed.absorbed.is_empty();
        let leaving = if stays { Vec::new() } else { self.leaving(position) };
        if leaving.is_empty() {
            return placed;
        }
        let problem = new_problem();
        let number = self.number(&problem);
        leaving.iter().for_each(|&ticket| self.settle(ticket, Some(number), By::Machine, None));
        let others = leaving.into_iter().filter(|&ticket| ticket != position);
        let along = others.map(|ticket| (self.id(ticket).to_owned(), placed.score)).collect();
        let runner_up = Some((placed.problem.clone(), placed.score));
        Placed { founded: true, along, runner_up, parted_from: Some(placed.problem), problem, ..placed }
    }

    /// The tickets, this one among them, that are another grievance than most of their problem; none where a person
    /// decided about it.
    fn leaving(&self, position: u32) -> Vec<u32> {
        let Some(number) = self.tickets[position as usize].problem else { return Vec::new() };
        let members = &self.problems[number as usize].members;
        let (is_small, has_grown) = (SMALL.contains(&members.len()), members.len() == GROWN);
        if !(is_small || has_grown) || self.is_held(number) {
            return Vec::new();
        }
        let profiles: Vec<Profile> = members.iter().map(|&member| self.profile_of(member)).collect();
        let (Settings { local, online_cut, .. }, weights) = (&self.settings, self.lexicon.weights());
        let parts = match is_small {
            true => parting::grievances(&profiles, ONE_GRIEVANCE, weights),
            false => parting::halves(profiles, local, *online_cut, weights),
        };
        let of_this = |part: &Vec<u32>| part.iter().any(|&at| members[at as usize] == position);
        let own = parts.into_iter().find(of_this).filter(|own| own.len() > 1 && 2 * own.len() <= members.len());
        own.into_iter().flatten().map(|at| members[at as usize]).collect()
    }

    /// The problem that a person decided about, of which a problem of these two lone tickets would be a part: founded
    /// beside it, it could never be united with it.
    fn decided_like_both(&self, own: &Profile, lone: u32, near: &[(Unit, f64)]) -> Option<u32> {
        let free = |number: u32| !self.forbidden(self.id(lone), Unit::Problem(number));
        let like = |number: u32| {
            let mut both = self.profile_of(lone);
            both.add(own);
            self.settings.local.of(&both, &self.problems[number as usize].profile, self.lexicon.weights())
        };
        let mut problems = near.iter().filter_map(|(unit, _)| unit.problem());
        problems.find(|&number| self.is_held(number) && free(number) && like(number) >= self.settings.unite_cut)
    }

    /// Takes the tickets that belong together with this one into its problem, but for those that a person placed.
    fn bring_bound(&mut self, position: u32, problem: &str) -> Vec<(String, f64)> {
        let mut brought = Vec::new();
        for other in self.bound_positions(position) {
            let ticket = &self.tickets[other as usize];
            let id = ticket.id.to_string();
            if ticket.by == By::Machine && self.problem_of(&id) != Some(problem) {
                self.place(&id, problem, By::Machine);
                brought.push((id, 1.0));
            }
        }
        brought
    }

    /// Unites the problem with those among these that it is like, unless a person decided about either. The one with most
    /// tickets stays; gives it, and those that went.
    fn unite(&mut self, problem: String, near: &[(Unit, f64)]) -> (String, Vec<String>) {
        let (mut stays, mut absorbed) = (self.number(&problem), Vec::new());
        let (least, near_enough) = (self.settings.unite_cut, self.settings.unite_near);
        let worth_it = near.iter().filter(|(_, score)| *score >= near_enough);
        for other in worth_it.filter_map(|(unit, _)| unit.problem()) {
            let (one, two) = (&self.problems[stays as usize], &self.problems[other as usize]);
            let like = || self.settings.local.of(&one.profile, &two.profile, self.lexicon.weights());
            let theirs = || self.is_held(stays) || self.is_held(other);
            if other == stays || two.members.is_empty() || like() < least || theirs() {
                continue;
            }
            if one.members.len().min(two.members.len()) > UNITED_MOST {
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
        let mut source = std::mem::replace(&mut self.problems[from as usize], Problem::new("".into()));
        source.members.iter().for_each(|&member| self.tickets[member as usize].problem = Some(into));
        let (weights, tickets) = (self.lexicon.weights(), &self.tickets);
        let profile_of = |position: u32| tickets[position as usize].profile(weights);
        self.problems[into as usize].absorb(&mut source, profile_of);
        self.problems[from as usize] = source;
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
            let profile = &self.problems[number as usize].profile;
            let score = self.settings.local.of(&self.profile_of(lone), profile, self.lexicon.weights());
            if score >= self.settings.online_cut {
                let id = ticket.id.to_string();
                self.place(&id, problem, By::Machine);
                gathered.push((id, score));
            }
        }
        gathered
    }

    /// The `n` problems a text fits best, best first, whatever their likeness. A problem with a ticket that must never
    /// be together with this one is left out.
    pub fn ranked(&self, document: &Document, n: usize) -> Vec<(String, f64)> {
        let known = self.positions.get(document.id).copied();
        let features = match known {
            Some(position) => self.tickets[position as usize].features.clone(),
            None => self.lexicon.read(document),
        };
        let own = Profile::of(self.lexicon.weights(), &features);
        let fitting = self.fitting(document.id, known, &own, &keys(own.terms(), ASKED));
        fitting.into_iter().filter_map(|(unit, score)| Some((self.problem_named(unit)?, score))).take(n).collect()
    }

    /// What the ticket is most like, among tickets that share the terms `by`, most first; nothing it must not be together with.
    fn fitting(&self, id: &str, itself: Option<u32>, own: &Profile, by: &[(u32, u32)]) -> Vec<(Unit, f64)> {
        let near = self.postings.nearest(by, self.settings.candidates + 1, LATEST);
        let mut seen = FxHashSet::default();
        let table = Table::of(own, self.lexicon.weights());
        let mut fitting: Vec<(Unit, f64)> = near
            .into_iter()
            .filter(|&ticket| Some(ticket) != itself)
            .map(|ticket| self.unit(ticket))
            .filter(|unit| seen.insert(*unit) && !self.forbidden(id, *unit))
            .map(|unit| (unit, self.alike(&table, unit)))
            .collect();
        fitting.sort_by(|a, b| b.1.total_cmp(&a.1));
        fitting
    }

    fn alike(&self, own: &Table, unit: Unit) -> f64 {
        let by = &self.settings.local;
        match unit {
            Unit::Problem(number) => by.of_table(own, &self.problems[number as usize].profile),
            Unit::Lone(ticket) => {
                let Ticket { features, scale, .. } = &self.tickets[ticket as usize];
                by.of_single(own, features, scale)
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

    /// Where a ticket is that this one belongs together with; or that ticket alone, to be taken out of where it is, when
    /// this one must not go there.
    fn bound_unit(&self, id: &str) -> Option<Unit> {
        let itself = self.position(id)?;
        let other = self.bound_positions(itself).into_iter().find(|&other| other != itself)?;
        let unit = self.unit(other);
        Some(if self.forbidden(id, unit) { Unit::Lone(other) } else { unit })
    }

    fn forbidden(&self, id: &str, unit: Unit) -> bool {
        let within = |other: &String| self.position(other).is_some_and(|at| self.unit(at) == unit);
        self.constraints.is_decided(id) && self.constraints.apart(id).iter().any(within)
    }
}

#[cfg(test)]
mod tests {
    use super::super::Settings;
    use super::*;

    #[test]
    fn no_second_problem_is_founded_beside_one_that_people_decided_about() {
        // Only the same words are alike enough to be placed together.
        let mut engine = Engine::new(Settings { online_cut: 0.6, ..Settings::default() });
        let arrive = |engine: &mut Engine, id: &str, body: &str| {
            let body = format!("清水湾小区夜间施工噪音扰民，{body}");
            engine.arrive(&Document { id, title: "", body: &body, ..Document::default() }, || format!("P of {id}"))
        };
        let (drilling, lorries) = ("打桩机凌晨还在响，楼板跟着发抖", "渣土车整夜按喇叭进出，孩子没法睡觉");
        arrive(&mut engine, "1", drilling);
        arrive(&mut engine, "2", drilling);
        engine.decide("P of 2");
        assert_eq!(arrive(&mut engine, "3", lorries), None);
        let placed = arrive(&mut engine, "4", lorries).unwrap();
        assert_eq!((&*placed.problem, placed.founded, placed.runner_up), ("P of 2", false, None));
        assert_eq!(engine.members("P of 2"), ["1", "2", "3", "4"]);
    }
    #[test]
    fn a_small_problem_that_turns_out_to_be_two_of_one_place_is_parted() {
        // Whatever is said of the place goes together at first.
        let mut engine = Engine::new(Settings { online_cut: 0.0, ..Settings::default() });
        let arrive = |engine: &mut Engine, id: &str, body: &str| {
            let body = format!("清水湾小区{body}");
            engine.arrive(&Document { id, title: "", body: &body, ..Document::default() }, || format!("P of {id}"))
        };
        arrive(&mut engine, "1", "夜间打桩施工太吵");
        arrive(&mut engine, "2", "凌晨还在打桩施工");
        assert_eq!(arrive(&mut engine, "3", "电梯停运没人修").unwrap().problem, "P of 2");
        let placed = arrive(&mut engine, "4", "老人爬楼，电梯停运").unwrap();
        assert_eq!((&*placed.problem, placed.founded, placed.parted_from.as_deref()), ("P of 4", true, Some("P of 2")));
        assert_eq!(placed.along.iter().map(|(ticket, _)| &**ticket).collect::<Vec<_>>(), ["3"]);
        assert_eq!(
            (engine.members("P of 2"), engine.members("P of 4")),
            (vec!["1".into(), "2".into()], vec!["3".into(), "4".into()])
        );
    }
}
