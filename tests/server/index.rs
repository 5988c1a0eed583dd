//! The matching index of a process: from its copy in a file, and in step with what other processes do.

use crate::problems::{NOISE, a_city, complain, problem_of};
use crate::support::{Client, On, Server};
use rstest::rstest;
use serde_json::json;
use shenban::app::App;
use shenban::app::problems::upkeep;
use shenban::store::{DatabaseUrl, Store};
use std::fs;

/// A second process on the same database and folder.
fn another(server: &Server) -> App {
    let store = Store::open(server.app.store.url()).unwrap();
    App::new(store, server.app.settings.as_ref().clone()).unwrap()
}

/// Tickets that are in a problem; both processes' indexes have each where it is stored.
async fn agreed(client: &Client, one: &App, other: &App) -> usize {
    let mut placed = 0;
    for ticket in client.read("/tickets?limit=200").await["tickets"].as_array().unwrap() {
        let id = ticket["id"].as_str().unwrap();
        let found = [one, other].map(|app| app.index.read(|index| index.problem_of(id).map(str::to_owned)).unwrap());
        let stored = problem_of(client, ticket["source_no"].as_str().unwrap()).await;
        assert_eq!(found, [stored.clone(), stored].map(|id| Some(id).filter(|id| !id.is_empty())), "{ticket}");
        placed += usize::from(found[0].is_some());
    }
    placed
}

#[rstest]
#[tokio::test]
async fn a_process_follows_what_another_matches_and_people_decide(#[values(On::Sqlite, On::Postgres)] on: On) {
    let Some((server, coordinator, operator)) = a_city(on).await else { return };
    complain(&server, &operator, "a", "清水湾小区", NOISE, 8).await;
    let other = another(&server);
    upkeep::load(&other).await.unwrap();
    let placed = agreed(&coordinator, &server.app, &other).await;
    assert!(placed >= 8, "{placed}");

    complain(&server, &operator, "b", "清水湾小区", NOISE, 4).await;
    let (problem, ticket) = (problem_of(&coordinator, "a0").await, coordinator.read("/tickets/a0").await);
    let split = json!({ "ticket_ids": [ticket["id"]], "title": "另一件事" });
    coordinator.act(&format!("/problems/{problem}/split"), split).await;
    while upkeep::follow(&other).await.unwrap() {}
    assert_eq!(agreed(&coordinator, &server.app, &other).await, placed + 4);
    server.stop().await;
}

#[rstest]
#[tokio::test]
async fn a_start_reads_the_copy_and_what_came_since(#[values(On::Sqlite, On::Postgres)] on: On) {
    let Some((server, coordinator, operator)) = a_city(on).await else { return };
    complain(&server, &operator, "a", "清水湾小区", NOISE, 8).await;
    upkeep::store(&server.app).await.unwrap();
    complain(&server, &operator, "b", "清水湾小区", NOISE, 3).await;
    let ticket = coordinator.read("/tickets/a0").await["id"].clone();
    coordinator.act(&format!("/tickets/{}/move", ticket.as_str().unwrap()), json!({ "to": null })).await;

    let again = another(&server);
    upkeep::load(&again).await.unwrap();
    assert_eq!(again.index.reached().unstored(), 3);
    agreed(&coordinator, &server.app, &again).await;

    let copy = server.app.settings.data_dir.join("matching.index");
    let mut bytes = fs::read(&copy).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(&copy, bytes).unwrap();
    let rebuilt = another(&server);
    upkeep::load(&rebuilt).await.unwrap();
    assert!(rebuilt.index.reached().unstored() > 11, "a damaged copy is not believed");
    agreed(&coordinator, &server.app, &rebuilt).await;
    server.stop().await;
}

/// A folder that served another database before.
#[tokio::test]
async fn the_copy_of_another_database_is_left_alone() {
    let Some((server, _, operator)) = a_city(On::Sqlite).await else { return };
    complain(&server, &operator, "a", "清水湾小区", NOISE, 3).await;
    upkeep::store(&server.app).await.unwrap();
    let url = format!("sqlite:{}", server.app.settings.data_dir.join("other.sqlite").display());
    let store = Store::open(&DatabaseUrl::parse(&url).unwrap()).unwrap();
    let other = App::new(store, server.app.settings.as_ref().clone()).unwrap();
    upkeep::load(&other).await.unwrap();
    assert_eq!(other.index.read(|index| index.len()), Some(0));
    server.stop().await;
}
