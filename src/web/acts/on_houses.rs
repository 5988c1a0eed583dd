//! Acts within a unit: passing a task on, parts of it, its checklist, the head's word.

use super::on_tasks::{DRAFT, task_draft};
use super::{Act, Done, VERSION};
use crate::app::tasks::{checklists, inside};
use crate::domain::access::Action;

pub const ACTS: &[Act] = &[
    Act {
        on: "tasks",
        name: "pass-on",
        needs: Action::ReceiveTask,
        said: "已转办",
        fields: &[VERSION, ("unit_id", "string"), ("officer_id", "string"), ("reason", "string")],
        run: |ctx, id, f| {
            let (unit, officer, reason) = (f.text("unit_id"), f.optional("officer_id"), f.optional("reason"));
            Ok(inside::pass_on(ctx, id, f.parsed("version")?, unit, officer, reason)?.into())
        },
    },
    Act {
        on: "tasks",
        name: "add-part",
        needs: Action::AssignTask,
        said: "子任务已交办",
        fields: &DRAFT,
        run: |ctx, id, f| {
            let part = inside::add_part(ctx, id, task_draft(f)?)?;
            Ok(Done { id: Some(part), ..Done::default() })
        },
    },
    Act {
        on: "tasks",
        name: "accept-part",
        needs: Action::WorkTask,
        said: "已验收",
        fields: &[VERSION, ("note", "string")],
        run: |ctx, id, f| Ok(inside::accept_part(ctx, id, f.parsed("version")?, f.text("note"))?.into()),
    },
    Act {
        on: "tasks",
        name: "return-part",
        needs: Action::WorkTask,
        said: "已退回",
        fields: &[VERSION, ("reason", "string")],
        run: |ctx, id, f| Ok(inside::return_part(ctx, id, f.parsed("version")?, f.text("reason"))?.into()),
    },
    Act {
        on: "tasks",
        name: "sign-off",
        needs: Action::SignOff,
        said: "已签发，等待验收",
        fields: &[VERSION],
        run: |ctx, id, f| Ok(inside::sign_off(ctx, id, f.parsed("version")?)?.into()),
    },
    Act {
        on: "tasks",
        name: "decline-sign-off",
        needs: Action::SignOff,
        said: "已退回承办人",
        fields: &[VERSION, ("reason", "string")],
        run: |ctx, id, f| Ok(inside::decline(ctx, id, f.parsed("version")?, f.text("reason"))?.into()),
    },
    Act {
        on: "tasks",
        name: "add-checks",
        needs: Action::WorkTask,
        said: "清单已更新",
        fields: &[("items", "string")],
        run: |ctx, id, f| Ok(checklists::add(ctx, id, f.text("items"))?.into()),
    },
    Act {
        on: "tasks",
        name: "tick",
        needs: Action::WorkTask,
        said: "清单已更新",
        fields: &[("item_id", "string"), ("done", "boolean")],
        run: |ctx, id, f| Ok(checklists::tick(ctx, id, &f.text("item_id"), f.parsed("done")?)?.into()),
    },
    Act {
        on: "tasks",
        name: "remove-check",
        needs: Action::WorkTask,
        said: "清单已更新",
        fields: &[("item_id", "string")],
        run: |ctx, id, f| Ok(checklists::remove(ctx, id, &f.text("item_id"))?.into()),
    },
];
