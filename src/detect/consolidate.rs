//! The whole archive looked at again: groups by average linkage, whatever the order in which tickets came.

mod proposals;

pub use proposals::Proposal;

use std::borrow::Cow;

use rustc_hash::{FxHashMap, FxHashSet};

use super::agglomerate::{Clustering, Leave};
use super::blocks::{Block, blocks};
use super::postings::{KEYS, REMEMBERED, keys};
use super::profile::Profile;
use super::weights::Weights;
use super::{Engine, Settings, parting};

/// Earlier tickets looked at for each: more than when one is placed, as nobody waits for it.
const NEIGHBOURS: usize = 16;
/// Tickets of a group are of one grievance when this much is left in common: hardly anything is enough.
const ONE_GRIEVANCE: f64 = 0.004;

/// What consolidation changes by itself: tickets that only the machine placed, in problems nobody decided about.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    Founded {
        problem: String,
    },
    /// Into a problem, or out of all.
    Moved {
        ticket: String,
        problem: Option<String>,
    },
}

/// Problems, and tickets in none, with the same grievance.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Theme {
    pub problems: Vec<String>,
    pub tickets: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct Consolidation {
    pub changes: Vec<Change>,
    pub proposals: Vec<Proposal>,
    pub themes: Vec<Theme>,
}

/// The tickets as consolidation sees them: by id, in blocks, with the weights of now.
struct View<'a> {
    engine: &'a Engine,
    weights: Cow<'a, Weights>,
    blocks: Vec<Block>,
    /// By ticket: its block.
    block_of: Vec<u32>,
    near: Vec<(u32, u32)>,
    apart: FxHashSet<(u32, u32)>,
}

impl Engine {
    /// What the problems would be, all tickets taken together. Nothing changes before [`Engine::apply`].
    pub fn consolidate(&self, mut new_problem: impl FnMut() -> String) -> Consolidation {
        let mut view = View::of(self);
        let profiles: Vec<Profile> = view.blocks.iter().map(|block| view.profile(&block.members)).collect();
        view.look_around(&profiles);
        let mut local = Clustering::of(profiles, &view.near, &view.weights);
        let of_a_theme = local.hopeful(&self.settings.theme, self.settings.theme_cut);
        local.join(&self.settings.local, self.settings.local_cut, |a, b| view.may_join(a, b));
        let groups: Vec<Vec<u32>> = local.groups().into_iter().flat_map(|group| view.parts(group)).collect();
        let named = view.name(&groups, &mut new_problem);
        let mut done =
            Consolidation { themes: view.themes(&groups, &named, local, &of_a_theme), ..Consolidation::default() };
        for (group, problem) in groups.iter().zip(&named) {
            view.changes(group, problem.as_ref(), &mut done.changes);
        }
        done.proposals = view.merges(&groups, &named);
        done.proposals.extend(view.blocks.iter().filter_map(|block| view.split(block)));
        done
    }

    /// Makes the changes of a consolidation.
    pub fn apply(&mut self, changes: &[Change]) {
        for change in changes {
            match change {
                Change::Founded { problem } => self.found(problem),
                Change::Moved { ticket, problem } => {
                    self.move_ticket(ticket, problem.as_deref(), super::By::Machine);
                }
            }
        }
    }
}

impl<'a> View<'a> {
    fn of(engine: &'a Engine) -> Self {
        let mut order: Vec<u32> = (0..engine.tickets.len() as u32).collect();
        order.sort_unstable_by(|&a, &b| engine.tickets[a as usize].id.cmp(&engine.tickets[b as usize].id));
        let blocks = blocks(engine, &order);
        let mut block_of = vec![0; order.len()];
        for (number, block) in blocks.iter().enumerate() {
            block.members.iter().for_each(|&member| block_of[member as usize] = number as u32);
        }
        let weights = engine.lexicon.settled();
        let mut view = View { engine, weights, blocks, block_of, near: Vec::new(), apart: FxHashSet::default() };
        view.apart = view.forbidden();
        view
    }

