//! Ticket files by page: received, looked at, imported, and what was rejected fetched.

use crate::support::{Client, On, Server};
use reqwest::multipart::{Form, Part};
use rstest::rstest;
use shenban::app::clock_control;
use shenban::store::{StoreError, Tx};
use std::path::Path;
use std::sync::mpsc::{Sender, channel};
use std::time::Duration;
use tokio::task::JoinHandle;

const FILE: &str = "工单编号,主题,内容,受理时间,来电号码\n\
    A1,校门口拥堵,放学堵车,2026-03-02 08:00,13900000001\n\
    A2,夜间噪声,工地施工,不是时间,13900000002\n\
    A3,路灯不亮,东街,2026-03-03 20:00,13900000003\n";

/// The real messages; none where they are absent, which is said.
pub fn real_messages() -> Option<Vec<u8>> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/teddy/messages.csv");
    if !file.exists() {
        assert!(std::env::var_os("CI").is_none(), "{} is absent", file.display());
        eprintln!("skipped: {} is absent", file.display());
        return None;
    }
    Some(std::fs::read(file).unwrap())
}

async fn upload(client: &Client, name: &str, bytes: &[u8]) -> reqwest::Response {
    let part = Part::bytes(bytes.to_vec()).file_name(name.to_owned());
    let form = Form::new().text("csrf", client.csrf.clone()).part("file", part);
    client.http.post(format!("{}/import", client.base)).multipart(form).send().await.unwrap()
}

/// Imports a file; gives the page that tells what came of it.
pub async fn take_in(client: &Client, name: &str, bytes: &[u8]) -> String {
    let received = upload(client, name, bytes).await;
    let path = received.headers()["location"].to_str().unwrap().to_owned();
    finish(client, &path).await
}

/// Imports the small file, looking at its check first; gives its finished page and address.
async fn import(client: &Client) -> (String, String) {
    let received = upload(client, "三月.csv", FILE.as_bytes()).await;
    let path = received.headers()["location"].to_str().unwrap().to_owned();
    let checked = client.get(&path).await.text().await.unwrap();
    for shown in ["工单编号", "校门口拥堵", "拒收", "开始导入"] {
        assert!(checked.contains(shown), "{shown}");
    }
    assert!(!checked.contains("13900000001"));
    (finish(client, &path).await, path)
}

async fn finish(client: &Client, path: &str) -> String {
    assert_eq!(client.form(&format!("{path}/start"), &[]).await.status().as_u16(), 303);
    ended(client, path).await
}

async fn ended(client: &Client, path: &str) -> String {
    for _ in 0..3_000 {
        let page = client.get(path).await.text().await.unwrap();
        if page.contains("已导入") {
            return page;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("the import did not end");
}

#[rstest]
#[actix_web::test]
async fn a_dropped_file_is_checked_imported_once_and_its_bad_rows_are_told(#[values(On::Sqlite, On::Postgres)] on: On) {
    let Some(server) = Server::start(on).await else { return };
    let operator = server.sign_in("operator").await;
    let refused = upload(&operator, "别的.csv", "姓名,年龄\n王,3\n".as_bytes()).await;
    assert_eq!(refused.status().as_u16(), 422);
    assert!(refused.text().await.unwrap().contains("姓名、年龄"), "the headers are named");

    let (page, path) = import(&operator).await;
    assert!(page.contains("新增 2 件，已有 0 件，拒收 1 行"), "{page}");
    let rejected = operator.get(&format!("{path}/rejected")).await.text().await.unwrap();
    let line = rejected.lines().nth(1).unwrap();
    assert!(line.starts_with("3,received_at,") && line.contains("A2"), "{line}");
    assert_eq!(operator.form(&format!("{path}/start"), &[]).await.status().as_u16(), 409, "done is done");
    let (again, _) = import(&operator).await;
    assert!(again.contains("新增 0 件，已有 2 件，拒收 1 行"));
    assert_eq!(operator.read("/tickets").await["total"], 2);
    server.stop().await;
}

/// Every import waits for its turn until what this gives is told; it then ends with whether it was.
fn hold_the_background(server: &Server) -> (Sender<()>, JoinHandle<Result<bool, StoreError>>) {
    let (open, gate) = channel::<()>();
    let store = server.app.store.clone();
    let held = tokio::spawn(async move {
        let wait = move |_: &mut Tx| Ok::<_, StoreError>(gate.recv().is_ok());
        store.read_behind(wait).await
    });
    (open, held)
}

#[rstest]
#[actix_web::test]
async fn imports_that_wait_keep_nobody_else_waiting(#[values(On::Sqlite, On::Postgres)] on: On) {
    let Some(server) = Server::start(on).await else { return };
    let operator = server.sign_in("operator").await;
    let (open, held) = hold_the_background(&server);
    let mut paths = Vec::new();
    for n in 0..20 {
        let file = FILE.replace('A', &format!("{n}-"));
        let begun = async {
            let received = upload(&operator, "一批.csv", file.as_bytes()).await;
            let path = received.headers()["location"].to_str().unwrap().to_owned();
            let started = operator.form(&format!("{path}/start"), &[]).await;
            assert_eq!(started.status().as_u16(), 303);
            path
        };
        paths.push(tokio::time::timeout(Duration::from_secs(20), begun).await.expect("an answer while others wait"));
    }
    open.send(()).unwrap();
    assert!(held.await.unwrap().unwrap());
    for path in paths {
        ended(&operator, &path).await;
    }
    assert_eq!(operator.read("/tickets").await["total"], 40);
    server.stop().await;
}

#[rstest]
#[actix_web::test]
async fn a_run_that_stopped_telling_was_interrupted_and_may_be_started_again(
    #[values(On::Sqlite, On::Postgres)] on: On,
) {
    let Some(server) = Server::start(on).await else { return };
    let operator = server.sign_in("operator").await;
    let (open, held) = hold_the_background(&server);
    let received = upload(&operator, "三月.csv", FILE.as_bytes()).await;
    let path = received.headers()["location"].to_str().unwrap().to_owned();
    let start = async || operator.form(&format!("{path}/start"), &[]).await.status().as_u16();
    assert_eq!(start().await, 303);
    let running = operator.get(&path).await.text().await.unwrap();
    assert!(running.contains("导入中") && !running.contains("重新导入"), "{running}");
    assert_eq!(start().await, 409, "it runs");

    clock_control::advance(&server.app, 1).await.unwrap();
    for address in [&*path, "/import"] {
        let silent = operator.get(address).await.text().await.unwrap();
        assert!(silent.contains("已中断") && !silent.contains("导入中"), "{silent}");
    }
    assert!(operator.get(&path).await.text().await.unwrap().contains("重新导入"));
    assert_eq!(start().await, 303);
    open.send(()).unwrap();
    assert!(held.await.unwrap().unwrap());
    ended(&operator, &path).await;
    assert_eq!(operator.read("/tickets").await["total"], 2, "each once");
    server.stop().await;
}
