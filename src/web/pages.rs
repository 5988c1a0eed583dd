//! The HTML pages, one file a part of the rail.

mod admin;
mod brief;
mod by_link;
mod case;
mod case_charts;
mod case_drawn;
mod case_tried;
mod deadline;
mod demo;
mod desk;
mod directive;
mod duty;
mod exchange;
mod export;
mod handover;
mod import;
mod inbox;
mod mail;
mod mail_action;
mod me;
mod meeting;
mod opinion;
mod playbooks;
mod problems;
mod sign_in;

pub use sign_in::DEMO_PASSWORD;
mod supervision;
mod task;
mod tickets;
mod wording;

use super::page::{Page, error_page};
use super::routes::Route;
use super::show::{self, address};
use crate::app::Error;
use crate::app::cases::before_assigning::Load;
use crate::lang::Lang;
use crate::store::events::Event;
use actix_web::HttpResponse;
use std::collections::HashMap;

const ROWS: i64 = 50;

pub fn routes() -> Vec<Route> {
    let rooms = [
        sign_in::routes(),
        desk::routes(),
        problems::routes(),
        case::routes(),
        case_charts::routes(),
        task::routes(),
        supervision::routes(),
        directive::routes(),
        duty::routes(),
        brief::routes(),
        meeting::routes(),
        deadline::routes(),
        tickets::routes(),
        export::routes(),
        exchange::routes(),
        import::routes(),
        mail::routes(),
        mail_action::routes(),
        opinion::routes(),
        inbox::routes(),
        wording::routes(),
        me::routes(),
        playbooks::routes(),
        admin::routes(),
        handover::routes(),
        demo::routes(),
    ];
    rooms.into_iter().flatten().collect()
}

pub fn not_found() -> HttpResponse {
    error_page(&Error::NotFound, Lang::Zh)
}

/// Units to choose from.
fn by_name(units: &HashMap<String, String>) -> Vec<(String, String)> {
    let mut units: Vec<(String, String)> = units.clone().into_iter().collect();
    units.sort_by(|a, b| a.1.cmp(&b.1));
    units
}

/// Where a list stands, with links to the pages before and after.
pub struct Pager {
    pub total: i64,
    pub from: i64,
    pub to: i64,
    pub back: Option<String>,
    pub on: Option<String>,
    /// The whole list as a spreadsheet, where there is one.
    pub export: Option<String>,
}

impl Pager {
    /// `path` and `filters` are the list's address, as it was asked for.
    pub fn new(path: &str, filters: &[(&str, &str)], page: i64, total: i64) -> Pager {
        let link = |page: i64| address(path, &[filters, &[("page", &page.to_string())]].concat());
        let from = page * ROWS;
        Pager {
            total,
            from: (from + 1).min(total),
            to: (from + ROWS).min(total),
            back: (page > 0).then(|| link(page - 1)),
            export: export::KINDS.contains(&path).then(|| address(&format!("/export{path}"), filters)),
            on: (from + ROWS < total).then(|| link(page + 1)),
        }
    }
}

/// What templates of several pages draw.
impl Page {
    /// Units to choose from by name, each with what it has in hand and late.
    pub fn units_with_load(&self, loads: HashMap<String, (String, Load)>) -> Vec<(String, String)> {
        let told = |(name, load): (String, Load)| match (load.in_hand, load.late) {
            (0, _) => name,
            (n, 0) => self.fill("%{unit}（在办 %{n}）", &[("unit", &name), ("n", &n)]),
            (n, late) => {
                self.fill("%{unit}（在办 %{n}，超期 %{late}）", &[("unit", &name), ("n", &n), ("late", &late)])
            }
        };
        let mut units: Vec<(String, String)> = loads.into_iter().map(|(id, unit)| (id, told(unit))).collect();
        units.sort_by(|a, b| a.1.cmp(&b.1));
        units
    }

    /// Tickets a week as a small chart, those from before the case in grey, with the figures as its title.
    pub fn weekly(&self, title: &str, values: &[u32], before: usize, step: u32, height: u32) -> String {
        show::weekly(&self.t(title), values, before, step, height)
    }

    /// A place's share of the most frequent one, in percent.
    pub fn share(&self, count: &usize, places: &[(String, usize)]) -> usize {
        count * 100 / places.first().map_or(1, |(_, most)| (*most).max(1))
    }

