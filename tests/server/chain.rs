//! Tickets in, a problem found, a case, its tasks and mails, the observation, the closure, the return.

use crate::support::{Client, On, Server};
use chrono::TimeDelta;
use rstest::rstest;
use serde_json::{Value, json};

/// `count` callers complain about the same school gate, one every `every_hours`, the last one an hour before now.
pub async fn complaints(server: &Server, operator: &Client, prefix: &str, count: i64, every_hours: i64) {
    let now = server.app.clock.now().and_utc();
    let tickets: Vec<Value> = (0..count)
        .map(|n| {
            let at = now - TimeDelta::hours(1 + n * every_hours);
            json!({ "source_no": format!("{prefix}{n}"), "title": "实验小学校门口放学时段拥堵",
                "body": format!("第{n}次反映：实验小学校门口每天放学家长车辆乱停，双向堵死，学生无法通行，请尽快治理。"),
                "received_at": at.to_rfc3339(), "district": "城关区", "address": "学府路12号", "caller": format!("1390000{n:04}") })
        })
        .collect();
    operator.act("/tickets", json!(tickets)).await;
}

pub fn task(title: &str, unit: &str, after: &[&str]) -> Value {
    json!({ "title": title, "unit_id": unit, "duration": 5, "duration_unit": "working_days",
        "acceptance": "有验收记录", "after": after })
}

/// A draft on a problem that twelve people called about; see [`diamond`].
pub async fn drafted(server: &Server) -> (Client, String, [String; 4]) {
    let (coordinator, operator) = (server.sign_in("coordinator").await, server.sign_in("operator").await);
    complaints(server, &operator, "first", 30, 12).await;
    server.detect().await;
    let (case_id, tasks) = diamond(server, &coordinator).await;
    (coordinator, case_id, tasks)
}

/// A case on the one problem there is, with four tasks in a diamond; gives the case's id and the tasks'.
pub async fn diamond(server: &Server, coordinator: &Client) -> (String, [String; 4]) {
    let problems = coordinator.read("/problems?state=proposed").await;
    let deadline = (server.app.clock.now() + TimeDelta::days(90)).date().to_string();
    let case = coordinator
        .act("/cases", json!({ "title": "实验小学校门口拥堵", "goal": "拥堵诉求降至三成", "grade": "important",
            "lead_unit_id": server.units["traffic"], "deadline": deadline, "problem_ids": [problems["problems"][0]["id"]] }))
        .await;
    let case_id = case["id"].as_str().unwrap().to_owned();
    let add = async |title: &str, unit: &str, after: &[&str]| {
        let made =
            coordinator.act(&format!("/cases/{case_id}/add-task"), task(title, &server.units[unit], after)).await;
        made["id"].as_str().unwrap().to_owned()
    };
    let survey = add("现场踏勘", "traffic", &[]).await;
    let stagger = add("错峰放学", "education", &[&survey]).await;
    let funding = add("落实经费", "finance", &[&survey]).await;
    let zone = add("施划即停即走区", "traffic", &[&stagger, &funding]).await;
    (case_id, [survey, stagger, funding, zone])
}

pub async fn issue(server: &Server, coordinator: &Client, case_id: &str) {
    let today = server.app.clock.local_date(server.app.clock.now()).to_string();
    let basis = json!({ "basis": "专题会议纪要〔2026〕3号", "approver": "市长", "decided_on": today });
    coordinator.on_case(case_id, "issue", basis).await;
}

