//! What the API reads out.

use super::directives::directive;
use super::{Api, ApiResult};
use crate::app::cases::case_views::{self, CaseLine, CaseView};
use crate::app::letters::tracking::Tracked;
use crate::app::plans::what_if::Tried;
use crate::app::problems::proposals::ProposalView;
use crate::app::{
    Error, desk, leadership,
    letters::tracking,
    plans::what_if,
    problems, search as finding,
    tickets::{self, known_problem},
};
use crate::domain::access::Action;
use crate::domain::case::CaseState;
use crate::domain::problem::ProblemState;
use crate::domain::webhook::Means;
use crate::lang::{Lang, Message};
use crate::plan::TaskDates;
use crate::store::plans::Task;
use crate::store::sent::{SentFilter, Span};
use crate::store::tickets::Filter;
use crate::store::{events, problems as problem_rows};
use crate::web::fields::code_of;
use crate::web::routes::{Access, Route};
use actix_web::HttpResponse;
use actix_web::web::{Bytes, Path, Query};
use chrono::NaiveDate;
use serde::Deserialize;
use serde_json::{Value, json};

const PAGE_MAX: i64 = 200;

pub fn routes() -> Vec<Route> {
    vec![
        Route::get("/api/v1/tickets", Access::SignedIn(Action::ReadTickets), list_tickets),
        Route::get("/api/v1/tickets/{id}", Access::SignedIn(Action::ReadTickets), show_ticket),
        Route::post("/api/v1/tickets/{id}/unmask", Access::SignedIn(Action::Unmask), unmask),
        Route::get("/api/v1/known-problems", Access::SignedIn(Action::AttachTickets), known),
        Route::get("/api/v1/problems", Access::SignedIn(Action::ReadProblems), list_problems),
        Route::get("/api/v1/problems/{id}", Access::SignedIn(Action::ReadProblems), show_problem),
        Route::get("/api/v1/cases", Access::SignedIn(Action::ReadCase), list_cases),
        Route::get("/api/v1/cases/{id}", Access::SignedIn(Action::ReadCase), show_case),
        Route::get("/api/v1/cases/{id}/what-if", Access::SignedIn(Action::ShapePlan), try_changes),
        Route::get("/api/v1/desk", Access::SignedIn(Action::OwnAccount), waiting),
        Route::get("/api/v1/leadership", Access::SignedIn(Action::ReadLeadership), lead),
        Route::get("/api/v1/mails", Access::SignedIn(Action::ReadMail), mails),
        Route::get("/api/v1/events", Access::SignedIn(Action::Administer), sealed),
        Route::get("/api/v1/search", Access::SignedIn(Action::Search), search),
    ]
}

#[derive(Deserialize)]
struct Listing {
    #[serde(default)]
    offset: i64,
    limit: Option<i64>,
    q: Option<String>,
    problem_id: Option<String>,
    case_id: Option<String>,
    state: Option<String>,
    #[serde(default)]
    after: i64,
}

impl Listing {
    fn limit(&self) -> i64 {
        self.limit.unwrap_or(50).clamp(1, PAGE_MAX)
    }

    /// The state asked for, if one is.
    fn state<T>(&self, parse: fn(&str) -> Option<T>) -> Result<Option<T>, Error> {
        let asked = self.state.as_deref().filter(|text| !text.is_empty());
        asked.map(|text| code_of("state", text, parse)).transpose()
    }
}

pub(super) async fn answer<T: Send + 'static>(
    api: &Api,
    work: impl FnOnce(&mut crate::app::Ctx) -> Result<T, Error> + Send + 'static,
    told: impl FnOnce(T) -> Value,
) -> ApiResult {
    let found = api.app.read(&api.actor, work).await.map_err(|error| api.failed(error))?;
    Ok(HttpResponse::Ok().json(told(found)))
}

