use super::*;
use crate::domain::case::ObservationRule;
use crate::domain::task::{DependencyKind, DurationUnit};
use std::collections::{HashMap, HashSet};

fn read(name: &str, text: &str) -> Playbook {
    Playbook::parse(text).unwrap_or_else(|faults| panic!("{name}: {faults:#?}"))
}

fn own_units(playbook: &Playbook) -> HashMap<String, String> {
    playbook.roles.iter().map(|role| (role.key.clone(), role.key.clone())).collect()
}

/// Every flag off and on, every number at its least and its most.
fn all_answers(playbook: &Playbook) -> Vec<HashMap<String, String>> {
    let mut all = vec![HashMap::new()];
    for parameter in &playbook.parameters {
        let values: [String; 2] = match parameter.default {
            Answer::Flag(_) => ["false".into(), "true".into()],
            Answer::Number(default) => {
                [parameter.min.unwrap_or(default), parameter.max.unwrap_or(default)].map(|number| number.to_string())
            }
        };
        let with = |answers: &HashMap<String, String>, value: &String| {
            answers.clone().into_iter().chain([(parameter.key.clone(), value.clone())]).collect()
        };
        all = all.iter().flat_map(|answers| values.iter().map(move |value| with(answers, value))).collect();
    }
    all
}

#[test]
fn every_shipped_playbook_is_a_plan_of_eight_to_twenty_six_tasks_whatever_is_answered() {
    for (name, text) in SHIPPED {
        let playbook = read(name, text);
        assert_eq!(format!("{}.yaml", playbook.key), *name);
        assert!(playbook.tasks.iter().all(|task| task.title.chars().count() <= 16), "{name}: titles fit a card");
        assert!(playbook.tasks.iter().all(|task| !task.evidence.is_empty()), "{name}: evidence");
        for answers in all_answers(&playbook) {
            let draft = instantiate(&playbook, &own_units(&playbook), &answers).unwrap();
            assert!((8..=26).contains(&draft.tasks.len()), "{name}: {} tasks for {answers:?}", draft.tasks.len());
            assert!(draft.dependencies.iter().all(|edge| edge.predecessor_no < edge.successor_no), "{name}");
            let first = draft.tasks.iter().filter(|task| draft.dependencies.iter().all(|e| e.successor_no != task.no));
            assert!(first.count() <= 3, "{name}: a case begins somewhere");
            assert!(draft.tasks.iter().all(|task| !task.acceptance.contains('{') && !task.title.contains('{')));
        }
    }
}

#[test]
fn shipped_playbooks_have_names_of_their_own_in_both_languages() {
    let playbooks = shipped();
    assert_eq!(playbooks.len(), SHIPPED.len());
    let names: [fn(&Playbook) -> &str; 3] = [|book| &book.key, |book| &book.title, |book| &book.title_en];
    for name in names {
        assert_eq!(playbooks.iter().map(name).collect::<HashSet<_>>().len(), SHIPPED.len());
    }
    for book in &playbooks {
        assert!(book.roles.iter().all(|role| !role.title_en.is_empty()), "{}", book.key);
        assert!(book.tasks.iter().all(|task| !task.title_en.is_empty()), "{}", book.key);
        assert!(!book.observation.indicator.is_empty(), "{}: what is counted", book.key);
        let used: HashSet<&str> = book.tasks.iter().map(|task| task.role.as_str()).collect();
        assert!(book.roles.iter().all(|role| used.contains(role.key.as_str())), "{}: a role without a task", book.key);
    }
}

#[test]
fn a_role_without_a_unit_is_named() {
    let playbook = by_key("school-gate-congestion").unwrap();
    let error = instantiate(&playbook, &HashMap::new(), &HashMap::new()).unwrap_err();
    assert!(playbook.roles.iter().filter(|role| error.to_string().contains(&role.title)).count() > 5, "{error}");
}

const BRANCHES: &str = "schema: 1
key: k
title: T
goal: G {n}
lead: a
answer: A
deadline_working_days: 30
parameters:
  - {key: bridge, title: Bridge, default: false}
  - {key: n, title: Schools, default: 2, min: 1, max: 9}
roles:
  - {key: a, title: A}
  - {key: b, title: B}
tasks:
  - {key: survey, title: Survey {n}, role: a, days: {optimistic: 2, likely: 3, pessimistic: 5}, per: {parameter: n, days: 2}, acceptance: ok}
  - {key: build, title: Build, role: b, days: 9, when: bridge, acceptance: ok, after: [survey]}
  - {key: many, title: Many, role: a, days: 1, when: n >= 4, acceptance: ok, after: [build]}
  - {key: last, title: Last, role: a, days: 1, acceptance: ok, after: [{task: many, lag_days: 2}]}
";

fn drafted(answers: &[(&str, &str)]) -> Result<Draft, String> {
    let playbook = read("branches", &BRANCHES.replace("Survey {n}", "'Survey {n}'"));
    let units = [("a".into(), "ua".into()), ("b".into(), "ub".into())].into();
    let answers = answers.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    instantiate(&playbook, &units, &answers).map_err(|reason| reason.to_string())
}

fn titles(draft: &Draft) -> Vec<&str> {
    draft.tasks.iter().map(|task| task.title.as_str()).collect()
}

#[test]
fn a_task_that_is_left_out_passes_on_what_it_waits_for() {
    let draft = drafted(&[]).unwrap();
    assert_eq!(titles(&draft), ["Survey 2", "Last"]);
    let edge = &draft.dependencies[0];
    assert_eq!((draft.dependencies.len(), edge.predecessor_no, edge.successor_no, edge.lag_days), (1, 1, 2, 0));
    assert_eq!(titles(&drafted(&[("bridge", "true"), ("n", "4")]).unwrap()), ["Survey 4", "Build", "Many", "Last"]);
}

