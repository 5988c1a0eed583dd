//! A case's graph and Gantt chart as SVG: on its page, and as files that stand for themselves.

use super::case_drawn::{self as drawn, CardView, GanttRow};
use crate::app::cases::case_views::{self, CaseView};
use crate::domain::access::Action;
use crate::plan::gantt::{Gantt, gantt};
use crate::plan::layout::{Layout, Route as EdgeRoute, layout};
use crate::web::assets::DRAWING_STYLE;
use crate::web::page::{Page, PageError, PageResult};
use crate::web::routes::{Access, Route};
use actix_web::HttpResponse;
use actix_web::web::Path;
use askama::Template;

/// A file's title and legend stand above the drawing.
const HEAD_HEIGHT: i32 = 60;
/// The tasks' names left of the Gantt chart; on its page they stand outside the SVG and stay in view.
const NAMES_WIDTH: i64 = 280;
const MONTHS_HEIGHT: i32 = 28;

#[derive(Template)]
#[template(path = "case_graph.html", config = "src/web/askama.toml")]
pub struct Graph<'a> {
    pub page: &'a Page,
    pub view: &'a CaseView,
    pub layout: &'a Layout,
    pub cards: &'a [CardView],
    /// The page a card leads to, without the card's number; a file leads nowhere.
    pub here: Option<String>,
    /// The dependency picked, by the numbers of its tasks.
    pub edge: Option<(i32, i32)>,
    /// What a file says above the drawing.
    pub heading: Option<String>,
}

impl Graph<'_> {
    fn head(&self) -> i32 {
        head_height(self.heading.as_ref())
    }

    /// The edges, those of the critical path last: over the others.
    fn edges(&self) -> Vec<&EdgeRoute> {
        let mut edges: Vec<_> = self.layout.routes.iter().collect();
        edges.sort_by_key(|route| self.on_path(route));
        edges
    }

    /// An edge of the critical path.
    fn on_path(&self, route: &EdgeRoute) -> bool {
        let mut steps = self.view.schedule.critical_path.windows(2);
        steps.any(|pair| pair[0] == route.predecessor && pair[1] == route.successor)
    }

    fn no_of(&self, task_id: &str) -> i32 {
        self.view.plan.task(task_id).map_or(0, |task| task.no)
    }

    fn is_picked(&self, route: &EdgeRoute) -> bool {
        self.edge == Some((self.no_of(&route.predecessor), self.no_of(&route.successor)))
    }
}

#[derive(Template)]
#[template(path = "case_gantt.html", config = "src/web/askama.toml")]
pub struct Chart<'a> {
    pub page: &'a Page,
    pub gantt: &'a Gantt,
    pub rows: &'a [GanttRow],
    pub heading: Option<String>,
}

impl Chart<'_> {
    fn head(&self) -> i32 {
        head_height(self.heading.as_ref())
    }
}

/// Style, title and legend of a drawing that is a file.
#[derive(Template)]
#[template(path = "case_heading.html", config = "src/web/askama.toml")]
struct Heading<'a> {
    page: &'a Page,
    view: &'a CaseView,
    legend: Vec<drawn::Mark>,
    left: i64,
}

fn head_height(heading: Option<&String>) -> i32 {
    if heading.is_some() { HEAD_HEIGHT } else { 0 }
}

pub fn routes() -> Vec<Route> {
    vec![
        Route::get("/cases/{id}/graph.svg", Access::SignedIn(Action::ReadCase), graph_file),
        Route::get("/cases/{id}/gantt.svg", Access::SignedIn(Action::ReadCase), gantt_file),
    ]
}

async fn graph_file(page: Page, id: Path<String>) -> PageResult {
    let view = page.read(move |ctx| case_views::show(ctx, &id)).await?;
    let layout = layout(&view.graph);
    let cards = drawn::cards(&page, &view, Some(&layout), None);
    let heading = Some(heading(&page, &view, &cards, 0)?);
    let drawing = Graph { page: &page, view: &view, layout: &layout, cards: &cards, here: None, edge: None, heading };
    file(&page, &drawing, &view, "graph")
}

async fn gantt_file(page: Page, id: Path<String>) -> PageResult {
    let view = page.read(move |ctx| case_views::show(ctx, &id)).await?;
    let gantt = gantt(&view.graph, &view.schedule, view.line.case.deadline, page.today());
    let rows = drawn::gantt_rows(&view, &gantt);
    let cards = drawn::cards(&page, &view, None, None);
    let heading = Some(heading(&page, &view, &cards, -NAMES_WIDTH)?);
    file(&page, &Chart { page: &page, gantt: &gantt, rows: &rows, heading }, &view, "gantt")
}

fn heading(page: &Page, view: &CaseView, cards: &[CardView], left: i64) -> Result<String, PageError> {
    page.rendered(&Heading { page, view, legend: drawn::legend(cards), left })
}

fn file(page: &Page, drawing: &impl Template, view: &CaseView, kind: &str) -> PageResult {
    let name = format!("attachment; filename=\"{}-{kind}.svg\"", view.line.case.no);
    Ok(HttpResponse::Ok()
        .content_type("image/svg+xml; charset=utf-8")
        .insert_header(("content-disposition", name))
        .insert_header(("cache-control", "no-store"))
        .body(page.rendered(drawing)?))
}
