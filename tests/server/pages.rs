//! Every page, in both languages, for the people it is for.

use crate::chain::{complaints, diamond, issue, task};
use crate::support::{Client, On, Server, between};
use calamine::Reader;
use chrono::TimeDelta;
use rstest::rstest;
use serde_json::json;

#[tokio::test]
async fn an_address_that_is_none_is_answered_to_a_program_and_to_a_person() {
    let Some(server) = Server::start(On::Sqlite).await else { return };
    let coordinator = server.sign_in("coordinator").await;
    for path in ["/nowhere", "/cases/nowhere/nothing"] {
        coordinator.refused(path, json!({}), 404).await;
        let page = coordinator.get(path).await;
        assert_eq!(page.status().as_u16(), 404, "{path}");
        assert!(page.text().await.unwrap().contains("没有找到"), "{path}");
        let asked = coordinator.http.get(format!("{}{path}", coordinator.base)).header("accept-language", "en");
        assert!(asked.send().await.unwrap().text().await.unwrap().contains("Not found"), "{path} in English");
    }
}

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
        ("coordinator", "/inbox".to_owned()),
        ("coordinator", "/playbooks".to_owned()),
        ("coordinator", "/briefs".to_owned()),
        ("leader", "/duty".to_owned()),
        ("traffic", "/me".to_owned()),
        ("admin", format!("/units/{}", server.units["traffic"])),
        ("admin", "/admin".to_owned()),
        ("admin", "/admin/wordings".to_owned()),
        ("admin", "/admin/wordings/task_released".to_owned()),
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
        let rail = between(&page, "<nav class=\"rail\"", "</div>").unwrap_or_default();
        let is_nowhere = path.starts_with("/me") || path.starts_with("/search");
        assert_eq!(rail.matches("aria-current").count(), usize::from(!is_nowhere), "{path} in the rail of {login}");
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

/// What an exported list says in its second column.
pub async fn second_column(client: &Client, path: &str) -> Vec<String> {
    let bytes = client.get(path).await.bytes().await.unwrap().to_vec();
    let mut book: calamine::Xlsx<_> = calamine::open_workbook_from_rs(std::io::Cursor::new(bytes)).unwrap();
    let sheet = book.worksheet_range_at(0).unwrap().unwrap();
    sheet.rows().skip(1).map(|row| row[1].to_string()).collect()
}

#[rstest]
#[tokio::test]
async fn a_unit_finds_its_tasks_by_state_and_words_and_takes_them_along(#[values(On::Sqlite, On::Postgres)] on: On) {
    let Some(server) = Server::start_without_jobs(on).await else { return };
    let (coordinator, traffic) = (server.sign_in("coordinator").await, server.sign_in("traffic").await);
    let (case, signed) = crate::chase::issued(&server, &coordinator, "traffic", "现场踏勘", "ordinary").await;
    for n in 1..=50 {
        let task = json!({ "title": format!("第{n}处标线"), "unit_id": server.units["traffic"], "duration": 5, "acceptance": "有照片" });
        coordinator.act(&format!("/cases/{case}/add-task"), task).await;
    }
    let later = json!({ "title": "复勘", "unit_id": server.units["traffic"], "duration": 5, "acceptance": "有记录", "after": [signed] });
    coordinator.act(&format!("/cases/{case}/add-task"), later).await;
    traffic.on_task(&signed, "acknowledge", json!({})).await;
    let rows = async |path: &str| text_of(&traffic, path).await.matches("<tr data-row>").count();
    assert_eq!((rows("/unit").await, rows("/unit?page=1").await), (50, 2));
    assert!(text_of(&traffic, "/unit?page=1").await.contains("复勘"), "what waits comes after what is in hand");
    assert_eq!((rows("/unit?state=working").await, rows("/unit?state=late").await), (1, 0));
    assert_eq!((rows("/unit?state=ready&q=第5").await, rows("/unit?q=没有的词").await), (2, 0));
    assert!(text_of(&traffic, "/unit?state=ready").await.contains("/export/unit?state=ready"));
    assert_eq!(second_column(&traffic, "/export/unit").await.len(), 52);
    assert_eq!(second_column(&traffic, "/export/unit?state=working").await, ["现场踏勘"]);
    assert!(second_column(&server.sign_in("education").await, "/export/unit").await.is_empty());
    server.stop().await;
}

