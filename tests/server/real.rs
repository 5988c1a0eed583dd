//! The real messages, from the file to the closure, through the pages; every mail counted at the mail server.

use crate::chain::every_owed_notice_arrived_once;
use crate::import::{real_messages, take_in};
use crate::support::{Client, On, Server, between};
use chrono::NaiveDate;
use serde_json::{Value, json};
use shenban::store::memberships;

/// The last messages are of this day.
const THE_DAY: NaiveDate = NaiveDate::from_ymd_opt(2020, 1, 9).unwrap();

async fn press(client: &Client, path: &str, fields: &[(&str, &str)]) {
    let answer = client.form(path, fields).await;
    let (status, told) = (answer.status().as_u16(), answer.text().await.unwrap());
    assert_eq!(status, 303, "{path}: {told}");
}

/// Does one thing to a task from its page, at the version the page shows.
async fn press_on_task(client: &Client, id: &str, name: &str, fields: &[(&str, &str)]) {
    let page = client.get(&format!("/tasks/{id}")).await.text().await.unwrap();
    let version =
        between(&page, "name=\"version\" value=\"", "\"").expect("the page offers something to do").to_owned();
    press(client, &format!("/tasks/{id}/{name}"), &[fields, &[("version", &version)]].concat()).await;
}

/// Promotes a problem with the form that its page leads to; gives the case's id.
async fn promote(server: &Server, coordinator: &Client, problem: &Value) -> String {
    let id = problem["id"].as_str().unwrap();
    let form = coordinator.get(&format!("/problems/{id}/promote?playbook=school-gate-congestion")).await;
    let form = form.text().await.unwrap();
    let roles: Vec<String> =
        form.split("name=\"roles.").skip(1).map(|at| at.split('"').next().unwrap().to_owned()).collect();
    assert!(roles.len() >= 5, "the playbook's roles are asked for");
    let (police, deadline) = (&server.units["police"], (THE_DAY + chrono::TimeDelta::days(200)).to_string());
    let names: Vec<String> = roles.iter().map(|role| format!("roles.{role}")).collect();
    let mut fields = vec![
        ("problem_ids", id),
        ("title", problem["title"].as_str().unwrap()),
        ("goal", "同类留言降至三成"),
        ("lead_unit_id", police),
        ("deadline", &deadline),
        ("playbook_key", "school-gate-congestion"),
    ];
    fields.extend(names.iter().map(|name| (name.as_str(), police.as_str())));
    press(coordinator, "/cases", &fields).await;
    coordinator.read("/cases").await["cases"][0]["id"].as_str().unwrap().to_owned()
}

#[actix_web::test]
async fn the_real_messages_lead_to_a_case_that_is_closed_through_the_pages() {
    let Some(file) = real_messages() else { return };
    let Some(server) = Server::start(On::Sqlite).await else { return };
    let now = server.app.clock.local_date(server.app.clock.now());
    server.app.clock.set_days_later((THE_DAY - now).num_days());
    let (operator, coordinator) = (server.sign_in("operator").await, server.sign_in("coordinator").await);
    let (first, again) =
        (take_in(&operator, "messages.csv", &file).await, take_in(&operator, "messages.csv", &file).await);
    assert!(first.contains("新增 4326 件，已有 0 件，拒收 0 行"), "{first}");
    assert!(again.contains("新增 0 件，已有 4326 件，拒收 0 行"), "{again}");
    server.detect().await;
    let stored = server.app.store.read(memberships::open_memberships).await.unwrap();
    assert!(stored.len() > 2_000, "{} tickets are in problems", stored.len());
    for (ticket, problem, _) in stored {
        let found = server.app.index.read(|index| index.problem_of(&ticket).map(str::to_owned)).unwrap();
        assert_eq!(found, Some(problem), "the index has {ticket} where it is stored");
    }
    let problems = coordinator.read("/problems?state=proposed").await;
    let problem = &problems["problems"][0];
    assert!(problem["callers"].as_i64().unwrap() >= 5, "{problem}");

    let case = promote(&server, &coordinator, problem).await;
    assert!(server.catcher.messages().is_empty());
    let today = THE_DAY.to_string();
    let version = coordinator.read(&format!("/cases/{case}")).await["version"].to_string();
    let basis =
        [("version", version.as_str()), ("basis", "专题会议纪要"), ("approver", "市长"), ("decided_on", &today)];
    press(&coordinator, &format!("/cases/{case}/issue"), &basis).await;

    let police = server.sign_in("police-head").await;
    let mut worked = 0;
    loop {
        let shown = coordinator.read(&format!("/cases/{case}")).await;
        if shown["state"] == "verifying" {
            break;
        }
        let ready: Vec<&Value> =
            shown["tasks"].as_array().unwrap().iter().filter(|task| task["state"] == "ready").collect();
        for task in &ready {
            let id = task["id"].as_str().unwrap();
            press_on_task(&police, id, "acknowledge", &[]).await;
            press_on_task(&police, id, "start", &[]).await;
            press_on_task(&police, id, "submit", &[("text", "已完成，见记录")]).await;
            press_on_task(&coordinator, id, "accept", &[]).await;
        }
        worked += ready.len();
        assert!(worked <= 40, "the plan ends");
        server.days_pass(2).await;
    }
    assert!(worked >= 8, "{worked} tasks");

    let mut weeks = 0;
    while coordinator.read(&format!("/cases/{case}")).await["observations"][0]["result"] == "pending" {
        server.days_pass(7).await;
        weeks += 1;
        assert!(weeks <= 30, "the observation ends");
    }
    let shown = coordinator.read(&format!("/cases/{case}")).await;
    assert_eq!(shown["observations"][0]["result"], json!("met"));
    let today = server.app.clock.local_date(server.app.clock.now()).to_string();
    let version = shown["version"].to_string();
    let closing = [
        ("version", version.as_str()),
        ("basis", "办公会意见"),
        ("approver", "市长"),
        ("decided_on", &today),
        ("keeper_unit_id", &server.units["street"]),
    ];
    press(&coordinator, &format!("/cases/{case}/close"), &closing).await;
    assert!(coordinator.get(&format!("/cases/{case}")).await.text().await.unwrap().contains("销号"));
    every_owed_notice_arrived_once(&server).await;
    server.stop().await;
}
