//! What the demo's leaders asked for, and who is on duty.

use super::actor;
use crate::app::chase::duty;
use crate::app::directives::{self, NewDirective, Origin};
use crate::app::{App, Error};
use crate::domain::directive::DirectiveSource;
use chrono::TimeDelta;
use std::collections::HashMap;

/// Days that the roster covers.
const ROSTER_DAYS: usize = 14;
/// Unit and who is on duty there on days off, with an invented number.
const ON_DUTY: [(&str, &str, &str); 3] = [
    ("市公安局交警支队", "钱峰（交警支队长）", "139-0000-1101"),
    ("市教育局", "吴芳（教育）", "139-0000-1102"),
    ("市住房城乡建设局", "值班室 马骏", "139-0000-1103"),
];

/// A directive on paper, transcribed by the office and late by now.
pub async fn on_paper(app: &App, case_id: &str) -> Result<(), Error> {
    let (coordinator, case_id) = (actor(app, "chenjing").await?, case_id.to_owned());
    app.write(&coordinator, move |ctx| {
        let new = NewDirective {
            text: "校门口拥堵群众反映强烈，请牵头单位限期拿出治理时间表。".to_owned(),
            due_on: ctx.today + TimeDelta::days(5),
            task_id: None,
            unit_ids: Vec::new(),
            reader_ids: Vec::new(),
        };
        let origin = Origin {
            leader_id: None,
            leader: "王建国（市长）".to_owned(),
            given_on: None,
            source: Some(DirectiveSource::Paper),
        };
        directives::transcribe(ctx, &case_id, new, origin)
    })
    .await?;
    Ok(())
}

/// The vice mayor's own directive: one of its two units has reported.
pub async fn in_person(app: &App, case_id: &str, units: &HashMap<&'static str, String>) -> Result<(), Error> {
    let (leader, case_id) = (actor(app, "liwei").await?, case_id.to_owned());
    let unit_ids = vec![units["traffic"].clone(), units["education"].clone()];
    let id = app.write(&leader, move |ctx| {
        let new = NewDirective {
            text: "请交警、教育两家会商错时上下学方案，下周报我。".to_owned(),
            due_on: ctx.calendar.add_working_days(ctx.today, 5),
            task_id: None,
            unit_ids,
            reader_ids: Vec::new(),
        };
        directives::instruct(ctx, &case_id, new)
    });
    let (id, officer) = (id.await?, actor(app, "wufang").await?);
    let report = "已与学校商定错峰 20 分钟放学，下周一起试行。".to_owned();
    app.write(&officer, move |ctx| directives::report(ctx, &id, None, report)).await
}

/// Who is on duty on the next days off; the other units have nobody, and the page says so.
pub async fn roster(app: &App) -> Result<(), Error> {
    let coordinator = actor(app, "chenjing").await?;
    app.write(&coordinator, |ctx| {
        let days = ctx.today.iter_days().take(ROSTER_DAYS).filter(|day| !ctx.calendar.is_working_day(*day));
        let of_day = |day| ON_DUTY.map(|(unit, person, phone)| format!("{day}\t{unit}\t{person}\t{phone}\n"));
        let rows: String = days.flat_map(of_day).collect();
        duty::import(ctx, &rows)
    })
    .await?;
    Ok(())
}