#[tokio::test]
async fn a_list_is_exported_as_it_was_filtered() {
    let Some(server) = Server::start(On::Sqlite).await else { return };
    looked_at(&server).await;
    let coordinator = server.sign_in("coordinator").await;
    let rows_of = async |path: &str| second_column(&coordinator, path).await;
    let all = coordinator.read("/tickets").await["total"].as_u64().unwrap() as usize;
    assert_eq!(rows_of("/export/tickets").await.len(), all);
    assert!(rows_of("/export/tickets?district=nowhere").await.is_empty());
    assert_eq!(rows_of("/export/cases").await, ["实验小学校门口拥堵"]);
    assert_eq!(rows_of("/export/cases?state=issued&q=拥堵").await.len(), 1);
    assert!(rows_of("/export/cases?state=ended").await.is_empty());
    assert!(!rows_of("/export/problems?state=").await.is_empty());
    assert!(text_of(&coordinator, "/tickets").await.contains("href=\"/export/tickets?"));
    server.stop().await;
}

/// A draft case of four tasks.
async fn drafted(server: &Server, coordinator: &Client) -> (String, [String; 4]) {
    complaints(server, &server.sign_in("operator").await, "first", 30, 12).await;
    server.detect().await;
    diamond(server, coordinator).await
}

/// Posts a form as the page at `from` would, and gives the answer's status and page.
async fn sent_from(client: &Client, from: &str, path: &str, fields: &[(&str, &str)]) -> (u16, String) {
    let answer = client.form_from(from, path, fields).await;
    (answer.status().as_u16(), answer.text().await.unwrap())
}

#[tokio::test]
async fn a_refused_form_comes_back_as_it_was_filled_in() {
    let Some(server) = Server::start(On::Sqlite).await else { return };
    let coordinator = server.sign_in("coordinator").await;
    let (case, [survey, ..]) = drafted(&server, &coordinator).await;
    let plan = format!("/cases/{case}?tab=plan&view=table&add=1");
    let fields =
        [("title", "加装“隔离”<护栏> & 标线"), ("duration", "五天"), ("acceptance", "有照片"), ("after", &survey)];
    let (status, page) = sent_from(&coordinator, &plan, &format!("/cases/{case}/add-task"), &fields).await;
    assert_eq!(status, 422);
    assert!(page.contains("class=\"faults\"") && page.contains("工期（工作日）：“五天”不是可用的值"), "{page}");
    let form =
        between(&page, &format!("action=\"/cases/{case}/add-task\""), "</form>").expect("its form is on the page");
    assert!(form.contains("value=\"加装“隔离”&lt;护栏&gt; &amp; 标线\""), "{form}");
    assert!(form.contains(">有照片</textarea>"), "{form}");
    assert!(form.contains(&format!("<option value=\"{survey}\" selected")), "{form}");
    assert!(
        form.contains("id=\"fault-duration\"") && form.contains("aria-invalid=\"true\""),
        "beside the field: {form}"
    );
    let fields = [("predecessor_id", &*survey), ("lag_days", "两天")];
    let (status, page) = sent_from(&coordinator, &plan, &format!("/cases/{case}/add-dependency"), &fields).await;
    assert_eq!(status, 422);
    let before = page.split(&format!("action=\"/cases/{case}/add-dependency\"")).next().unwrap();
    let opened = before.rfind("<details").map(|at| between(&before[at..], "<details", ">").unwrap());
    assert_eq!(opened.map(str::trim), Some("open=\"\""), "the fold around the form is open");
    assert_eq!(coordinator.read(&format!("/cases/{case}")).await["total"], json!(4), "nothing was added");
    server.stop().await;
}

