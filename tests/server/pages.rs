//! Every page, in both languages, for the people it is for.

use crate::chain::{complaints, diamond, issue};
use crate::support::{Client, On, Server, between};
use calamine::Reader;
use rstest::rstest;

/// The pages and who looks at them, as the tests' people are named.
async fn looked_at(server: &Server) -> Vec<(&'static str, String)> {
    let (coordinator, operator) = (server.sign_in("coordinator").await, server.sign_in("operator").await);
    complaints(server, &operator, "first", 30, 12).await;
    server.detect().await;
    let (case, [survey, ..]) = diamond(server, &coordinator).await;
    issue(server, &coordinator, &case).await;
    let first = async |path: &str, list: &str| {
        coordinator.read(path).await[list][0]["id"].as_str().map(str::to_owned).expect("there is one")
    };
    let problem = first("/problems", "problems").await;
    let ticket = first("/tickets", "tickets").await;
    server.mails_when(|mails| !mails.is_empty()).await;
    let mail = first("/mails", "mails").await;
    let mut pages = vec![
        ("coordinator", "/desk".to_owned()),
        ("coordinator", "/problems".to_owned()),
        ("coordinator", format!("/problems/{problem}")),
        ("coordinator", format!("/problems/{problem}/promote")),
        ("coordinator", "/cases".to_owned()),
        ("coordinator", format!("/tasks/{survey}")),
        ("traffic", format!("/tasks/{survey}")),
        ("traffic", "/unit".to_owned()),
        ("leader", "/lead".to_owned()),
        ("coordinator", "/tickets".to_owned()),
        ("operator", "/tickets/new".to_owned()),
        ("operator", format!("/tickets/{ticket}")),
        ("coordinator", "/search?q=拥堵".to_owned()),
        ("coordinator", "/mail".to_owned()),
        ("coordinator", format!("/mail/{mail}")),
        ("admin", "/admin".to_owned()),
    ];
    for tab in ["graph", "gantt", "tasks", "timeline", "tickets", "mails"] {
        pages.push(("coordinator", format!("/cases/{case}?tab={tab}")));
    }
    pages
}

async fn text_of(client: &Client, path: &str) -> String {
    let answer = client.get(path).await;
    assert_eq!(answer.status().as_u16(), 200, "{path}");
    answer.text().await.unwrap()
}

#[rstest]
#[case(On::Sqlite)]
#[case(On::Postgres)]
#[tokio::test]
async fn every_page_is_shown_whole_and_nothing_comes_from_elsewhere(#[case] on: On) {
    let Some(server) = Server::start(on).await else { return };
    for (login, path) in looked_at(&server).await {
        let page = text_of(&server.sign_in(login).await, &path).await;
        assert!(page.trim_end().ends_with("</html>"), "{path}");
        assert!(!page.contains("src=\"http") && !page.contains("href=\"http"), "{path} needs another host");
        assert!(!page.contains("javascript:") && !page.contains(" onclick="), "{path}");
    }
    server.stop().await;
}

#[tokio::test]
async fn what_people_write_is_shown_as_text() {
    let Some(server) = Server::start(On::Sqlite).await else { return };
    let operator = server.sign_in("operator").await;
    let fields = [("title", "<script>alert(1)</script>"), ("body", "\"><img src=x onerror=alert(1)>")];
    let saved = operator.form("/tickets", &fields).await;
    assert_eq!(saved.status().as_u16(), 303, "{}", saved.text().await.unwrap());
    let page = text_of(&operator, "/tickets").await;
    assert!(page.contains("&#60;script&#62;") && !page.contains("<script>alert"), "escaped");
    server.stop().await;
}

#[tokio::test]
async fn a_page_that_is_not_there_says_so_in_the_readers_language() {
    let Some(server) = Server::start(On::Sqlite).await else { return };
    let leader = server.sign_in("leader").await;
    let answer = leader.get("/cases/none").await;
    assert_eq!(answer.status().as_u16(), 404);
    assert!(answer.text().await.unwrap().contains("没有找到"));
    leader.form("/language", &[("lang", "en"), ("next", "/lead")]).await;
    let page = text_of(&leader, "/lead").await;
    assert_eq!(between(&page, "<html lang=\"", "\""), Some("en"));
    server.stop().await;
}

#[tokio::test]
async fn a_list_is_exported_as_it_was_filtered() {
    let Some(server) = Server::start(On::Sqlite).await else { return };
    looked_at(&server).await;
    let coordinator = server.sign_in("coordinator").await;
    let rows_of = async |path: &str| {
        let bytes = coordinator.get(path).await.bytes().await.unwrap().to_vec();
        let mut book: calamine::Xlsx<_> = calamine::open_workbook_from_rs(std::io::Cursor::new(bytes)).unwrap();
        let sheet = book.worksheet_range_at(0).unwrap().unwrap();
        sheet.rows().skip(1).map(|row| row[1].to_string()).collect::<Vec<String>>()
    };
    let all = coordinator.read("/tickets").await["total"].as_u64().unwrap() as usize;
    assert_eq!(rows_of("/export/tickets").await.len(), all);
    assert!(rows_of("/export/tickets?district=nowhere").await.is_empty());
    assert_eq!(rows_of("/export/cases").await, ["实验小学校门口拥堵"]);
    assert!(!rows_of("/export/problems?state=").await.is_empty());
    assert!(text_of(&coordinator, "/tickets").await.contains("href=\"/export/tickets?"));
    server.stop().await;
}
