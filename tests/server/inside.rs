//! Within a unit: received, passed on, worked on in parts, signed off; then the lead unit, then the coordinator.

use crate::matters::in_hand;
use crate::support::{On, PASSWORD, Server};
use rstest::rstest;
use serde_json::json;
use shenban::app::admin::{NewPerson, add_person, add_unit};
use shenban::app::{Actor, Ctx};
use shenban::domain::access::Role;
use shenban::store::people;

async fn person_id(server: &Server, login: &'static str) -> String {
    let found = server.app.store.read(move |tx| people::person_by_login(tx, login)).await;
    found.unwrap().unwrap().id
}

async fn add(server: &Server, login: &'static str, role: Role, unit: &str) {
    let new = NewPerson {
        login: login.to_owned(),
        name: format!("{login}同志"),
        email: Some(format!("{login}@city.example")),
        phone: None,
        password: PASSWORD.to_owned(),
        lang: "zh".to_owned(),
        posts: vec![(role, Some(unit.to_owned()))],
    };
    server.app.write(&Actor::operator_of_machine(), move |ctx| add_person(ctx, new)).await.unwrap();
}

/// A section below the police, with an officer; gives its id.
async fn add_section(server: &Server) -> String {
    let police = server.units["police"].clone();
    let section = move |ctx: &mut Ctx| add_unit(ctx, "信号中队".to_owned(), Some(police), None);
    let section = server.app.write(&Actor::operator_of_machine(), section).await.unwrap();
    add(server, "signals", Role::Officer, &section).await;
    section
}

