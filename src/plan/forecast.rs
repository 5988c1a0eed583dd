//! When a plan will really end: many runs over uncertain durations (Monte Carlo), the same for the same seed.

use super::estimate::{Alias, History, Weights, bits, weights};
use super::graph::Plan;
use super::network::{Dates, Network, Node, Stage};
use super::schedule::{AsOf, days_of};
use super::workdays::{Day, date_of, day_of};
use crate::domain::task::DependencyKind;
use chrono::NaiveDate;
use std::collections::BTreeMap;
use std::hash::{Hash, Hasher};

/// Runs that go through the passes side by side.
const LANES: usize = 16;

/// How often to run, and from what seed.
#[derive(Debug, Clone, Copy)]
pub struct Runs {
    pub count: usize,
    pub seed: u64,
}

/// The distribution of a plan's end.
#[derive(Debug, Clone, PartialEq)]
pub struct Forecast {
    /// Days of the end, with the number of runs that ended on each.
    pub ends: BTreeMap<NaiveDate, u32>,
    /// The share of runs in which a task decided the end, by the task's id, most often first: what drives the risk.
    pub criticality: Vec<(String, f64)>,
}

impl Forecast {
    fn runs(&self) -> u32 {
        self.ends.values().sum()
    }

    /// The first day by which `percent` of the runs have ended.
    pub fn percentile(&self, percent: u32) -> NaiveDate {
        let needed = (u64::from(self.runs()) * u64::from(percent)).div_ceil(100);
        let mut passed = 0;
        for (day, count) in &self.ends {
            passed += u64::from(*count);
            if passed >= needed {
                return *day;
            }
        }
        NaiveDate::MAX
    }

    /// The share of runs that ended by a day.
    pub fn chance_by(&self, day: NaiveDate) -> f64 {
        let by: u32 = self.ends.range(..=day).map(|(_, count)| count).sum();
        f64::from(by) / f64::from(self.runs().max(1))
    }
}

impl Plan {
    /// `None` for a plan without tasks. A plan in which nothing is uncertain takes one run.
    pub fn forecast(&self, as_of: &AsOf, history: &History, runs: Runs) -> Option<Forecast> {
        let mut net = Network::of(&self.frame, as_of);
        if net.nodes.is_empty() {
            return None;
        }
        let today = day_of(as_of.today);
        let mut draws = Vec::with_capacity(net.nodes.len());
        for (node, task) in net.nodes.iter_mut().zip(&self.frame.tasks) {
            let task = &self.graph[task.node];
            let weights =
                weights(task, history).into_iter().map(|(d, w)| (days_of(d, task.duration_unit), w)).collect();
            let stream = bits(runs.seed, hash(&task.id));
            draws.push(Draw { days: left_of(node, weights, today), stream });
        }
        let certain = draws.iter().all(|draw| draw.days.certain().is_some());
        let count = if certain { 1 } else { runs.count.max(1) };
        let mut tally = Tally { ends: BTreeMap::new(), decided: vec![0; net.nodes.len()] };
        let mut flags = Flags::blank(&net);
        let mut dates = net.blank::<LANES>();
        for first in (0..count).step_by(LANES) {
            net.forward(|at| draws[at].days_from(first as u64), &mut dates);
            tally.add(&net, &dates, &mut flags, LANES.min(count - first));
        }
        Some(self.told(&net, tally, count))
    }

    fn told(&self, net: &Network, tally: Tally, count: usize) -> Forecast {
        let share = |decided: u32| f64::from(decided) / count as f64;
        let open = (0..net.nodes.len()).filter(|at| net.nodes[*at].stage != Stage::Done);
        let mut criticality: Vec<(i32, String, f64)> = open
            .map(|at| (&self.frame.tasks[at], tally.decided[at]))
            .map(|(task, decided)| (task.no, self.graph[task.node].id.clone(), share(decided)))
            .collect();
        criticality.sort_by(|a, b| b.2.total_cmp(&a.2).then(a.0.cmp(&b.0)));
        Forecast {
            ends: tally.ends.into_iter().map(|(day, count)| (date_of(day), count)).collect(),
            criticality: criticality.into_iter().map(|(_, id, share)| (id, share)).collect(),
        }
    }
}

/// What a task may take, and its own stream of luck.
struct Draw {
    days: Alias,
    stream: u64,
}

