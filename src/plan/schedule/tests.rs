use super::super::graph::tests::{any_plan, edge, task};
use super::super::lamp::Lamp;
use super::super::{PlanDependency, PlanTask};
use super::oracle::Oracle;
use super::*;
use crate::domain::calendar::{CalendarDay, DayKind};
use crate::domain::task::TaskState;
use crate::lang::Lang;
use proptest::prelude::*;
use std::collections::BTreeMap;

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap_or_default()
}

fn lasting(no: i32, duration: i32) -> PlanTask {
    PlanTask { duration, ..task(no) }
}

fn link(from: i32, to: i32, kind: DependencyKind, lag_days: i32) -> PlanDependency {
    PlanDependency { kind, lag_days, ..edge(from, to) }
}

fn scheduled(plan: &Plan, today: &str, begin: &str) -> Schedule {
    let calendars = Calendars::new(&Calendar::mainland());
    plan.schedule(&AsOf { today: day(today), begin: day(begin), calendars: &calendars })
}

#[test]
fn the_longer_branch_is_critical_and_the_other_has_slack() {
    let tasks = vec![lasting(1, 2), lasting(2, 5), lasting(3, 1), lasting(4, 1)];
    let plan = Plan::build(tasks, vec![edge(1, 2), edge(1, 3), edge(2, 4), edge(3, 4)]).unwrap();
    let schedule = scheduled(&plan, "2026-03-02", "2026-03-02");
    assert_eq!(schedule.critical_path, vec!["1", "2", "4"]);
    assert_eq!(schedule.dates("3").unwrap().slack_days, 4);
    assert_eq!(schedule.forecast, Some(day("2026-03-12")), "8 working days after Monday");
}

#[test]
fn what_happened_replaces_what_was_planned() {
    let done = PlanTask {
        state: TaskState::Done,
        released_on: Some(day("2026-03-02")),
        ended_on: Some(day("2026-03-20")),
        ..lasting(1, 2)
    };
    let plan = Plan::build(vec![done, lasting(2, 1)], vec![edge(1, 2)]).unwrap();
    let schedule = scheduled(&plan, "2026-03-20", "2026-03-02");
    assert_eq!(schedule.dates("1").unwrap().finish, day("2026-03-20"));
    assert_eq!(schedule.forecast, Some(day("2026-03-23")));
    assert_eq!(schedule.critical_path, vec!["2"]);
}

#[test]
fn a_late_task_holds_what_could_begin_today() {
    let late = PlanTask {
        state: TaskState::Ready,
        released_on: Some(day("2026-03-02")),
        due_on: Some(day("2026-03-05")),
        ..lasting(1, 3)
    };
    let plan = Plan::build(vec![late, lasting(2, 1)], vec![edge(1, 2)]).unwrap();
    let schedule = scheduled(&plan, "2026-03-10", "2026-03-02");
    assert_eq!(schedule.dates("2").unwrap().start, day("2026-03-10"));
    assert_eq!(schedule.critical_path, ["1", "2"]);
}

#[test]
fn the_lamp_follows_the_critical_path() {
    let today = day("2026-03-10");
    let late = PlanTask {
        state: TaskState::Ready,
        released_on: Some(day("2026-03-02")),
        due_on: Some(day("2026-03-05")),
        ..lasting(1, 3)
    };
    let plan = |blocked| {
        Plan::build(vec![PlanTask { blocked, ..late.clone() }, lasting(2, 9), lasting(3, 1)], vec![edge(1, 2)]).unwrap()
    };
    let is_late = |task: &PlanTask| task.due_on.is_some_and(|due| due < today);
    let lamp = |plan: &Plan, late: &dyn Fn(&PlanTask) -> bool, deadline: &str, p80| {
        plan.lamp(&scheduled(plan, "2026-03-10", "2026-03-10"), p80, late, day(deadline), today)
    };
    assert_eq!(lamp(&plan(false), &is_late, "2026-06-01", None), Lamp::Red, "late on the critical path");
    assert_eq!(lamp(&plan(false), &|_| false, "2026-06-01", None), Lamp::Green);
    assert_eq!(
        lamp(&plan(false), &|_| false, "2026-03-12", None),
        Lamp::Yellow,
        "the path's date is past the deadline"
    );
    assert_eq!(lamp(&plan(false), &|_| false, "2026-06-01", Some(day("2026-06-02"))), Lamp::Yellow, "P80 decides");
    assert_eq!(lamp(&plan(true), &|_| false, "2026-06-01", None), Lamp::Red);
    assert_eq!(lamp(&plan(false), &|_| false, "2026-03-09", None), Lamp::Red, "past the deadline");
}