fn ticket(row: &crate::store::tickets::Ticket) -> Value {
    json!({ "id": row.id, "source_no": row.source_no, "title": row.title, "body": row.body, "received_at": row.received_at.and_utc(),
        "district": row.district, "category": row.category, "channel": row.channel, "state": row.state, "disposition": row.disposition, "version": row.version })
}

async fn list_tickets(api: Api, query: Query<Listing>) -> ApiResult {
    let (offset, limit) = (query.offset.max(0), query.limit());
    let query = query.into_inner();
    let filter = Filter { text: query.q, problem_id: query.problem_id, case_id: query.case_id, ..Filter::default() };
    answer(
        &api,
        move |ctx| tickets::list(ctx, &filter, offset, limit),
        |(rows, total)| json!({ "total": total, "tickets": rows.iter().map(ticket).collect::<Vec<_>>() }),
    )
    .await
}

async fn show_ticket(api: Api, id: Path<String>) -> ApiResult {
    answer(
        &api,
        move |ctx| tickets::show(ctx, &id),
        |view| {
            let mut shown = ticket(&view.ticket);
            shown["caller"] = json!(view.caller);
            shown["problem_id"] = json!(view.problem.as_ref().map(|placing| &placing.problem.id));
            shown["placed"] = json!(view.problem.map(|placing| json!({
                "by_person": placing.by_person, "score": placing.score, "shared": placing.shared,
                "runner_up": placing.runner_up.map(|(other, score)| json!({ "id": other.id, "score": score })),
            })));
            shown["case"] =
                json!(view.attachment.map(|(open, case)| json!({ "id": case.id, "no": case.no, "mode": open.mode })));
            shown["urges"] = json!(view.urges.len());
            shown
        },
    )
    .await
}

#[derive(Deserialize)]
struct Reason {
    reason: String,
}

/// The caller in clear; the look is logged with its reason.
async fn unmask(api: Api, id: Path<String>, body: Bytes) -> ApiResult {
    let Reason { reason } = api.parsed(&body)?;
    let looked = api.app.write(&api.actor, move |ctx| tickets::unmask(ctx, &id, reason)).await;
    let contact = looked.map_err(|error| api.failed(error))?;
    Ok(HttpResponse::Ok().json(json!({ "phone": contact.phone, "name": contact.name, "address": contact.address })))
}

#[derive(Deserialize)]
struct Asked {
    text: String,
    place: Option<String>,
}

async fn known(api: Api, asked: Query<Asked>) -> ApiResult {
    let found = known_problem::find(&api.app, &api.actor, &asked.text, asked.place.as_deref()).await;
    let known = match found.map_err(|error| api.failed(error))? {
        known_problem::Known::Loading => json!({ "loading": true, "problems": [] }),
        known_problem::Known::Problems(list) => {
            let shown: Vec<Value> = list.iter().map(|known| {
                let case = known.case.as_ref().map(|case| json!({ "id": case.case_id, "no": case.no, "state": api.lang.t(case.state_words),
                    "lead_unit": case.lead_unit, "wording": case.wording, "author": case.author, "until": case.until }));
                json!({ "problem_id": known.problem_id, "title": known.title, "score": known.score, "tickets": known.tickets, "case": case })
            }).collect();
            json!({ "loading": false, "problems": shown })
        }
    };
    Ok(HttpResponse::Ok().json(known))
}

fn problem(row: &problem_rows::Problem) -> Value {
    json!({ "id": row.id, "no": row.no, "title": row.title, "state": row.state, "kind": row.kind, "theme_id": row.parent_id, "terms": problems::terms_of(row),
        "tickets": row.tickets, "callers": row.callers, "window_callers": row.window_callers, "growth": row.growth, "heat": row.heat,
        "unusual": row.unusual, "burst_at": row.burst_at, "burst_callers": row.burst_callers, "insistent_calls": row.insistent_calls,
        "returns_on": row.returns_on, "returns_callers": row.returns_callers, "version": row.version })
}