#[rstest]
#[case(On::Sqlite)]
#[case(On::Postgres)]
#[tokio::test]
async fn a_recurring_problem_is_worked_off_closed_and_reopened(#[case] on: On) {
    let Some(server) = Server::start(on).await else { return };
    let (coordinator, operator) = (server.sign_in("coordinator").await, server.sign_in("operator").await);
    let (traffic, education, finance) =
        (server.sign_in("traffic").await, server.sign_in("education").await, server.sign_in("finance").await);

    complaints(&server, &operator, "first", 60, 20).await;
    server.detect().await;
    let (case_id, [survey, stagger, funding, zone]) = diamond(&server, &coordinator).await;
    assert!(server.catcher.messages().is_empty(), "no unit learns of a draft");
    let hidden = traffic.get(&format!("/api/v1/cases/{case_id}")).await;
    assert_eq!(hidden.status().as_u16(), 404);

    coordinator.on_case(&case_id, "consult", json!({})).await;
    coordinator.on_case(&case_id, "approve", json!({})).await;
    let answer = "已立项，多部门正在联合治理。";
    coordinator
        .on_case(&case_id, "edit", json!({ "title": "实验小学校门口拥堵", "goal": "降至三成", "answer": answer }))
        .await;
    assert!(server.catcher.messages().is_empty(), "preparing tells no unit either");
    issue(&server, &coordinator, &case_id).await;
    let mails = server.mails_when(|mails| mails.iter().any(|mail| mail.text.contains("现场踏勘"))).await;
    assert!(mails.iter().all(|mail| !mail.text.contains("错峰放学")), "only what is ready is owed");

    // A ticket that comes now is attached to the case.
    complaints(&server, &operator, "during", 1, 1).await;
    server.detect().await;
    let attached = operator.read("/tickets?q=during0").await;
    let ticket = operator.read(&format!("/tickets/{}", attached["tickets"][0]["id"].as_str().unwrap())).await;
    assert_eq!(ticket["case"]["id"], json!(case_id));

    traffic.work(&survey).await;
    assert_eq!(coordinator.task(&stagger).await["state"], "waiting");
    coordinator.on_task(&survey, "return", json!({ "reason": "缺现场照片" })).await;
    traffic.on_task(&survey, "submit", json!({ "text": "照片已补" })).await;
    coordinator.on_task(&survey, "accept", json!({ "note": "" })).await;
    assert_eq!(coordinator.task(&stagger).await["state"], "ready");
    assert_eq!(coordinator.task(&zone).await["state"], "waiting");
    education.work(&stagger).await;
    finance.work(&funding).await;
    for id in [&stagger, &funding] {
        coordinator.on_task(id, "accept", json!({ "note": "" })).await;
    }
    traffic.work(&zone).await;
    coordinator.on_task(&zone, "accept", json!({ "note": "" })).await;

    let case = coordinator.read(&format!("/cases/{case_id}")).await;
    assert_eq!(case["state"], "verifying");
    assert!(case["observations"][0]["baseline_callers"].as_i64().unwrap() >= 50);
    let today = server.app.clock.local_date(server.app.clock.now()).to_string();
    let closing = json!({ "version": case["version"], "basis": "办公会意见", "approver": "市长", "decided_on": today, "keeper_unit_id": server.units["street"] });
    coordinator.refused(&format!("/cases/{case_id}/close"), closing.clone(), 409).await;

    server.days_pass(31).await;
    let case = coordinator.read(&format!("/cases/{case_id}")).await;
    assert_eq!(case["observations"][0]["result"], "met");
    let today = server.app.clock.local_date(server.app.clock.now()).to_string();
    coordinator.on_case(&case_id, "close", json!({ "basis": "办公会意见", "approver": "市长", "decided_on": today, "keeper_unit_id": server.units["street"] })).await;
    assert_eq!(coordinator.read(&format!("/cases/{case_id}")).await["state"], "closed");

    // The problem returns.
    server.days_pass(30).await;
    complaints(&server, &operator, "again", 40, 6).await;
    server.detect().await;
    server.days_pass(1).await;
    let case = coordinator.read(&format!("/cases/{case_id}")).await;
    assert_eq!((&case["state"], &case["round"]), (&json!("issued"), &json!(2)));

    every_owed_notice_arrived_once(&server).await;
    server.stop().await;
}

#[rstest]
#[case(On::Sqlite)]
#[case(On::Postgres)]
#[tokio::test]
async fn a_split_during_the_observation_proves_nothing(#[case] on: On) {
    let Some(server) = Server::start(on).await else { return };
    let (coordinator, operator) = (server.sign_in("coordinator").await, server.sign_in("operator").await);
    let traffic = server.sign_in("traffic").await;
    complaints(&server, &operator, "call", 60, 20).await;
    server.detect().await;
    let problems = coordinator.read("/problems?state=proposed").await;
    let problem = problems["problems"][0]["id"].as_str().unwrap();
    let deadline = (server.app.clock.now() + TimeDelta::days(90)).date().to_string();
    let drafted = json!({ "title": "校门口拥堵", "goal": "降至三成", "grade": "ordinary", "deadline": deadline,
        "lead_unit_id": server.units["traffic"], "problem_ids": [problem] });
    let case_id = coordinator.act("/cases", drafted).await["id"].as_str().unwrap().to_owned();
    let only = coordinator
        .act(&format!("/cases/{case_id}/add-task"), task("现场踏勘", &server.units["traffic"], &[]))
        .await["id"]
        .as_str()
        .unwrap()
        .to_owned();
    issue(&server, &coordinator, &case_id).await;
    traffic.work(&only).await;
    coordinator.on_task(&only, "accept", json!({ "note": "" })).await;
    let baseline = async || {
        let case = coordinator.read(&format!("/cases/{case_id}")).await;
        assert_eq!(case["state"], "verifying");
        case["observations"][0]["baseline_callers"].as_i64().unwrap()
    };
    let before = baseline().await;

    // Old enough to be of the baseline, which ends with the day before the case was opened.
    let older = operator.read("/tickets?offset=10&limit=10").await;
    let ids: Vec<&Value> = older["tickets"].as_array().unwrap().iter().map(|ticket| &ticket["id"]).collect();
    coordinator.act(&format!("/problems/{problem}/split"), json!({ "ticket_ids": ids, "title": "另一件事" })).await;
    assert_eq!(before - baseline().await, 10, "each of the ten was a caller of the baseline");
    server.stop().await;
}

/// Waits until nothing is owed, then holds what was caught against what was owed.
pub async fn every_owed_notice_arrived_once(server: &Server) {
    let admin = server.sign_in("admin").await;
    for _ in 0..200 {
        let mails = admin.read("/mails?limit=200").await;
        // Days that a test lets pass make a mail that was just worded an old one, which is worded anew with what came since.
        let rows: Vec<_> =
            mails["mails"].as_array().unwrap().iter().filter(|mail| mail["state"] != "withdrawn").collect();
        if rows.iter().all(|mail| mail["state"] == "sent") {
            let caught = server.catcher.messages();
            let mut ids: Vec<&str> = caught.iter().map(|mail| mail.message_id.as_str()).collect();
            ids.sort_unstable();
            ids.dedup();
            assert_eq!(ids.len(), caught.len(), "no mail twice");
            assert_eq!(caught.len(), rows.len(), "every mail once");
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("mails are still owed: {:#?}", admin.read("/mails?limit=200").await);
}