impl Draw {
    #[inline]
    fn days_from(&self, first: u64) -> [i32; LANES] {
        match self.days.certain() {
            Some(days) => [days; LANES],
            None => std::array::from_fn(|lane| self.days.draw(bits(self.stream, first + lane as u64))),
        }
    }
}

/// The durations that are still possible. A task under way has not ended before today, and more time that was granted
/// comes on top of what it would take; one that has ended takes what it took.
fn left_of(node: &mut Node, mut weights: Weights, today: Day) -> Alias {
    match node.stage {
        Stage::Waiting => {}
        Stage::Done => weights = vec![(0, 1.0)],
        Stage::Running => {
            let planned = node.end_of(node.start, node.days);
            let granted = if node.finish > planned.max(today) { node.work_between(planned, node.finish) } else { 0 };
            weights.iter_mut().for_each(|(days, _)| *days += granted);
            let longest = weights.iter().map(|(days, _)| *days).max().unwrap_or(node.days);
            weights.retain(|(days, _)| node.end_of(node.start, *days) >= today);
            if weights.is_empty() {
                weights = vec![(longest, 1.0)];
            }
            node.finish = today;
        }
    }
    Alias::new(&weights)
}

fn hash(id: &str) -> u64 {
    let mut hasher = rustc_hash::FxHasher::default();
    id.hash(&mut hasher);
    hasher.finish()
}

/// What the runs came to, by day and by node.
struct Tally {
    ends: BTreeMap<Day, u32>,
    decided: Vec<u32>,
}

/// Whether a node's start, or its end, decides the end of the plan: all bits set or none, a run a lane.
struct Flags {
    start: Vec<[i32; LANES]>,
    finish: Vec<[i32; LANES]>,
}

impl Flags {
    fn blank(net: &Network) -> Flags {
        Flags { start: vec![[0; LANES]; net.nodes.len()], finish: vec![[0; LANES]; net.nodes.len()] }
    }
}

/// All bits set when two days are the same.
#[inline]
fn same(a: Day, b: Day) -> i32 {
    -i32::from(a == b)
}

