//! Plans out of the house and back, and calendars behind secret addresses.

use crate::chain::{complaints, diamond, issue};
use crate::support::{Client, On, Server, between};
use rstest::rstest;
use rust_xlsxwriter::Workbook;
use serde_json::{Value, json};

async fn drafted(server: &Server) -> (Client, String) {
    let (coordinator, operator) = (server.sign_in("coordinator").await, server.sign_in("operator").await);
    complaints(server, &operator, "first", 30, 12).await;
    server.detect().await;
    let (case_id, _) = diamond(server, &coordinator).await;
    (coordinator, case_id)
}

async fn sent(client: &Client, case_id: &str, file: Vec<u8>) -> (u16, Value) {
    let answer = client
        .http
        .post(format!("{}/api/v1/cases/{case_id}/import-plan", client.base))
        .header("x-csrf-token", &client.csrf)
        .body(file)
        .send()
        .await
        .unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

fn sheet(rows: &[[&str; 5]]) -> Vec<u8> {
    let mut book = Workbook::new();
    let sheet = book.add_worksheet();
    for (row, cells) in (0..).zip(rows) {
        for (column, cell) in (0..).zip(cells) {
            sheet.write_string(row, column, *cell).unwrap();
        }
    }
    book.save_to_buffer().unwrap()
}

#[rstest]
#[case(On::Sqlite)]
#[case(On::Postgres)]
#[tokio::test]
async fn an_exported_plan_changes_nothing_when_it_comes_back(#[case] on: On) {
    let Some(server) = Server::start(on).await else { return };
    let (coordinator, case_id) = drafted(&server).await;
    let path = format!("/cases/{case_id}");
    let extra = json!({ "title": "开通校车", "unit_id": server.units["street"], "duration": 10, "duration_unit": "natural_days",
        "not_before": (server.app.clock.now() + chrono::TimeDelta::days(20)).date(), "acceptance": "校车开通" });
    coordinator.act(&format!("{path}/add-task"), extra).await;
    let told = coordinator.read(&path).await;
    let no = told["no"].as_str().unwrap();
    for kind in ["plan.xlsx", "plan.xml"] {
        let file = coordinator.get(&format!("{path}/{kind}")).await;
        assert!(file.headers()["content-disposition"].to_str().unwrap().contains(no));
        let bytes = file.bytes().await.unwrap().to_vec();
        assert_eq!(sent(&coordinator, &case_id, bytes).await, (200, json!({ "added": 0, "changed": 0 })), "{kind}");
    }
    let mut after = coordinator.read(&path).await;
    after["plan_revision"] = told["plan_revision"].clone();
    assert_eq!(after, told);

    // A unit's name and a duration changed by hand.
    let text = coordinator.get(&format!("{path}/plan.xml")).await.text().await.unwrap();
    let text = text.replacen("<Duration>PT40H0M0S</Duration>", "<Duration>PT64H0M0S</Duration>", 1);
    assert_eq!(sent(&coordinator, &case_id, text.into_bytes()).await, (200, json!({ "added": 0, "changed": 1 })));
    assert_eq!(coordinator.read(&path).await["tasks"][0]["duration"], 8);
    server.stop().await;
}

#[rstest]
#[case(On::Sqlite)]
#[case(On::Postgres)]
#[tokio::test]
async fn an_offices_table_is_added_and_one_with_mistakes_changes_nothing(#[case] on: On) {
    let Some(server) = Server::start(on).await else { return };
    let (coordinator, case_id) = drafted(&server).await;
    let before = coordinator.read(&format!("/cases/{case_id}")).await;
    let wrong = sheet(&[
        ["序号", "任务", "单位", "天数", "前置任务"],
        ["1", "摸底调查", "traffic局", "5", "4"],
        ["2", "制定方案", "没有这个局", "0", "1"],
        ["3", &"长".repeat(61), "education局", "2000", "2SF"],
        ["4", "组织实施", "street局", "三天", "1;3;3;4;8"],
        ["5", "", "", "3", "4FS+999"],
    ]);
    let (status, told) = sent(&coordinator, &case_id, wrong).await;
    let found: Vec<&str> =
        told["errors"].as_array().unwrap().iter().map(|error| error["detail"].as_str().unwrap()).collect();
    assert_eq!(status, 422);
    assert_eq!(
        found,
        [
            "C3：没有单位“没有这个局”",
            "D3：工期应在 1 到 1000 之间",
            "B4：不能超过 60 字",
            "D4：工期应在 1 到 1000 之间",
            "E4：前置“2SF”是“开始后完成”，这种关系不支持",
            "D5：天数“三天”看不懂，应是整数，如 5 或 10个自然日",
            "E5：文件里没有前置任务“8”",
            "E5：前置关系会成环：摸底调查 → 组织实施 → 摸底调查",
            "E5：这条前置关系已经存在。",
            "E5：前置关系会成环：组织实施 → 组织实施",
            "B6：任务名称是空的",
            "C6：单位是空的",
            "E6：间隔不能超过 365 个工作日",
        ]
    );
    assert_eq!(coordinator.read(&format!("/cases/{case_id}")).await["tasks"], before["tasks"]);

    let right = sheet(&[
        ["序号", "任务", "单位", "天数", "前置任务"],
        ["1", "摸底调查", "traffic局", "5", ""],
        ["2", "制定方案", "education局", "10个自然日", "1FS+2"],
    ]);
    assert_eq!(sent(&coordinator, &case_id, right).await, (200, json!({ "added": 2, "changed": 0 })));
    let after = coordinator.read(&format!("/cases/{case_id}")).await;
    assert_eq!((&after["tasks"][5]["title"], after["tasks"].as_array().unwrap().len()), (&json!("制定方案"), 6));
    let education = server.sign_in("education").await;
    assert_eq!(sent(&education, &case_id, sheet(&[["序号", "任务", "单位", "天数", "前置任务"]])).await.0, 403);
    server.stop().await;
}

/// Makes a feed on the page; gives its address on this server.
async fn subscribed(client: &Client, fields: &[(&str, &str)]) -> String {
    let page = client.form("/me/feeds", fields).await.text().await.unwrap();
    let address = between(&page, "<code>http://shenban.example", "</code>").expect("the address is shown");
    address.to_owned()
}

#[rstest]
#[case(On::Sqlite)]
#[case(On::Postgres)]
#[tokio::test]
async fn a_feed_shows_its_owners_dates_until_it_is_revoked(#[case] on: On) {
    let Some(server) = Server::start(on).await else { return };
    let (coordinator, case_id) = drafted(&server).await;
    issue(&server, &coordinator, &case_id).await;
    let traffic = server.sign_in("traffic").await;
    let own = subscribed(&traffic, &[]).await;
    let of_case = subscribed(&coordinator, &[("case_id", &case_id)]).await;
    let stranger = server.stranger();
    let read = async |address: &str| {
        let answer = stranger.get(address).await;
        (answer.status().as_u16(), answer.text().await.unwrap())
    };
    let (status, text) = read(&own).await;
    assert_eq!(status, 200);
    assert!(text.contains("现场踏勘") && !text.contains("错峰放学"), "{text}");
    let (_, text) = read(&of_case).await;
    assert!(text.contains("现场踏勘") && text.contains("错峰放学") && text.contains("专项期限"), "{text}");
    let me = traffic.get("/me").await.text().await.unwrap();
    assert!(!me.contains(own.trim_start_matches("/feeds/").trim_end_matches(".ics")), "the secret is told once");
    let hash = between(&me, "/feeds/", "/revoke").unwrap();
    let foreign = coordinator.form(&format!("/feeds/{hash}/revoke"), &[]).await;
    assert_eq!(foreign.status().as_u16(), 404, "somebody else's");
    assert_eq!(read(&own).await.0, 200);
    assert_eq!(traffic.form(&format!("/feeds/{hash}/revoke"), &[]).await.status().as_u16(), 303);
    assert_eq!(read(&own).await.0, 404);
    let liaison = server.sign_in("liaison").await;
    let hidden = liaison.form("/me/feeds", &[("case_id", &case_id)]).await;
    assert_eq!(hidden.status().as_u16(), 403, "a case one may not read");
    server.stop().await;
}