async fn list_problems(api: Api, query: Query<Listing>) -> ApiResult {
    let (offset, limit) = (query.offset.max(0), query.limit());
    let state = query.state(ProblemState::parse).map_err(|error| api.failed(error))?;
    let query = query.into_inner();
    let states = state.into_iter().collect();
    let filter = problem_rows::Filter { states, text: query.q };
    answer(
        &api,
        move |ctx| problems::list(ctx, &filter, offset, limit),
        |(rows, total)| {
            let shown: Vec<Value> = rows
                .iter()
                .map(|line| {
                    let mut shown = problem(&line.problem);
                    shown["weekly"] = json!(line.weekly);
                    shown["case"] = json!(line.case.as_ref().map(|case| &case.no));
                    shown
                })
                .collect();
            json!({ "total": total, "problems": shown })
        },
    )
    .await
}

fn decided(told: &problems::Decided) -> Value {
    json!({ "id": told.decision.id, "kind": told.decision.kind, "by": told.by, "at": told.decision.at, "tickets": told.tickets,
        "from": told.decision.from_problem_id, "to": told.decision.to_problem_id, "undone": told.is_undone })
}

fn proposed(told: &ProposalView) -> Value {
    json!({ "id": told.proposal.id, "kind": told.proposal.kind, "problem_id": told.problem.id, "score": told.proposal.score,
        "into_id": told.proposal.into_id, "tickets": told.tickets.iter().map(|ticket| &ticket.id).collect::<Vec<_>>() })
}

async fn show_problem(api: Api, id: Path<String>) -> ApiResult {
    answer(
        &api,
        move |ctx| problems::show(ctx, &id),
        |view| {
            let mut shown = problem(&view.problem);
            shown["places"] = json!(view.places);
            shown["daily"] = json!(view.daily);
            shown["typical"] = json!(view.typical.iter().map(ticket).collect::<Vec<_>>());
            shown["merged_into"] = json!(view.problem.merged_into);
            shown["case"] = json!(view.case.as_ref().map(|case| json!({ "id": case.id, "no": case.no })));
            shown["under"] = json!(view.under.iter().map(|under| &under.id).collect::<Vec<_>>());
            shown["decided"] = json!(view.decided.iter().map(decided).collect::<Vec<_>>());
            shown["proposals"] = json!(view.proposals.iter().map(proposed).collect::<Vec<_>>());
            shown
        },
    )
    .await
}

fn case(line: &CaseLine) -> Value {
    let row = &line.case;
    json!({ "id": row.id, "no": row.no, "title": row.title, "goal": row.goal, "state": row.state, "grade": row.grade, "lead_unit": line.lead, "position": line.position,
        "deadline": row.deadline, "original_deadline": row.original_deadline, "late_days": line.drift, "late_days_against_original": line.drift_from_original, "forecast": line.forecast, "p80": line.likely.map(|likely| likely.p80), "chance": line.likely.map(|likely| likely.chance), "lamp": line.lamp, "done": line.done, "total": line.total, "round": row.round, "version": row.version })
}

pub(super) fn task(row: &Task) -> Value {
    json!({ "id": row.id, "case_id": row.case_id, "no": row.no, "round": row.round, "title": row.title, "unit_id": row.unit_id, "state": row.state,
        "duration": row.duration, "duration_unit": row.duration_unit, "not_before": row.not_before, "fixed_on": row.fixed_on, "due_on": row.due_on, "release_on": row.release_on, "percent": row.percent,
        "acceptance": row.acceptance, "evidence": row.evidence, "version": row.version })
}

async fn list_cases(api: Api, query: Query<Listing>) -> ApiResult {
    let (from, limit) = (query.offset.max(0) as usize, query.limit() as usize);
    let state = query.state(CaseState::parse).map_err(|error| api.failed(error))?;
    let states = state.map_or_else(|| CaseState::ALL.to_vec(), |state| vec![state]);
    let query = query.into_inner();
    answer(
        &api,
        move |ctx| case_views::page(ctx, &states, &query.q.unwrap_or_default(), from..from + limit),
        |(lines, total)| json!({ "total": total, "cases": lines.iter().map(case).collect::<Vec<_>>() }),
    )
    .await
}

