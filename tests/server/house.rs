//! What an administrator and a person change about the house itself: units, people, calendar, passwords, tokens.

use crate::chain::{complaints, diamond, issue};
use crate::matters::in_hand;
use crate::support::{On, PASSWORD, Server};
use rstest::rstest;
use serde_json::{Value, json};
use shenban::store::{Store, StoreError, Tx, people, plans, sessions, tasks};
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

fn named<'v>(list: &'v Value, name: &str) -> &'v Value {
    list.as_array().unwrap().iter().find(|row| row["name"] == name).expect("listed")
}

#[rstest]
#[actix_web::test]
async fn an_administrator_keeps_units_and_people(#[values(On::Sqlite, On::Postgres)] on: On) {
    let Some(server) = Server::start(on).await else { return };
    let admin = server.sign_in("admin").await;
    let unit = admin.act("/units", json!({ "name": "城管局", "mailbox": "cg@city.example" })).await["id"].clone();
    let edit = json!({ "version": 1, "name": "城市管理局", "active": true });
    admin.act(&format!("/units/{}/edit", unit.as_str().unwrap()), edit.clone()).await;
    admin.refused(&format!("/units/{}/edit", unit.as_str().unwrap()), edit, 409).await;
    let units = admin.read("/units").await;
    assert_eq!(named(&units["units"], "城市管理局")["version"], 2);

    let new = json!({ "login": "wang", "name": "王工", "password": PASSWORD, "role": "officer", "unit_id": unit });
    let id = admin.act("/people", new).await["id"].as_str().unwrap().to_owned();
    let wang = server.sign_in("wang").await;
    assert_eq!(wang.get("/unit").await.status().as_u16(), 200);
    let people = admin.read("/people").await;
    let post = named(&people["people"], "王工")["posts"][0]["id"].clone();
    admin.act(&format!("/people/{id}/end-post"), json!({ "post_id": post })).await;
    assert_eq!(wang.get("/unit").await.status().as_u16(), 403, "a post that ended gives nothing");
    admin.act(&format!("/people/{id}/add-post"), json!({ "role": "inspector" })).await;
    assert_eq!(wang.get("/lead").await.status().as_u16(), 200);
    admin.refused(&format!("/people/{id}/add-post"), json!({ "role": "lead_manager" }), 422).await;
    admin.act(&format!("/people/{id}/edit"), json!({ "version": 1, "name": "王工", "active": false })).await;
    assert_eq!(wang.get("/lead").await.status().as_u16(), 303, "signed out everywhere");
    assert_eq!(server.stranger().sign_in("wang", PASSWORD).await.status().as_u16(), 422);
    server.stop().await;
}

#[rstest]
#[actix_web::test]
async fn open_due_dates_follow_a_changed_calendar_and_each_unit_is_told_once(
    #[values(On::Sqlite, On::Postgres)] on: On,
) {
    let Some(server) = Server::start(on).await else { return };
    let (admin, coordinator) = (server.sign_in("admin").await, server.sign_in("coordinator").await);
    complaints(&server, &server.sign_in("operator").await, "first", 30, 12).await;
    server.detect().await;
    let (case_id, [survey, stagger, ..]) = diamond(&server, &coordinator).await;
    issue(&server, &coordinator, &case_id).await;
    let due: chrono::NaiveDate = serde_json::from_value(coordinator.task(&survey).await["due_on"].clone()).unwrap();
    let csv = format!("date,name,kind\n{due},防汛停工,holiday\n");
    admin.refused("/calendar", json!({ "csv": "date,name,kind\n2027-13-01,x,holiday\n" }), 422).await;
    admin.act("/calendar", json!({ "csv": csv })).await;
    let moved: chrono::NaiveDate = serde_json::from_value(coordinator.task(&survey).await["due_on"].clone()).unwrap();
    assert!(moved > due, "{due} became {moved}");
    assert_eq!(coordinator.task(&stagger).await["due_on"], Value::Null, "what has not begun has no date");
    let told = format!("{due} → {moved}");
    // What follows a mail within its window waits; the window passes with the day.
    server.days_pass(1).await;
    let mails = server.mails_when(|mails| mails.iter().any(|mail| mail.text.contains(&told))).await;
    assert_eq!(mails.iter().filter(|mail| mail.text.contains(&told)).count(), 1);
    admin.act("/calendar/remove", json!({ "day": due })).await;
    assert_eq!(coordinator.task(&survey).await["due_on"], json!(due), "taken back");
    server.stop().await;
}

