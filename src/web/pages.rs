//! The HTML pages, one file a part of the rail.

mod admin;
mod brief;
mod by_link;
mod case;
mod case_charts;
mod case_drawn;
mod case_read;
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
mod supervision;
mod task;
mod tickets;
mod unit;
mod webhooks;
mod wording;

pub use sign_in::DEMO_PASSWORD;

use super::page::Page;
use super::routes::Route;
use super::show::{self, address};
use crate::app::cases::before_assigning::Load;
use crate::domain::event::words;
use crate::store::events::Event;
use crate::store::notices;
use serde::Deserialize;
use std::borrow::Cow;
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
        unit::routes(),
        export::routes(),
        exchange::routes(),
        import::routes(),
        mail::routes(),
        mail_action::routes(),
        opinion::routes(),
        inbox::routes(),
        wording::routes(),
        webhooks::routes(),
        me::routes(),
        playbooks::routes(),
        admin::routes(),
        handover::routes(),
        demo::routes(),
    ];
    rooms.into_iter().flatten().collect()
}

/// Units to choose from.
fn by_name(units: &HashMap<String, String>) -> Vec<(String, String)> {
    let mut units: Vec<(String, String)> = units.clone().into_iter().collect();
    units.sort_by(|a, b| a.1.cmp(&b.1));
    units
}

/// What a list was asked to show: one state or all, what its lines say, which page.
#[derive(Clone, Deserialize)]
struct Narrowed {
    #[serde(default)]
    state: String,
    #[serde(default)]
    q: String,
    #[serde(default)]
    page: u32,
}

impl Narrowed {
    fn first_row(&self) -> i64 {
        i64::from(self.page) * ROWS
    }

    /// The list's address with another state.
    fn with_state(&self, path: &str, state: &str) -> String {
        address(path, &[("state", state), ("q", &self.q)])
    }

    fn pager(&self, path: &str, total: i64) -> Pager {
        Pager::new(path, &[("state", &self.state), ("q", &self.q)], i64::from(self.page), total)
    }
}

/// Where a list stands, with links to the pages before and after.
pub struct Pager {
    pub total: i64,
    /// As it is shown.
    pub total_shown: String,
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
            total_shown: total.to_string(),
            from: (from + 1).min(total),
            to: (from + ROWS).min(total),
            back: (page > 0).then(|| link(page - 1)),
            export: export::KINDS.contains(&path).then(|| address(&format!("/export{path}"), filters)),
            on: (from + ROWS < total).then(|| link(page + 1)),
        }
    }

    /// Of a list that is not counted further.
    fn counted_to(mut self, most: i64) -> Pager {
        if self.total > most {
            self.total_shown = format!("{most}+");
        }
        self
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

    /// Why a notice was settled without a mail: a known reason's words, or what a person wrote.
    pub fn decided<'k>(&self, why: &'k str) -> Cow<'k, str> {
        self.t(match why {
            "passed" => "已有后一步",
            "drafted" => "已拟督办单",
            notices::NO_ADDRESS => "没有可用邮箱",
            "no_longer_needed" => "已不需要",
            "muted" => "收件人不接收",
            written => written,
        })
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
        let mut line = self.t(words(&event.kind)).into_owned();
        if let Some(title) = payload["title"].as_str() {
            line.push_str(&format!("{}{title}", self.t("：")));
        }
        for name in ["basis", "approver", "reason", "from", "to"] {
            if let Some(value) = payload[name].as_str().filter(|value| !value.is_empty() && value.len() != 36) {
                let day: Option<chrono::NaiveDate> = value.parse().ok();
                line.push_str(&format!(" · {}", day.map_or_else(|| value.to_owned(), |day| self.date(&day))));
            }
        }
        line
    }
}
