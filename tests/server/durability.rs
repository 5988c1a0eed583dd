//! What was acknowledged is there after `kill -9`, and what is owed arrives.

use crate::commands::Place;
use crate::support::{Client, On, PASSWORD, Server, between, found, settings};
use futures_util::future::join_all;
use rstest::rstest;
use serde_json::{Value, json};
use shenban::app::{Actor, App, Error, sending};
use shenban::domain::task::TaskState;
use shenban::mail::catcher::Catcher;
use shenban::store::{DatabaseUrl, Store};
use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// Acknowledged updates of the burst, of which there are more.
const KILLED_AFTER: usize = 12;

pub struct Process {
    pub child: Child,
    pub base: String,
}

impl Drop for Process {
    fn drop(&mut self) {
        // Already gone when the test killed it.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub fn serve(place: &Place, catcher: &Catcher) -> Process {
    serve_with(place, catcher, &[])
}

/// With more settings, as the environment names them.
pub fn serve_with(place: &Place, catcher: &Catcher, more: &[(&str, &str)]) -> Process {
    let mut child = place
        .command(&["serve"])
        .env("SHENBAN_LISTEN", "127.0.0.1:0")
        .env("SHENBAN_SMTP_PORT", catcher.address().port().to_string())
        .env("SHENBAN_SMTP_TIMEOUT_SECONDS", "5")
        .env("SHENBAN_MAILS_HOURLY_MAX", "0")
        .envs(more.iter().copied())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    stderr.read_line(&mut line).unwrap();
    let base = line.trim().strip_prefix("shenban: ").unwrap_or_else(|| panic!("{line}")).to_owned();
    // Whatever else it says is read away, so that it never waits for a reader.
    std::thread::spawn(move || stderr.read_to_end(&mut Vec::new()));
    Process { child, base }
}

pub async fn sign_in(base: &str, login: &str) -> Client {
    let http = crate::support::http_client();
    let mut client = Client { http, base: base.to_owned(), csrf: String::new() };
    assert_eq!(client.sign_in(login, PASSWORD).await.status().as_u16(), 303);
    let page = client.get("/desk").await.text().await.unwrap();
    client.csrf = between(&page, "name=\"csrf\" value=\"", "\"").unwrap().to_owned();
    client
}

pub async fn units(place: &Place) -> HashMap<&'static str, String> {
    let store = Store::open(&DatabaseUrl::parse(&place.database).unwrap()).unwrap();
    let app = App::new(store, settings(place.folder.path())).unwrap();
    app.write(&Actor::operator_of_machine(), found).await.unwrap()
}

/// An issued case of ten parallel tasks; gives the tasks' ids and titles.
async fn case(coordinator: &Client, units: &HashMap<&str, String>, n: usize) -> Vec<(String, String)> {
    let drafted = json!({ "title": format!("第{n}个专项"), "goal": "", "grade": "ordinary", "lead_unit_id": units["police"],
        "deadline": "2099-01-01" });
    let id = coordinator.act("/cases", drafted).await["id"].as_str().unwrap().to_owned();
    let mut tasks = Vec::new();
    for m in 0..10 {
        let title = format!("任务{n}之{m}号");
        let body = json!({ "title": title, "unit_id": units["traffic"], "duration": 5, "duration_unit": "working_days", "acceptance": "有记录" });
        let made = coordinator.act(&format!("/cases/{id}/add-task"), body).await;
        tasks.push((made["id"].as_str().unwrap().to_owned(), title));
    }
    let basis = json!({ "basis": "批示", "approver": "市长", "decided_on": "2020-01-02" });
    coordinator.on_case(&id, "issue", basis).await;
    tasks
}

/// Works through the tasks until the server is gone; gives how far each acknowledged answer had brought its task.
async fn burst(
    client: Client,
    tasks: Vec<(String, String)>,
    answered: Arc<AtomicUsize>,
) -> Vec<(String, String, TaskState)> {
    let mut reached = Vec::new();
    for (id, title) in tasks {
        let steps = [
            ("acknowledge", TaskState::Acknowledged),
            ("start", TaskState::InProgress),
            ("submit", TaskState::Submitted),
        ];
        let Some(version) = client.version_of(&id).await else { return reached };
        for ((name, state), version) in steps.into_iter().zip(version..) {
            let body = json!({ "version": version, "text": "已办" });
            let sent = client
                .http
                .post(format!("{}/api/v1/tasks/{id}/{name}", client.base))
                .header("x-csrf-token", &client.csrf)
                .json(&body)
                .send()
                .await;
            let Ok(answer) = sent else { return reached };
            assert_eq!(answer.status().as_u16(), 200, "{name} {title}: {}", answer.text().await.unwrap_or_default());
            reached.push((id.clone(), title.clone(), state));
            answered.fetch_add(1, Ordering::SeqCst);
        }
    }
    reached
}

