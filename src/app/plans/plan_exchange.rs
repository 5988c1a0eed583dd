//! A plan as a file for others, and a file of others as a plan.

use crate::app::cases::case_views;
use crate::app::plans::CasePlan;
use crate::app::plans::plan_changes::{DependencyDraft, TaskDraft};
use crate::app::plans::plan_edits::edit;
use crate::app::{Ctx, Error};
use crate::domain::task::DependencyKind;
use crate::domain::ticket::FieldError;
use crate::exchange::{At, Fault, LinkIn, Place, PlanIn, PlanOut, TaskIn, TaskOut, exceptions};
use crate::lang::Message;
use crate::store::people;
use std::collections::HashMap;

/// The plan of a case for others to read; without its cancelled tasks.
pub fn export(ctx: &mut Ctx, case_id: &str) -> Result<PlanOut, Error> {
    let view = case_views::show(ctx, case_id)?;
    let lang = ctx.actor.lang;
    let mut tasks = Vec::new();
    for task in &view.plan.tasks {
        let Some(dates) = view.schedule.dates(&task.id) else { continue };
        let into = view.plan.dependencies.iter().filter(|edge| edge.successor_id == task.id);
        let after = into
            .filter(|edge| view.schedule.dates(&edge.predecessor_id).is_some())
            .filter_map(|edge| Some((view.plan.task(&edge.predecessor_id).ok()?.no, edge.kind, edge.lag_days)));
        tasks.push(TaskOut {
            no: task.no,
            title: task.title.clone(),
            unit: view.units.get(&task.unit_id).cloned().unwrap_or_default(),
            acceptance: task.acceptance.clone(),
            duration: task.duration,
            duration_unit: task.duration_unit,
            not_before: task.not_before,
            fixed_on: task.fixed_on,
            due_on: task.due_on,
            state: lang.t(task.state.label()).into_owned(),
            percent: task.percent,
            days: (dates.first_day, dates.finish),
            has_started: task.started_at.is_some(),
            has_ended: task.state.is_final(),
            critical: dates.critical,
            slack_days: dates.slack_days,
            after: after.collect(),
        });
    }
    let first = tasks.iter().map(|task| task.days.0).min().unwrap_or(ctx.today);
    let last = tasks.iter().map(|task| task.days.1).max().unwrap_or(ctx.today);
    Ok(PlanOut {
        exceptions: exceptions(first, last, |day| ctx.calendar.is_working_day(day)),
        no: view.line.case.no,
        title: view.line.case.title,
        tasks,
    })
}

/// How many tasks a file brought, and how many it changed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Imported {
    pub added: usize,
    pub changed: usize,
}

/// Takes a file into a case's plan as one change. Tasks that were exported from this case are changed to what the file
/// says, others are added; what the file does not mention stays. A file with a mistake changes nothing.
pub fn import(ctx: &mut Ctx, case_id: &str, file: PlanIn) -> Result<Imported, Error> {
    edit(ctx, case_id, |ctx, plan| {
        let mut taking = Taking { faults: file.faults.clone(), imported: Imported::default() };
        let units = people::units(&mut ctx.tx)?.into_iter().filter(|unit| unit.active);
        let units: HashMap<String, String> = units
            .flat_map(|unit| {
                [Some(unit.name), unit.name_en].into_iter().flatten().map(move |name| (name, unit.id.clone()))
            })
            .collect();
        let mut ids = Vec::new();
        for task in &file.tasks {
            ids.push(taking.task(ctx, plan, &units, task)?);
        }
        for (at, task) in file.tasks.iter().enumerate() {
            taking.links(ctx, plan, &ids, at, task)?;
        }
        if taking.faults.is_empty() { Ok(taking.imported) } else { Err(refused(taking.faults)) }
    })
}

fn refused(mut faults: Vec<Fault>) -> Error {
    faults.sort_by_key(|fault| fault.place);
    Error::Invalid(faults.iter().map(|fault| FieldError { field: "file", reason: fault.said() }).collect())
}

struct Taking {
    faults: Vec<Fault>,
    imported: Imported,
}

