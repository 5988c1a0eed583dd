//! Acts on problems.

use super::{Act, Done};
use crate::app::problems;
use crate::domain::access::Action;
use crate::domain::problem::ProblemState;

pub const ACTS: &[Act] = &[
    Act {
        on: "problems",
        name: "watch",
        needs: Action::DecideProblems,
        said: "已列入持续关注",
        fields: &[("reason", "string")],
        run: |ctx, id, f| Ok(problems::set_state(ctx, id, ProblemState::Watched, f.text("reason"))?.into()),
    },
    Act {
        on: "problems",
        name: "dismiss",
        needs: Action::DecideProblems,
        said: "已不予立项",
        fields: &[("reason", "string")],
        run: |ctx, id, f| Ok(problems::set_state(ctx, id, ProblemState::Dismissed, f.text("reason"))?.into()),
    },
    Act {
        on: "problems",
        name: "propose",
        needs: Action::DecideProblems,
        said: "已重新研判",
        fields: &[("reason", "string")],
        run: |ctx, id, f| Ok(problems::set_state(ctx, id, ProblemState::Proposed, f.text("reason"))?.into()),
    },
    Act {
        on: "problems",
        name: "rename",
        needs: Action::DecideProblems,
        said: "已改名",
        fields: &[("title", "string")],
        run: |ctx, id, f| Ok(problems::rename(ctx, id, f.text("title"))?.into()),
    },
    Act {
        on: "problems",
        name: "merge",
        needs: Action::DecideProblems,
        said: "已合并",
        fields: &[("into", "string"), ("reason", "string")],
        run: |ctx, id, f| {
            let into = f.text("into");
            let changes = problems::merge(ctx, id, &into, f.text("reason"))?;
            Ok(Done { go: Some(format!("/problems/{into}")), changes, ..Done::default() })
        },
    },
    Act {
        on: "problems",
        name: "split",
        needs: Action::DecideProblems,
        said: "已拆分",
        fields: &[("ticket_ids", "array"), ("title", "string")],
        run: |ctx, id, f| {
            let (new, changes) = problems::split(ctx, id, &f.all("ticket_ids"), f.text("title"))?;
            Ok(Done { go: Some(format!("/problems/{new}")), id: Some(new), changes })
        },
    },
];
