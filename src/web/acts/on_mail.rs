//! Acts on what came in by mail.

use super::Act;
use crate::app::inbox;
use crate::domain::access::Action;

pub const ACTS: &[Act] = &[Act {
    on: "inbox",
    name: "settle",
    needs: Action::ResendMail,
    said: "已处理",
    fields: &[("note", "string")],
    run: |ctx, id, f| Ok(inbox::settle(ctx, id, f.text("note"))?.into()),
}];