#[tokio::test]
async fn what_was_typed_is_kept_when_somebody_else_was_faster() {
    let Some(server) = Server::start(On::Sqlite).await else { return };
    let coordinator = server.sign_in("coordinator").await;
    let (case, [survey, ..]) = drafted(&server, &coordinator).await;
    issue(&server, &coordinator, &case).await;
    let officer = server.sign_in("traffic").await;
    officer.on_task(&survey, "acknowledge", json!({})).await;
    let stale = officer.task(&survey).await["version"].to_string();
    officer.on_task(&survey, "start", json!({ "percent": 10, "text": "进场" })).await;
    let (task, path) = (format!("/tasks/{survey}"), format!("/tasks/{survey}/report"));
    let fields = [("version", stale.as_str()), ("percent", "40"), ("text", "标线已完成一半")];
    let (status, page) = sent_from(&officer, &task, &path, &fields).await;
    assert_eq!(status, 409);
    assert!(page.contains("内容已被他人修改") && page.contains(">标线已完成一半</textarea>"), "{page}");
    let now = officer.task(&survey).await["version"].to_string();
    let form = between(&page, &format!("action=\"{path}\""), "</form>").unwrap();
    assert!(form.contains(&format!("name=\"version\" value=\"{now}\"")), "sent again it is taken: {form}");
    let gone = format!("/tasks/{survey}/acknowledge");
    let (status, page) = sent_from(&officer, &task, &gone, &[("version", now.as_str()), ("text", "收到")]).await;
    assert_eq!(status, 409);
    assert!(page.contains("<blockquote>收到</blockquote>"), "its form is gone, the text is not: {page}");
    server.stop().await;
}

#[tokio::test]
async fn the_plan_shows_the_chosen_task_beside_the_graph_without_a_script() {
    let Some(server) = Server::start(On::Sqlite).await else { return };
    let coordinator = server.sign_in("coordinator").await;
    let (case, [survey, ..]) = drafted(&server, &coordinator).await;
    issue(&server, &coordinator, &case).await;
    let page = text_of(&coordinator, &format!("/cases/{case}")).await;
    let panel = between(&page, "id=\"panel\"", "</aside>").unwrap();
    assert!(panel.contains(&survey) && panel.contains("整个专项在等这一项"), "the critical one its unit has: {panel}");
    let last = text_of(&coordinator, &format!("/cases/{case}?task=4")).await;
    let panel = between(&last, "id=\"panel\"", "</aside>").unwrap();
    assert!(panel.contains("在等") && panel.contains("待前序"), "{panel}");
    for lang in ["zh-CN", "en"] {
        coordinator.form("/language", &[("lang", lang), ("next", "/desk")]).await;
        let page = text_of(&coordinator, &format!("/cases/{case}")).await;
        assert!(page.len() < 200_000 && page.contains("<marker id=\"arrow\""), "{} bytes", page.len());
    }
    server.stop().await;
}

#[tokio::test]
async fn the_rail_counts_what_waits_and_shows_only_what_the_role_may_use() {
    let Some(server) = Server::start(On::Sqlite).await else { return };
    let coordinator = server.sign_in("coordinator").await;
    let (case, _) = drafted(&server, &coordinator).await;
    issue(&server, &coordinator, &case).await;
    let officer = server.sign_in("traffic").await;
    let rail = |page: &str| between(page, "<nav class=\"rail\"", "</nav>").unwrap().to_owned();
    let desk = rail(&text_of(&officer, "/desk").await);
    assert!(desk.contains("工作台<span>1</span>"), "its one task waits: {desk}");
    assert!(!desk.contains("href=\"/admin\"") && !desk.contains("href=\"/lead\""), "{desk}");
    let thumb = between(&desk, "class=\"thumb\"", "<details").unwrap();
    assert!(thumb.find("/unit").unwrap() < thumb.find("/desk").unwrap(), "an officer's own tasks come first: {thumb}");
    let leader = rail(&text_of(&server.sign_in("leader").await, "/lead").await);
    assert!(between(&leader, "class=\"thumb\"", "</a>").unwrap().contains("/lead"), "{leader}");
    server.stop().await;
}

