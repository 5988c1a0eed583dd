//! Acts on what happens beside a task's state.

use super::on_tasks::PROXY;
use super::{Act, Field};
use crate::app::tasks::extensions::Decision;
use crate::app::tasks::objections::NewRuling;
use crate::app::tasks::{extensions, help, objections};
use crate::domain::access::Action;
use crate::web::fields::Fields;

pub const ACTS: &[Act] = &[
    Act {
        on: "tasks",
        name: "block",
        needs: Action::WorkTask,
        said: "已登记受阻",
        fields: &[("reason", "string"), ("helper_unit_id", "string"), ("due_on", "string"), PROXY],
        run: |ctx, id, f| {
            Ok(help::raise_block(ctx, id, f.text("reason"), f.optional("helper_unit_id"), f.parsed("due_on")?)?.into())
        },
    },
    Act {
        on: "tasks",
        name: "answer-block",
        needs: Action::AnswerBlock,
        said: "已答复",
        fields: &[("answer", "string")],
        run: |ctx, id, f| Ok(help::answer_block(ctx, id, f.text("answer"))?.into()),
    },
    Act {
        on: "tasks",
        name: "clear-block",
        needs: Action::ClearBlock,
        said: "已解除受阻",
        fields: &[("resolution", "string")],
        run: |ctx, id, f| Ok(help::clear_block(ctx, id, f.text("resolution"))?.into()),
    },
    Act {
        on: "tasks",
        name: "ask-extension",
        needs: Action::WorkTask,
        said: "延期申请已提交",
        fields: &[("asked_due_on", "string"), ("reason", "string"), PROXY],
        run: |ctx, id, f| Ok(extensions::ask_extension(ctx, id, f.parsed("asked_due_on")?, f.text("reason"))?.into()),
    },
    Act {
        on: "tasks",
        name: "decide-extension",
        needs: Action::DecideTask,
        said: "已批复",
        fields: &[("granted", "boolean"), ("due_on", "string"), ("note", "string")],
        run: |ctx, id, f| {
            let until = f.optional_date("due_on")?;
            let decision = if f.parsed("granted")? { Decision::Granted { until } } else { Decision::Refused };
            Ok(extensions::decide_extension(ctx, id, decision, f.text("note"))?.into())
        },
    },
    Act {
        on: "tasks",
        name: "object",
        needs: Action::WorkTask,
        said: "职责异议已提交",
        fields: &[("clause", "string"), ("reason", "string"), PROXY],
        run: |ctx, id, f| Ok(objections::object(ctx, id, f.text("clause"), f.text("reason"))?.into()),
    },
    Act {
        on: "tasks",
        name: "set-clock",
        needs: Action::DecideTask,
        said: "已保存",
        fields: &[("runs", "boolean")],
        run: |ctx, id, f| Ok(objections::set_clock(ctx, id, f.parsed("runs")?)?.into()),
    },
    Act {
        on: "tasks",
        name: "consult-objection",
        needs: Action::DecideTask,
        said: "已提请会商",
        fields: &[("unit_ids", "array"), ("note", "string"), ("due_on", "string")],
        run: |ctx, id, f| {
            let due_on = f.optional_date("due_on")?;
            Ok(objections::consult(ctx, id, &f.all("unit_ids"), f.text("note"), due_on)?.into())
        },
    },
    Act {
        on: "tasks",
        name: "give-opinion",
        needs: Action::ReplyOpinion,
        said: "意见已提交",
        fields: &[("unit_id", "string"), ("text", "string")],
        run: |ctx, id, f| Ok(objections::give_opinion(ctx, id, &f.text("unit_id"), f.text("text"))?.into()),
    },
    Act {
        on: "tasks",
        name: "refer-objection",
        needs: Action::DecideTask,
        said: "已提请领导指定",
        fields: &[("note", "string"), ("due_on", "string")],
        run: |ctx, id, f| Ok(objections::refer(ctx, id, f.text("note"), f.optional_date("due_on")?)?.into()),
    },
    Act {
        on: "tasks",
        name: "rule-objection",
        needs: Action::DecideTask,
        said: "已裁定",
        fields: &RULING,
        run: |ctx, id, f| Ok(objections::rule(ctx, id, ruling(f))?.into()),
    },
    Act {
        on: "tasks",
        name: "designate",
        needs: Action::Instruct,
        said: "已指定",
        fields: &RULING,
        run: |ctx, id, f| Ok(objections::rule(ctx, id, ruling(f))?.into()),
    },
];

const RULING: [Field; 3] = [("new_unit_id", "string"), ("ruling", "string"), ("basis", "string")];

fn ruling(fields: &Fields) -> NewRuling {
    NewRuling {
        new_unit_id: fields.optional("new_unit_id"),
        text: fields.text("ruling"),
        basis: fields.optional("basis"),
    }
}