/// A task of a plan with its dates and why it has them.
fn dated(view: &CaseView, row: &Task, today: NaiveDate, lang: Lang) -> Value {
    let why = |message: Option<Message>| message.map(|message| message.text(lang));
    let mut shown = task(row);
    shown["dates"] = json!(view.schedule.dates(&row.id).map(|dates| json!({ "start": dates.start, "finish": dates.finish,
        "latest_start": dates.latest_start, "latest_finish": dates.latest_finish, "slack_days": dates.slack_days,
        "free_slack_days": dates.free_slack_days, "critical": dates.critical,
        "why_start": why(view.graph.why_start(&view.schedule, &row.id, today)), "why_finish": why(view.graph.why_finish(&view.schedule, &row.id, today)) })));
    shown
}

async fn show_case(api: Api, id: Path<String>) -> ApiResult {
    let (lang, today) = (api.lang, api.app.clock.local_date(api.app.clock.now()));
    answer(&api, move |ctx| case_views::show(ctx, &id), move |view| {
        let mut shown = case(&view.line);
        shown["tasks"] = json!(view.plan.tasks.iter().map(|row| dated(&view, row, today, lang)).collect::<Vec<_>>());
        shown["critical_path"] = json!(view.schedule.critical_path);
        shown["plan_revision"] = json!(view.plan.case.plan_revision);
        shown["dependencies"] = json!(view.plan.dependencies.iter().map(|edge| json!({ "id": edge.id, "predecessor_id": edge.predecessor_id,
            "successor_id": edge.successor_id, "kind": edge.kind, "lag_days": edge.lag_days })).collect::<Vec<_>>());
        shown["observations"] = json!(view.observations.iter().map(|row| json!({ "round": row.round, "problem_id": row.problem_id, "window_from": row.window_from,
            "window_until": row.window_until, "baseline_callers": row.baseline_callers, "baseline_days": row.baseline_days,
            "observed_callers": row.observed_callers, "observed_days": row.observed_days, "result": row.result })).collect::<Vec<_>>());
        shown["problem_ids"] = json!(view.problem_ids);
        shown
    })
    .await
}

#[derive(Deserialize)]
struct Trying {
    /// A JSON array of changes.
    #[serde(default)]
    changes: String,
}

/// What changes of the plan would do; nothing is saved.
async fn try_changes(api: Api, id: Path<String>, query: Query<Trying>) -> ApiResult {
    let listed: Vec<Value> = serde_json::from_str(&query.changes).unwrap_or_default();
    let texts: Vec<String> = listed.iter().map(Value::to_string).collect();
    let changes = what_if::parse(&texts).map_err(|error| api.failed(error))?;
    let lang = api.lang;
    answer(&api, move |ctx| what_if::show(ctx, &id, changes), move |tried| effect(tried, lang)).await
}

/// A plan as it is and as it would be.
pub(super) fn effect((view, tried): (CaseView, Tried), lang: Lang) -> Value {
    let outlook = |outlook: &what_if::Outlook| {
        json!({ "forecast": outlook.forecast, "p80": outlook.likely.map(|likely| likely.p80),
        "chance": outlook.likely.map(|likely| likely.chance), "critical_path": outlook.path })
    };
    let span = |dates: Option<TaskDates>| dates.map(|dates| json!({ "start": dates.start, "finish": dates.finish }));
    json!({ "revision": view.line.case.plan_revision, "deadline": view.line.case.deadline, "before": outlook(&tried.before), "after": outlook(&tried.after),
        "fault": tried.fault.map(|(at, why)| json!({ "change": at, "reason": why.text(lang) })),
        "moved": tried.difference.moved.iter().map(|moved| json!({ "no": moved.task.no, "title": moved.task.title, "unit_id": moved.task.unit_id,
            "from": span(moved.from), "to": span(moved.to) })).collect::<Vec<_>>(),
        "units": tried.difference.units.iter().map(|unit| json!({ "unit_id": unit.unit_id, "tasks": unit.tasks, "from": unit.from,
            "to": unit.to })).collect::<Vec<_>>() })
}

