//! Acts on units and people.

use super::{Act, Done, VERSION};
use crate::app::admin::{self, PersonEdit, UnitEdit};
use crate::app::handover::{self, Move};
use crate::app::plans::work_calendar::UnitDays;
use crate::app::{Error, accounts, plans::feeds};
use crate::domain::access::{Action, Role};
use crate::domain::calendar::DayKind;
use crate::lang::Message;
use crate::web::fields::Fields;

pub const ACTS: &[Act] = &[
    Act {
        on: "units",
        name: "edit",
        needs: Action::Administer,
        said: "已保存",
        fields: &[
            VERSION,
            ("name", "string"),
            ("name_en", "string"),
            ("mailbox", "string"),
            ("active", "boolean"),
            ("submits_signed_in", "boolean"),
            ("head_signs_off", "boolean"),
        ],
        run: |ctx, id, f| {
            let edit = UnitEdit {
                name: f.text("name"),
                name_en: f.optional("name_en"),
                mailbox: f.optional("mailbox"),
                active: f.one("active") == Some("true"),
                submits_signed_in: f.one("submits_signed_in") == Some("true"),
                head_signs_off: f.one("head_signs_off") == Some("true"),
            };
            Ok(admin::edit_unit(ctx, id, f.parsed("version")?, edit)?.into())
        },
    },
    Act {
        on: "people",
        name: "edit",
        needs: Action::Administer,
        said: "已保存",
        fields: &[
            VERSION,
            ("name", "string"),
            ("email", "string"),
            ("phone", "string"),
            ("password", "string"),
            ("active", "boolean"),
        ],
        run: |ctx, id, f| {
            let edit = PersonEdit {
                name: f.text("name"),
                email: f.optional("email"),
                phone: f.optional("phone"),
                active: f.one("active") == Some("true"),
                password: f.optional("password"),
            };
            Ok(admin::edit_person(ctx, id, f.parsed("version")?, edit)?.into())
        },
    },
    Act {
        on: "people",
        name: "move",
        needs: Action::Administer,
        said: "已移交",
        fields: &[
            ("successor_id", "string"),
            ("tasks", "object"),
            ("role", "string"),
            ("unit_id", "string"),
            ("reason", "string"),
        ],
        run: |ctx, id, f| {
            let post = f.one("role").map(|_| role(f)).transpose()?.map(|role| (role, f.optional("unit_id")));
            let (successor_id, tasks, reason) = (f.text("successor_id"), f.under("tasks").collect(), f.text("reason"));
            Ok(handover::hand_over(ctx, id, Move { successor_id, tasks, post, reason })?.into())
        },
    },
    Act {
        on: "people",
        name: "add-post",
        needs: Action::Administer,
        said: "已保存",
        fields: &[("role", "string"), ("unit_id", "string")],
        run: |ctx, id, f| {
            let post = admin::add_post(ctx, id, role(f)?, f.optional("unit_id"))?;
            Ok(Done { id: Some(post), ..Done::default() })
        },
    },
    Act {
        on: "people",
        name: "end-post",
        needs: Action::Administer,
        said: "已保存",
        fields: &[("post_id", "string")],
        run: |ctx, id, f| Ok(admin::end_post(ctx, id, &f.text("post_id"))?.into()),
    },
    Act {
        on: "tokens",
        name: "revoke",
        needs: Action::OwnAccount,
        said: "令牌已作废",
        fields: &[],
        run: |ctx, id, _| {
            accounts::revoke_own_token(ctx, id)?;
            Ok(Done { go: Some("/me".to_owned()), ..Done::default() })
        },
    },
    Act {
        on: "feeds",
        name: "revoke",
        needs: Action::OwnAccount,
        said: "日历订阅已作废",
        fields: &[],
        run: |ctx, id, _| {
            feeds::revoke(ctx, id)?;
            Ok(Done { go: Some("/me".to_owned()), ..Done::default() })
        },
    },
];

/// Days of a unit's own calendar.
pub fn unit_days(fields: &Fields) -> Result<UnitDays, Error> {
    let kind = fields.one("kind").and_then(DayKind::parse);
    Ok(UnitDays {
        from: fields.parsed("from")?,
        until: fields.optional_date("until")?,
        kind: kind.ok_or_else(|| Error::field("kind", Message::new("请填写内容")))?,
        name: fields.text("name"),
    })
}

/// A post that an administrator gives; the lead unit's manager is named in the case.
pub fn role(fields: &Fields) -> Result<Role, Error> {
    let role = fields.one("role").and_then(Role::parse).filter(|role| *role != Role::LeadManager);
    role.ok_or_else(|| Error::field("role", Message::new("请选择岗位")))
}