#[rstest]
#[case(On::Sqlite)]
#[case(On::Postgres)]
#[tokio::test]
async fn a_task_goes_through_the_house_and_is_signed_off_by_its_head(#[case] on: On) {
    let Some(server) = Server::start(on).await else { return };
    add(&server, "police-liaison", Role::Liaison, &server.units["police"]).await;
    let signals = add_section(&server).await;
    let (coordinator, admin) = (server.sign_in("coordinator").await, server.sign_in("admin").await);
    let (traffic, head, liaison) =
        (server.sign_in("traffic").await, server.sign_in("police-head").await, server.sign_in("police-liaison").await);
    let (case_id, _) = in_hand(&server, &coordinator).await;
    let police = server.units["police"].clone();
    let setting = json!({ "version": 1, "name": "police局", "mailbox": "police@city.example", "active": true, "head_signs_off": true });
    admin.act(&format!("/units/{police}/edit"), setting).await;
    let draft = json!({ "title": "勤务安排", "unit_id": police, "duration": 5 });
    let task = coordinator.act(&format!("/cases/{case_id}/add-task"), draft).await["id"].as_str().unwrap().to_owned();
    let path = |act: &str| format!("/tasks/{task}/{act}");

    // The liaison receives it and passes it on, within the house only; its date stays.
    server.mails_when(|mails| mails.len() == 4).await;
    liaison.on_task(&task, "acknowledge", json!({})).await;
    liaison.refused(&path("submit"), json!({ "version": 3, "text": "完成" }), 403).await;
    let version = liaison.task(&task).await["version"].clone();
    let to = |unit: &str, officer: &str| json!({ "version": version, "unit_id": server.units[unit], "officer_id": officer, "reason": "请速办" });
    let officer = person_id(&server, "traffic").await;
    liaison.refused(&path("pass-on"), to("education", ""), 422).await;
    liaison.refused(&path("pass-on"), to("police", &officer), 422).await;
    let due = liaison.task(&task).await["due_on"].clone();
    server.days_pass(1).await;
    liaison.act(&path("pass-on"), to("traffic", &officer)).await;
    let passed = traffic.task(&task).await;
    assert_eq!(
        (&passed["state"], &passed["due_on"], &passed["officer_id"]),
        (&json!("acknowledged"), &due, &json!(officer))
    );
    let told =
        |mail: &&shenban::mail::catcher::Caught| mail.subject.contains("任务转办") && mail.text.contains("请速办");
    server.mails_when(|mails| mails.iter().filter(told).count() == 2).await;

    // A section that holds the task sees its case as the unit does.
    let case = format!("/cases/{case_id}");
    let section = server.sign_in("signals").await;
    section.refused_get(&case, 403).await;
    assert!(section.read("/cases").await["cases"].as_array().unwrap().is_empty());
    liaison.on_task(&task, "pass-on", json!({ "unit_id": police })).await;
    liaison.on_task(&task, "pass-on", json!({ "unit_id": signals })).await;
    section.read(&case).await;
    assert_eq!(section.read("/cases").await["cases"].as_array().unwrap().len(), 1);
    liaison.on_task(&task, "pass-on", json!({ "unit_id": police })).await;
    section.refused_get(&case, 403).await;
    liaison.on_task(&task, "pass-on", json!({ "unit_id": server.units["traffic"], "officer_id": officer })).await;

    // A part and a checklist stand before the whole.
    let part = json!({ "title": "现场勘测", "unit_id": server.units["traffic"], "duration": 2 });
    liaison.refused(&path("add-part"), part.clone(), 403).await;
    let part = head.act(&path("add-part"), part).await["id"].as_str().unwrap().to_owned();
    traffic.act(&path("add-checks"), json!({ "items": "排班表\n\n应急联络" })).await;
    traffic.on_task(&task, "start", json!({})).await;
    traffic
        .refused(&path("submit"), json!({ "version": traffic.task(&task).await["version"], "text": "完成" }), 409)
        .await;
    for item in traffic.task(&task).await["checklist"].as_array().unwrap() {
        traffic.act(&path("tick"), json!({ "item_id": item["id"], "done": true })).await;
    }
    let early = json!({ "version": traffic.task(&task).await["version"], "text": "完成" });
    assert!(traffic.refused(&path("submit"), early, 409).await["detail"].as_str().unwrap().contains("须待任务"));
    traffic.work(&part).await;
    head.on_task(&part, "sign-off", json!({})).await;
    assert_eq!(head.read("/desk").await["waiting"][0]["what"], "子任务待验收");
    head.on_task(&part, "return-part", json!({ "reason": "缺图" })).await;
    traffic.on_task(&part, "submit", json!({ "text": "图已补" })).await;
    head.on_task(&part, "sign-off", json!({})).await;
    head.on_task(&part, "accept-part", json!({})).await;
    let page = traffic.get(&format!("/tasks/{task}")).await.text().await.unwrap();
    assert!(page.contains("现场勘测") && page.contains("☑ 排班表") && page.contains("traffic同志"), "{page}");

    // The head's word comes before anybody else's.
    traffic.on_task(&task, "submit", json!({ "text": "勤务方案已定" })).await;
    assert_eq!(coordinator.task(&task).await["awaits"]["sign_off"], true);
    coordinator.refused(&path("accept"), json!({ "version": coordinator.task(&task).await["version"] }), 409).await;
    coordinator.refused(&path("sign-off"), json!({ "version": 1 }), 403).await;
    assert_eq!(head.read("/desk").await["waiting"][0]["what"], "待签发");
    head.on_task(&task, "decline-sign-off", json!({ "reason": "人数不足" })).await;
    assert_eq!(traffic.task(&task).await["state"], "in_progress");
    traffic.on_task(&task, "submit", json!({ "text": "已增派" })).await;
    head.on_task(&task, "sign-off", json!({})).await;
    let waits = coordinator.read("/desk").await;
    let handed_in = |row: &serde_json::Value| row["what"] == "待验收" && row["title"] == "勤务安排";
    assert!(waits["waiting"].as_array().unwrap().iter().any(handed_in), "{waits}");
    coordinator.on_task(&task, "accept", json!({})).await;
    assert_eq!(coordinator.task(&task).await["state"], "done");
    server.stop().await;
}

