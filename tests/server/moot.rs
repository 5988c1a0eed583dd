//! What nobody needs to read any more when its mail could leave is not mailed, and the log says why.

use crate::chase::{issued, page, to};
use crate::matters::today;
use crate::pages::second_column;
use crate::support::{On, Server, smtp};
use chrono::{NaiveDate, TimeDelta};
use diesel::connection::SimpleConnection;
use diesel::{Connection, SqliteConnection};
use reqwest::StatusCode;
use rstest::rstest;
use serde_json::{Value, json};
use shenban::app::letters::{delivery, outbox};
use shenban::mail::Mailer;
use shenban::store::{DatabaseUrl, StoreError, mails};

/// How often an address was told of a step since some number of mails.
fn told(server: &Server, since: usize, address: &str, word: &str) -> usize {
    let mails = server.catcher.messages();
    let new = &mails[..mails.len() - since];
    let says = |text: &str, subject: &str| match text.matches(&format!("【{word}】")).count() {
        0 => usize::from(subject.contains(word)),
        several => several,
    };
    to(new, address).iter().map(|mail| says(&mail.text, &mail.subject)).sum()
}

#[rstest]
#[tokio::test]
async fn a_unit_that_signed_on_the_web_is_not_assigned_its_task_by_mail(#[values(On::Sqlite, On::Postgres)] on: On) {
    let Some(server) = Server::start_without_jobs(on).await else { return };
    let coordinator = server.sign_in("coordinator").await;
    let (_, own) = issued(&server, &coordinator, "traffic", "现场踏勘", "ordinary").await;
    let (_, entered) = issued(&server, &coordinator, "education", "错峰放学", "ordinary").await;
    server.sign_in("traffic").await.on_task(&own, "acknowledge", json!({})).await;
    coordinator.on_task(&entered, "acknowledge", json!({ "proxy_source": "电话" })).await;
    server.deliver().await;
    assert_eq!(told(&server, 0, "traffic@city.example", "任务交办"), 0);
    assert_eq!(told(&server, 0, "education@city.example", "任务交办"), 1, "it has not read what was entered for it");
    let log = page(&coordinator, "/mail/unsent").await;
    assert!(log.contains("现场踏勘") && !log.contains("错峰放学") && log.contains("已不需要"), "{log}");
    server.stop().await;
}

#[rstest]
#[tokio::test]
async fn of_reminders_that_wait_together_the_last_leaves_and_none_for_another_date(
    #[values(On::Sqlite, On::Postgres)] on: On,
) {
    let Some(server) = Server::start_without_jobs(on).await else { return };
    let (coordinator, education) = (server.sign_in("coordinator").await, server.sign_in("education").await);
    let (_, late) = issued(&server, &coordinator, "traffic", "现场踏勘", "ordinary").await;
    let (_, longer) = issued(&server, &coordinator, "education", "错峰放学", "ordinary").await;
    let (_, moved) = issued(&server, &coordinator, "finance", "落实经费", "ordinary").await;
    server.deliver().await;
    education.on_task(&longer, "acknowledge", json!({})).await;
    let since = server.catcher.messages().len();
    let due: NaiveDate = coordinator.task(&late).await["due_on"].as_str().unwrap().parse().unwrap();
    while today(&server) < due {
        server.days_pass(1).await;
    }
    // Reminded of all three, and meanwhile one has more time and one is another unit's.
    let more = json!({ "asked_due_on": due + TimeDelta::days(30), "reason": "设备未到" });
    education.act(&format!("/tasks/{longer}/ask-extension"), more).await;
    coordinator.act(&format!("/tasks/{longer}/decide-extension"), json!({ "granted": true })).await;
    let elsewhere = json!({ "unit_id": server.units["street"], "reason": "职责所在" });
    coordinator.on_task(&moved, "assign", elsewhere).await;
    server.deliver().await;
    let of = |unit: &str, word: &str| told(&server, since, &format!("{unit}@city.example"), word);
    assert_eq!(["签收提醒", "临期提醒", "今日到期"].map(|word| of("traffic", word)), [0, 0, 1]);
    assert_eq!(["临期提醒", "今日到期", "延期批复"].map(|word| of("education", word)), [0, 0, 1]);
    assert_eq!(["签收提醒", "临期提醒", "今日到期", "任务收回"].map(|word| of("finance", word)), [0, 0, 0, 1]);
    assert_eq!(["今日到期", "任务交办"].map(|word| of("street", word)), [0, 1]);
    assert_eq!(of("police", "延期申请"), 0, "it is decided");
    assert!(page(&coordinator, "/mail/unsent").await.contains("已有后一步"));
    server.stop().await;
}

