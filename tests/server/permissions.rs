//! Every route with every role; sign-in, its lock, and the proof that a change was meant.

use crate::chain::{complaints, diamond, issue};
use crate::support::{Client, On, PASSWORD, PEOPLE, Server};
use reqwest::Method;
use serde_json::{Value, json};
use shenban::domain::access::{Reach, reaches};
use shenban::web::routes::{self, Access};

/// The pattern with ids that exist.
fn path_of(pattern: &str, server: &Server, ids: &Value) -> String {
    let id = pattern.trim_start_matches("/api/v1").split('/').nth(1).and_then(|kind| ids[kind].as_str());
    pattern.replace("{id}", id.unwrap_or(&server.units["city"])).replace("{name}", "app.css")
}

async fn send(client: &Client, method: &Method, path: &str) -> u16 {
    let mut request = client.http.request(method.clone(), format!("{}{path}", client.base));
    if *method != Method::GET {
        request = request.header("x-csrf-token", &client.csrf).body("");
    }
    request.send().await.unwrap().status().as_u16()
}

async fn some_ids(server: &Server) -> Value {
    let (coordinator, operator) = (server.sign_in("coordinator").await, server.sign_in("operator").await);
    complaints(server, &operator, "first", 30, 12).await;
    server.detect().await;
    let (case_id, [survey, ..]) = diamond(server, &coordinator).await;
    issue(server, &coordinator, &case_id).await;
    let first = async |path: &str, list: &str| coordinator.read(path).await[list][0]["id"].clone();
    let told = json!({ "text": "请加快", "leader": "市长", "source": "paper", "due_on": "2099-01-01" });
    let directive = coordinator.act(&format!("/cases/{case_id}/transcribe-directive"), told).await["id"].clone();
    json!({ "cases": case_id, "tasks": survey, "directives": directive, "tickets": first("/tickets", "tickets").await,
        "problems": first("/problems", "problems").await, "mail": first("/mails", "mails").await })
}

#[tokio::test]
async fn every_route_lets_each_role_do_what_the_matrix_says_and_nothing_else() {
    let Some(server) = Server::start(On::Sqlite).await else { return };
    let ids = some_ids(&server).await;
    let stranger = server.stranger();
    let mut wrong = Vec::new();
    for route in routes::all() {
        let path = path_of(&route.pattern, &server, &ids);
        let method = Method::from_bytes(route.method.as_str().as_bytes()).unwrap();
        if route.access == Access::Public {
            continue;
        }
        let turned_away = if path.starts_with("/api/") || method != Method::GET { 401 } else { 303 };
        let status = send(&stranger, &method, &path).await;
        if status != turned_away {
            wrong.push(format!("{method} {path}: a stranger got {status}"));
        }
    }
    for (login, role, _) in PEOPLE {
        let client = server.sign_in(login).await;
        for route in routes::all() {
            let path = path_of(&route.pattern, &server, &ids);
            let method = Method::from_bytes(route.method.as_str().as_bytes()).unwrap();
            let Access::SignedIn(action) = route.access else { continue };
            if route.pattern == "/sign-out" {
                continue;
            }
            let reach = reaches(*role, action);
            let status = send(&client, &method, &path).await;
            let agrees = match (reach.is_empty(), reach.contains(&Reach::Everything)) {
                (true, _) => status == 403,
                (_, true) => status != 403 && status < 500,
                _ => status < 500,
            };
            if !agrees {
                wrong.push(format!("{method} {path}: {login} ({action:?}) got {status}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    server.stop().await;
}

#[tokio::test]
async fn a_unit_acts_on_its_own_tasks_only_and_reads_the_plan_it_is_part_of() {
    let Some(server) = Server::start(On::Sqlite).await else { return };
    let ids = some_ids(&server).await;
    let (case, survey) = (ids["cases"].as_str().unwrap(), ids["tasks"].as_str().unwrap());
    let status = async |login: &str, path: &str| server.sign_in(login).await.get(path).await.status().as_u16();
    assert_eq!(status("education", &format!("/cases/{case}")).await, 200, "a unit of the force reads the plan");
    assert_eq!(status("liaison", &format!("/cases/{case}")).await, 403, "another unit does not");
    let body = json!({ "version": 2 });
    server.sign_in("education").await.refused(&format!("/tasks/{survey}/acknowledge"), body.clone(), 403).await;
    server.sign_in("police-head").await.on_task(survey, "acknowledge", json!({})).await;
    server.stop().await;
}

#[tokio::test]
async fn a_change_that_was_not_meant_is_refused() {
    let Some(server) = Server::start(On::Sqlite).await else { return };
    let admin = server.sign_in("admin").await;
    let fields = [("name", "新单位"), ("csrf", "forged")];
    assert_eq!(admin.form_as_is("/admin/units", &fields[..1]).await.status().as_u16(), 403);
    assert_eq!(admin.form_as_is("/admin/units", &fields).await.status().as_u16(), 403);
    assert_eq!(admin.form("/admin/units", &fields[..1]).await.status().as_u16(), 303);
    let forged = Client { csrf: "forged".to_owned(), ..server.sign_in("coordinator").await };
    forged.refused("/cases", json!({}), 403).await;
    server.stop().await;
}

#[tokio::test]
async fn five_failed_sign_ins_lock_the_account_even_for_the_right_password() {
    let Some(server) = Server::start(On::Sqlite).await else { return };
    let client = server.stranger();
    for _ in 0..5 {
        assert_eq!(client.sign_in("leader", "a guess").await.status().as_u16(), 422);
    }
    let locked = client.sign_in("leader", PASSWORD).await;
    assert_eq!(locked.status().as_u16(), 422);
    assert!(locked.text().await.unwrap().contains("已锁定"));
    assert_eq!(client.sign_in("inspector", PASSWORD).await.status().as_u16(), 303, "others are not");
    server.stop().await;
}

#[tokio::test]
async fn a_session_ends_with_the_sign_out_and_its_cookie_is_not_for_scripts() {
    let Some(server) = Server::start(On::Sqlite).await else { return };
    let signed_in = server.stranger().sign_in("leader", PASSWORD).await;
    let cookie = signed_in.headers()["set-cookie"].to_str().unwrap().to_owned();
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite="), "{cookie}");
    let leader = server.sign_in("leader").await;
    assert_eq!(leader.get("/lead").await.status().as_u16(), 200);
    leader.form("/sign-out", &[]).await;
    assert_eq!(leader.get("/lead").await.status().as_u16(), 303);
    server.stop().await;
}

#[tokio::test]
async fn a_callers_number_is_shown_only_with_a_reason_to_those_whose_work_needs_it() {
    let Some(server) = Server::start(On::Sqlite).await else { return };
    let ids = some_ids(&server).await;
    let page = format!("/tickets/{}", ids["tickets"].as_str().unwrap());
    for login in ["inspector", "operator"] {
        let text = server.sign_in(login).await.get(&page).await.text().await.unwrap();
        assert!(!text.contains("1390000"), "{login}");
    }
    let unmask = format!("{page}/unmask");
    let reason = [("reason", "回访")];
    assert_eq!(server.sign_in("inspector").await.form(&unmask, &reason).await.status().as_u16(), 403);
    let operator = server.sign_in("operator").await;
    assert_eq!(operator.form(&unmask, &[]).await.status().as_u16(), 422, "without a reason");
    assert!(operator.form(&unmask, &reason).await.text().await.unwrap().contains("1390000"));
    server.stop().await;
}
