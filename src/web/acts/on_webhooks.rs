//! Acts on endpoints and on what they were sent.

use super::{Act, Done};
use crate::app::Error;
use crate::app::webhooks::{self, Edit};
use crate::domain::access::Action;
use crate::domain::webhook::WebhookKind;
use crate::lang::Message;
use crate::web::fields::Fields;

pub const ACTS: &[Act] = &[
    Act {
        on: "webhooks",
        name: "edit",
        needs: Action::Administer,
        said: "已保存",
        fields: &[
            ("version", "integer"),
            ("name", "string"),
            ("url", "string"),
            ("secret", "string"),
            ("events", "string"),
            ("carries_notices", "boolean"),
            ("template", "string"),
            ("active", "boolean"),
        ],
        run: |ctx, id, f| Ok(webhooks::edit(ctx, id, f.parsed("version")?, edit(f))?.into()),
    },
    Act {
        on: "webhooks",
        name: "test",
        needs: Action::Administer,
        said: "测试推送已排队，结果见下面的推送记录",
        fields: &[],
        run: |ctx, id, _| {
            let delivery = webhooks::test(ctx, id)?;
            Ok(Done { id: Some(delivery), ..Done::default() })
        },
    },
    Act {
        on: "webhooks",
        name: "replay-failed",
        needs: Action::Administer,
        said: "已重新排队推送",
        fields: &[],
        run: |ctx, id, _| {
            webhooks::replay_failed(ctx, id)?;
            Ok(Done::default())
        },
    },
    Act {
        on: "deliveries",
        name: "replay",
        needs: Action::Administer,
        said: "已重新排队推送",
        fields: &[],
        run: |ctx, id, _| Ok(webhooks::replay(ctx, id)?.into()),
    },
];

/// What a form or a body says of an endpoint.
pub fn edit(f: &Fields) -> Edit {
    Edit {
        name: f.text("name"),
        url: f.optional("url"),
        secret: f.optional("secret"),
        events: f.text("events"),
        carries_notices: f.one("carries_notices") == Some("true"),
        template: f.text("template").replace("\r\n", "\n"),
        active: f.one("active") != Some("false"),
    }
}

/// What the endpoint is: it must be said.
pub fn kind(f: &Fields) -> Result<WebhookKind, Error> {
    f.one("kind").and_then(WebhookKind::parse).ok_or_else(|| Error::field("kind", Message::new("请选择类型")))
}