#[rstest]
#[case(On::Sqlite)]
#[case(On::Postgres)]
#[tokio::test]
async fn many_cases_come_in_pages_those_in_hand_first_and_the_ended_last(#[case] on: On) {
    let Some(server) = Server::start_without_jobs(on).await else { return };
    let (coordinator, second) = (server.sign_in("coordinator").await, server.sign_in("second").await);
    let deadline = (server.app.clock.now() + TimeDelta::days(90)).date().to_string();
    for n in 0..54 {
        let case = json!({ "title": format!("专项{n:02}"), "goal": "", "grade": "important", "lead_unit_id": server.units["traffic"],
            "deadline": deadline, "problem_ids": [] });
        let id = coordinator.act("/cases", case).await["id"].as_str().unwrap().to_owned();
        if n == 7 {
            let only = task("现场踏勘", &server.units["traffic"], &[]);
            coordinator.act(&format!("/cases/{id}/add-task"), only).await;
            issue(&server, &coordinator, &id).await;
        }
        if n > 51 {
            coordinator.on_case(&id, "ask-termination", json!({ "reason": "并入别的专项" })).await;
            let version = coordinator.read(&format!("/cases/{id}")).await["version"].clone();
            let own = json!({ "basis": "会议纪要", "version": version });
            coordinator.refused(&format!("/cases/{id}/confirm-termination"), own, 409).await;
            second.on_case(&id, "confirm-termination", json!({ "basis": "会议纪要" })).await;
        }
    }
    let titles = |list: &serde_json::Value| -> Vec<String> {
        list["cases"].as_array().unwrap().iter().map(|case| case["title"].as_str().unwrap().to_owned()).collect()
    };
    let all = titles(&coordinator.read("/cases?limit=100").await);
    assert_eq!(all.len(), 54);
    assert_eq!(all[..2], ["专项07", "专项51"], "what is in hand, then the newest");
    assert_eq!(all[52..], ["专项53", "专项52"], "the newest first");
    for (offset, limit) in [(0, 20), (20, 31), (49, 3), (52, 2), (60, 5)] {
        let page = coordinator.read(&format!("/cases?offset={offset}&limit={limit}")).await;
        assert_eq!(page["total"], 54);
        let end = (offset + limit).min(54);
        assert_eq!(titles(&page), all[offset.min(end)..end], "{limit} from {offset}");
    }
    assert_eq!(titles(&coordinator.read("/cases?state=terminated&q=专项53").await), ["专项53"]);

    for list in ["cases", "problems"] {
        let refused = coordinator.get(&format!("/api/v1/{list}?state=none")).await;
        assert_eq!(refused.status().as_u16(), 422, "{list}");
        assert!(refused.text().await.unwrap().contains("\"state\""), "{list}: the field is named");
    }

    let (first, last) = (text_of(&coordinator, "/cases").await, text_of(&coordinator, "/cases?page=1").await);
    assert_eq!([&first, &last].map(|page| page.matches("<tr data-row>").count()), [50, 4]);
    assert!(first.contains("1–50 / 54") && first.contains("href=\"/cases?state=&#38;q=&#38;page=1\""), "{first}");
    assert!(last.contains("专项53") && !first.contains("专项53"));
    let desk = text_of(&coordinator, "/desk").await;
    assert!(
        desk.contains("href=\"/desk?all=1\"") && !text_of(&coordinator, "/desk?all=1").await.contains("/desk?all=1")
    );
    server.stop().await;
}
