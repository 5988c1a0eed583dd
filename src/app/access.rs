//! Permissions on cases and tasks: what the matrix needs to know is loaded only when a post depends on it.

use super::{Ctx, Error};
use crate::domain::access::{Action, Subject};
use crate::store::cases::{self, Case};
use crate::store::plans::TaskInCase;
use crate::store::{objections, people, tasks};

/// Refuses an action on a case that none of the actor's posts allows.
pub fn require_on_case(ctx: &mut Ctx, action: Action, case_id: &str) -> Result<(), Error> {
    let bare = Subject { case_id: Some(case_id), ..Subject::default() };
    if ctx.actor.may(action, &bare) {
        return Ok(());
    }
    if !ctx.actor.may_somewhere(action) {
        return ctx.require(action, &bare);
    }
    let participant_paths = cases::participants(&mut ctx.tx, case_id)?;
    let helpers = tasks::helpers_of_case(&mut ctx.tx, case_id)?;
    let helper_paths = people::paths_of(&mut ctx.tx, &helpers)?;
    ctx.require(action, &Subject { participant_paths: &participant_paths, helper_paths: &helper_paths, ..bare })
}

/// Like [`require_on_case`] for reading: before a case is issued its units do not even learn that it exists, unless they are
/// asked for their opinion.
pub fn require_reading(ctx: &mut Ctx, case: &Case) -> Result<(), Error> {
    let bare = Subject { case_id: Some(&case.id), ..Subject::default() };
    if ctx.actor.may(Action::ReadCase, &bare) {
        return Ok(());
    }
    if case.issued_at.is_none() && !crate::app::cases::consulting::was_asked(ctx, &case.id)? {
        return Err(Error::NotFound);
    }
    require_on_case(ctx, Action::ReadCase, &case.id)
}

/// Refuses an action on a task that none of the actor's posts allows.
pub fn require_on_task(ctx: &mut Ctx, action: Action, found: &TaskInCase) -> Result<(), Error> {
    let case_id = found.task.case_id.as_str();
    let bare = Subject { case_id: Some(case_id), unit_path: Some(&found.unit_path), ..Subject::default() };
    if ctx.actor.may(action, &bare) {
        return Ok(());
    }
    let helper_paths = match tasks::open_block(&mut ctx.tx, &found.task.id)?.and_then(|block| block.helper_unit_id) {
        Some(unit_id) => people::paths_of(&mut ctx.tx, &[unit_id])?,
        None => Vec::new(),
    };
    let participant_paths = cases::participants(&mut ctx.tx, case_id)?;
    let consulted = objections::consulted_about(&mut ctx.tx, &found.task.id)?;
    let consulted_paths = people::paths_of(&mut ctx.tx, &consulted)?;
    let paths = Subject { participant_paths: &participant_paths, helper_paths: &helper_paths, ..bare };
    ctx.require(action, &Subject { consulted_paths: &consulted_paths, ..paths })
}