#[rstest]
#[tokio::test]
async fn of_what_was_said_twice_before_it_left_the_latest_is_read_once(#[values(On::Sqlite, On::Postgres)] on: On) {
    let Some(server) = Server::start_without_jobs(on).await else { return };
    let (coordinator, traffic) = (server.sign_in("coordinator").await, server.sign_in("traffic").await);
    let (_, task) = issued(&server, &coordinator, "traffic", "现场踏勘", "ordinary").await;
    server.deliver().await;
    let since = server.catcher.messages().len();
    for days in [6, 7, 8] {
        let draft = json!({ "version": coordinator.task(&task).await["version"], "title": "现场踏勘", "duration": days,
            "unit_id": server.units["traffic"], "acceptance": "有记录" });
        coordinator.act(&format!("/tasks/{task}/change"), draft).await;
    }
    traffic.work(&task).await;
    coordinator.on_task(&task, "return", json!({ "reason": "缺照片" })).await;
    traffic.on_task(&task, "submit", json!({ "text": "已补照片" })).await;
    // What follows the first mail gathers.
    server.app.clock.set_days_later(1);
    server.deliver().await;
    let of = |unit: &str, word: &str| told(&server, since, &format!("{unit}@city.example"), word);
    assert_eq!(of("traffic", "任务调整"), 1, "three changes are one piece of news");
    assert_eq!((of("traffic", "验收退回"), of("police", "待验收")), (0, 1), "it was handed in again");
    server.stop().await;
}

