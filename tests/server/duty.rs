//! Who is on duty: pasted from a sheet, called first and mailed on days off, and what happens with nobody on duty.

use crate::chase::{issued, page, to};
use crate::support::{On, Server};
use chrono::{NaiveDate, TimeDelta};
use rstest::rstest;
use serde_json::json;

/// Days to go until the next day off.
fn days_until_off(server: &Server) -> i64 {
    let today = today(server);
    let is_off = |ahead: &i64| !server.app.calendar().is_working_day(today + TimeDelta::days(*ahead));
    (0..60).find(is_off).expect("a day off within two months")
}

fn today(server: &Server) -> NaiveDate {
    server.app.clock.local_date(server.app.clock.now())
}

#[rstest]
#[tokio::test]
async fn on_a_day_off_an_urgent_notice_goes_to_who_is_on_duty_and_a_call_is_asked_first(
    #[values(On::Sqlite, On::Postgres)] on: On,
) {
    let Some(server) = Server::start_without_jobs(on).await else { return };
    server.days_pass(days_until_off(&server)).await;
    let coordinator = server.sign_in("coordinator").await;
    let rows = format!("日期\t单位\t姓名\t电话\n{}\ttraffic局\tpolice-head同志\t139-0000-0001", today(&server));
    assert_eq!(coordinator.act("/duty", json!({ "rows": rows })).await["rows"], 1);
    let (_, task) = issued(&server, &coordinator, "traffic", "道路塌陷", "urgent").await;
    issued(&server, &coordinator, "traffic", "标线模糊", "ordinary").await;
    server.deliver().await;
    let mails = server.catcher.messages();
    let about = |address: &str, title: &str| to(&mails, address).iter().any(|mail| mail.text.contains(title));
    assert!(about("police-head@city.example", "道路塌陷"), "the mail does not wait for the call");
    assert!(!about("traffic@city.example", "道路塌陷") && about("traffic@city.example", "标线模糊"));
    let desk = page(&coordinator, "/desk").await;
    assert!(desk.contains("紧急，请先电话通知") && desk.contains("值班 police-head同志 139-0000-0001"));
    let missed = json!({ "whom": "police-head同志", "outcome": "not_reached", "note": "无人接听" });
    coordinator.act(&format!("/tasks/{task}/record-call"), missed).await;
    assert!(page(&coordinator, "/desk").await.contains("紧急，请先电话通知"), "until somebody was reached");
    let reached = json!({ "whom": "police-head同志", "outcome": "reached", "promised_on": "2098-12-01" });
    coordinator.act(&format!("/tasks/{task}/record-call"), reached).await;
    assert!(!page(&coordinator, "/desk").await.contains("紧急，请先电话通知"));
    server.stop().await;
}

#[rstest]
#[tokio::test]
async fn with_nobody_on_duty_the_head_is_told_and_the_desk_says_so(#[values(On::Sqlite, On::Postgres)] on: On) {
    let Some(server) = Server::start_without_jobs(on).await else { return };
    server.days_pass(days_until_off(&server)).await;
    let coordinator = server.sign_in("coordinator").await;
    issued(&server, &coordinator, "police", "道路塌陷", "urgent").await;
    server.deliver().await;
    let told = to(&server.catcher.messages(), "police-head@city.example").len();
    assert_eq!(told, 1, "the head is mailed instead of the office's mailbox");
    assert!(page(&coordinator, "/desk").await.contains("无人值班，单位负责人 police-head同志"));
    let roster = page(&coordinator, "/duty").await;
    assert!(roster.contains("无人值班") && roster.contains("police局"));
    server.stop().await;
}

#[tokio::test]
async fn a_bad_line_refuses_the_whole_paste_and_a_unit_keeps_its_own_roster_only() {
    let Some(server) = Server::start_without_jobs(On::Sqlite).await else { return };
    let (coordinator, traffic) = (server.sign_in("coordinator").await, server.sign_in("traffic").await);
    let rows = "2026-10-01,traffic局,王强,110\n2026-10-32,traffic局,李明,110\n2026-10-02,没有的局,李明,110";
    let refused = coordinator.form_from("/duty", "/duty", &[("rows", rows)]).await;
    assert_eq!(refused.status().as_u16(), 422);
    let shown = refused.text().await.unwrap();
    assert!(shown.contains("第 2 行") && shown.contains("2026-10-32,traffic局"), "named by its line, and kept");
    let unknown = json!({ "rows": "2026-10-02,没有的局,李明,110" });
    assert!(coordinator.refused("/duty", unknown, 422).await.to_string().contains("第 1 行"));
    let day = today(&server);
    traffic.refused("/duty", json!({ "rows": format!("{day},education局,李明,110") }), 422).await;
    traffic.act("/duty", json!({ "rows": format!("{day},traffic局,王强,110") })).await;
    // What is entered last holds.
    traffic.act("/duty", json!({ "rows": format!("{day},traffic局,李明,119") })).await;
    let on_duty = coordinator.read("/duty").await["days"][0]["on_duty"].clone();
    assert_eq!((on_duty.as_array().unwrap().len(), &on_duty[0]["person"]), (1, &json!("李明")));
    let removed = json!({ "unit_id": server.units["traffic"], "day": day });
    server.sign_in("education").await.refused("/duty/remove", removed.clone(), 403).await;
    traffic.act("/duty/remove", removed).await;
    assert_eq!(coordinator.read("/duty").await["days"], json!([]));
    server.stop().await;
}