#[test]
fn a_number_makes_work_longer_and_an_answer_that_cannot_be_is_refused() {
    let survey = |n| drafted(&[("n", n)]).unwrap().tasks.remove(0);
    let points = |task: DraftTask| (task.duration_optimistic, task.duration, task.duration_pessimistic);
    assert_eq!(points(survey("1")), (Some(2), 3, Some(5)));
    assert_eq!(points(survey("3")), (Some(6), 7, Some(9)));
    assert!(drafted(&[("n", "10")]).unwrap_err().contains("Schools"));
    assert!(drafted(&[("n", "many")]).unwrap_err().contains("Schools"));
    assert!(drafted(&[("bridge", "perhaps")]).unwrap_err().contains("Bridge"));
}

#[test]
fn only_roles_that_are_needed_need_a_unit() {
    let playbook = read("branches", &BRANCHES.replace("Survey {n}", "'Survey {n}'"));
    let units = [("a".to_owned(), "ua".to_owned())].into();
    assert!(instantiate(&playbook, &units, &HashMap::new()).is_ok());
    let bridge = [("bridge".to_owned(), "true".to_owned())].into();
    assert!(instantiate(&playbook, &units, &bridge).is_err());
}

#[test]
fn the_published_schema_is_the_one_that_files_are_checked_by() {
    let schema = Playbook::json_schema();
    let published: serde_json::Value =
        serde_json::from_str(include_str!("../../workflows/playbook.schema.json")).unwrap();
    assert_eq!(published, schema, "print it anew: shenban playbook schema > workflows/playbook.schema.json");
    let fields = schema["properties"].as_object().unwrap();
    for field in ["schema", "roles", "parameters", "tasks", "observation", "answer"] {
        assert!(fields.contains_key(field), "{field}");
    }
    assert!(
        schema["$defs"]["PlaybookTask"]["properties"]["when"]["description"].is_string(),
        "editors show what it is"
    );
}

/// A case as it may have gone: titles with braces, two links between the same tasks, a unit without a role.
fn past() -> Past {
    let task = |no: i32, key: Option<&str>, unit: &str, took: i32| PastTask {
        no,
        key: key.map(str::to_owned),
        title: format!("task {no} {{at}} the gate: \"quoted\" # not a comment"),
        unit_id: unit.to_owned(),
        description: "- a list?\n  indented: yes".to_owned(),
        acceptance: String::new(),
        evidence: "photo\n\nminutes".to_owned(),
        outcome: None,
        duration_unit: DurationUnit::WorkingDays,
        took,
        range: (no == 2).then_some((4, 12)),
        after: Vec::new(),
    };
    let links = vec![
        (1, DependencyKind::FinishToStart, 0),
        (2, DependencyKind::StartToStart, 3),
        (2, DependencyKind::FinishToFinish, 0),
    ];
    Past {
        no: "ZX-2026-0007".to_owned(),
        title: "The school gate".to_owned(),
        goal: String::new(),
        answer: "yes: true".to_owned(),
        rule: ObservationRule { window_days: 21, ..ObservationRule::default() },
        lead_unit_id: "u1".to_owned(),
        roles: vec![("traffic".to_owned(), "Traffic".to_owned(), "u1".to_owned())],
        unit_names: [("u2".to_owned(), "Parks".to_owned())].into(),
        working_days: 0,
        tasks: vec![
            task(1, Some("survey"), "u1", 5),
            task(2, Some("survey"), "u2", 20),
            PastTask { after: links, ..task(3, None, "u1", 0) },
        ],
    }
}

#[test]
fn a_playbook_from_a_case_passes_the_check_and_keeps_what_it_really_took() {
    let learned = Playbook::learned(&past());
    let playbook = read("learned", &learned.text);
    assert_eq!(playbook, learned);
    assert_eq!(playbook.observation.rule().window_days, 21);
    let days: Vec<String> = playbook.tasks.iter().map(PlaybookTask::estimate).collect();
    assert_eq!(days, ["5", "4/20/20", "1"]);
    assert_eq!(playbook.roles.iter().map(|role| role.key.as_str()).collect::<Vec<_>>(), ["traffic", "unit-2"]);
    let draft = instantiate(&playbook, &own_units(&playbook), &HashMap::new()).unwrap();
    assert_eq!((draft.tasks.len(), draft.dependencies.len()), (3, 2));
}

#[test]
fn what_a_version_does_otherwise_is_told_task_by_task() {
    let (_, text) = SHIPPED[0];
    let old = read("old", text);
    assert!(old.changes_to(&old).is_empty());
    let mut new = old.clone();
    let gone = new.tasks.remove(new.tasks.len() - 1);
    new.tasks[0].days = Points::One(9);
    new.deadline_working_days += 1;
    let told: Vec<String> = old.changes_to(&new).iter().map(|change| change.text(crate::lang::Lang::En)).collect();
    assert_eq!(told.len(), 3, "{told:?}");
    assert!(told[1].contains(": 3 → 9") && told[2].contains(&gone.title), "{told:?}");
    let other =
        text.replace("target_percent: 30", "target_percent: 40").replace("compare: school_days", "compare: all");
    let told = old.changes_to(&read("other", &other)).into_iter().map(|change| change.text(crate::lang::Lang::En));
    assert_eq!(
        told.collect::<Vec<_>>(),
        ["Target (% of the baseline): 30 → 40", "Days that compare: School days → Every day"]
    );
}
