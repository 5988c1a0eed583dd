//! Lists as spreadsheets, filtered as the page was.

use super::{
    Narrowed, case as case_pages, mail as mail_pages, problems as problem_pages, tickets as ticket_pages,
    unit as unit_page,
};
use crate::app::{Error, cases::case_views, letters::tracking, problems, tasks::task_views::TaskLine, tickets};
use crate::domain::access::Action;
use crate::store::{sent::Span, unsent::Unsent};
use crate::web::page::{Page, PageResult};
use crate::web::routes::{Access, Route};
use actix_web::HttpResponse;
use actix_web::web::Query;
use rust_xlsxwriter::{Format, Workbook, XlsxError};

/// Lists that can be exported, by their page's path.
pub(super) const KINDS: [&str; 6] = ["/tickets", "/problems", "/cases", "/unit", "/mail", "/mail/unsent"];
/// The most rows of a spreadsheet.
const ROWS_MAX: i64 = 20_000;
pub(super) const SPREADSHEET: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";

pub fn routes() -> Vec<Route> {
    vec![
        Route::get("/export/tickets", Access::SignedIn(Action::ReadTickets), export_tickets),
        Route::get("/export/problems", Access::SignedIn(Action::ReadProblems), export_problems),
        Route::get("/export/mail", Access::SignedIn(Action::ReadMail), export_mails),
        Route::get("/export/mail/unsent", Access::SignedIn(Action::ReadMail), export_unsent),
        Route::get("/export/cases", Access::SignedIn(Action::ReadCase), export_cases),
        Route::get("/export/unit", Access::SignedIn(Action::ReceiveTask), export_unit),
    ]
}

enum Cell {
    Text(String),
    Number(f64),
}

async fn export_tickets(page: Page, asked: Query<ticket_pages::Asked>) -> PageResult {
    let filter = asked.filter();
    let (rows, _) = page.read(move |ctx| tickets::list(ctx, &filter, 0, ROWS_MAX)).await?;
    let cells = |row: crate::store::tickets::Ticket| {
        let text = [row.source_no, row.title, row.body, row.category.unwrap_or_default()];
        let rest = [row.district.unwrap_or_default(), page.t(row.disposition.label()).into_owned()];
        let at = page.exactly(&row.received_at);
        text.into_iter().chain(rest).chain([at]).map(Cell::Text).collect()
    };
    let headers = ["编号", "主题", "内容", "类别", "区县", "处置", "受理时间"];
    answer(&page, "tickets", &headers, rows.into_iter().map(cells).collect())
}

async fn export_problems(page: Page, asked: Query<problem_pages::Asked>) -> PageResult {
    let filter = asked.filter();
    let (lines, _) = page.read(move |ctx| problems::list(ctx, &filter, 0, ROWS_MAX)).await?;
    let cells = |line: problems::ProblemLine| {
        let problem = line.problem;
        vec![
            Cell::Number(problem.no as f64),
            Cell::Text(problem.title),
            Cell::Text(line.terms.join(" ")),
            Cell::Number(problem.tickets as f64),
            Cell::Number(problem.callers as f64),
            Cell::Number(problem.window_callers as f64),
            Cell::Text(page.t(problem.state.label()).into_owned()),
        ]
    };
    let headers = ["编号", "问题", "关键词", "工单", "市民", "近28天", "状态"];
    answer(&page, "problems", &headers, lines.into_iter().map(cells).collect())
}

async fn export_mails(page: Page, asked: Query<mail_pages::Asked>) -> PageResult {
    let filter = asked.filter();
    let (rows, _) = page.read(move |ctx| tracking::sent(ctx, &filter, Span::first(ROWS_MAX))).await?;
    let cells = |row: tracking::Tracked| {
        let at = |at: Option<&chrono::NaiveDateTime>| at.map(|at| page.exactly(at)).unwrap_or_default();
        let acted_at = at(row.acted.as_ref().map(|(_, at)| at));
        let by = row.acted.as_ref().map(|(by, _)| by.clone()).unwrap_or_default();
        let line = &row.line;
        let state = page.t(line.state.label()).into_owned();
        let means = page.t(line.means.label()).into_owned();
        let who = [line.subject.clone(), means, line.recipient_name.clone(), line.address.clone(), state];
        let tries = line.attempts.to_string();
        let when = [at(Some(&line.created_at)), at(line.settled_at.as_ref()), at(row.opened_at.as_ref()), by, acted_at];
        let signed = at(row.signed_at.as_ref());
        let reaction = row.reaction().map(|word| page.t(word).into_owned()).unwrap_or_default();
        who.into_iter().chain([tries]).chain(when).chain([signed, reaction]).map(Cell::Text).collect()
    };
    let headers = [
        "主题",
        "渠道",
        "收件",
        "邮箱",
        "状态",
        "尝试",
        "时间",
        "送达或失败时间",
        "打开时间",
        "办理人",
        "办理时间",
        "签收时间",
        "反应",
    ];
    answer(&page, "mails", &headers, rows.into_iter().map(cells).collect())
}

