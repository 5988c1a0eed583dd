//! Acts on tasks.

use super::{Act, Done, Field, VERSION, joined};
use crate::app::plans::plan_changes::TaskDraft;
use crate::app::tasks::{self, Progress, assigning, proxy_entries};
use crate::app::tickets::calls::{self, NewCall};
use crate::app::{
    Ctx, Error,
    chase::{self, supervisions},
    plans::plan_edits,
};
use crate::domain::access::Action;
use crate::domain::notice::{CallOutcome, Stage};
use crate::domain::task::DurationUnit;
use crate::web::fields::Fields;

/// A task as a form writes it.
pub const DRAFT: [Field; 9] = [
    ("title", "string"),
    ("unit_id", "string"),
    ("duration", "integer"),
    ("duration_unit", "string"),
    ("description", "string"),
    ("acceptance", "string"),
    ("evidence", "string"),
    ("not_before", "string"),
    ("fixed_on", "string"),
];
pub const VERSIONED_DRAFT: [Field; 10] = joined(&[&[VERSION], &DRAFT]);
/// How it came, when a coordinator enters it for the unit.
pub const PROXY: Field = ("proxy_source", "string");

pub const ACTS: &[Act] = &[
    Act {
        on: "tasks",
        name: "acknowledge",
        needs: Action::ReceiveTask,
        said: "已签收",
        fields: &[VERSION, PROXY],
        run: |ctx, id, f| Ok(tasks::acknowledge(ctx, id, f.parsed("version")?)?.into()),
    },
    Act {
        on: "tasks",
        name: "start",
        needs: Action::WorkTask,
        said: "已开始办理",
        fields: &[VERSION, ("percent", "integer"), ("text", "string"), PROXY],
        run: |ctx, id, f| {
            let first = f.one("text").is_some().then(|| progress(f)).transpose()?;
            Ok(tasks::start(ctx, id, f.parsed("version")?, first)?.into())
        },
    },
    Act {
        on: "tasks",
        name: "report",
        needs: Action::WorkTask,
        said: "进展已填报",
        fields: &[VERSION, ("percent", "integer"), ("text", "string"), PROXY],
        run: |ctx, id, f| Ok(tasks::report(ctx, id, f.parsed("version")?, progress(f)?)?.into()),
    },
    Act {
        on: "tasks",
        name: "submit",
        needs: Action::WorkTask,
        said: "已提交办结，等待验收",
        fields: &[VERSION, ("text", "string")],
        run: |ctx, id, f| Ok(tasks::submit(ctx, id, f.parsed("version")?, f.text("text"))?.into()),
    },
    Act {
        on: "tasks",
        name: "accept",
        needs: Action::AcceptTask,
        said: "已验收",
        fields: &[VERSION, ("note", "string")],
        run: |ctx, id, f| Ok(tasks::accept(ctx, id, f.parsed("version")?, f.text("note"))?.into()),
    },
    Act {
        on: "tasks",
        name: "return",
        needs: Action::AcceptTask,
        said: "已退回",
        fields: &[VERSION, ("reason", "string")],
        run: |ctx, id, f| Ok(tasks::send_back(ctx, id, f.parsed("version")?, f.text("reason"))?.into()),
    },
    Act {
        on: "tasks",
        name: "cancel",
        needs: Action::ShapePlan,
        said: "任务已取消",
        fields: &[VERSION, ("reason", "string")],
        run: |ctx, id, f| Ok(tasks::cancel(ctx, id, f.parsed("version")?, f.text("reason"))?.into()),
    },
    Act {
        on: "tasks",
        name: "change",
        needs: Action::ShapePlan,
        said: "任务已修改",
        fields: &VERSIONED_DRAFT,
        run: |ctx, id, f| Ok(plan_edits::change_task(ctx, id, f.parsed("version")?, task_draft(f)?)?.into()),
    },
    Act {
        on: "tasks",
        name: "assign",
        needs: Action::AssignTask,
        said: "已改派",
        fields: &[VERSION, ("unit_id", "string"), ("officer_id", "string"), ("reason", "string")],
        run: |ctx, id, f| {
            Ok(assigning::assign(
                ctx,
                id,
                f.parsed("version")?,
                f.text("unit_id"),
                f.optional("officer_id"),
                f.optional("reason"),
            )?
            .into())
        },
    },
    Act {
        on: "tasks",
        name: "comment",
        needs: Action::CommentTask,
        said: "已留言",
        fields: &[("text", "string")],
        run: |ctx, id, f| Ok(tasks::comment(ctx, id, f.text("text"))?.into()),
    },
    Act {
        on: "tasks",
        name: "correct-proxy",
        needs: Action::CorrectProxy,
        said: "代录已更正",
        fields: &[("entry_id", "string"), ("correction", "string"), ("percent", "integer")],
        run: |ctx, id, f| {
            let percent = f.one("percent").is_some().then(|| f.parsed("percent")).transpose()?;
            Ok(proxy_entries::correct(ctx, id, &f.text("entry_id"), f.text("correction"), percent)?.into())
        },
    },
    Act {
        on: "tasks",
        name: "record-call",
        needs: Action::DecideTask,
        said: "通话已记录",
        fields: &[("whom", "string"), ("outcome", "string"), ("note", "string"), ("promised_on", "string")],
        run: |ctx, id, f| {
            let outcome = f.code("outcome", CallOutcome::parse)?;
            let (whom, note, promised_on) = (f.text("whom"), f.text("note"), f.optional_date("promised_on")?);
            Ok(calls::record(ctx, id, NewCall { whom, outcome, note, promised_on })?.into())
        },
    },
    Act {
        on: "tasks",
        name: "stop-step",
        needs: Action::DecideTask,
        said: "这一步不再发出",
        fields: &[("stage", "string"), ("reason", "string")],
        run: |ctx, id, f| {
            let stage = Stage::parse(&f.text("stage")).ok_or(Error::NotFound)?;
            Ok(chase::stop(ctx, id, stage, f.text("reason"))?.into())
        },
    },
    Act {
        on: "supervisions",
        name: "sign",
        needs: Action::DecideTask,
        said: "督办单已签发",
        fields: &[("text", "string"), ("report_by", "string")],
        run: |ctx, id, f| Ok(supervisions::sign(ctx, id, f.text("text"), f.parsed("report_by")?)?.into()),
    },
    Act {
        on: "supervisions",
        name: "withdraw",
        needs: Action::DecideTask,
        said: "督办单不予签发",
        fields: &[("reason", "string")],
        run: |ctx, id, f| Ok(supervisions::withdraw(ctx, id, f.text("reason"))?.into()),
    },
    Act {
        on: "dependencies",
        name: "remove",
        needs: Action::ShapePlan,
        said: "前置关系已删除",
        fields: &[],
        run: remove_dependency,
    },
];

fn remove_dependency(ctx: &mut Ctx, id: &str, _: &Fields) -> Result<Done, Error> {
    Ok(plan_edits::remove_dependency(ctx, id)?.into())
}

fn progress(fields: &Fields) -> Result<Progress, Error> {
    let percent = if fields.one("percent").is_some() { fields.parsed("percent")? } else { 0 };
    Ok(Progress { percent, text: fields.text("text"), proxy_source: fields.optional("proxy_source") })
}

/// What [`DRAFT`]'s fields say.
pub fn task_draft(fields: &Fields) -> Result<TaskDraft, Error> {
    Ok(TaskDraft {
        title: fields.text("title"),
        unit_id: fields.text("unit_id"),
        description: fields.text("description"),
        acceptance: fields.text("acceptance"),
        evidence: fields.text("evidence"),
        duration: fields.parsed("duration")?,
        duration_unit: fields.code("duration_unit", DurationUnit::parse)?,
        not_before: fields.optional_date("not_before")?,
        fixed_on: fields.optional_date("fixed_on")?,
    })
}
