//! What is entered for a unit is marked with how it came, and the unit can say what is right.

use crate::chase::{issued, page};
use crate::support::{On, Server, between};
use rstest::rstest;
use serde_json::json;

#[rstest]
#[tokio::test]
async fn a_unit_corrects_what_was_entered_for_it(#[values(On::Sqlite, On::Postgres)] on: On) {
    let Some(server) = Server::start_without_jobs(on).await else { return };
    let (coordinator, traffic) = (server.sign_in("coordinator").await, server.sign_in("traffic").await);
    let (case, task) = issued(&server, &coordinator, "traffic", "现场踏勘", "ordinary").await;
    let path = format!("/tasks/{task}");
    coordinator.on_task(&task, "acknowledge", json!({ "proxy_source": "电话" })).await;
    coordinator.on_task(&task, "start", json!({ "proxy_source": "微信" })).await;
    coordinator.on_task(&task, "report", json!({ "percent": 80, "text": "快完成了", "proxy_source": "微信" })).await;
    let entry = |shown: &str| between(shown, "name=\"entry_id\" value=\"", "\"").map(str::to_owned);
    let shown = page(&traffic, &path).await;
    assert!(shown.contains("代录") && shown.contains("微信"));
    assert_eq!(entry(&page(&coordinator, &path).await), None, "who entered it does not correct it");
    // The newest first: the report.
    let report = entry(&shown).unwrap();
    let correction = json!({ "entry_id": report, "correction": "只完成了一半", "percent": 50 });
    coordinator.refused(&format!("{path}/correct-proxy"), correction.clone(), 403).await;
    server.sign_in("education").await.refused(&format!("{path}/correct-proxy"), correction.clone(), 403).await;
    traffic.act(&format!("{path}/correct-proxy"), correction.clone()).await;
    traffic.refused(&format!("{path}/correct-proxy"), correction, 409).await;
    assert_eq!(coordinator.task(&task).await["percent"], 50);
    assert!(page(&coordinator, &path).await.contains("只完成了一半"));
    assert!(page(&coordinator, &format!("/cases/{case}?tab=timeline")).await.contains("更正代录"));

    let later = json!({ "asked_due_on": "2099-01-01", "reason": "设备未到", "proxy_source": "电话" });
    coordinator.act(&format!("{path}/ask-extension"), later).await;
    let blocked = json!({ "reason": "缺资金", "due_on": "2099-01-01", "proxy_source": "纸件" });
    coordinator.act(&format!("{path}/block"), blocked).await;
    for words in ["没有受阻", "没有申请延期"] {
        let open = entry(&page(&traffic, &path).await).unwrap();
        traffic.act(&format!("{path}/correct-proxy"), json!({ "entry_id": open, "correction": words })).await;
    }
    assert_eq!(coordinator.task(&task).await["blocked"], false);
    assert!(!page(&coordinator, "/desk").await.contains("延期待批"), "it is no longer asked");
    let objected = json!({ "clause": "第3条", "reason": "不属本单位", "proxy_source": "电话" });
    coordinator.act(&format!("{path}/object"), objected).await;
    assert!(page(&traffic, &path).await.contains("不属本单位"));
    let unmarked = json!({ "text": "留言", "proxy_source": "电话" });
    coordinator.refused(&format!("{path}/comment"), unmarked, 422).await;
    server.stop().await;
}