#[rstest]
#[case(On::Sqlite)]
#[case(On::Postgres)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_kill_nine_every_acknowledged_update_is_there_and_every_owed_mail_arrives(#[case] on: On) {
    let Some(place) = Place::new(on) else { return };
    let catcher = Catcher::start(([127, 0, 0, 1], 0).into()).await.unwrap();
    let units = units(&place).await;
    let mut process = serve(&place, &catcher);
    let coordinator = sign_in(&process.base, "coordinator").await;
    let mut cases = Vec::new();
    for n in 0..4 {
        cases.push(case(&coordinator, &units, n).await);
    }
    let officer = sign_in(&process.base, "traffic").await;
    let answered = Arc::new(AtomicUsize::new(0));
    let counted = answered.clone();
    let burst = move |tasks| burst(officer.clone(), tasks, counted.clone());
    let bursts = tokio::spawn(join_all(cases.into_iter().map(burst)));
    while answered.load(Ordering::SeqCst) < KILLED_AFTER {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    process.child.kill().unwrap();
    let reached: Vec<_> = bursts.await.unwrap().into_iter().flatten().collect();
    assert!(!reached.is_empty(), "some updates were acknowledged before the end");

    let process = serve(&place, &catcher);
    let coordinator = sign_in(&process.base, "coordinator").await;
    for (id, title, state) in &reached {
        let stored: TaskState = serde_json::from_value(coordinator.task(id).await["state"].clone()).unwrap();
        assert!(stored as u8 >= *state as u8, "{title}: {state:?} was acknowledged, {stored:?} is stored");
    }
    let submitted: Vec<&String> =
        reached.iter().filter(|row| row.2 == TaskState::Submitted).map(|(_, title, _)| title).collect();
    for _ in 0..600 {
        let text: String = catcher.messages().into_iter().map(|mail| mail.text).collect();
        let to_accept = text.matches("待验收").count();
        let all_there = submitted.iter().all(|title| text.contains(title.as_str()));
        let mails: Value = coordinator.read("/mails?limit=200").await;
        let sent = mails["mails"].as_array().unwrap().iter().all(|mail| mail["state"] == "sent");
        if all_there && sent && (submitted.is_empty() || to_accept > 0) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let mails = coordinator.read("/mails?limit=200").await;
    let texts: Vec<String> = catcher.messages().into_iter().map(|mail| mail.text).collect();
    panic!("owed mails did not arrive: {mails:#}\n{submitted:?}\n{texts:#?}");
}

#[tokio::test]
async fn the_server_says_it_is_healthy_and_ends_cleanly_on_a_signal() {
    let Some(place) = Place::new(On::Sqlite) else { return };
    let catcher = Catcher::start(([127, 0, 0, 1], 0).into()).await.unwrap();
    let mut process = serve(&place, &catcher);
    let health = crate::support::http_client().get(format!("{}/healthz", process.base)).send().await.unwrap();
    assert_eq!(health.status().as_u16(), 200);
    let id = process.child.id().to_string();
    assert!(std::process::Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
    assert_eq!(process.child.wait().unwrap().code(), Some(0));
}

#[rstest]
#[tokio::test]
async fn an_outcome_is_written_down_when_the_database_was_busy(#[values(On::Sqlite, On::Postgres)] on: On) {
    let Some(server) = Server::start(on).await else { return };
    let asked = Arc::new(AtomicUsize::new(0));
    let noted = |ends: fn() -> Error| {
        let asked = asked.clone();
        sending::note(&server.app, Actor::job("test"), move |_| match asked.fetch_add(1, Ordering::SeqCst) {
            0 | 1 => Err(Error::Busy),
            2 => Ok(()),
            _ => Err(ends()),
        })
    };
    noted(|| Error::NotFound).await.unwrap();
    assert_eq!(asked.load(Ordering::SeqCst), 3, "asked again until it was written");
    assert!(matches!(noted(|| Error::NotFound).await, Err(Error::NotFound)));
    assert_eq!(asked.load(Ordering::SeqCst), 4, "what will never be written is not asked again");
    server.stop().await;
}
