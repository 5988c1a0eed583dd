//! What mails about meetings say, and the calendar entry they carry.

use crate::app::{Ctx, Error};
use crate::domain::meeting::MeetingState;
use crate::domain::notice::Stage;
use crate::lang::Lang;
use crate::mail::{Ask, Invitation, Link};
use crate::store::notices::Notice;
use crate::store::{cases, meetings};
use chrono::TimeDelta;

/// `None` when the meeting was changed again since.
pub fn ask(ctx: &mut Ctx, notice: &Notice, lang: Lang) -> Result<Option<Ask>, Error> {
    let Some(meeting) = meetings::by_id(&mut ctx.tx, &notice.subject_id)? else { return Ok(None) };
    let Some(case) = cases::by_id(&mut ctx.tx, &meeting.case_id)? else { return Ok(None) };
    if meeting.sequence != notice.cycle || meeting.state == MeetingState::Held {
        return Ok(None);
    }
    let begins = ctx.app.clock.local(meeting.held_at);
    let begins = format!("{} {}", lang.weekday(begins.date_naive(), ctx.today), begins.format("%H:%M"));
    let time = lang.fill("时间：%{time}（约 %{n} 分钟）", &[("time", &begins), ("n", &meeting.duration)]);
    let place = lang.fill("地点：%{place}", &[("place", &meeting.place)]);
    let why = notice.detail.lines().map(str::to_owned);
    let site = &ctx.app.settings.public_url;
    let url = format!("{site}/meetings/{}", meeting.id);
    let host = site.rsplit("//").next().unwrap_or_default();
    Ok(Some(Ask {
        uid: format!("meeting-{}", meeting.id),
        stage: notice.stage,
        heading: format!("{} {}", case.no, meeting.topic),
        lines: [time, place].into_iter().chain(why).collect(),
        due_shown: None,
        due_at: None,
        invitation: Some(Invitation {
            uid: format!("meeting-{}@{host}", meeting.id),
            sequence: meeting.sequence,
            is_cancelled: notice.stage == Stage::MeetingCancelled,
            begins: meeting.held_at,
            ends: meeting.held_at + TimeDelta::minutes(meeting.duration.into()),
            place: meeting.place,
        }),
        links: vec![Link { label: "查看会议", url }],
    }))
}
