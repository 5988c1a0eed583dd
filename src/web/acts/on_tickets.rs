//! Acts on tickets.

use super::{Act, Done};
use crate::app::{
    problems::problem_decisions,
    tickets::{self, attaching},
};
use crate::domain::access::Action;
use crate::domain::ticket::AttachMode;

pub const ACTS: &[Act] = &[
    Act {
        on: "tickets",
        name: "attach",
        needs: Action::AttachTickets,
        said: "已并单",
        fields: &[("case_id", "string"), ("mode", "string"), ("told", "string")],
        run: |ctx, id, f| {
            let mode = f.one("mode").and_then(AttachMode::parse).unwrap_or(AttachMode::Dispatched);
            Ok(attaching::attach(ctx, id, &f.text("case_id"), mode, f.text("told"))?.into())
        },
    },
    Act {
        on: "tickets",
        name: "detach",
        needs: Action::AttachTickets,
        said: "已拆单，工单恢复原状态",
        fields: &[("reason", "string")],
        run: |ctx, id, f| Ok(attaching::detach(ctx, id, f.text("reason"))?.into()),
    },
    Act {
        on: "tickets",
        name: "urge",
        needs: Action::AttachTickets,
        said: "已记录催单",
        fields: &[("note", "string")],
        run: |ctx, id, f| Ok(tickets::urge(ctx, id, f.optional("note"))?.into()),
    },
    Act {
        on: "tickets",
        name: "move",
        needs: Action::DecideProblems,
        said: "已移动",
        fields: &[("to", "string")],
        run: |ctx, id, f| {
            let changes = problem_decisions::move_ticket(ctx, id, f.one("to"))?;
            Ok(Done { go: f.one("next").map(str::to_owned), changes, ..Done::default() })
        },
    },
];