#[test]
fn a_reason_names_the_task_that_is_waited_for_in_both_languages() {
    let bus = PlanTask { title: "School bus route".into(), ..lasting(1, 7) };
    let tasks =
        vec![bus, lasting(2, 3), lasting(3, 2), PlanTask { not_before: Some(day("2026-03-20")), ..lasting(4, 1) }];
    let links = vec![edge(1, 2), link(2, 3, DependencyKind::FinishToFinish, 1)];
    let plan = Plan::build(tasks, links).unwrap();
    let schedule = scheduled(&plan, "2026-03-02", "2026-03-02");
    let start = |id: &str, lang| plan.why_start(&schedule, id, day("2026-03-02")).unwrap().text(lang);
    assert_eq!(start("2", Lang::En), "starts on 12 Mar because “School bus route” ends on 11 Mar");
    assert!(
        start("2", Lang::Zh).starts_with(&Lang::Zh.date(day("2026-03-12"), day("2026-03-02")))
            && start("2", Lang::Zh).contains("School bus route")
    );
    assert_eq!(start("4", Lang::En), "starts on 23 Mar: not before 20 Mar");
    assert_eq!(start("1", Lang::En), "starts on 3 Mar: it waits for nothing");
    let finish = plan.why_finish(&schedule, "3", day("2026-03-02")).unwrap().text(Lang::En);
    assert!(finish.starts_with("ends on 17 Mar because") && finish.contains("1 working day"), "{finish}");
}

#[test]
fn a_units_own_days_off_move_its_tasks_only_and_are_told() {
    let off = |text: &str| CalendarDay { date: day(text), kind: DayKind::Holiday, name: "closed".into() };
    let statutory = Calendar::mainland();
    let calendars = Calendars::new(&statutory).with_unit("u1", &statutory.with([off("2026-03-03"), off("2026-03-04")]));
    let plan = Plan::build(vec![lasting(1, 2), lasting(2, 2)], vec![]).unwrap();
    let today = day("2026-03-02");
    let schedule = plan.schedule(&AsOf { today, begin: today, calendars: &calendars });
    assert_eq!(schedule.dates("1").map(|dates| dates.finish), Some(day("2026-03-06")));
    assert_eq!(schedule.dates("2").map(|dates| dates.finish), Some(day("2026-03-04")));
    let why = |id: &str| plan.why_finish(&schedule, id, today).unwrap().text(Lang::En);
    assert!(why("1").ends_with("its unit being off on 2 of the days between"), "{}", why("1"));
    assert!(!why("2").contains("being off"), "{}", why("2"));
}

#[test]
fn a_fixed_date_that_cannot_be_met_shows_as_negative_slack_back_along_the_way() {
    let opening = PlanTask { fixed_on: Some(day("2026-03-06")), ..lasting(2, 1) };
    let plan = |days| Plan::build(vec![lasting(1, days), opening.clone()], vec![edge(1, 2)]).unwrap();
    let possible = scheduled(&plan(2), "2026-03-02", "2026-03-02");
    assert_eq!(possible.dates("1").map(|dates| (dates.slack_days, dates.critical)), Some((2, false)));
    assert_eq!(possible.dates("2").map(|dates| dates.start), Some(day("2026-03-06")));
    let late = scheduled(&plan(6), "2026-03-02", "2026-03-02");
    assert_eq!(late.dates("1").map(|dates| (dates.slack_days, dates.critical)), Some((-2, true)));
    assert_eq!(late.dates("2").map(|dates| dates.start), Some(day("2026-03-10")), "what gates it is stronger");
}

/// Days from the beginning of a plan on weekdays without holidays, so that they read as a textbook's numbers.
fn numbers(tasks: &[(i32, i32)], links: &[(i32, i32)]) -> (Schedule, impl Fn(NaiveDate) -> i64) {
    let calendar = Calendar::default();
    let begin = day("2026-03-02");
    let tasks = tasks.iter().map(|(no, days)| lasting(*no, *days)).collect();
    let plan = Plan::build(tasks, links.iter().map(|(from, to)| edge(*from, *to)).collect()).unwrap();
    let calendars = Calendars::new(&calendar);
    let schedule = plan.schedule(&AsOf { today: begin, begin, calendars: &calendars });
    (schedule, move |day| calendar.working_days_between(begin, day))
}

/// ES, EF, LS, LF, total and free slack.
fn told(schedule: &Schedule, number: &impl Fn(NaiveDate) -> i64, no: i32) -> [i64; 6] {
    let dates = schedule.dates(&no.to_string()).unwrap();
    let days = [dates.start, dates.finish, dates.latest_start, dates.latest_finish].map(number);
    [days[0], days[1], days[2], days[3], dates.slack_days, dates.free_slack_days]
}

