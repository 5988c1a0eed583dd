//! A person moves to another post: everything open goes to others, on one page and in one transaction.

use super::{Clock, Ctx, Error, Owed, Recipient};
use crate::app::plans::{cycle_of_version, save_task};
use crate::app::tasks::assigning::take_over;
use crate::app::tasks::{required, tell, told};
use crate::domain::access::{Action, Role};
use crate::domain::notice::Stage;
use crate::lang::Message;
use crate::store::cases::{self, Case};
use crate::store::people::{self, Person, PostRow};
use crate::store::plans::{self, TaskInCase};
use crate::store::{new_id, tasks};
use serde_json::json;
use std::collections::HashMap;

/// What somebody has open.
pub struct Open {
    pub person: Person,
    pub tasks: Vec<TaskInCase>,
    pub posts: Vec<PostRow>,
    /// Cases the person coordinates.
    pub cases: Vec<Case>,
    /// What the person asked for and nobody has settled: a translation key of what it is, and its task.
    pub raised: Vec<(&'static str, TaskInCase)>,
    /// Who may take it over.
    pub others: Vec<Person>,
}

pub fn show(ctx: &mut Ctx, person_id: &str) -> Result<Open, Error> {
    ctx.require_anywhere(Action::Administer)?;
    let person = people::person_by_id(&mut ctx.tx, person_id)?.ok_or(Error::NotFound)?;
    let mut posts = people::open_posts(&mut ctx.tx, Clock::real())?;
    posts.retain(|post| post.person_id == person.id);
    let mut others = people::people(&mut ctx.tx)?;
    others.retain(|other| other.active && other.id != person.id);
    let mut raised = Vec::new();
    for (what, task_id) in tasks::raised_by(&mut ctx.tx, person_id)? {
        raised.extend(plans::task_in_case(&mut ctx.tx, &task_id)?.map(|found| (what, found)));
    }
    Ok(Open {
        tasks: plans::of_officer(&mut ctx.tx, person_id)?,
        cases: cases::coordinated_by(&mut ctx.tx, person_id)?,
        person,
        posts,
        raised,
        others,
    })
}

/// Where a person goes, and who takes over.
pub struct Move {
    pub successor_id: String,
    /// Tasks that go to somebody else than the successor.
    pub tasks: HashMap<String, String>,
    /// The new post; none when the person leaves.
    pub post: Option<(Role, Option<String>)>,
    pub reason: String,
}

/// Hands over all that is open, gives the successor the posts, ends the person's, and begins the new one.
pub fn hand_over(ctx: &mut Ctx, person_id: &str, to: Move) -> Result<(), Error> {
    let open = show(ctx, person_id)?;
    let reason = required("reason", to.reason)?;
    let successor = known(&open.others, &to.successor_id)?.clone();
    for found in open.tasks {
        let taker = to.tasks.get(&found.task.id).map_or(Ok(&successor), |id| known(&open.others, id))?;
        give_task(ctx, found, &taker.id, &reason)?;
    }
    for case in &open.cases {
        cases::set_coordinator(&mut ctx.tx, &case.id, &successor.id)?;
        let payload = json!({ "no": case.no, "to": successor.name, "reason": reason });
        ctx.record("case.coordinator_changed", ("case", &case.id), Some(&case.id), payload);
    }
    move_posts(ctx, &open.posts, &successor.id)?;
    if let Some((role, unit_id)) = to.post {
        crate::app::admin::add_post(ctx, person_id, role, unit_id)?;
    }
    tell_successor(ctx, &open.person, &successor, &open.raised, &open.cases, &reason);
    let payload = json!({ "title": open.person.name, "to": successor.name, "reason": reason });
    ctx.record("person.moved", ("person", person_id), None, payload);
    Ok(())
}

fn known<'o>(others: &'o [Person], id: &str) -> Result<&'o Person, Error> {
    let found = others.iter().find(|person| person.id == id);
    found.ok_or_else(|| Error::field("successor_id", Message::new("没有这个人")))
}

fn give_task(ctx: &mut Ctx, mut found: TaskInCase, taker_id: &str, reason: &str) -> Result<(), Error> {
    found.task.officer_id = Some(taker_id.to_owned());
    take_over(ctx, &found, Some(reason.to_owned()))?;
    let cycle = cycle_of_version(&found.task);
    tell(ctx, &found, Stage::TaskPassedOn, Recipient::Person(taker_id), cycle, reason);
    let payload = told(&found, json!({ "officer": taker_id, "reason": reason }));
    ctx.record("task.passed_on", ("task", &found.task.id), Some(&found.task.case_id), payload);
    save_task(ctx, &mut found.task)
}

/// Ends the posts; the successor holds each of them from now on, once.
fn move_posts(ctx: &mut Ctx, posts: &[PostRow], successor_id: &str) -> Result<(), Error> {
    let now = Clock::real();
    let held = people::posts_of(&mut ctx.tx, successor_id, now)?;
    let mut taken = Vec::new();
    for post in posts {
        people::end_post(&mut ctx.tx, &post.person_id, &post.id, now)?;
        let has =
            held.iter().any(|own| (own.role, &own.unit_id, &own.case_id) == (post.role, &post.unit_id, &post.case_id));
        if !has {
            let row =
                PostRow { id: new_id(), person_id: successor_id.to_owned(), since: now, until: None, ..post.clone() };
            taken.push(row);
        }
    }
    Ok(people::insert_posts(&mut ctx.tx, taken)?)
}

/// One mail with what is still to be settled.
fn tell_successor(
    ctx: &mut Ctx,
    person: &Person,
    successor: &Person,
    raised: &[(&'static str, TaskInCase)],
    cases: &[Case],
    reason: &str,
) {
    let raised = raised.iter().map(|(what, found)| format!("{what}：{} {}", found.number(), found.task.title));
    let cases = cases.iter().map(|case| format!("{} {}", case.no, case.title));
    let detail: Vec<String> = std::iter::once(reason.to_owned()).chain(cases).chain(raised).collect();
    ctx.owe(Owed {
        subject_kind: "person",
        subject_id: &person.id,
        stage: Stage::HandedOver,
        recipient: Recipient::Person(&successor.id),
        cycle: ctx.now.and_utc().timestamp() as i32,
        case_id: None,
        detail: &detail.join("\n"),
    });
}
