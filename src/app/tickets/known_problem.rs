//! While the caller talks: is this a known problem, and what may be said about it?

use crate::app::{Actor, App, Error};
use crate::detect::Document;
use crate::domain::access::Action;
use crate::domain::case::CaseState;
use crate::store::{cases, people, problems};
use chrono::NaiveDate;

const SHOWN: usize = 3;
/// Below this likeness a problem is not worth the operator's look.
const LIKE_ENOUGH: f64 = 0.07;

/// A problem the caller may be talking about.
#[derive(Debug, Clone)]
pub struct KnownProblem {
    pub problem_id: String,
    pub title: String,
    /// 0–1.
    pub score: f64,
    pub tickets: i64,
    pub case: Option<KnownCase>,
}

/// The case under way, in words a caller can be told. Never a forecast date.
#[derive(Debug, Clone)]
pub struct KnownCase {
    pub case_id: String,
    pub no: String,
    /// A translation key.
    pub state_words: &'static str,
    pub lead_unit: String,
    pub wording: String,
    pub author: Option<String>,
    pub until: Option<NaiveDate>,
}

#[derive(Debug, Clone)]
pub enum Known {
    /// The index is still being read in.
    Loading,
    Problems(Vec<KnownProblem>),
}

/// Asks the matching index itself, so the backlog of detection does not matter.
pub async fn find(app: &App, actor: &Actor, text: &str, place: Option<&str>) -> Result<Known, Error> {
    if !actor.may_somewhere(Action::AttachTickets) {
        return Err(Error::Forbidden);
    }
    let document = Document { title: text, place, received_at: app.clock.now(), ..Document::default() };
    let Some(ranked) = app.index.read(|index| index.ranked(&document, SHOWN)) else { return Ok(Known::Loading) };
    app.read(actor, move |ctx| {
        let mut found = Vec::new();
        for (problem_id, score) in ranked.into_iter().filter(|(_, score)| *score >= LIKE_ENOUGH) {
            let Some(problem) = problems::by_id(&mut ctx.tx, &problem_id)? else { continue };
            let case = match cases::open_case_of(&mut ctx.tx, &problem_id)?.filter(|case| case.state.is_running()) {
                Some(case) => {
                    let lead = people::unit_by_id(&mut ctx.tx, &case.lead_unit_id)?;
                    let still_holds = case.answer_until.is_none_or(|until| until >= ctx.today);
                    Some(KnownCase {
                        case_id: case.id,
                        no: case.no,
                        state_words: words(case.state),
                        lead_unit: lead.map(|unit| unit.name).unwrap_or_default(),
                        wording: if still_holds { case.answer } else { String::new() },
                        author: case.answer_author,
                        until: case.answer_until,
                    })
                }
                None => None,
            };
            found.push(KnownProblem { problem_id, title: problem.title, score, tickets: problem.tickets, case });
        }
        Ok(Known::Problems(found))
    })
    .await
}

fn words(state: CaseState) -> &'static str {
    match state {
        CaseState::Verifying => "措施已落实，正在观察效果",
        _ => "多部门正在联合办理",
    }
}