impl Taking {
    /// Adds or changes one task in memory; gives its id when it could be taken.
    fn task(
        &mut self,
        ctx: &mut Ctx,
        plan: &mut CasePlan,
        units: &HashMap<String, String>,
        task: &TaskIn,
    ) -> Result<Option<String>, Error> {
        let unit_id = units.get(task.unit.value.trim());
        if unit_id.is_none() && !task.unit.value.is_empty() {
            let reason = Message::new("没有单位“%{unit}”").with("unit", &task.unit.value);
            self.faults.push(Fault::new(task.unit.place, reason));
        }
        let own = task.known.as_ref().filter(|(case_no, _)| *case_no == plan.case.no);
        let old = own.and_then(|(_, no)| plan.tasks.iter().find(|known| known.no == *no)).cloned();
        let was = old.as_ref().map(TaskDraft::of);
        let draft = TaskDraft {
            title: task.title.value.clone(),
            // A file with an unknown unit is refused anyway; this lets the rest of its row be looked at.
            unit_id: unit_id.unwrap_or(&plan.case.lead_unit_id).clone(),
            description: was.as_ref().map(|was| was.description.clone()).unwrap_or_default(),
            acceptance: task
                .acceptance
                .clone()
                .unwrap_or_else(|| was.as_ref().map(|was| was.acceptance.clone()).unwrap_or_default()),
            evidence: was.as_ref().map(|was| was.evidence.clone()).unwrap_or_default(),
            duration: task.duration.value,
            duration_unit: task.duration_unit,
            not_before: task.not_before.as_ref().map(|at| at.value),
            fixed_on: task.fixed_on.as_ref().map(|at| at.value),
        };
        let taken = match &old {
            Some(old) if was.as_ref() == Some(&draft) => return Ok(Some(old.id.clone())),
            Some(old) => plan.change(ctx, &old.id, draft.clone()).map(|()| {
                self.imported.changed += 1;
                old.id.clone()
            }),
            None => plan.add(ctx, draft.clone()).inspect(|_| self.imported.added += 1),
        };
        let kept = self.kept(taken, &|field| match field {
            "title" => task.title.place,
            "unit_id" => task.unit.place,
            "duration" => task.duration.place,
            "fixed_on" => task.fixed_on.as_ref().map_or(task.place, |at| at.place),
            _ => task.place,
        })?;
        Ok(kept.or(old.map(|old| old.id)).or_else(|| {
            let harmless = TaskDraft { title: "?".to_owned(), duration: 1, not_before: None, fixed_on: None, ..draft };
            plan.add(ctx, harmless).ok()
        }))
    }

    /// Makes a task wait for what the file says, of the tasks that are in it.
    fn links(
        &mut self,
        ctx: &mut Ctx,
        plan: &mut CasePlan,
        ids: &[Option<String>],
        at: usize,
        task: &TaskIn,
    ) -> Result<(), Error> {
        let Some(own) = &ids[at] else { return Ok(()) };
        let mut wanted: Vec<(&str, DependencyKind, i32, Place)> = Vec::new();
        for At { value: LinkIn { task, kind, lag_days }, place } in &task.after {
            if let Some(from) = &ids[*task] {
                wanted.push((from, *kind, *lag_days, *place));
            }
        }
        let in_file = |id: &str| ids.iter().flatten().any(|known| known == id);
        let known = plan.dependencies.iter().filter(|edge| edge.successor_id == *own && in_file(&edge.predecessor_id));
        let known: Vec<_> = known.cloned().collect();
        for edge in &known {
            let same = |(from, kind, lag, _): &(&str, DependencyKind, i32, Place)| {
                (*from, *kind, *lag) == (edge.predecessor_id.as_str(), edge.kind, edge.lag_days)
            };
            match wanted.iter().position(same) {
                Some(at) => drop(wanted.remove(at)),
                None => plan.disconnect(&edge.id)?,
            }
        }
        for (from, kind, lag_days, place) in wanted {
            let draft = DependencyDraft { predecessor_id: from.to_owned(), successor_id: own.clone(), kind, lag_days };
            let connected = plan.connect(ctx, draft);
            self.kept(connected, &|_| place)?;
        }
        Ok(())
    }

    /// What was taken; a refusal becomes a mistake of the file.
    fn kept(&mut self, taken: Result<String, Error>, place: &dyn Fn(&str) -> Place) -> Result<Option<String>, Error> {
        match taken {
            Ok(id) => return Ok(Some(id)),
            Err(Error::Invalid(faults)) => {
                self.faults.extend(faults.into_iter().map(|fault| Fault::new(place(fault.field), fault.reason)));
            }
            Err(error @ (Error::Refused(_) | Error::Cycle(_))) => {
                self.faults.push(Fault::new(place(""), error.message()));
            }
            Err(other) => return Err(other),
        }
        Ok(None)
    }
}