    /// A word's strength against the strongest one's, in percent.
    pub fn part(&self, strength: &f64, terms: &[(String, f64)]) -> i64 {
        (strength * 100.0 / terms.first().map_or(1.0, |(_, most)| most.max(f64::MIN_POSITIVE))).round() as i64
    }

    /// A likeness in percent.
    pub fn likeness(&self, score: &f64) -> String {
        format!("{:.0}%", score * 100.0)
    }

    /// An event in one line.
    pub fn told(&self, event: &Event) -> String {
        let payload: serde_json::Value = serde_json::from_str(&event.payload).unwrap_or_default();
        let mut line = self.t(event_words(&event.kind)).into_owned();
        if let Some(title) = payload["title"].as_str() {
            line.push_str(&format!("{}{title}", self.t("：")));
        }
        for name in ["basis", "approver", "reason", "from", "to"] {
            if let Some(value) = payload[name].as_str().filter(|value| !value.is_empty() && value.len() != 36) {
                line.push_str(&format!(" · {value}"));
            }
        }
        line
    }
}

fn event_words(kind: &str) -> &'static str {
    match kind {
        "case.opened" => "拟立项",
        "case.edited" => "修改专项",
        "case.plan_changed" => "应用推演的改动",
        "case.consult" => "征求意见",
        "case.opinions_asked" => "征求各单位意见",
        "case.opinion_given" => "答复征求意见",
        "case.approve" => "报批",
        "case.issued" => "交办",
        "case.approved_after" => "补录审批",
        "case.dates_recomputed" => "工作日历调整，期限变动",
        "case.deadline_moved" => "调整期限",
        "case.manager_set" => "指定牵头负责人",
        "directive.given" => "批示",
        "directive.reported" => "反馈批示",
        "directive.step_stopped" => "停止一步提醒",
        "case.ordered" => "领导确定次序",
        "case.verify" => "转入成效观察",
        "case.observed" => "观察期满判定",
        "case.observation_prolonged" => "可比天数不足，延长观察",
        "case.rebased" => "问题有合并或拆分，基线重算",
        "case.close" => "销号",
        "case.resume" => "开始新一轮",
        "case.termination_asked" => "申请终止",
        "case.terminate" => "终止",
        "case.reopen" => "诉求回潮，重启",
        "case.looked_back" => "回头看",
        "meeting.called" => "召集协调会",
        "meeting.changed" => "调整协调会",
        "meeting.cancelled" => "取消协调会",
        "meeting.recorded" => "记录会议纪要",
        "case.coordinator_changed" => "更换协调员",
        "task.added" => "添加任务",
        "task.changed" => "修改任务",
        "task.released" => "任务放行",
        "task.withheld" => "任务收回",
        "task.acknowledge" => "签收",
        "task.start" => "开始办理",
        "task.reported" => "填报进展",
        "task.submit" => "提交办结",
        "task.accepted_first" => "初验通过",
        "task.accept" => "验收通过",
        "task.return" => "退回",
        "task.cancel" => "取消任务",
        "task.blocked" => "受阻，提请协调",
        "task.block_answered" => "答复协助请求",
        "task.block_cleared" => "解除受阻",
        "task.extension_asked" => "申请延期",
        "task.extension_decided" => "延期批复",
        "task.objected" => "职责异议",
        "task.objection_referred" => "异议提交上一级",
        "task.objection_opinion" => "异议会商意见",
        "task.clock_set" => "异议期间计时调整",
        "task.objection_ruled" => "异议裁定",
        "task.assigned" | "task.handed_over" => "改派",
        "task.passed_on" => "转办",
        "task.signed_off" => "单位负责人签发",
        "task.checklist_added" | "task.checklist_ticked" | "task.checklist_removed" => "更新清单",
        "task.commented" => "留言",
        "task.proxy_corrected" => "更正代录",
        "task.called" => "记录通话",
        "task.step_stopped" => "停止一步提醒",
        "task.supervision_drafted" => "拟督办单",
        "task.supervision_signed" => "签发督办单",
        "task.supervision_withdrawn" => "督办单不予签发",
        "task.file_attached" => "上传附件",
        "dependency.added" => "添加前置关系",
        "dependency.removed" => "删除前置关系",
        "mail.undelivered" => "通知未能送达",
        "mail.resent" => "重发邮件",
        "mail.inbound_settled" => "处理来信",
        "ticket.attached" => "工单并入",
        "ticket.detached" => "工单拆出",
        _ => "其他变动",
    }
}
