//! Two people at once.

use crate::chain::{drafted, issue, task};
use crate::support::{Client, On, Server};
use futures_util::future::join_all;
use rstest::rstest;
use serde_json::json;
use shenban::store::{StoreError, Tx, house, notices};
use std::time::Duration;

/// Other trackers stored a cycle in one of three such races.
const RACES: usize = 1_000;

async fn issued(server: &Server) -> (Client, String, [String; 4]) {
    let (coordinator, case_id, tasks) = drafted(server).await;
    issue(server, &coordinator, &case_id).await;
    (coordinator, case_id, tasks)
}

#[rstest]
#[case(On::Sqlite)]
#[case(On::Postgres)]
#[tokio::test]
async fn of_two_submissions_of_one_version_one_is_told_of_the_conflict(#[case] on: On) {
    let Some(server) = Server::start(on).await else { return };
    let (_, _, [survey, ..]) = issued(&server).await;
    let traffic = server.sign_in("traffic").await;
    traffic.on_task(&survey, "acknowledge", json!({})).await;
    traffic.on_task(&survey, "start", json!({})).await;
    let version = traffic.task(&survey).await["version"].clone();
    let body = json!({ "version": version, "text": "已完成" });
    let path = format!("/tasks/{survey}/submit");
    let answers = join_all((0..8).map(|_| traffic.post(&path, &body))).await;
    let mut statuses: Vec<u16> = answers.iter().map(|answer| answer.status().as_u16()).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [&[200][..], &[409; 7]].concat());
    server.stop().await;
}

#[rstest]
#[case(On::Sqlite)]
#[case(On::Postgres)]
#[tokio::test]
async fn opposite_dependencies_sent_at_once_are_never_both_stored(#[case] on: On) {
    let Some(server) = Server::start(on).await else { return };
    let (coordinator, case_id, [_, stagger, funding, _]) = issued(&server).await;
    let path = format!("/cases/{case_id}/add-dependency");
    let edge = |from: &str, to: &str| json!({ "predecessor_id": from, "successor_id": to, "kind": "finish_to_start" });
    let (there, back) = (edge(&stagger, &funding), edge(&funding, &stagger));
    for _ in 0..RACES {
        let (first, second) = tokio::join!(coordinator.post(&path, &there), coordinator.post(&path, &back));
        let stored: Vec<_> = [first, second].into_iter().filter(|answer| answer.status().is_success()).collect();
        assert_eq!(stored.len(), 1, "exactly one of the two is stored");
        for answer in stored {
            let made: serde_json::Value = answer.json().await.unwrap();
            coordinator.act(&format!("/dependencies/{}/remove", made["id"].as_str().unwrap()), json!({})).await;
        }
    }
    server.stop().await;
}

#[rstest]
#[case(On::Sqlite)]
#[case(On::Postgres)]
#[tokio::test]
async fn a_cycle_is_refused_and_spelled_out(#[case] on: On) {
    let Some(server) = Server::start(on).await else { return };
    let (coordinator, case_id, [survey, _, _, zone]) = issued(&server).await;
    let edge = json!({ "predecessor_id": zone, "successor_id": survey, "kind": "finish_to_start" });
    let told = coordinator.refused(&format!("/cases/{case_id}/add-dependency"), edge, 409).await;
    let detail = told["detail"].as_str().unwrap();
    assert!(detail.contains("施划即停即走区 → 现场踏勘") || detail.contains("现场踏勘 →"), "{detail}");
    server.stop().await;
}

