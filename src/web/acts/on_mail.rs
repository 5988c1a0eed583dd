//! Acts on what came in by mail, and on how somebody wants mails.

use super::Act;
use crate::app::letters::{inbox, preferences};
use crate::domain::access::Action;
use crate::domain::notice::Rhythm;

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
        fields: &[("rhythm", "string")],
        run: |ctx, id, f| Ok(preferences::set_of_unit(ctx, id, f.code("rhythm", Rhythm::parse)?)?.into()),
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
