//! Acts on cases.

use super::on_tasks::{DRAFT, VERSIONED_DRAFT, task_draft};
use super::{Act, Done, Field, VERSION, joined};
use crate::app::cases::{self, Basis, CaseEdit};
use crate::app::plans::plan_changes::DependencyDraft;
use crate::app::plans::plan_edits;
use crate::app::{
    Error,
    cases::{consulting, deadline, observing, ordering},
    plans::what_if,
};
use crate::domain::access::Action;
use crate::domain::case::{CaseMove, Opinion};
use crate::domain::task::DependencyKind;
use crate::lang::Message;
use crate::web::fields::Fields;

/// By what right something is decided.
const BASIS: [Field; 3] = [("basis", "string"), ("approver", "string"), ("decided_on", "string")];

pub const ACTS: &[Act] = &[
    Act {
        on: "cases",
        name: "edit",
        needs: Action::OpenCase,
        said: "已保存",
        fields: &[VERSION, ("title", "string"), ("goal", "string"), ("answer", "string"), ("answer_until", "string")],
        run: |ctx, id, f| {
            let edit = CaseEdit {
                title: f.text("title"),
                goal: f.text("goal"),
                answer: f.text("answer"),
                answer_until: f.optional_date("answer_until")?,
            };
            Ok(cases::edit(ctx, id, f.parsed("version")?, edit)?.into())
        },
    },
    Act {
        on: "cases",
        name: "consult",
        needs: Action::OpenCase,
        said: "已转征求意见",
        fields: &[VERSION, ("due_on", "string")],
        run: |ctx, id, f| match f.optional_date("due_on")? {
            Some(due_on) => Ok(consulting::ask(ctx, id, f.parsed("version")?, due_on)?.into()),
            // Consulted by other ways: no unit is asked here.
            None => Ok(cases::prepare(ctx, id, f.parsed("version")?, CaseMove::Consult)?.into()),
        },
    },
    Act {
        on: "cases",
        name: "reply-opinion",
        needs: Action::ReplyOpinion,
        said: "已答复",
        fields: &[("unit_id", "string"), ("opinion", "string"), ("comment", "string")],
        run: |ctx, id, f| Ok(consulting::reply(ctx, id, &f.text("unit_id"), opinion(f)?, f.text("comment"))?.into()),
    },
    Act {
        on: "cases",
        name: "enter-opinion",
        needs: Action::OpenCase,
        said: "已代录，并已告知该单位",
        fields: &[("unit_id", "string"), ("opinion", "string"), ("comment", "string"), ("proxy_source", "string")],
        run: |ctx, id, f| {
            let (unit, comment, source) = (f.text("unit_id"), f.text("comment"), f.text("proxy_source"));
            Ok(consulting::enter_for_unit(ctx, id, &unit, opinion(f)?, comment, source)?.into())
        },
    },
    Act {
        on: "cases",
        name: "approve",
        needs: Action::OpenCase,
        said: "已报批",
        fields: &[VERSION],
        run: |ctx, id, f| Ok(cases::prepare(ctx, id, f.parsed("version")?, CaseMove::Approve)?.into()),
    },
    Act {
        on: "cases",
        name: "issue",
        needs: Action::IssueCase,
        said: "已交办",
        fields: &joined::<5>(&[&[VERSION], &BASIS, &[("urgent_reason", "string")]]),
        run: |ctx, id, f| {
            Ok(cases::issue(ctx, id, f.parsed("version")?, basis(f)?, f.optional("urgent_reason"))?.into())
        },
    },
    Act {
        on: "cases",
        name: "complete-approval",
        needs: Action::IssueCase,
        said: "审批已补录",
        fields: &BASIS,
        run: |ctx, id, f| Ok(cases::complete_approval(ctx, id, basis(f)?)?.into()),
    },
    Act {
        on: "cases",
        name: "move-deadline",
        needs: Action::IssueCase,
        said: "期限已调整",
        fields: &joined::<5>(&[&[VERSION, ("deadline", "string")], &BASIS]),
        run: |ctx, id, f| Ok(deadline::change(ctx, id, f.parsed("version")?, f.parsed("deadline")?, basis(f)?)?.into()),
    },
    Act {
        on: "cases",
        name: "set-manager",
        needs: Action::IssueCase,
        said: "已指定牵头负责人",
        fields: &[("person_id", "string")],
        run: |ctx, id, f| Ok(cases::set_manager(ctx, id, &f.text("person_id"))?.into()),
    },
    Act {
        on: "cases",
        name: "order",
        needs: Action::Instruct,
        said: "次序已记录",
        fields: &[("position", "integer"), ("reason", "string")],
        run: |ctx, id, f| {
            let position = f.one("position").map(|_| f.parsed("position")).transpose()?;
            Ok(ordering::put(ctx, id, position, f.text("reason"))?.into())
        },
    },
    Act {
        on: "cases",
        name: "add-task",
        needs: Action::ShapePlan,
        said: "任务已添加",
        fields: &joined::<10>(&[&DRAFT, &[("after", "array")]]),
        run: |ctx, id, f| {
            let task = plan_edits::add_task(ctx, id, task_draft(f)?, &f.all("after"))?;
            Ok(Done { id: Some(task), ..Done::default() })
        },
    },
    Act {
        on: "cases",
        name: "add-dependency",
        needs: Action::ShapePlan,
        said: "前置关系已添加",
        fields: &[
            ("predecessor_id", "string"),
            ("successor_id", "string"),
            ("kind", "string"),
            ("lag_days", "integer"),
        ],
        run: |ctx, id, f| {
            let dependency = plan_edits::add_dependency(ctx, id, dependency(f)?)?;
            Ok(Done { id: Some(dependency), ..Done::default() })
        },
    },
    Act {
        on: "cases",
        name: "apply-changes",
        needs: Action::ShapePlan,
        said: "推演的改动已应用",
        fields: &[("revision", "integer"), ("changes", "array")],
        run: |ctx, id, f| {
            let changes = what_if::parse(&f.all("changes"))?;
            Ok(what_if::apply(ctx, id, f.parsed("revision")?, &changes)?.into())
        },
    },
    Act {
        on: "cases",
        name: "close",
        needs: Action::EndCase,
        said: "已销号",
        fields: &joined::<5>(&[&[VERSION], &BASIS, &[("keeper_unit_id", "string")]]),
        run: |ctx, id, f| {
            Ok(observing::close(ctx, id, f.parsed("version")?, basis(f)?, &f.text("keeper_unit_id"))?.into())
        },
    },
    Act {
        on: "cases",
        name: "resume",
        needs: Action::IssueCase,
        said: "新一轮已开始",
        fields: &VERSIONED_DRAFT,
        run: |ctx, id, f| Ok(observing::resume(ctx, id, f.parsed("version")?, task_draft(f)?)?.into()),
    },
    Act {
        on: "cases",
        name: "ask-termination",
        needs: Action::EndCase,
        said: "终止申请已提交，待第二人确认",
        fields: &[VERSION, ("reason", "string")],
        run: |ctx, id, f| Ok(observing::ask_termination(ctx, id, f.parsed("version")?, f.text("reason"))?.into()),
    },
    Act {
        on: "cases",
        name: "confirm-termination",
        needs: Action::EndCase,
        said: "已终止",
        fields: &[VERSION, ("basis", "string")],
        run: |ctx, id, f| Ok(observing::confirm_termination(ctx, id, f.parsed("version")?, f.text("basis"))?.into()),
    },
    Act {
        on: "cases",
        name: "finish-look-back",
        needs: Action::EndCase,
        said: "回头看已记录",
        fields: &[("look_back_id", "string"), ("result", "string")],
        run: |ctx, id, f| Ok(observing::finish_look_back(ctx, id, &f.text("look_back_id"), f.text("result"))?.into()),
    },
];

fn opinion(fields: &Fields) -> Result<Opinion, Error> {
    let opinion = fields.one("opinion").and_then(Opinion::parse);
    opinion.ok_or_else(|| Error::field("opinion", Message::new("请选择答复")))
}

fn basis(fields: &Fields) -> Result<Basis, Error> {
    Ok(Basis {
        basis: fields.text("basis"),
        approver: fields.text("approver"),
        decided_on: fields.optional_date("decided_on")?,
    })
}

fn dependency(fields: &Fields) -> Result<DependencyDraft, Error> {
    Ok(DependencyDraft {
        predecessor_id: fields.text("predecessor_id"),
        successor_id: fields.text("successor_id"),
        kind: fields.code("kind", DependencyKind::parse)?,
        lag_days: if fields.one("lag_days").is_some() { fields.parsed("lag_days")? } else { 0 },
    })
}
