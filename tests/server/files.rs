//! Files go up with a report and come down as they were, to those who may read the task.

use crate::matters::in_hand;
use crate::support::{Client, On, Server};
use reqwest::Response;
use reqwest::multipart::{Form, Part};

pub async fn report(client: &Client, task: &str, version: i64, name: &str, bytes: &[u8]) -> Response {
    let form = Form::new()
        .text("csrf", client.csrf.clone())
        .text("version", version.to_string())
        .text("percent", "40")
        .text("text", "见照片")
        .part("file", Part::bytes(bytes.to_vec()).file_name(name.to_owned()));
    client.http.post(format!("{}/tasks/{task}/report", client.base)).multipart(form).send().await.unwrap()
}

/// Ids of the files that a task's page offers.
pub async fn attached(client: &Client, task: &str) -> Vec<String> {
    let page = client.get(&format!("/tasks/{task}")).await.text().await.unwrap();
    page.split("href=\"/files/").skip(1).map(|rest| rest.split('"').next().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_report_brings_its_file_and_only_those_who_read_the_task_get_it() {
    let Some(server) = Server::start(On::Sqlite).await else { return };
    let coordinator = server.sign_in("coordinator").await;
    let (_, [survey, ..]) = in_hand(&server, &coordinator).await;
    let traffic = server.sign_in("traffic").await;

    let version = traffic.version_of(&survey).await.unwrap();
    let refused = report(&traffic, &survey, version, "run.exe", b"MZ").await;
    assert_eq!(refused.status().as_u16(), 422);
    assert_eq!(traffic.version_of(&survey).await, Some(version), "nothing changed");
    let bytes = b"%PDF-1.4 \xff\x00 photographs";
    let done = report(&traffic, &survey, version, "现场照片.pdf", bytes).await;
    assert_eq!(done.status().as_u16(), 303);

    let page = coordinator.get(&format!("/tasks/{survey}")).await.text().await.unwrap();
    assert!(page.contains("现场照片.pdf") && page.contains("见照片"));
    let [link] = attached(&coordinator, &survey).await.try_into().unwrap();
    let got = coordinator.get(&format!("/files/{link}")).await;
    assert!(got.headers()["content-disposition"].to_str().unwrap().starts_with("attachment"));
    assert_eq!(got.bytes().await.unwrap().as_ref(), bytes);
    let stranger = server.sign_in("liaison").await.get(&format!("/files/{link}")).await;
    assert_eq!(stranger.status().as_u16(), 403);

    let again = report(&server.sign_in("education").await, &survey, version + 1, "x.pdf", bytes).await;
    assert_eq!(again.status().as_u16(), 403, "another unit attaches nothing");
    server.stop().await;
}