async fn export_unsent(page: Page, asked: Query<mail_pages::Asked>) -> PageResult {
    let filter = asked.filter();
    let (rows, _) = page.read(move |ctx| tracking::unsent(ctx, &filter, Span::first(ROWS_MAX))).await?;
    let cells = |row: Unsent| {
        let stage = page.t(row.stage.label()).into_owned();
        let (why, at) = (page.decided(&row.decision).to_string(), page.exactly(&row.owed_at));
        [stage, row.about, row.recipient_name, why, at].map(Cell::Text).into()
    };
    let headers = ["通知", "事项", "收件", "未发原因", "时间"];
    answer(&page, "unsent", &headers, rows.into_iter().map(cells).collect())
}

async fn export_unit(page: Page, asked: Query<Narrowed>) -> PageResult {
    let lines = page.read(move |ctx| unit_page::narrowed(ctx, &asked)).await?;
    let cells = |line: TaskLine| {
        let (number, found) = (line.found.number(), line.found);
        let due = found.task.due_on.map(|day| day.to_string()).unwrap_or_default();
        let state = page.t(found.task.state.label()).into_owned();
        let marks = [(line.late, "超期"), (line.blocked, "受阻")];
        let marks: Vec<_> = marks.into_iter().filter(|(is, _)| *is).map(|(_, word)| page.t(word)).collect();
        let texts = [number, found.task.title, found.case_title, found.unit_name, state, marks.join(" "), due];
        texts.map(Cell::Text).into()
    };
    let headers = ["编号", "任务", "专项", "单位", "状态", "标记", "期限"];
    answer(&page, "tasks", &headers, lines.into_iter().map(cells).collect())
}

async fn export_cases(page: Page, asked: Query<Narrowed>) -> PageResult {
    let (lines, _) = page.read(move |ctx| case_pages::narrowed(ctx, &asked, 0, ROWS_MAX)).await?;
    let cells = |line: case_views::CaseLine| {
        let state = line.lamp.map_or(line.case.state.label(), |lamp| lamp.label());
        let forecast = line.forecast.map(|day| day.to_string()).unwrap_or_default();
        vec![
            Cell::Text(line.case.no),
            Cell::Text(line.case.title),
            Cell::Text(page.t(state).into_owned()),
            Cell::Text(line.lead),
            Cell::Text(line.case.deadline.to_string()),
            Cell::Text(forecast),
            Cell::Number(line.done as f64),
            Cell::Number(line.total as f64),
        ]
    };
    let headers = ["编号", "专项", "状态", "牵头单位", "期限", "预测完成", "已办结", "任务"];
    answer(&page, "cases", &headers, lines.into_iter().map(cells).collect())
}

fn answer(page: &Page, name: &str, headers: &[&str], rows: Vec<Vec<Cell>>) -> PageResult {
    let headers: Vec<String> = headers.iter().map(|header| page.t(header).into_owned()).collect();
    let bytes = sheet(&headers, rows).map_err(|error| page.failed(Error::Internal(error.to_string())))?;
    Ok(HttpResponse::Ok()
        .content_type(SPREADSHEET)
        .insert_header(("content-disposition", format!("attachment; filename=\"{name}.xlsx\"")))
        .body(bytes))
}

/// Texts are written as texts: what begins like a formula is none.
fn sheet(headers: &[String], rows: Vec<Vec<Cell>>) -> Result<Vec<u8>, XlsxError> {
    let mut book = Workbook::new();
    let sheet = book.add_worksheet();
    let bold = Format::new().set_bold();
    for (column, header) in (0..).zip(headers) {
        sheet.write_string_with_format(0, column, header, &bold)?;
    }
    for (row, cells) in (1..).zip(rows) {
        for (column, cell) in (0..).zip(cells) {
            match cell {
                Cell::Text(text) => sheet.write_string(row, column, text)?,
                Cell::Number(number) => sheet.write_number(row, column, number)?,
            };
        }
    }
    sheet.set_freeze_panes(1, 0)?.autofit();
    book.save_to_buffer()
}