    /// Finds the pairs of blocks with tickets that share much; these are the blocks' profiles.
    fn look_around(&mut self, profiles: &[Profile]) {
        let mut pairs = Vec::with_capacity(NEIGHBOURS * self.block_of.len());
        let mut look = |a: u32, keys: &[(u32, u32)]| {
            let near = self.engine.postings.nearest(keys, NEIGHBOURS, REMEMBERED);
            let blocks = near.into_iter().map(|other| self.block_of[other as usize]).filter(|&b| a != b);
            pairs.extend(blocks.map(|b| (a.min(b), a.max(b))));
        };
        for ((a, block), profile) in (0..).zip(&self.blocks).zip(profiles) {
            match *block.members {
                [_] => look(a, &keys(profile.terms(), KEYS)),
                _ => block.members.iter().for_each(|&at| look(a, &keys(self.profile(&[at]).terms(), KEYS))),
            }
        }
        pairs.sort_unstable();
        pairs.dedup();
        self.near = pairs;
    }

    /// Pairs of blocks that a person forbade to bring together.
    fn forbidden(&self) -> FxHashSet<(u32, u32)> {
        let engine = self.engine;
        let block = |id: &str| engine.position(id).map(|at| self.block_of[at as usize]);
        let mut pairs = FxHashSet::default();
        for (ticket, one) in engine.constraints.decided().filter_map(|ticket| Some((ticket, block(ticket)?))) {
            pairs.extend(engine.constraints.apart(ticket).iter().filter_map(|other| Some((one, block(other)?))));
        }
        pairs
    }

    fn may_join(&self, a: &[u32], b: &[u32]) -> Leave {
        let held = |blocks: &[u32]| blocks.iter().any(|&block| self.blocks[block as usize].held.is_some());
        // Only tickets that are in no problem yet go into one that a person decided about.
        let free = |blocks: &[u32]| blocks.iter().all(|&block| self.is_lone(&self.blocks[block as usize]));
        let refused = (held(a) && !free(b)) || (held(b) && !free(a)) || self.are_apart(a, b);
        if refused { Leave::Never } else { Leave::Join }
    }

    fn are_apart(&self, a: &[u32], b: &[u32]) -> bool {
        !self.apart.is_empty() && a.iter().any(|&one| b.iter().any(|&other| self.apart.contains(&(one, other))))
    }

    fn is_lone(&self, block: &Block) -> bool {
        block.members.iter().all(|&member| self.engine.tickets[member as usize].problem.is_none())
    }

    /// The problem that each group of more than one ticket is: the one it shares most tickets with, a problem going to
    /// the group that has most of it.
    fn name(&self, groups: &[Vec<u32>], new_problem: &mut impl FnMut() -> String) -> Vec<Option<String>> {
        let mut shares: Vec<(bool, usize, usize, u32)> = Vec::new();
        for (number, group) in groups.iter().enumerate() {
            let mut counts: FxHashMap<u32, usize> = FxHashMap::default();
            for problem in self.tickets(group).filter_map(|ticket| self.engine.tickets[ticket as usize].problem) {
                *counts.entry(problem).or_default() += 1;
            }
            let held = self.held(group);
            shares.extend(counts.into_iter().map(|(problem, count)| (held == Some(problem), count, number, problem)));
        }
        shares.sort_unstable_by(|a, b| (b.0, b.1, a.2, a.3).cmp(&(a.0, a.1, b.2, b.3)));
        let mut named: Vec<Option<u32>> = vec![None; groups.len()];
        let mut taken = FxHashSet::default();
        for (_, _, number, problem) in shares {
            if named[number].is_none() && !taken.contains(&problem) {
                named[number] = Some(problem);
                taken.insert(problem);
            }
        }
        let mut name = |number: usize, problem: Option<u32>| {
            let several = self.tickets(&groups[number]).nth(1).is_some() || self.held(&groups[number]).is_some();
            let old = problem.map(|problem| self.engine.problems[problem as usize].id.to_string());
            several.then(|| old.unwrap_or_else(&mut *new_problem))
        };
        named.into_iter().enumerate().map(|(number, problem)| name(number, problem)).collect()
    }

