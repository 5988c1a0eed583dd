//! The coordinator's desk, the leaders' view, the search box.

use super::ROWS;
use crate::app::cases::case_views::{self, CaseLine};
use crate::app::desk::{self, Group, Waiting};
use crate::app::leadership::{self, Leadership};
use crate::app::search::{self, Found};
use crate::domain::access::Action;
use crate::domain::case::CaseState;
use crate::web::page::{Page, PageResult};
use crate::web::routes::{Access, Route};
use actix_web::web::Query;
use askama::Template;
use serde::Deserialize;

/// Problems on the desk; the others are on the list of problems, the hottest first there too.
const PROBLEMS_SHOWN: usize = 8;

#[derive(Template)]
#[template(path = "desk.html", config = "src/web/askama.toml")]
struct DeskPage {
    page: Page,
    total: usize,
    groups: Vec<Shown>,
    cases: Vec<CaseLine>,
    cases_total: i64,
}

/// What waits under one heading, what delays most first.
struct Shown {
    /// A translation key.
    title: &'static str,
    rows: Vec<Waiting>,
    /// How many more there are, and where.
    rest: usize,
    rest_at: &'static str,
}

#[derive(Template)]
#[template(path = "lead.html", config = "src/web/askama.toml")]
struct LeadPage {
    page: Page,
    view: Leadership,
}

#[derive(Template)]
#[template(path = "search.html", config = "src/web/askama.toml")]
struct SearchPage {
    page: Page,
    q: String,
    found: Found,
}

impl LeadPage {
    /// The first line in words: each piece with the class of its colour, `strong` for a number, empty for plain text.
    fn headline(&self) -> Vec<(&'static str, String)> {
        let view = &self.view;
        let said = self.page.fill(
            "在办 |%{hand}| 件，|红灯 %{red} 件|，|黄灯 %{yellow} 件|；观察 |%{watch}| 件，本周销号 |%{closed}| 件，回潮 |%{back}| 件。批示待反馈 |%{owed}| 件。",
            &[
                ("hand", &view.in_hand),
                ("red", &view.red),
                ("yellow", &view.yellow),
                ("watch", &view.verifying),
                ("closed", &view.closed_this_week),
                ("back", &view.reopened_this_week),
                ("owed", &view.directives.len()),
            ],
        );
        let red = if view.red > 0 { "red" } else { "strong" };
        let yellow = if view.yellow > 0 { "yellow" } else { "strong" };
        let back = if view.reopened_this_week > 0 { "red" } else { "strong" };
        let mut strong = ["strong", red, yellow, "strong", "strong", back, "strong"].into_iter();
        let pieces = said.split('|').enumerate();
        pieces
            .map(|(i, text)| (if i % 2 == 1 { strong.next().unwrap_or("strong") } else { "" }, text.to_owned()))
            .collect()
    }
}

pub fn routes() -> Vec<Route> {
    vec![
        Route::get("/desk", Access::SignedIn(Action::OwnAccount), show),
        Route::get("/lead", Access::SignedIn(Action::ReadLeadership), lead),
        Route::get("/search", Access::SignedIn(Action::Search), search),
    ]
}

#[derive(Deserialize)]
struct Wanted {
    /// Everything that waits, however much it is.
    all: Option<String>,
}

async fn show(page: Page, wanted: Query<Wanted>) -> PageResult {
    let may_read_cases = page.may(Action::ReadCase);
    let (waiting, (cases, cases_total)) = page
        .read(move |ctx| {
            let open =
                [CaseState::Issued, CaseState::Verifying, CaseState::Draft, CaseState::Consulted, CaseState::Approved];
            let cases =
                if may_read_cases { case_views::page(ctx, &open, "", 0..ROWS as usize)? } else { Default::default() };
            Ok((desk::waiting(ctx)?, cases))
        })
        .await?;
    let total = waiting.total();
    let mut page = page;
    page.counts.desk = total;
    let shows_all = wanted.all.is_some();
    let of = |group: Group| {
        let mut rows: Vec<Waiting> = waiting.rows.iter().filter(|row| row.group == group).cloned().collect();
        let all = rows.len() + waiting.unlisted(group);
        let (most, rest_at) = match group {
            Group::Problem => (PROBLEMS_SHOWN, "/problems"),
            _ if shows_all => (all, "/inbox"),
            _ => (ROWS as usize, "/desk?all=1"),
        };
        rows.truncate(most);
        Shown { title: group.label(), rest: all - rows.len(), rest_at, rows }
    };
    let groups = Group::ALL.iter().map(|group| of(*group)).filter(|shown| !shown.rows.is_empty());
    page.html(&DeskPage { page: page.clone(), total, groups: groups.collect(), cases, cases_total })
}

async fn lead(page: Page) -> PageResult {
    let view = page.read(leadership::leadership).await?;
    page.html(&LeadPage { page: page.clone(), view })
}

#[derive(Deserialize)]
struct Asked {
    #[serde(default)]
    q: String,
}

async fn search(page: Page, asked: Query<Asked>) -> PageResult {
    let (q, text) = (asked.q.clone(), asked.into_inner().q);
    let found = page.read(move |ctx| search::search(ctx, &text)).await?;
    page.html(&SearchPage { page: page.clone(), q, found })
}
