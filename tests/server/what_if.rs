//! Changes of a plan tried out and applied, dates that are fixed, units with calendars of their own.

use crate::chain::{complaints, drafted, issue};
use crate::learning::from_playbook;
use crate::support::{Client, On, Server, between};
use rstest::rstest;
use serde_json::{Value, json};
use shenban::playbook::shipped;

async fn tried(client: &Client, case_id: &str, changes: &Value) -> Value {
    let query = form_urlencoded::Serializer::new(String::new()).append_pair("changes", &changes.to_string()).finish();
    client.read(&format!("/cases/{case_id}/what-if?{query}")).await
}

#[rstest]
#[case(On::Sqlite)]
#[case(On::Postgres)]
#[tokio::test]
async fn what_is_tried_changes_nothing_and_what_is_applied_is_what_was_tried(#[case] on: On) {
    let Some(server) = Server::start(on).await else { return };
    let (coordinator, case_id, [survey, ..]) = drafted(&server).await;
    issue(&server, &coordinator, &case_id).await;
    let before = coordinator.read(&format!("/cases/{case_id}")).await;
    let changes = json!([
        { "change": "duration", "task": 2, "duration": 9 },
        { "change": "drop_dependency", "from": 3, "to": 4, "kind": "finish_to_start" },
        { "change": "add_task", "title": "告知家长", "unit": server.units["street"], "duration": 3, "after": [4] },
    ]);
    let shown = tried(&coordinator, &case_id, &changes).await;
    assert_eq!(shown["after"]["critical_path"], json!([1, 2, 4, 5]));
    assert!(shown["after"]["forecast"].as_str() > shown["before"]["forecast"].as_str());
    let units: Vec<&Value> = shown["units"].as_array().unwrap().iter().map(|unit| &unit["unit_id"]).collect();
    assert!(units.contains(&&json!(server.units["education"])) && units.contains(&&json!(server.units["street"])));
    assert!(!units.contains(&&json!(server.units["finance"])), "its task keeps its dates");
    assert_eq!(coordinator.read(&format!("/cases/{case_id}")).await, before, "nothing was saved");

    let path = format!("/cases/{case_id}/apply-changes");
    let body = json!({ "revision": shown["revision"], "changes": changes });
    coordinator.act(&path, body.clone()).await;
    let after = coordinator.read(&format!("/cases/{case_id}")).await;
    assert_eq!(after["forecast"], shown["after"]["forecast"]);
    assert_eq!(after["tasks"].as_array().unwrap().len(), 5);
    coordinator.refused(&path, body, 409).await;
    assert_eq!(coordinator.task(&survey).await["state"], "ready");
    server.stop().await;
}

#[tokio::test]
async fn a_longer_task_of_three_points_is_later_at_all_of_them() {
    let Some(server) = Server::start(On::Sqlite).await else { return };
    let (coordinator, operator) = (server.sign_in("coordinator").await, server.sign_in("operator").await);
    complaints(&server, &operator, "first", 30, 12).await;
    server.detect().await;
    let book = shipped().into_iter().find(|book| book.key == "school-gate-congestion").unwrap();
    let case_id = from_playbook(&server, &coordinator, &book).await;
    let tender = book.tasks.iter().position(|task| task.title.contains("施工招标")).unwrap() + 1;
    let shown =
        tried(&coordinator, &case_id, &json!([{ "change": "duration", "task": tender, "duration": 200 }])).await;
    let (before, after) = (&shown["before"], &shown["after"]);
    assert!(after["forecast"].as_str() > before["forecast"].as_str(), "{shown}");
    assert!(after["p80"].as_str() >= after["forecast"].as_str(), "{shown}");
    server.stop().await;
}

#[tokio::test]
async fn a_change_that_cannot_be_made_is_told_and_none_of_them_is_applied() {
    let Some(server) = Server::start(On::Sqlite).await else { return };
    let (coordinator, case_id, _) = drafted(&server).await;
    let changes = json!([
        { "change": "duration", "task": 1, "duration": 8 },
        { "change": "add_dependency", "from": 4, "to": 1 },
    ]);
    let shown = tried(&coordinator, &case_id, &changes).await;
    assert_eq!(shown["fault"]["change"], 1);
    assert!(shown["fault"]["reason"].as_str().unwrap().contains("现场踏勘"), "the cycle is spelled out: {shown}");
    let before = coordinator.read(&format!("/cases/{case_id}")).await;
    let body = json!({ "revision": shown["revision"], "changes": changes });
    coordinator.refused(&format!("/cases/{case_id}/apply-changes"), body, 409).await;
    assert_eq!(coordinator.read(&format!("/cases/{case_id}")).await, before);
    let unknown = json!({ "revision": 0, "changes": [{ "change": "explode", "task": 1 }] });
    coordinator.refused(&format!("/cases/{case_id}/apply-changes"), unknown, 422).await;
    server.stop().await;
}