    /// The grievances in a group, each for itself; a problem that a person decided about stays whole.
    fn parts(&self, group: Vec<u32>) -> Vec<Vec<u32>> {
        if self.held(&group).is_some() || !parting::may_part(group.len()) {
            return vec![group];
        }
        let mut profiles: Vec<Profile> =
            group.iter().map(|&block| self.profile(&self.blocks[block as usize].members)).collect();
        let grievances = parting::grievances(&profiles, ONE_GRIEVANCE, &self.weights);
        let Settings { local, online_cut, .. } = &self.engine.settings;
        let halves = |part: Vec<u32>| {
            let some = part.iter().map(|&at| std::mem::take(&mut profiles[at as usize])).collect();
            let halves = parting::halves(some, local, *online_cut, &self.weights);
            halves.into_iter().map(move |half| half.into_iter().map(|at| part[at as usize]).collect::<Vec<_>>())
        };
        let parts = grievances.into_iter().flat_map(halves);
        parts.map(|part| part.into_iter().map(|at| group[at as usize]).collect()).collect()
    }

    fn changes(&self, group: &[u32], problem: Option<&String>, changes: &mut Vec<Change>) {
        let engine = self.engine;
        if let Some(problem) = problem.filter(|problem| !engine.is_known(problem)) {
            changes.push(Change::Founded { problem: problem.clone() });
        }
        for ticket in self.tickets(group).map(|member| &engine.tickets[member as usize]) {
            let now = ticket.problem.map(|number| &*engine.problems[number as usize].id);
            if now != problem.map(String::as_str) {
                changes.push(Change::Moved { ticket: ticket.id.to_string(), problem: problem.cloned() });
            }
        }
    }

    /// `local` is what the groups came from; what was compared there is not compared again. `near` are blocks that may be of
    /// one theme.
    fn themes(
        &self,
        groups: &[Vec<u32>],
        named: &[Option<String>],
        mut local: Clustering,
        near: &[(u32, u32)],
    ) -> Vec<Theme> {
        let settings = &self.engine.settings;
        let mut group_of = vec![0; self.blocks.len()];
        for (number, group) in groups.iter().enumerate() {
            group.iter().for_each(|&block| group_of[block as usize] = number as u32);
        }
        let mut near: Vec<(u32, u32)> = near
            .iter()
            .map(|&(a, b)| (group_of[a as usize], group_of[b as usize]))
            .filter(|(a, b)| a != b)
            .map(|(a, b)| (a.min(b), a.max(b)))
            .collect();
        near.sort_unstable();
        near.dedup();
        let kept = groups.iter().map(|group| local.take(group));
        let profiles: Vec<Option<Profile>> = kept.collect();
        let is_kept: Vec<bool> = profiles.iter().map(Option::is_some).collect();
        let anew = |group: &Vec<u32>| self.profile(&self.tickets(group).collect::<Vec<_>>());
        let profiles = profiles.into_iter().zip(groups).map(|(kept, group)| kept.unwrap_or_else(|| anew(group)));
        let known = |a: u32, b: u32| {
            let (a, b) = (a as usize, b as usize);
            (is_kept[a] && is_kept[b]).then(|| local.dots(groups[a][0], groups[b][0])).flatten()
        };
        let mut themes = Clustering::knowing(profiles.collect(), &near, &self.weights, known);
        themes.join(&settings.theme, settings.theme_cut, |_, _| Leave::Join);
        let ticket = |member: u32| self.engine.tickets[member as usize].id.to_string();
        let several = themes.groups().into_iter().filter(|theme| theme.len() > 1);
        several
            .map(|theme| {
                let (problems, lone): (Vec<u32>, Vec<u32>) =
                    theme.into_iter().partition(|&group| named[group as usize].is_some());
                Theme {
                    problems: problems.into_iter().filter_map(|group| named[group as usize].clone()).collect(),
                    tickets: lone.iter().flat_map(|&group| self.tickets(&groups[group as usize])).map(ticket).collect(),
                }
            })
            .collect()
    }

    fn tickets(&self, group: &[u32]) -> impl Iterator<Item = u32> {
        group.iter().flat_map(|&block| &self.blocks[block as usize].members).copied()
    }

    fn held(&self, group: &[u32]) -> Option<u32> {
        group.iter().find_map(|&block| self.blocks[block as usize].held)
    }