#[rstest]
#[tokio::test]
async fn who_was_asked_for_an_opinion_and_gave_it_is_not_asked_by_mail(#[values(On::Sqlite, On::Postgres)] on: On) {
    let Some(server) = Server::start_without_jobs(on).await else { return };
    let (coordinator, traffic) = (server.sign_in("coordinator").await, server.sign_in("traffic").await);
    let drafted = json!({ "title": "校门口拥堵", "goal": "", "grade": "ordinary", "lead_unit_id": server.units["education"],
        "deadline": "2099-01-01" });
    let case = coordinator.act("/cases", drafted).await["id"].as_str().unwrap().to_owned();
    let task =
        json!({ "title": "现场踏勘", "unit_id": server.units["traffic"], "duration": 5, "acceptance": "有记录" });
    coordinator.act(&format!("/cases/{case}/add-task"), task).await;
    coordinator.on_case(&case, "consult", json!({ "due_on": today(&server) + TimeDelta::days(5) })).await;
    let agrees = json!({ "unit_id": server.units["traffic"], "opinion": "agree", "comment": "" });
    traffic.act(&format!("/cases/{case}/reply-opinion"), agrees).await;
    server.deliver().await;
    let asked = |unit: &str| told(&server, 0, &format!("{unit}@city.example"), "征求意见");
    assert_eq!((asked("traffic"), asked("education")), (0, 1));
    server.stop().await;
}

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_changed_while_the_mail_server_was_away_is_asked_again_before_a_mail_leaves(
    #[values(On::Sqlite, On::Postgres)] on: On,
) {
    let Some(server) = Server::start_without_jobs(on).await else { return };
    let coordinator = server.sign_in("coordinator").await;
    let (_, signed) = issued(&server, &coordinator, "traffic", "现场踏勘", "ordinary").await;
    let (_, ended) = issued(&server, &coordinator, "education", "错峰放学", "ordinary").await;
    let (_, changed) = issued(&server, &coordinator, "finance", "落实经费", "ordinary").await;
    let away = Mailer::new(smtp(1));
    outbox::freeze_owed(server.app.clone(), away.from().to_owned()).await.unwrap();
    delivery::send(&server.app, &away, "test", || false).await.unwrap();
    let composed = coordinator.read("/mails?limit=50").await;
    server.sign_in("traffic").await.on_task(&signed, "acknowledge", json!({})).await;
    coordinator.on_task(&ended, "cancel", json!({ "reason": "已并入其他任务" })).await;
    let longer = json!({ "version": coordinator.task(&changed).await["version"], "title": "落实经费", "duration": 30,
        "unit_id": server.units["finance"], "acceptance": "有记录" });
    coordinator.act(&format!("/tasks/{changed}/change"), longer).await;
    server.app.clock.set_days_later(1);
    server.deliver().await;
    server.deliver().await;
    let of = |unit: &str, word: &str| told(&server, 0, &format!("{unit}@city.example"), word);
    assert_eq!(["任务交办", "专项交办"].map(|word| of("traffic", word)), [0, 1], "what is left is said");
    assert_eq!(["任务交办", "专项交办", "任务取消"].map(|word| of("education", word)), [0, 1, 1]);
    assert_eq!(["任务交办", "专项交办", "任务调整"].map(|word| of("finance", word)), [1, 1, 1]);
    let mails = server.catcher.messages();
    assert_eq!(to(&mails, "finance@city.example").len(), 1, "with the new date alone: {mails:#?}");
    let unchanged = composed["mails"].as_array().unwrap().iter().filter(|mail| mail["recipient"] == "police局").count();
    assert_eq!((to(&mails, "police@city.example").len(), unchanged), (3, 3), "{mails:#?}");
    let withdrawn = page(&coordinator, "/mail?state=withdrawn").await;
    assert!(withdrawn.matches("<tr data-row>").count() >= 3, "{withdrawn}");
    let log = page(&coordinator, "/mail/unsent").await;
    assert!(log.contains("现场踏勘") && log.contains("错峰放学") && log.matches("已不需要").count() == 2, "{log}");
    let exported = second_column(&coordinator, "/export/mail/unsent").await;
    assert!(exported.len() == 2 && exported[1].ends_with("现场踏勘"), "{exported:?}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_late_mail_that_cannot_be_asked_about_leaves_as_soon_as_it_can() {
    let Some(server) = Server::start_without_jobs(On::Sqlite).await else { return };
    issued(&server, &server.sign_in("coordinator").await, "traffic", "现场踏勘", "ordinary").await;
    let away = Mailer::new(smtp(1));
    outbox::freeze_owed(server.app.clone(), away.from().to_owned()).await.unwrap();
    server.app.clock.set_days_later(1);
    let DatabaseUrl::Sqlite(file) = server.app.store.url().clone() else { unreachable!("it runs on SQLite") };
    let mut database = SqliteConnection::establish(file.to_str().unwrap()).unwrap();
    database.batch_execute("PRAGMA busy_timeout = 20000; ALTER TABLE attempt RENAME TO lost").unwrap();
    let sends = Mailer::new(smtp(server.catcher.address().port()));
    assert!(delivery::send(&server.app, &sends, "test", || false).await.is_err());
    database.batch_execute("ALTER TABLE lost RENAME TO attempt").unwrap();
    server.deliver().await;
    assert_eq!(told(&server, 0, "traffic@city.example", "任务交办"), 1);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mail_that_somebody_sends_again_leaves_as_it_is() {
    let Some(server) = Server::start_without_jobs(On::Sqlite).await else { return };
    let coordinator = server.sign_in("coordinator").await;
    let (_, task) = issued(&server, &coordinator, "traffic", "现场踏勘", "ordinary").await;
    server.deliver().await;
    let mails = coordinator.read("/mails?limit=50").await;
    let is_its = |mail: &&Value| mail["recipient"] == "traffic局";
    let mail = mails["mails"].as_array().unwrap().iter().find(is_its).unwrap()["id"].as_str().unwrap().to_owned();
    let bounced = mail.clone();
    let now = server.app.clock.now();
    server.app.store.write(move |tx| -> Result<_, StoreError> { mails::bounce(tx, &bounced, now) }).await.unwrap();
    server.sign_in("traffic").await.on_task(&task, "acknowledge", json!({})).await;
    let since = server.catcher.messages().len();
    server.app.clock.set_days_later(1);
    assert_eq!(coordinator.form(&format!("/mail/{mail}/resend"), &[]).await.status(), StatusCode::SEE_OTHER);
    server.deliver().await;
    assert_eq!(told(&server, since, "traffic@city.example", "任务交办"), 1);
    server.stop().await;
}