/// The plant of Reliable Construction: F. S. Hillier, G. J. Lieberman, Introduction to Operations Research, chapter
/// "Project Management with PERT/CPM": 44 weeks. Activities A to N are 1 to 14.
#[test]
fn the_plant_of_reliable_construction_takes_44_weeks() {
    let days = [2, 4, 10, 6, 4, 5, 7, 9, 7, 8, 4, 5, 2, 6];
    let tasks: Vec<(i32, i32)> = (1..).zip(days).collect();
    let followers: [(i32, &[i32]); 12] = [
        (1, &[2]),
        (2, &[3]),
        (3, &[4, 5, 9]),
        (4, &[7]),
        (5, &[6, 8]),
        (6, &[10]),
        (7, &[8]),
        (8, &[13]),
        (9, &[10]),
        (10, &[11, 12]),
        (11, &[14]),
        (12, &[14]),
    ];
    let links: Vec<(i32, i32)> =
        followers.iter().flat_map(|(from, to)| to.iter().map(move |to| (*from, *to))).collect();
    let (schedule, number) = numbers(&tasks, &links);
    assert_eq!(schedule.forecast.map(&number), Some(44));
    assert_eq!(schedule.critical_path, ["1", "2", "3", "5", "6", "10", "12", "14"]);
    let slack: Vec<i64> = (1..=14).map(|no| told(&schedule, &number, no)[4]).collect();
    assert_eq!(slack, [0, 0, 0, 4, 0, 0, 4, 4, 2, 0, 1, 0, 4, 0]);
    assert_eq!(told(&schedule, &number, 9), [16, 23, 18, 25, 2, 2], "I, electrical work");
    assert_eq!(told(&schedule, &number, 8), [29, 38, 33, 42, 4, 0], "H, exterior painting");
}

/// The air filters of General Foundry: B. Render, R. M. Stair, Quantitative Analysis for Management, chapter "Project
/// Management": 15 weeks, by way of A C E G H.
#[test]
fn the_filters_of_general_foundry_take_15_weeks() {
    let tasks: Vec<(i32, i32)> = (1..).zip([2, 3, 2, 4, 4, 3, 5, 2]).collect();
    let links = [(1, 3), (1, 4), (2, 4), (3, 5), (3, 6), (4, 7), (5, 7), (6, 8), (7, 8)];
    let (schedule, number) = numbers(&tasks, &links);
    assert_eq!(schedule.forecast.map(&number), Some(15));
    assert_eq!(schedule.critical_path, ["1", "3", "5", "7", "8"]);
    let expected = [
        [0, 2, 0, 2, 0, 0],
        [0, 3, 1, 4, 1, 0],
        [2, 4, 2, 4, 0, 0],
        [3, 7, 4, 8, 1, 1],
        [4, 8, 4, 8, 0, 0],
        [4, 7, 10, 13, 6, 6],
        [8, 13, 8, 13, 0, 0],
        [13, 15, 13, 15, 0, 0],
    ];
    for (no, expected) in (1..).zip(expected) {
        assert_eq!(told(&schedule, &number, no), expected, "activity {no}");
    }
}

proptest! {
    #[test]
    fn no_task_begins_before_what_gates_it_ends_and_slack_never_moves_the_end(plan in any_plan(16)) {
        let schedule = scheduled(&plan, "2026-01-05", "2026-01-05");
        for edge in plan.dependencies() {
            let (before, after) = (schedule.dates(&edge.predecessor).unwrap(), schedule.dates(&edge.successor).unwrap());
            prop_assert!(after.start >= before.finish);
        }
        let end = schedule.forecast.unwrap();
        for dates in schedule.all_dates() {
            prop_assert!(dates.latest_finish >= dates.finish && dates.latest_finish <= end);
            prop_assert!(dates.free_slack_days <= dates.slack_days);
        }
        prop_assert!(schedule.critical_path.iter().all(|id| schedule.dates(id).unwrap().critical));
    }
}