async fn waiting(api: Api) -> ApiResult {
    let lang = api.lang;
    answer(&api, desk::waiting, |desk| {
        json!({ "total": desk.total(), "waiting": desk.rows.iter().map(|row| json!({ "what": lang.t(row.what), "title": row.title, "whose": row.whose,
            "since": row.since.and_utc(), "due_on": row.due_on, "link": row.link, "late": row.late })).collect::<Vec<_>>() })
    })
    .await
}

async fn lead(api: Api) -> ApiResult {
    answer(&api, leadership::leadership, |view| {
        json!({ "in_hand": view.in_hand, "red": view.red, "verifying": view.verifying, "closed_this_week": view.closed_this_week,
            "terminated": view.terminated, "cases": view.lines.iter().map(case).collect::<Vec<_>>() })
    })
    .await
}

async fn mails(api: Api, query: Query<Listing>) -> ApiResult {
    let span = Span { offset: query.offset.max(0), limit: query.limit(), counts_to: None };
    let filter = SentFilter { case_id: query.into_inner().case_id, means: Some(Means::Mail), ..SentFilter::default() };
    answer(&api, move |ctx| tracking::sent(ctx, &filter, span), |(rows, total)| {
        let mail = |row: &Tracked| {
            let (line, acted) = (&row.line, row.acted.as_ref());
            json!({ "id": line.id, "subject": line.subject, "recipient": line.recipient_name, "address": line.address, "state": line.state,
                "attempts": line.attempts, "created_at": line.created_at.and_utc(), "asks": row.asks, "opened_at": row.opened_at.map(|at| at.and_utc()),
                "acted_by": acted.map(|(by, _)| by), "acted_at": acted.map(|(_, at)| at.and_utc()) })
        };
        json!({ "total": total, "mails": rows.iter().map(mail).collect::<Vec<_>>() })
    })
    .await
}

/// The changes feed: sealed events after a place in their order.
async fn sealed(api: Api, query: Query<Listing>) -> ApiResult {
    let (after, limit) = (query.after, query.limit());
    answer(&api, move |ctx| Ok(events::sealed_after(&mut ctx.tx, after, limit)?), |rows| {
        json!({ "events": rows.iter().map(|row| json!({ "seq": row.seq, "hash": row.hash, "at": row.event.at.and_utc(), "kind": row.event.kind,
            "subject_kind": row.event.subject_kind, "subject_id": row.event.subject_id, "case_id": row.event.case_id, "actor": row.event.actor_name,
            "payload": serde_json::from_str::<Value>(&row.event.payload).unwrap_or_default() })).collect::<Vec<_>>() })
    })
    .await
}

async fn search(api: Api, query: Query<Listing>) -> ApiResult {
    let text = query.into_inner().q.unwrap_or_default();
    answer(&api, move |ctx| finding::search(ctx, &text), |found| {
        json!({ "tickets_total": found.tickets_total, "tickets_behind": found.behind, "tickets": found.tickets.iter().map(ticket).collect::<Vec<_>>(),
            "problems": found.problems.iter().map(problem).collect::<Vec<_>>(), "cases": found.cases.iter().map(case).collect::<Vec<_>>(),
            "directives": found.directives.iter().map(directive).collect::<Vec<_>>(),
            "people": found.people.iter().map(|person| json!({ "id": person.id, "name": person.name })).collect::<Vec<_>>() })
    })
    .await
}