#[tokio::test]
async fn trying_works_by_forms_alone() {
    let Some(server) = Server::start(On::Sqlite).await else { return };
    let (coordinator, case_id, _) = drafted(&server).await;
    let added = coordinator
        .get(&format!("/cases/{case_id}?tab=plan&view=graph&trying=yes&task=2&change=duration&duration=9"))
        .await;
    assert_eq!(added.status().as_u16(), 303);
    let address = added.headers()["location"].to_str().unwrap().to_owned();
    let page = coordinator.get(&address).await.text().await.unwrap();
    assert!(page.contains("02 错峰放学：工期改为 9") && page.contains("受影响的单位"), "{page}");
    let value = |name: &str| between(&page, &format!("name=\"{name}\" value=\""), "\"").unwrap().replace("&#34;", "\"");
    let (revision, change) = (value("revision"), value("changes"));
    let applied = coordinator
        .form(&format!("/cases/{case_id}/apply-changes"), &[("revision", &revision), ("changes", &change)])
        .await;
    assert_eq!(applied.status().as_u16(), 303);
    let case = coordinator.read(&format!("/cases/{case_id}")).await;
    assert_eq!(case["tasks"][1]["duration"], 9);
    let education = server.sign_in("education").await;
    assert_ne!(education.get(&address).await.status().as_u16(), 200, "who may not shape the plan tries nothing");
    server.stop().await;
}

#[rstest]
#[case(On::Sqlite)]
#[case(On::Postgres)]
#[tokio::test]
async fn two_tasks_may_start_together_and_end_together(#[case] on: On) {
    let Some(server) = Server::start(on).await else { return };
    let (coordinator, case_id, [_, stagger, funding, _]) = drafted(&server).await;
    let edge = |kind: &str| json!({ "predecessor_id": stagger, "successor_id": funding, "kind": kind });
    let path = format!("/cases/{case_id}/add-dependency");
    for kind in ["start_to_start", "finish_to_finish"] {
        coordinator.act(&path, edge(kind)).await;
        coordinator.refused(&path, edge(kind), 409).await;
    }
    let case = coordinator.read(&format!("/cases/{case_id}")).await;
    assert_eq!(case["dependencies"].as_array().unwrap().len(), 6);
    assert_eq!(coordinator.get(&format!("/cases/{case_id}?tab=plan&view=graph")).await.status().as_u16(), 200);
    server.stop().await;
}

#[rstest]
#[case(On::Sqlite)]
#[case(On::Postgres)]
#[tokio::test]
async fn a_fixed_date_holds_a_task_until_that_day(#[case] on: On) {
    let Some(server) = Server::start(on).await else { return };
    let (coordinator, case_id, [survey, ..]) = drafted(&server).await;
    let today = server.app.clock.local_date(server.app.clock.now());
    let fixed = today + chrono::TimeDelta::days(4);
    let draft = json!({ "version": 1, "title": "现场踏勘", "unit_id": server.units["traffic"], "duration": 5, "fixed_on": fixed });
    coordinator.act(&format!("/tasks/{survey}/change"), draft).await;
    issue(&server, &coordinator, &case_id).await;
    let task = coordinator.task(&survey).await;
    assert_eq!((&task["state"], &task["release_on"]), (&json!("waiting"), &json!(fixed)));
    let case = coordinator.read(&format!("/cases/{case_id}")).await;
    assert!(case["tasks"][0]["dates"]["why_start"].as_str().unwrap().contains("日期已定为"), "{case}");
    server.days_pass(4).await;
    assert_eq!(coordinator.task(&survey).await["state"], "ready");
    server.stop().await;
}

#[rstest]
#[case(On::Sqlite)]
#[case(On::Postgres)]
#[tokio::test]
async fn a_units_days_off_move_its_due_dates_and_no_others(#[case] on: On) {
    let Some(server) = Server::start(on).await else { return };
    let (coordinator, case_id, [survey, ..]) = drafted(&server).await;
    issue(&server, &coordinator, &case_id).await;
    let admin = server.sign_in("admin").await;
    let due = async || coordinator.task(&survey).await["due_on"].as_str().unwrap().to_owned();
    let before = due().await;
    let from = server.app.clock.local_date(server.app.clock.now()) + chrono::TimeDelta::days(1);
    let days =
        json!({ "from": from, "until": from + chrono::TimeDelta::days(6), "kind": "holiday", "name": "设备检修" });
    admin.act(&format!("/units/{}/days", server.units["education"]), days.clone()).await;
    assert_eq!(due().await, before, "another unit's days");
    admin.act(&format!("/units/{}/days", server.units["traffic"]), days).await;
    assert!(due().await > before, "a week off");
    let case = coordinator.read(&format!("/cases/{case_id}")).await;
    assert_eq!(case["tasks"][0]["dates"]["finish"].as_str(), Some(due().await.as_str()));
    for day in from.iter_days().take(7) {
        admin.act(&format!("/units/{}/days/remove", server.units["traffic"]), json!({ "day": day })).await;
    }
    assert_eq!(due().await, before);
    let wrong =
        json!({ "from": from, "until": from - chrono::TimeDelta::days(1), "kind": "holiday", "name": "倒着写" });
    admin.refused(&format!("/units/{}/days", server.units["traffic"]), wrong, 422).await;
    server.stop().await;
}
