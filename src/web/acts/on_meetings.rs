//! Acts on meetings.

use super::{Act, Done, Field, VERSION, joined};
use crate::app::Error;
use crate::app::cases::meetings::{self, Call, Decided};
use crate::domain::access::Action;
use crate::lang::Message;
use crate::web::fields::Fields;
use std::collections::HashMap;

/// Rows for decisions on the form; the API takes as many.
pub const DECISIONS: std::ops::RangeInclusive<usize> = 1..=8;

const CALL: [Field; 6] = [
    ("topic", "string"),
    ("day", "string"),
    ("time", "string"),
    ("duration", "integer"),
    ("place", "string"),
    ("unit_ids", "array"),
];

pub const ACTS: &[Act] = &[
    Act {
        on: "cases",
        name: "call-meeting",
        needs: Action::ShapePlan,
        said: "会议通知已发出",
        fields: &CALL,
        run: |ctx, id, f| {
            let meeting = meetings::call(ctx, id, call(f)?)?;
            Ok(Done { go: Some(format!("/meetings/{meeting}")), id: Some(meeting), ..Done::default() })
        },
    },
    Act {
        on: "meetings",
        name: "change",
        needs: Action::ShapePlan,
        said: "会议已调整，新的邀请已发出",
        fields: &joined::<7>(&[&[VERSION], &CALL]),
        run: |ctx, id, f| Ok(meetings::change(ctx, id, f.parsed("version")?, call(f)?)?.into()),
    },
    Act {
        on: "meetings",
        name: "cancel",
        needs: Action::ShapePlan,
        said: "会议已取消，已通知各单位",
        fields: &[VERSION, ("reason", "string")],
        run: |ctx, id, f| Ok(meetings::cancel(ctx, id, f.parsed("version")?, f.text("reason"))?.into()),
    },
    Act {
        on: "meetings",
        name: "record",
        needs: Action::ShapePlan,
        said: "纪要已保存，议定事项已转为任务",
        fields: &[
            VERSION,
            ("minutes", "string"),
            ("decision", "object"),
            ("unit_id", "object"),
            ("duration", "object"),
        ],
        run: |ctx, id, f| Ok(meetings::record(ctx, id, f.parsed("version")?, f.text("minutes"), decided(f)?)?.into()),
    },
];

fn call(fields: &Fields) -> Result<Call, Error> {
    Ok(Call {
        topic: fields.text("topic"),
        day: fields.parsed("day")?,
        time: fields.parsed("time")?,
        duration: fields.parsed("duration")?,
        place: fields.text("place"),
        unit_ids: fields.all("unit_ids"),
    })
}

/// Each row's text, unit and working days, by the row's number.
fn decided(fields: &Fields) -> Result<Vec<Decided>, Error> {
    let units: HashMap<String, String> = fields.under("unit_id").collect();
    let days: HashMap<String, String> = fields.under("duration").collect();
    let mut rows: Vec<(String, String)> = fields.under("decision").collect();
    rows.sort_by_key(|(row, _)| row.parse::<usize>().unwrap_or(usize::MAX));
    let one = |(row, text): (String, String)| {
        let duration = days.get(&row).map_or(Ok(5), |days| days.parse());
        let duration = duration.map_err(|_| Error::field("duration", Message::new("请填写天数")))?;
        Ok(Decided { text, unit_id: units.get(&row).cloned(), duration })
    };
    rows.into_iter().map(one).collect()
}
