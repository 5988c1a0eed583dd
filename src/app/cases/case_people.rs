//! Who takes part in a case, and what was asked of them, discussed and decided.

use crate::app::access::require_on_case;
use crate::app::cases::case_views::CaseView;
use crate::app::cases::consulting::may_reply_for;
use crate::app::directives::{self, views::DirectiveLine};
use crate::app::{Ctx, Error};
use crate::domain::access::Action;
use crate::domain::case::Opinion;
use crate::store::consultations::{self, Consultation};
use crate::store::meetings::{self, Meeting};
use crate::store::people::Person;

pub struct CasePeople {
    pub meetings: Vec<Meeting>,
    /// Those the reader may read.
    pub directives: Vec<DirectiveLine>,
    /// Whom a directive may come from or go to.
    pub leaders: Vec<Person>,
    pub may_transcribe: bool,
}

pub fn people(ctx: &mut Ctx, view: &CaseView) -> Result<CasePeople, Error> {
    let case_id = &view.line.case.id;
    let may_transcribe = require_on_case(ctx, Action::TranscribeDirective, case_id).is_ok();
    Ok(CasePeople {
        meetings: meetings::of_case(&mut ctx.tx, case_id)?,
        directives: directives::views::of_case(ctx, case_id)?,
        leaders: if view.may_instruct || may_transcribe { directives::leaders(ctx)? } else { Vec::new() },
        may_transcribe,
    })
}

/// What units said about a draft (征求意见), or that they have not.
#[derive(Default)]
pub struct Opinions {
    pub rows: Vec<Consultation>,
    /// Ids of units the reader may answer for.
    pub may_reply: Vec<String>,
}

impl Opinions {
    pub fn of_case(ctx: &mut Ctx, case_id: &str) -> Result<Opinions, Error> {
        let rows = consultations::of_case(&mut ctx.tx, case_id)?;
        let asked: Vec<String> = rows.iter().map(|row| row.unit_id.clone()).collect();
        Ok(Opinions { may_reply: may_reply_for(ctx, &asked)?, rows })
    }

    /// How many units gave each opinion, and how many none.
    pub fn counts(&self) -> Vec<(&'static str, usize)> {
        let given = |opinion: Option<Opinion>| self.rows.iter().filter(|row| row.opinion() == opinion).count();
        let known = Opinion::ALL.iter().map(|opinion| (opinion.label(), given(Some(*opinion))));
        known.chain([("未答复", given(None))]).filter(|(_, count)| *count > 0).collect()
    }
}