#[rstest]
#[actix_web::test]
async fn what_another_process_changes_about_people_holds_a_moment_later(#[values(On::Sqlite, On::Postgres)] on: On) {
    let Some(server) = Server::start(on).await else { return };
    let traffic = server.sign_in("traffic").await;
    assert_eq!(traffic.get("/unit").await.status().as_u16(), 200);
    let elsewhere = Store::open(server.app.store.url()).unwrap();
    let signed_out = |tx: &mut Tx| {
        let person = people::person_by_login(tx, "traffic")?.expect("seeded");
        sessions::delete_of_person(tx, &person.id)
    };
    elsewhere.write(signed_out).await.unwrap();
    let begun = Instant::now();
    while traffic.get("/unit").await.status().as_u16() == 200 {
        assert!(begun.elapsed() < Duration::from_secs(10), "still signed in");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    server.stop().await;
}

#[actix_web::test]
async fn a_person_changes_the_password_and_keeps_tokens() {
    let Some(server) = Server::start(On::Sqlite).await else { return };
    let traffic = server.sign_in("traffic").await;
    let page = traffic.form("/me/tokens", &[("name", "交警平台")]).await.text().await.unwrap();
    let token = crate::support::between(&page, "<code>", "</code>").unwrap().to_owned();
    let by_token = async || {
        let asked = server.stranger().http.get(format!("{}/api/v1/unit/tasks", server.base)).bearer_auth(&token);
        asked.send().await.unwrap().status().as_u16()
    };
    assert_eq!(by_token().await, 200);
    let id = traffic.read("/tokens").await["tokens"][0]["id"].as_str().unwrap().to_owned();
    server.sign_in("education").await.refused(&format!("/tokens/{id}/revoke"), json!({}), 404).await;
    traffic.act(&format!("/tokens/{id}/revoke"), json!({})).await;
    assert_eq!(by_token().await, 401);

    let change = |present, new| [("present", present), ("password", new)];
    assert_eq!(traffic.form("/me/password", &change("a guess", "better horse")).await.status().as_u16(), 422);
    assert_eq!(traffic.form("/me/password", &change(PASSWORD, "short")).await.status().as_u16(), 422);
    assert_eq!(traffic.form("/me/password", &change(PASSWORD, "better horse")).await.status().as_u16(), 303);
    assert_eq!(traffic.get("/unit").await.status().as_u16(), 303, "signed out");
    assert_eq!(server.stranger().sign_in("traffic", "better horse").await.status().as_u16(), 303);
    server.stop().await;
}

#[rstest]
#[actix_web::test]
async fn a_task_is_listed_once_however_high_one_stands_and_blocks_are_found_among_any_number(
    #[values(On::Sqlite, On::Postgres)] on: On,
) {
    let Some(server) = Server::start(on).await else { return };
    let coordinator = server.sign_in("coordinator").await;
    let (_, [survey, ..]) = in_hand(&server, &coordinator).await;
    let blocked = json!({ "reason": "等图纸", "due_on": "2099-01-01" });
    server.sign_in("traffic").await.on_task(&survey, "block", blocked).await;
    let look = move |tx: &mut Tx| -> Result<_, StoreError> {
        let paths: Vec<String> = people::units(tx)?.into_iter().map(|unit| unit.path).collect();
        let listed = plans::of_units(tx, &paths, |state| !state.is_final())?;
        let ids: Vec<String> = listed.into_iter().map(|row| row.task.id).collect();
        // More than a statement takes values.
        let many: Vec<String> = (0..40_000).map(|n| n.to_string()).chain(ids.clone()).collect();
        Ok((ids, tasks::open_blocks(tx, &many)?))
    };
    let (ids, blocks) = server.app.store.read(look).await.unwrap();
    assert_eq!((ids.len(), ids.iter().collect::<BTreeSet<_>>().len()), (4, 4));
    assert_eq!(blocks.iter().map(|block| &block.task_id).collect::<Vec<_>>(), [&survey]);
}