/// Any plan: all kinds of links, up to two of them between the same tasks, lags, leads, units of duration, milestones, constraints, states and actual dates.
fn any_rich_plan() -> impl Strategy<Value = Plan> {
    let kind = proptest::sample::select(DependencyKind::ALL.to_vec());
    let unit = proptest::sample::select(DurationUnit::ALL.to_vec());
    let state = proptest::sample::select(vec![
        TaskState::Waiting,
        TaskState::Waiting,
        TaskState::Waiting,
        TaskState::Waiting,
        TaskState::InProgress,
        TaskState::Done,
        TaskState::Cancelled,
    ]);
    let own = (
        unit,
        0..14i32,
        state,
        proptest::option::weighted(0.2, 0..40i64),
        proptest::option::weighted(0.1, 0..50i64),
        (-15..2i64, 0..12i64, proptest::option::of(-3..20i64)),
    );
    (3..9usize).prop_flat_map(move |n| {
        let tasks = proptest::collection::vec(own.clone(), n);
        let of_a_pair = proptest::collection::btree_map(kind.clone(), -6..7i32, 1..3);
        let links = proptest::collection::vec(proptest::option::weighted(0.45, of_a_pair), n * (n - 1) / 2);
        (tasks, links).prop_map(move |(tasks, links)| built(tasks, links, n))
    })
}

type Own = (DurationUnit, i32, TaskState, Option<i64>, Option<i64>, (i64, i64, Option<i64>));

fn built(tasks: Vec<Own>, links: Vec<Option<BTreeMap<DependencyKind, i32>>>, n: usize) -> Plan {
    let at = |days: i64| TODAY() + TimeDelta::days(days);
    let tasks = (0..).zip(tasks).map(|(no, (unit, duration, state, not_before, fixed, (released, took, due)))| {
        let begun = matches!(state, TaskState::InProgress | TaskState::Done);
        PlanTask {
            duration,
            duration_unit: unit,
            state,
            not_before: not_before.map(at),
            fixed_on: fixed.map(at),
            released_on: begun.then(|| at(released)),
            started_on: begun.then(|| at(released)),
            ended_on: (state == TaskState::Done).then(|| at(released + took).min(TODAY())),
            due_on: due.filter(|_| state == TaskState::InProgress).map(at),
            ..task(no)
        }
    });
    let pairs = (0..n as i32).flat_map(|to| (0..to).map(move |from| (from, to)));
    let of_pair = |((from, to), kinds): ((i32, i32), Option<BTreeMap<DependencyKind, i32>>)| {
        kinds.into_iter().flatten().map(move |(kind, lag)| link(from, to, kind, lag))
    };
    let links = pairs.zip(links).flat_map(of_pair);
    Plan::build(tasks.collect(), links.collect()).unwrap()
}

/// Two weeks before the Spring Festival of 2024, which had make-up days on a Saturday and a Sunday.
#[allow(non_snake_case)]
fn TODAY() -> NaiveDate {
    day("2024-01-29")
}

/// A hall that is open on Saturdays and closed on Wednesdays, all through the festival.
fn own_days() -> Vec<CalendarDay> {
    let days = day("2024-01-01").iter_days().take(240);
    let kind = |date: NaiveDate| match chrono::Datelike::weekday(&date) {
        chrono::Weekday::Sat => Some(DayKind::Workday),
        chrono::Weekday::Wed => Some(DayKind::Holiday),
        _ => None,
    };
    days.filter_map(|date| Some(CalendarDay { date, kind: kind(date)?, name: String::new() })).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn dates_and_slack_agree_with_brute_force_across_the_spring_festival(plan in any_rich_plan(), began in -20i64..4) {
        let statutory = Calendar::mainland();
        let hall = statutory.with(own_days());
        let calendars = Calendars::new(&statutory).with_unit("u1", &hall);
        let begin = TODAY() + TimeDelta::days(began);
        let schedule = plan.schedule(&AsOf { today: TODAY(), begin, calendars: &calendars });
        let units = [("u1".to_owned(), hall)].into();
        let oracle = Oracle { plan: &plan, today: TODAY(), begin, statutory: &statutory, units };
        let expected = oracle.dates();
        for task in plan.tasks() {
            let found = schedule.dates(&task.id).map(|dates| (dates.start, dates.finish));
            prop_assert_eq!(found, expected.get(&task.id).copied(), "task {}", &task.id);
        }
        prop_assert_eq!(schedule.forecast, expected.values().map(|(_, finish)| *finish).max());
        let fixed_holds = plan.tasks().filter(|task| task.state == TaskState::Waiting).all(|task| {
            task.fixed_on.is_none_or(|day| expected[&task.id].0 <= day)
        });
        let open = plan.tasks().filter(|task| matches!(task.state, TaskState::Waiting | TaskState::InProgress));
        for task in open {
            let dates = schedule.dates(&task.id).unwrap();
            if fixed_holds {
                let slack = oracle.slack(task, &expected);
                prop_assert_eq!((dates.slack_days, dates.free_slack_days), slack, "task {}", &task.id);
            }
        }
        let late = schedule.all_dates().any(|dates| dates.slack_days < 0);
        prop_assert!(!late || !fixed_holds, "only a fixed date that is missed takes slack below nothing");
    }
}
