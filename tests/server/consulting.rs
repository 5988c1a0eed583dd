//! What units say before a case is issued.

use crate::chain::{complaints, diamond, issue};
use crate::support::{On, Server};
use rstest::rstest;
use serde_json::json;

#[rstest]
#[case(On::Sqlite)]
#[case(On::Postgres)]
#[tokio::test]
async fn units_agree_or_object_and_silence_stays_silence(#[case] on: On) {
    let Some(server) = Server::start(on).await else { return };
    let (coordinator, operator) = (server.sign_in("coordinator").await, server.sign_in("operator").await);
    let (education, finance) = (server.sign_in("education").await, server.sign_in("finance").await);
    complaints(&server, &operator, "first", 30, 12).await;
    server.detect().await;
    let (case_id, _) = diamond(&server, &coordinator).await;
    let (page, reply) = (format!("/cases/{case_id}?tab=people"), format!("/cases/{case_id}/reply-opinion"));
    assert_eq!(education.get(&page).await.status().as_u16(), 404, "a draft is nobody's business");

    let today = server.app.clock.local_date(server.app.clock.now());
    let due = today + chrono::TimeDelta::days(5);
    coordinator.on_case(&case_id, "consult", json!({ "due_on": due })).await;
    server.mails_when(|mails| mails.iter().filter(|mail| mail.subject.contains("征求意见")).count() == 3).await;
    assert_eq!(education.get(&page).await.status().as_u16(), 200, "who is asked may read it");
    let stranger = server.sign_in("liaison").await;
    assert_eq!(stranger.get(&page).await.status().as_u16(), 404);
    let desk = education.read("/desk").await;
    assert_eq!(desk["waiting"][0]["what"], "征求意见");

    let say = |unit: &str, opinion: &str, comment: &str| json!({ "unit_id": server.units[unit], "opinion": opinion, "comment": comment });
    education.refused(&reply, say("education", "object", ""), 422).await;
    education.act(&reply, say("education", "object", "错峰放学须先报省厅备案")).await;
    education.refused(&reply, say("finance", "agree", ""), 403).await;
    finance.refused(&reply, say("finance", "perhaps", ""), 422).await;
    coordinator.refused(&reply, say("finance", "agree", ""), 403).await;
    server.days_pass(6).await;
    let shown = coordinator.get(&page).await.text().await.unwrap();
    assert!(shown.contains("错峰放学须先报省厅备案") && shown.contains("不同意"), "the objection");
    assert_eq!(shown.matches("逾期未答复").count(), 2, "two are silent, and that is no agreement");

    // Asked again: only those who were silent get another mail and another day.
    let later = today + chrono::TimeDelta::days(12);
    coordinator.on_case(&case_id, "consult", json!({ "due_on": later })).await;
    server.mails_when(|mails| mails.iter().filter(|mail| mail.subject.contains("征求意见")).count() == 5).await;
    finance.act(&reply, say("finance", "agree", "")).await;
    let shown = coordinator.get(&page).await.text().await.unwrap();
    assert!(!shown.contains("逾期未答复") && shown.matches("○ 未答复").count() == 1, "{shown}");

    issue(&server, &coordinator, &case_id).await;
    finance.refused(&reply, say("finance", "object", "晚了"), 409).await;
    server.stop().await;
}
