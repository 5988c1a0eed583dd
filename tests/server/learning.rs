//! What a closed case leaves: a playbook with its real durations, and how its playbook's cases went.

use crate::chain::complaints;
use crate::support::{Client, On, Server};
use rstest::rstest;
use serde_json::json;
use shenban::playbook::{Playbook, Points};

/// A case on the one problem there is, from a playbook all of whose roles are the street's; gives its id.
pub async fn from_playbook(server: &Server, coordinator: &Client, playbook: &Playbook) -> String {
    let problems = coordinator.read("/problems?state=proposed").await;
    let deadline = (server.app.clock.now() + chrono::TimeDelta::days(200)).date().to_string();
    let roles: serde_json::Map<_, _> =
        playbook.roles.iter().map(|role| (role.key.clone(), json!(server.units["traffic"]))).collect();
    let case = json!({ "title": "校门口拥堵", "goal": "降至三成", "grade": "ordinary", "deadline": deadline,
        "lead_unit_id": server.units["traffic"], "problem_ids": [problems["problems"][0]["id"]],
        "playbook_key": playbook.key, "roles": roles });
    let made = coordinator.act("/cases", case).await;
    made["id"].as_str().unwrap().to_owned()
}

#[rstest]
#[case(On::Sqlite)]
#[case(On::Postgres)]
#[tokio::test]
async fn a_closed_case_becomes_a_playbook_with_what_it_really_took(#[case] on: On) {
    let Some(server) = Server::start(on).await else { return };
    let (coordinator, operator) = (server.sign_in("coordinator").await, server.sign_in("operator").await);
    complaints(&server, &operator, "first", 60, 20).await;
    server.detect().await;
    let book = shenban::playbook::shipped().into_iter().min_by_key(|book| book.tasks.len()).unwrap();
    let case_id = from_playbook(&server, &coordinator, &book).await;
    let learned = format!("/cases/{case_id}/learned.yaml");
    assert_eq!(coordinator.get(&learned).await.status().as_u16(), 409, "only a closed case");

    crate::chain::issue(&server, &coordinator, &case_id).await;
    let traffic = server.sign_in("traffic").await;
    // One task at a time, a week each.
    loop {
        let case = coordinator.read(&format!("/cases/{case_id}")).await;
        let tasks = case["tasks"].as_array().unwrap();
        let Some(ready) = tasks.iter().find(|task| task["state"] == "ready") else {
            if tasks.iter().all(|task| task["state"] == "done") {
                break;
            }
            server.days_pass(1).await;
            continue;
        };
        let id = ready["id"].as_str().unwrap().to_owned();
        server.days_pass(7).await;
        traffic.work(&id).await;
        coordinator.on_task(&id, "accept", json!({ "note": "" })).await;
    }
    // However long the observation's window, and whichever days compare.
    for _ in 0..12 {
        if coordinator.read(&format!("/cases/{case_id}")).await["observations"][0]["result"] == "met" {
            break;
        }
        server.days_pass(31).await;
    }
    let today = server.app.clock.local_date(server.app.clock.now()).to_string();
    let basis = json!({ "basis": "办公会意见", "approver": "市长", "decided_on": today, "keeper_unit_id": server.units["street"] });
    coordinator.on_case(&case_id, "close", basis).await;

    let text = coordinator.get(&learned).await.text().await.unwrap();
    let playbook = Playbook::parse(&text).unwrap_or_else(|faults| panic!("{faults:#?}\n{text}"));
    let first = &playbook.tasks[0];
    let likely = match first.days {
        Points::One(days) => days,
        Points::Three(points) => points.likely,
    };
    assert!((3..=7).contains(&likely), "a week from release to acceptance: {likely}");
    assert!(playbook.tasks.iter().all(|task| book.tasks.iter().any(|known| known.key == task.key)));

    let page = coordinator.get(&format!("/playbooks/{}", book.key)).await.text().await.unwrap();
    assert!(page.contains("校门口拥堵") && page.contains("已销号"), "its past cases");
    let version = coordinator.get(&format!("/cases/{case_id}/playbook")).await.text().await.unwrap();
    assert!(version.contains("专项用的就是现在的版本"), "{version}");
    server.stop().await;
}
