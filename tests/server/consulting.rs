//! What units say before a case is issued.

use crate::chain::{complaints, diamond, issue};
use crate::support::{On, Server, between};
use rstest::rstest;
use serde_json::json;
use shenban::mail::catcher::Caught;

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
    let asked = |mails: &[Caught]| mails.iter().filter(|mail| mail.subject.contains("征求意见")).count() == 3;
    let mails = server.mails_when(asked).await;
    let shown = due.format("%-m月%-d日").to_string();
    let says = |text: &str| text.contains("期限：") && text.contains(&shown) && !text.contains(&due.to_string());
    assert!(mails.iter().filter(|mail| mail.subject.contains("征求意见")).all(|mail| says(&mail.text)), "{mails:#?}");
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

#[rstest]
#[case(On::Sqlite)]
#[case(On::Postgres)]
#[tokio::test]
async fn a_unit_answers_from_the_mail_or_a_coordinator_enters_what_it_said(#[case] on: On) {
    let Some(server) = Server::start(on).await else { return };
    let (coordinator, operator) = (server.sign_in("coordinator").await, server.sign_in("operator").await);
    complaints(&server, &operator, "first", 30, 12).await;
    server.detect().await;
    let (case_id, _) = diamond(&server, &coordinator).await;
    let due = server.app.clock.local_date(server.app.clock.now()) + chrono::TimeDelta::days(5);
    coordinator.on_case(&case_id, "consult", json!({ "due_on": due })).await;
    let is_asked = |mail: &&Caught| mail.subject.contains("征求意见");
    let mails = server.mails_when(|mails| mails.iter().filter(is_asked).count() == 3).await;
    let to_education =
        mails.iter().filter(is_asked).find(|mail| mail.to.iter().any(|to| to.contains("education"))).unwrap();
    let token = between(&to_education.text, "/m/", "/opinion").expect("a link that answers").to_owned();
    let (path, stranger) = (format!("/m/{token}/opinion"), server.stranger());
    let page = stranger.get(&path).await.text().await.unwrap();
    assert!(page.contains("错峰放学") && !page.contains("落实经费"), "what its unit would do, and no more");
    let say = |fields: &'static [(&'static str, &'static str)]| stranger.form_as_is(&path, fields);
    assert_eq!(say(&[("name", "王老师")]).await.status().as_u16(), 422);
    let kept = say(&[("name", "王老师"), ("opinion", "object"), ("comment", "")]).await;
    assert_eq!(kept.status().as_u16(), 422, "an objection needs its reason");
    assert!(kept.text().await.unwrap().contains("value=\"王老师\""), "what was typed is kept");
    assert_eq!(
        say(&[("name", "王老师"), ("opinion", "comment"), ("comment", "宜先试点")]).await.status().as_u16(),
        200
    );
    assert_eq!(stranger.get(&format!("/m/{}/opinion", "0".repeat(64))).await.status().as_u16(), 409);

    let enter = format!("/cases/{case_id}/enter-opinion");
    let by_phone =
        |source: &str| json!({ "unit_id": server.units["finance"], "opinion": "agree", "proxy_source": source });
    coordinator.refused(&enter, by_phone(""), 422).await;
    server.sign_in("education").await.refused(&enter, by_phone("电话"), 403).await;
    server.days_pass(1).await;
    coordinator.act(&enter, by_phone("电话")).await;
    server.mails_when(|mails| mails.iter().any(|mail| mail.subject.contains("代录征求意见答复"))).await;
    let shown = coordinator.get(&format!("/cases/{case_id}?tab=people")).await.text().await.unwrap();
    assert!(shown.contains("宜先试点") && shown.contains("代录：电话"), "{shown}");
    // The unit corrects it: then it is its own word.
    let own = json!({ "unit_id": server.units["finance"], "opinion": "object", "comment": "经费未列" });
    server.sign_in("finance").await.act(&format!("/cases/{case_id}/reply-opinion"), own).await;
    let shown = coordinator.get(&format!("/cases/{case_id}?tab=people")).await.text().await.unwrap();
    assert!(shown.contains("经费未列") && !shown.contains("代录：电话"));

    issue(&server, &coordinator, &case_id).await;
    assert_eq!(say(&[("name", "王老师"), ("opinion", "agree")]).await.status().as_u16(), 409, "too late");
    server.stop().await;
}