impl Tally {
    /// Counts the first `runs` lanes: the ends, and going backwards from them whatever held them.
    fn add(&mut self, net: &Network, dates: &Dates<LANES>, flags: &mut Flags, runs: usize) {
        let mut end = [0; LANES];
        for finish in &dates.finish {
            (0..LANES).for_each(|run| end[run] = end[run].max(finish[run]));
        }
        end[..runs].iter().for_each(|day| *self.ends.entry(*day).or_default() += 1);
        for at in 0..net.nodes.len() {
            flags.start[at] = [0; LANES];
            flags.finish[at] = std::array::from_fn(|run| same(dates.finish[at][run], end[run]));
        }
        for at in (0..net.nodes.len()).rev() {
            let (start, worked, finish) = (&dates.start[at], &dates.worked[at], &dates.finish[at]);
            let by_finish = flags.finish[at];
            let by_start: [i32; LANES] =
                std::array::from_fn(|run| flags.start[at][run] | (by_finish[run] & same(worked[run], finish[run])));
            self.decided[at] += (0..runs).map(|run| ((by_start[run] | by_finish[run]) & 1) as u32).sum::<u32>();
            for link in net.links_into(at) {
                let from = link.from as usize;
                let (flag, before, held, by) = match link.kind {
                    DependencyKind::FinishToStart => (&mut flags.finish, &dates.finish, start, &by_start),
                    DependencyKind::StartToStart => (&mut flags.start, &dates.start, start, &by_start),
                    DependencyKind::FinishToFinish => (&mut flags.finish, &dates.finish, finish, &by_finish),
                };
                for run in 0..LANES {
                    flag[from][run] |= by[run] & same(net.gate(link, before[from][run]), held[run]);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::graph::tests::{any_plan, edge, task};
    use super::super::workdays::Calendars;
    use super::super::{PlanTask, Schedule};
    use super::*;
    use crate::domain::calendar::Calendar;
    use crate::domain::task::TaskState;
    use proptest::prelude::*;

    const MANY: Runs = Runs { count: 20_000, seed: 7 };

    fn monday() -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, 3, 2).unwrap()
    }

    fn run(plan: &Plan, today: NaiveDate, runs: Runs) -> (Forecast, Schedule) {
        let calendars = Calendars::new(&Calendar::default());
        let as_of = AsOf { today, begin: monday(), calendars: &calendars };
        (plan.forecast(&as_of, &History::default(), runs).unwrap(), plan.schedule(&as_of))
    }

    fn guessed(no: i32, low: i32, likely: i32, high: i32) -> PlanTask {
        PlanTask { duration: likely, range: Some((low, high)), ..task(no) }
    }

    /// General Foundry again (see the schedule's tests), with its three points in tenths of a week. The book's normal
    /// approximation: 71.57 % for 16 weeks.
    fn foundry() -> Plan {
        let points = [
            (10, 20, 30),
            (20, 30, 40),
            (10, 20, 30),
            (20, 40, 60),
            (10, 40, 70),
            (10, 20, 90),
            (30, 40, 110),
            (10, 20, 30),
        ];
        let tasks = (1..).zip(points).map(|(no, (low, likely, high))| guessed(no, low, likely, high)).collect();
        let links = [(1, 3), (1, 4), (2, 4), (3, 5), (3, 6), (4, 7), (5, 7), (6, 8), (7, 8)];
        Plan::build(tasks, links.iter().map(|(from, to)| edge(*from, *to)).collect()).unwrap()
    }

    #[test]
    fn general_foundry_ends_within_sixteen_weeks_as_often_as_its_book_says() {
        let calendar = Calendar::default();
        let (forecast, _) = run(&foundry(), monday(), MANY);
        let chance = forecast.chance_by(calendar.add_working_days(monday(), 160));
        assert!((0.66..0.76).contains(&chance), "{chance}");
        let path: Vec<&str> = forecast.criticality[..5].iter().map(|(id, _)| id.as_str()).collect();
        assert!(["1", "3", "5", "7", "8"].iter().all(|id| path.contains(id)), "{path:?}");
        assert_eq!(forecast.criticality.iter().find(|(id, _)| id == "8").map(|(_, share)| *share), Some(1.0));
        let p = |percent| forecast.percentile(percent);
        assert!(p(50) < p(80) && p(80) < p(95));
        assert!((forecast.chance_by(p(80)) - 0.8).abs() < 0.02);
    }

    #[test]
    fn the_same_seed_gives_the_same_and_another_nearly_the_same() {
        let (first, _) = run(&foundry(), monday(), MANY);
        assert_eq!(first, run(&foundry(), monday(), MANY).0);
        let (other, _) = run(&foundry(), monday(), Runs { seed: 8, ..MANY });
        assert_ne!(first, other);
        assert!((first.percentile(80) - other.percentile(80)).num_days().abs() <= 4);
    }

    #[test]
    fn a_task_under_way_has_not_ended_before_today() {
        let begun = PlanTask { state: TaskState::InProgress, released_on: Some(monday()), ..guessed(1, 5, 10, 30) };
        let today = monday() + chrono::TimeDelta::days(28);
        let (forecast, _) = run(&Plan::build(vec![begun.clone()], Vec::new()).unwrap(), today, MANY);
        assert!(forecast.ends.keys().all(|day| *day >= today));
        assert!(forecast.chance_by(today) < 0.8, "what is left of the distribution is not one day");
        let late = monday() + chrono::TimeDelta::days(100);
        let (forecast, _) = run(&Plan::build(vec![begun], Vec::new()).unwrap(), late, MANY);
        assert_eq!(forecast.percentile(95), late, "past its pessimistic end it ends today at the earliest");
    }

    #[test]
    fn granted_time_comes_on_top() {
        let due = |day: &str| PlanTask {
            state: TaskState::InProgress,
            released_on: Some(monday()),
            due_on: day.parse().ok(),
            ..guessed(1, 4, 5, 6)
        };
        let p50 = |task| run(&Plan::build(vec![task], Vec::new()).unwrap(), monday(), MANY).0.percentile(50);
        assert_eq!(p50(due("2026-03-09")).to_string(), "2026-03-09");
        assert_eq!(p50(due("2026-03-16")).to_string(), "2026-03-16");
    }

    proptest! {
        /// Two implementations of one thing: with nothing uncertain, every run is the schedule.
        #[test]
        fn without_uncertainty_the_forecast_is_the_schedule(plan in any_plan(16)) {
            let (forecast, schedule) = run(&plan, monday(), Runs { count: 100, seed: 1 });
            prop_assert_eq!(forecast.ends.keys().copied().collect::<Vec<_>>(), Vec::from_iter(schedule.forecast));
            for (id, share) in &forecast.criticality {
                prop_assert_eq!(*share == 1.0, schedule.dates(id).unwrap().critical, "task {}", id);
            }
        }
    }
}
