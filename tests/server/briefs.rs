//! The ladder's upper end: what a 督办单 could not settle comes before the leaders as a line of a brief, never by mail.

use crate::chase::{issued, live_through, page, to};
use crate::support::{On, Server};
use rstest::rstest;
use serde_json::json;

#[rstest]
#[tokio::test]
async fn what_is_late_beyond_the_ladder_is_a_line_of_a_brief(#[values(On::Sqlite, On::Postgres)] on: On) {
    let Some(server) = Server::start_without_jobs(on).await else { return };
    let (coordinator, leader) = (server.sign_in("coordinator").await, server.sign_in("leader").await);
    let (case, task) = issued(&server, &coordinator, "traffic", "现场踏勘", "ordinary").await;
    let words = json!({ "text": "限期销号", "leader": "王市长", "source": "paper", "due_on": "2098-01-01" });
    let directive = coordinator.act(&format!("/cases/{case}/transcribe-directive"), words).await["id"].clone();
    live_through(&server, 40).await;
    assert!(page(&coordinator, &format!("/tasks/{task}")).await.contains("列入下一期简报"), "the next step is shown");
    assert!(page(&coordinator, "/briefs/new?kind=weekly").await.contains("现场踏勘"));
    leader.refused("/briefs", json!({ "kind": "weekly" }), 403).await;
    let issue = json!({ "kind": "weekly", "note": "请关注一项久拖未决任务" });
    let id = coordinator.act("/briefs", issue.clone()).await["id"].as_str().unwrap().to_owned();
    coordinator.refused("/briefs", issue, 409).await;
    server.deliver().await;

    let shown = page(&leader, &format!("/briefs/{id}")).await;
    assert!(shown.contains("简报〔") && shown.contains("现场踏勘") && shown.contains("请关注一项久拖未决任务"));
    assert!(shown.contains("红灯专项") && !shown.contains("限期销号"), "a brief has more readers than a directive");
    assert!(page(&leader, "/lead").await.contains(&id), "the leaders' page leads to it");
    assert!(to(&server.catcher.messages(), "leader@city.example").is_empty(), "nothing is mailed to a leader");
    let content = coordinator.read(&format!("/briefs/{id}")).await["content"].clone();
    assert_eq!(content["directives"], json!([directive]));
    assert_eq!(content["raised"][0]["task_id"], json!(task));

    // It keeps what it said.
    coordinator.on_task(&task, "cancel", json!({ "reason": "已并入其他任务" })).await;
    assert!(page(&leader, &format!("/briefs/{id}")).await.contains("现场踏勘"));
    server.sign_in("traffic").await.refused("/briefs", json!({}), 403).await;
    server.stop().await;
}