    fn profile(&self, members: &[u32]) -> Profile {
        let profile = |&member: &u32| {
            let ticket = &self.engine.tickets[member as usize];
            match self.weights {
                Cow::Borrowed(weights) => ticket.profile(weights),
                Cow::Owned(ref weights) => Profile::of(weights, &ticket.features),
            }
        };
        Profile::sum(members.iter().map(profile).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Document, Settings};
    use super::*;

    const EVERYDAY: [&str; 4] =
        ["公交车晚点等了四十分钟", "社保卡办理慢材料退回", "井盖松动怕出事故", "自来水发黄浑浊有异味"];

    /// The texts, and a city's everyday ones, consolidated; ticket `n` is text `n`.
    fn consolidated(mut texts: Vec<(String, String)>) -> (Engine, Consolidation) {
        texts.extend((0..30).map(|n| (EVERYDAY[n % 4].to_owned(), format!("第{n}路{}", EVERYDAY[n % 4]))));
        let mut engine = Engine::new(Settings::default());
        let ids: Vec<String> = (0..texts.len()).map(id).collect();
        engine.read_all(ids.iter().zip(&texts).map(|(id, (title, body))| Document {
            id,
            title,
            body,
            ..Document::default()
        }));
        let mut numbers = 1..;
        let done = engine.consolidate(|| format!("P{}", numbers.next().unwrap()));
        engine.apply(&done.changes);
        (engine, done)
    }

    fn id(text: usize) -> String {
        format!("t{text:03}")
    }

    #[test]
    fn a_theme_is_one_grievance_at_several_places_not_one_place_with_several_grievances() {
        const TIMES: usize = 4;
        let noise = ("夜间施工噪音", "工地凌晨两点还在打桩浇筑混凝土，孩子睡不着");
        let lift = ("电梯停运不修", "轿厢困人三回，老人爬楼上下十八层");
        let told = [("清水湾小区", noise), ("白鹭花园", noise), ("清水湾小区", lift)];
        let mut texts: Vec<(String, String)> = Vec::new();
        for (place, (title, body)) in told {
            texts.extend((0..TIMES).map(|n| (format!("{place}{title}"), format!("{place}{body}，{n}。"))));
        }
        let (engine, done) = consolidated(texts);
        let problem = |n: usize| engine.problem_of(&id(n)).unwrap().to_owned();
        let theme = |n: usize| done.themes.iter().position(|theme| theme.problems.contains(&problem(n)));
        let (here, there, other) = (theme(0), theme(TIMES), theme(2 * TIMES));
        assert!(here.is_some() && here == there, "the same grievance elsewhere: {:?}", done.themes);
        assert_ne!(here, other, "another grievance at the same place: {:?}", (problem(0), problem(2 * TIMES)));
    }

    #[test]
    fn the_same_words_about_another_place_are_no_problem_of_this_one_also_where_they_end_like_places() {
        let names = ["清水湾", "白鹭", "红枫", "梧桐", "青石", "南桥", "云栖", "望月", "翠竹", "金鼎", "碧波", "杏林"];
        let kinds = ["小区", "花园", "家园", "公寓"];
        let matters = ["手机信号基站拆了以后变差，测过一次没有下文", "健身房冻结期被算进有效期，剩下的学期没人管"];
        let places: Vec<String> =
            names.iter().zip(kinds.iter().cycle()).map(|(name, kind)| format!("{name}{kind}")).collect();
        let told = |place: &String, matter: &str| (format!("{place}{}", &matter[..30]), format!("{place}{matter}。"));
        let mut texts: Vec<(String, String)> =
            matters.iter().flat_map(|matter| places.iter().map(move |place| told(place, matter))).collect();
        // Kinds of places are named all over a city.
        texts.extend(
            (0..300).map(|n| (EVERYDAY[n % 3].to_owned(), format!("{n}号{}{}", kinds[n % 4], EVERYDAY[n % 3]))),
        );
        let (engine, _) = consolidated(texts);
        let mut of: FxHashMap<&str, FxHashSet<&String>> = FxHashMap::default();
        for n in 0..matters.len() * places.len() {
            let problem = engine.problem_of(&id(n));
            of.entry(problem.unwrap_or_default()).or_default().extend(problem.map(|_| &places[n % places.len()]));
        }
        assert!(of.values().all(|places| places.len() <= 1), "{of:?}");
    }
}
