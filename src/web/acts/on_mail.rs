//! Acts on what came in by mail, and on how somebody wants mails.

use super::Act;
use crate::app::Error;
use crate::app::letters::{inbox, preferences};
use crate::domain::access::Action;
use crate::domain::notice::{Rhythm, Stage};
use crate::domain::webhook::Means;
use crate::web::fields::Fields;

pub const ACTS: &[Act] = &[
    Act {
        on: "inbox",
        name: "settle",
        needs: Action::ResendMail,
        said: "已处理",
        fields: &[("note", "string")],
        run: |ctx, id, f| Ok(inbox::settle(ctx, id, f.text("note"))?.into()),
    },
    Act {
        on: "units",
        name: "mail-rhythm",
        needs: Action::Administer,
        said: "已保存",
        fields: &[("rhythm", "string"), ("channels", "array")],
        run: |ctx, id, f| {
            let rhythm = f.code("rhythm", Rhythm::parse)?;
            Ok(preferences::set_of_unit(ctx, id, rhythm, &channels(f)?)?.into())
        },
    },
    Act {
        on: "absences",
        name: "end",
        needs: Action::OwnAccount,
        said: "已结束代收",
        fields: &[],
        run: |ctx, id, _| {
            preferences::be_back(ctx, id)?;
            Ok(super::Done { go: Some("/me".to_owned()), ..super::Done::default() })
        },
    },
];

/// What somebody does not want to be told of.
pub fn muted(fields: &Fields) -> Result<Vec<Stage>, Error> {
    fields.codes("muted", Stage::parse)
}

/// The order of channels, each once.
pub fn channels(fields: &Fields) -> Result<Vec<Means>, Error> {
    let mut order = Vec::new();
    for means in fields.codes("channels", Means::parse)? {
        if !order.contains(&means) {
            order.push(means);
        }
    }
    Ok(order)
}
