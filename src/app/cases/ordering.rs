//! A leader says which of the open cases comes first.

use crate::app::access::require_on_case;
use crate::app::tasks::required;
use crate::app::{Ctx, Error};
use crate::domain::access::Action;
use crate::domain::case::CaseState;
use crate::lang::Message;
use crate::store::case_order::{self, Ordered};
use crate::store::cases;
use serde_json::json;

/// Puts a case at a place among those in order, the first is 1, or takes it out; the others move along.
pub fn put(ctx: &mut Ctx, case_id: &str, position: Option<usize>, reason: String) -> Result<(), Error> {
    let case = cases::by_id(&mut ctx.tx, case_id)?.ok_or(Error::NotFound)?;
    require_on_case(ctx, Action::Instruct, case_id)?;
    let reason = required("reason", reason)?;
    if !case.state.is_open() {
        return Err(Error::Refused(Message::new("专项现在是“%{state}”，不能修改。").with("state", case.state.label())));
    }
    if position == Some(0) {
        return Err(Error::field("position", Message::new("次序从 1 开始")));
    }
    let mut rows = open_ones(ctx)?;
    rows.retain(|row| row.case_id != case_id);
    if let Some(position) = position {
        let row = Ordered {
            case_id: case_id.to_owned(),
            position: 0,
            reason: reason.clone(),
            person_id: ctx.actor.id().to_owned(),
            at: ctx.now,
        };
        rows.insert((position - 1).min(rows.len()), row);
    }
    let numbered = (1..).zip(rows).map(|(position, row)| Ordered { position, ..row }).collect();
    case_order::replace(&mut ctx.tx, numbered)?;
    let payload = json!({ "no": case.no, "position": position, "reason": reason });
    ctx.record("case.ordered", ("case", case_id), Some(case_id), payload);
    Ok(())
}

/// The order of the cases that are still open.
pub fn open_ones(ctx: &mut Ctx) -> Result<Vec<Ordered>, Error> {
    let open: Vec<CaseState> = CaseState::ALL.iter().copied().filter(|state| state.is_open()).collect();
    Ok(case_order::of_cases_in(&mut ctx.tx, &open)?)
}
