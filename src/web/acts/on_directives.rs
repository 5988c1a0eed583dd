//! Leaders' directives.

use super::{Act, Done};
use crate::app::directives::{self, NewDirective, Origin, reminding};
use crate::app::{Ctx, Error};
use crate::domain::access::Action;
use crate::domain::directive::DirectiveSource;
use crate::domain::notice::Stage;
use crate::web::fields::Fields;

const NEW: [(&str, &str); 5] =
    [("text", "string"), ("due_on", "string"), ("task_id", "string"), ("unit_id", "array"), ("reader_id", "array")];

pub const ACTS: &[Act] = &[
    Act {
        on: "cases",
        name: "instruct",
        needs: Action::Instruct,
        said: "批示已记录",
        fields: &NEW,
        run: |ctx, id, f| Ok(made(directives::instruct(ctx, id, new(f)?)?)),
    },
    Act {
        on: "cases",
        name: "transcribe-directive",
        needs: Action::TranscribeDirective,
        said: "批示已记录",
        fields: &[
            NEW[0],
            NEW[1],
            NEW[2],
            NEW[3],
            NEW[4],
            ("leader_id", "string"),
            ("leader", "string"),
            ("given_on", "string"),
            ("source", "string"),
        ],
        run: transcribe,
    },
    Act {
        on: "directives",
        name: "report",
        needs: Action::ReportDirective,
        said: "已反馈",
        fields: &[("unit_id", "string"), ("report", "string")],
        run: |ctx, id, f| Ok(directives::report(ctx, id, f.optional("unit_id"), f.text("report"))?.into()),
    },
    Act {
        on: "directives",
        name: "move",
        needs: Action::MoveDirective,
        said: "反馈期限已调整",
        fields: &[("due_on", "string"), ("reason", "string")],
        run: |ctx, id, f| Ok(directives::change_date(ctx, id, f.parsed("due_on")?, f.text("reason"))?.into()),
    },
    Act {
        on: "directives",
        name: "stop-step",
        needs: Action::DecideTask,
        said: "这一步不再发出",
        fields: &[("stage", "string"), ("reason", "string")],
        run: |ctx, id, f| {
            let stage = Stage::parse(&f.text("stage")).ok_or(Error::NotFound)?;
            Ok(reminding::stop(ctx, id, stage, f.text("reason"))?.into())
        },
    },
];

fn made(id: String) -> Done {
    Done { go: Some(format!("/directives/{id}")), id: Some(id), ..Done::default() }
}

fn new(f: &Fields) -> Result<NewDirective, Error> {
    Ok(NewDirective {
        text: f.text("text"),
        due_on: f.parsed("due_on")?,
        task_id: f.optional("task_id"),
        unit_ids: f.all("unit_id"),
        reader_ids: f.all("reader_id"),
    })
}

fn transcribe(ctx: &mut Ctx, id: &str, f: &Fields) -> Result<Done, Error> {
    let origin = Origin {
        leader_id: f.optional("leader_id"),
        leader: f.text("leader"),
        given_on: f.optional_date("given_on")?,
        source: f.one("source").and_then(DirectiveSource::parse),
    };
    Ok(made(directives::transcribe(ctx, id, new(f)?, origin)?))
}