#[rstest]
#[case(On::Sqlite)]
#[case(On::Postgres)]
#[tokio::test]
async fn the_lead_unit_accepts_first_then_the_coordinator(#[case] on: On) {
    let Some(server) = Server::start(on).await else { return };
    let (coordinator, education) = (server.sign_in("coordinator").await, server.sign_in("education").await);
    let (case_id, [survey, stagger, ..]) = in_hand(&server, &coordinator).await;
    let manager = json!({ "person_id": person_id(&server, "traffic").await });
    coordinator.act(&format!("/cases/{case_id}/set-manager"), manager).await;
    let lead = server.sign_in("traffic").await;
    lead.on_task(&survey, "start", json!({})).await;
    lead.on_task(&survey, "submit", json!({ "text": "完成" })).await;
    coordinator.on_task(&survey, "accept", json!({})).await;
    education.work(&stagger).await;
    let version = json!({ "version": coordinator.task(&stagger).await["version"] });
    coordinator.refused(&format!("/tasks/{stagger}/accept"), version, 409).await;
    let waits = coordinator.read("/desk").await;
    assert!(waits["waiting"].as_array().unwrap().iter().any(|row| row["what"] == "待牵头单位初验"), "{waits}");
    lead.on_task(&stagger, "accept", json!({})).await;
    let asked = |mail: &shenban::mail::catcher::Caught| {
        mail.subject.contains("待验收") && mail.to.iter().any(|to| to.contains("coordinator"))
    };
    server.mails_when(|mails| mails.iter().any(asked)).await;
    coordinator.on_task(&stagger, "accept", json!({})).await;
    assert_eq!(coordinator.task(&stagger).await["state"], "done");
    server.stop().await;
}

#[rstest]
#[case(On::Sqlite)]
#[case(On::Postgres)]
#[tokio::test]
async fn who_moves_to_another_post_hands_over_all_that_is_open(#[case] on: On) {
    let Some(server) = Server::start(on).await else { return };
    let (coordinator, admin) = (server.sign_in("coordinator").await, server.sign_in("admin").await);
    let traffic = server.sign_in("traffic").await;
    let (case_id, [survey, ..]) = in_hand(&server, &coordinator).await;
    let ids = [
        person_id(&server, "traffic").await,
        person_id(&server, "finance").await,
        person_id(&server, "coordinator").await,
    ];
    let [leaving, successor, opener] = &ids;
    let version = traffic.task(&survey).await["version"].clone();
    let own = json!({ "version": version, "unit_id": server.units["traffic"], "officer_id": leaving });
    traffic.act(&format!("/tasks/{survey}/pass-on"), own).await;
    traffic.act(&format!("/tasks/{survey}/object"), json!({ "clause": "第3条", "reason": "不归我队" })).await;
    let page = admin.get(&format!("/people/{leaving}/move")).await.text().await.unwrap();
    assert!(page.contains("现场踏勘") && page.contains("职责异议"), "{page}");
    assert_eq!(coordinator.get(&format!("/people/{leaving}/move")).await.status().as_u16(), 403);

    let act = format!("/people/{leaving}/move");
    admin.refused(&act, json!({ "successor_id": leaving, "reason": "轮岗" }), 422).await;
    admin.refused(&act, json!({ "successor_id": successor }), 422).await;
    let to =
        json!({ "successor_id": successor, "reason": "轮岗", "role": "officer", "unit_id": server.units["education"] });
    admin.act(&act, to).await;
    assert_eq!(coordinator.task(&survey).await["officer_id"], json!(successor));
    server
        .mails_when(|mails| {
            mails.iter().any(|mail| mail.subject.contains("岗位移交") && mail.text.contains("职责异议"))
        })
        .await;
    let (left, took) = (server.sign_in("traffic").await, server.sign_in("finance").await);
    assert_eq!(left.get(&format!("/tasks/{survey}")).await.status().as_u16(), 200, "education is of the force");
    left.refused(&format!("/tasks/{survey}/comment"), json!({ "text": "" }), 422).await;
    left.refused(&format!("/tasks/{survey}/report"), json!({ "version": 9, "percent": 10 }), 403).await;
    took.on_task(&survey, "report", json!({ "percent": 10, "text": "已接手" })).await;

    // A coordinator's cases go along: what is asked next is asked of the successor.
    admin
        .act(
            &format!("/people/{opener}/move"),
            json!({ "successor_id": person_id(&server, "second").await, "reason": "轮岗" }),
        )
        .await;
    let second = server.sign_in("second").await;
    second.act(&format!("/tasks/{survey}/rule-objection"), json!({ "ruling": "维持" })).await;
    took.act(&format!("/tasks/{survey}/object"), json!({ "clause": "第4条", "reason": "仍有异议" })).await;
    let raised = |mail: &shenban::mail::catcher::Caught| {
        mail.text.contains("仍有异议") && mail.to.iter().any(|to| to.contains("second"))
    };
    server.mails_when(|mails| mails.iter().any(raised)).await;
    assert_eq!(coordinator.get(&format!("/cases/{case_id}")).await.status().as_u16(), 403, "the post is gone");
    server.stop().await;
}