/// Starting releases what waits for the start, submitting waits for what must have ended: who does either at the version
/// from before the dependency was added would pass it by.
#[rstest]
#[case(On::Sqlite)]
#[case(On::Postgres)]
#[tokio::test]
async fn a_new_dependency_is_seen_by_whoever_starts_or_submits_beside_it(#[case] on: On) {
    let Some(server) = Server::start(on).await else { return };
    let (coordinator, case_id, [survey, stagger, funding, _]) = issued(&server).await;
    let traffic = server.sign_in("traffic").await;
    let education = server.sign_in("education").await;
    let connect = async |from: &str, to: &str, kind: &str| {
        let edge = json!({ "predecessor_id": from, "successor_id": to, "kind": kind });
        coordinator.act(&format!("/cases/{case_id}/add-dependency"), edge).await;
    };
    traffic.on_task(&survey, "acknowledge", json!({})).await;
    let old = traffic.task(&survey).await["version"].clone();
    connect(&survey, &stagger, "start_to_start").await;
    traffic.refused(&format!("/tasks/{survey}/start"), json!({ "version": old }), 409).await;
    coordinator.act(&format!("/cases/{case_id}/add-task"), task("公示方案", &server.units["education"], &[])).await;
    let notice = coordinator.read(&format!("/cases/{case_id}")).await["tasks"][4]["id"].as_str().unwrap().to_owned();
    education.on_task(&notice, "acknowledge", json!({})).await;
    education.on_task(&notice, "start", json!({})).await;
    let old = education.task(&notice).await["version"].clone();
    connect(&funding, &notice, "finish_to_finish").await;
    let body = json!({ "version": old, "text": "已公示" });
    education.refused(&format!("/tasks/{notice}/submit"), body, 409).await;
    let body = json!({ "version": education.task(&notice).await["version"], "text": "已公示" });
    let told = education.refused(&format!("/tasks/{notice}/submit"), body, 409).await;
    assert_eq!(told["detail"], "须待任务 03 完成后才能提交办结。");
    server.stop().await;
}

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_one_replica_is_freezing_another_does_not_put_into_a_second_mail(
    #[values(On::Sqlite, On::Postgres)] on: On,
) {
    let Some(server) = Server::start_without_jobs(on).await else { return };
    issued(&server).await;
    let first_group = |tx: &mut Tx| -> Result<Vec<String>, StoreError> {
        let group = notices::owed_groups(tx, None, 1)?.remove(0);
        let owed = notices::owed_to(tx, &group.recipient_id, group.case_id.as_deref())?;
        Ok(owed.into_iter().map(|notice| notice.id).collect())
    };
    let ids = server.app.store.read(first_group).await.unwrap();
    let of = ids.clone();
    let (begun, begins) = tokio::sync::oneshot::channel();
    let first = server.app.store.write(move |tx| -> Result<_, StoreError> {
        let held: Vec<String> = notices::still_owed(tx, &of)?.into_iter().collect();
        begun.send(()).unwrap();
        std::thread::sleep(Duration::from_millis(300));
        notices::skip(tx, &held, "test")?;
        Ok(held.len())
    });
    let second = async {
        begins.await.unwrap();
        server.app.store.write(move |tx| notices::still_owed(tx, &ids)).await
    };
    let (held, left) = futures_util::join!(first, second);
    assert!(held.unwrap() > 0);
    assert!(left.unwrap().is_empty());
    server.stop().await;
}

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_is_read_as_things_were_at_its_first_look(#[values(On::Sqlite, On::Postgres)] on: On) {
    let Some(server) = Server::start_without_jobs(on).await else { return };
    let (reader, writer) = (server.app.store.clone(), server.app.store.clone());
    let now = server.app.clock.now();
    let seen: (Option<String>, Option<String>) = reader
        .read(move |tx| -> Result<_, StoreError> {
            let before = house::setting(tx, "changed")?;
            writer.write_blocking(move |tx| house::put_setting(tx, "changed", "meanwhile", now))?;
            Ok((before, house::setting(tx, "changed")?))
        })
        .await
        .unwrap();
    assert_eq!(seen, (None, None));
    let later = server.app.store.read(|tx| house::setting(tx, "changed")).await.unwrap();
    assert_eq!(later.as_deref(), Some("meanwhile"));
    server.stop().await;
}
