//! Acts on problems.

use super::{Act, Done};
use crate::app::problems::matching_index::EngineChange;
use crate::app::{
    Error,
    problems::{problem_decisions, proposals},
};
use crate::domain::access::Action;
use crate::domain::problem::ProblemState;

pub const ACTS: &[Act] = &[
    Act {
        on: "problems",
        name: "watch",
        needs: Action::DecideProblems,
        said: "已列入持续关注",
        fields: &[("reason", "string")],
        run: |ctx, id, f| Ok(problem_decisions::set_state(ctx, id, ProblemState::Watched, f.text("reason"))?.into()),
    },
    Act {
        on: "problems",
        name: "dismiss",
        needs: Action::DecideProblems,
        said: "已不予立项",
        fields: &[("reason", "string")],
        run: |ctx, id, f| Ok(problem_decisions::set_state(ctx, id, ProblemState::Dismissed, f.text("reason"))?.into()),
    },
    Act {
        on: "problems",
        name: "propose",
        needs: Action::DecideProblems,
        said: "已重新研判",
        fields: &[("reason", "string")],
        run: |ctx, id, f| Ok(problem_decisions::set_state(ctx, id, ProblemState::Proposed, f.text("reason"))?.into()),
    },
    Act {
        on: "problems",
        name: "rename",
        needs: Action::DecideProblems,
        said: "已改名",
        fields: &[("title", "string")],
        run: |ctx, id, f| Ok(problem_decisions::rename(ctx, id, f.text("title"))?.into()),
    },
    Act {
        on: "problems",
        name: "merge",
        needs: Action::DecideProblems,
        said: "已合并",
        fields: &[("into", "string"), ("reason", "string")],
        run: |ctx, id, f| {
            let into = problem_decisions::chosen(ctx, "into", &f.text("into"))?;
            let changes = problem_decisions::merge(ctx, id, &into, f.text("reason"))?;
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
            let (new, changes) = problem_decisions::split(ctx, id, &f.all("ticket_ids"), f.text("title"))?;
            Ok(Done { go: Some(format!("/problems/{new}")), id: Some(new), changes })
        },
    },
    Act {
        on: "problems",
        name: "keep-apart",
        needs: Action::DecideProblems,
        said: "已认定不是一个问题",
        fields: &[("other", "string"), ("reason", "string")],
        run: |ctx, id, f| {
            let other = problem_decisions::chosen(ctx, "other", &f.text("other"))?;
            Ok(problem_decisions::keep_apart(ctx, id, &other, f.text("reason"))?.into())
        },
    },
    Act {
        on: "decisions",
        name: "undo",
        needs: Action::DecideProblems,
        said: "已撤销认定",
        fields: &[],
        run: |ctx, id, _| {
            let (problem, changes) = problem_decisions::undo(ctx, id)?;
            Ok(Done { go: Some(format!("/problems/{problem}")), changes, ..Done::default() })
        },
    },
    Act {
        on: "proposals",
        name: "accept",
        needs: Action::DecideProblems,
        said: "已采纳建议",
        fields: &[],
        run: |ctx, id, _| decided(proposals::accept(ctx, id)?),
    },
    Act {
        on: "proposals",
        name: "decline",
        needs: Action::DecideProblems,
        said: "已记下，不再建议",
        fields: &[],
        run: |ctx, id, _| decided(proposals::decline(ctx, id)?),
    },
];

fn decided((problem, changes): (String, Vec<EngineChange>)) -> Result<Done, Error> {
    Ok(Done { go: Some(format!("/problems/{problem}")), changes, ..Done::default() })
}
