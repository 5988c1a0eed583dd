//! A long queue of mails, and who does not wait in it.

use crate::chase::{issued, page, to};
use crate::matters::in_hand;
use crate::support::{On, Server, smtp};
use rstest::rstest;
use serde_json::json;
use shenban::app::App;
use shenban::app::letters::{delivery, outbox};
use shenban::domain::notice::{MailState, NoticeState, RecipientKind, Stage};
use shenban::mail::Mailer;
use shenban::store::mails::{Claimed, Mail};
use shenban::store::notices::{self, Notice};
use shenban::store::{StoreError, measure_mail, new_id};
use std::sync::atomic::{AtomicBool, Ordering};

/// Mails to one recipient that have waited, one after the other.
fn waiting(app: &App, recipient: &str, count: usize) -> Vec<Claimed> {
    let begun = app.clock.now() - chrono::TimeDelta::minutes(10);
    let waiting = |n: usize| {
        let (id, at) = (new_id(), begun + chrono::TimeDelta::milliseconds(n as i64));
        let message_id = format!("{id}@city.example");
        let message = format!("Message-ID: <{message_id}>\r\nSubject: {n}\r\n\r\n{n}\r\n");
        let mail = Mail {
            id,
            message_id,
            case_id: None,
            recipient_kind: RecipientKind::Unit,
            recipient_id: recipient.to_owned(),
            recipient_name: recipient.to_owned(),
            address: format!("{recipient}@city.example"),
            subject: n.to_string(),
            state: MailState::Queued,
            attempts: 0,
            next_attempt_at: at,
            claimed_by: None,
            claimed_until: None,
            created_at: at,
            settled_at: None,
        };
        Claimed { mail, message }
    };
    (0..count).map(waiting).collect()
}

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_has_nothing_waiting_does_not_wait_behind_who_has_and_nobody_reads_out_of_order(
    #[values(On::Sqlite, On::Postgres)] on: On,
) {
    let Some(server) = Server::start_without_jobs(on).await else { return };
    let app = &server.app;
    let (mut rows, mut new) = (waiting(app, "busy", 300), waiting(app, "quiet", 2));
    for row in &mut new {
        (row.mail.next_attempt_at, row.mail.created_at) = (app.clock.now(), app.clock.now());
    }
    rows.extend(new);
    app.store.write(move |tx| measure_mail::queue(tx, rows)).await.unwrap();
    let mailer = Mailer::new(smtp(server.catcher.address().port()));
    delivery::send(app, &mailer, "test", || false).await.unwrap();
    let mut mails = server.catcher.messages();
    mails.sort_by_key(|mail| mail.seq);
    assert_eq!(mails.len(), 302);
    let first = mails.iter().position(|mail| mail.to == ["quiet@city.example"]).unwrap();
    assert!(first < 8, "it came as the {first}th");
    // However long one is under way, only as many as there are connections are: no more are passed over at any time.
    let order: Vec<usize> = to(&mails, "busy@city.example").iter().map(|mail| mail.subject.parse().unwrap()).collect();
    let passed_over = |at: usize| order[at] - order[..at].iter().filter(|earlier| **earlier < order[at]).count();
    let most = (0..order.len()).map(passed_over).max().unwrap();
    assert!(most < mailer.connections(), "{most}: {order:?}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_stops_gives_back_what_it_did_not_begin() {
    let Some(server) = Server::start_without_jobs(On::Sqlite).await else { return };
    let rows = waiting(&server.app, "unit", 200);
    server.app.store.write(move |tx| measure_mail::queue(tx, rows)).await.unwrap();
    let mailer = Mailer::new(smtp(server.catcher.address().port()));
    let (stop, catcher) = (AtomicBool::new(false), &server.catcher);
    let stopping = || {
        stop.fetch_or(catcher.count() > 20, Ordering::Relaxed);
        stop.load(Ordering::Relaxed)
    };
    let tried = delivery::send(&server.app, &mailer, "the one that stops", stopping).await.unwrap();
    assert!((21..100).contains(&tried), "{tried}");
    // Another needs no claim to run out.
    let rest = delivery::send(&server.app, &mailer, "the next", || false).await.unwrap();
    assert_eq!((tried + rest, server.catcher.count()), (200, 200));
    server.stop().await;
}

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_task_that_went_elsewhere_or_ended_is_not_assigned_by_mail_and_the_log_says_so(
    #[values(On::Sqlite, On::Postgres)] on: On,
) {
    let Some(server) = Server::start_without_jobs(on).await else { return };
    let coordinator = server.sign_in("coordinator").await;
    let (_, ended) = issued(&server, &coordinator, "traffic", "现场踏勘", "ordinary").await;
    let (_, moved) = issued(&server, &coordinator, "education", "错峰放学", "ordinary").await;
    coordinator.on_task(&ended, "cancel", json!({ "reason": "已并入其他任务" })).await;
    let elsewhere = json!({ "unit_id": server.units["finance"], "reason": "职责所在" });
    coordinator.on_task(&moved, "assign", elsewhere).await;
    server.deliver().await;
    let mails = server.catcher.messages();
    let told = |unit: &str, word: &str| {
        let own = to(&mails, unit);
        own.iter().any(|mail| mail.subject.contains(word) || mail.text.contains(&format!("【{word}】")))
    };
    assert!(!told("traffic@city.example", "任务交办") && !told("education@city.example", "任务交办"), "{mails:#?}");
    assert!(told("traffic@city.example", "任务取消") && told("education@city.example", "任务收回"), "{mails:#?}");
    assert!(told("finance@city.example", "任务交办"), "its new unit is asked: {mails:#?}");
    let log = page(&coordinator, "/mail/unsent").await;
    assert!(log.contains("现场踏勘") && log.contains("错峰放学") && log.matches("已不需要").count() == 2, "{log}");
    let own = page(&coordinator, &format!("/mail/unsent?recipient={}", server.units["traffic"])).await;
    assert!(own.contains("现场踏勘") && !own.contains("错峰放学"), "{own}");
    server.stop().await;
}

/// What is owed to recipients that nobody knows: it needs no mail, and is settled by a decision.
fn owed(app: &App, recipients: usize, about: usize) -> Vec<Notice> {
    let owed = |n: usize| Notice {
        id: new_id(),
        subject_kind: "task".to_owned(),
        subject_id: new_id(),
        stage: Stage::TaskReleased,
        recipient_kind: RecipientKind::Unit,
        recipient_id: format!("unit{:04}", n / about),
        cycle: 0,
        case_id: Some(format!("case{}", n % about)),
        policy_version: 1,
        detail: String::new(),
        state: NoticeState::Owed,
        mail_id: None,
        decision: None,
        owed_at: app.clock.now(),
        delivery_id: None,
        tried: String::new(),
    };
    (0..recipients * about).map(owed).collect()
}

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_round_settles_what_is_owed_to_thousands(#[values(On::Sqlite, On::Postgres)] on: On) {
    let Some(server) = Server::start_without_jobs(on).await else { return };
    // More than a page of groups, cut in the middle of a recipient's.
    let rows = owed(&server.app, 901, 3);
    let all = rows.len();
    server.app.store.write(move |tx| notices::owe(tx, rows)).await.unwrap();
    let settled = outbox::freeze_owed(server.app.clone(), "shenban@city.example".to_owned()).await.unwrap();
    assert_eq!(settled, all);
    let left = server.app.store.read(|tx| -> Result<_, StoreError> { notices::backlog(tx) }).await.unwrap();
    assert_eq!(left, (0, 0));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_settled_before_its_mail_left_is_not_asked_for() {
    let Some(server) = Server::start_without_jobs(On::Sqlite).await else { return };
    let coordinator = server.sign_in("coordinator").await;
    let (_, [survey, ..]) = in_hand(&server, &coordinator).await;
    let unit = server.sign_in("traffic").await;
    unit.on_task(&survey, "start", json!({ "percent": 20, "text": "已进场" })).await;
    unit.on_task(&survey, "submit", json!({ "text": "已完成" })).await;
    coordinator.on_task(&survey, "accept", json!({ "note": "" })).await;
    server.deliver().await;
    let mails = server.catcher.messages();
    assert!(mails.iter().any(|mail| mail.text.contains("验收通过")), "the unit is told");
    assert!(
        mails.iter().all(|mail| !mail.subject.contains("待验收") && !mail.text.contains("【待验收】")),
        "{mails:#?}"
    );
    server.stop().await;
}

#[tokio::test]
async fn the_log_counts_to_a_thousand_and_no_page_lies_beyond() {
    let Some(server) = Server::start_without_jobs(On::Sqlite).await else { return };
    let coordinator = server.sign_in("coordinator").await;
    for (mails, told) in [(1_000, "1000"), (1, "1000+")] {
        let rows = waiting(&server.app, "unit", mails);
        server.app.store.write(move |tx| measure_mail::queue(tx, rows)).await.unwrap();
        let log = coordinator.get("/mail").await.text().await.unwrap();
        let counted = log.split("class=\"pager\"").nth(1).expect("a pager").split("</nav>").next().unwrap().to_owned();
        assert_eq!((counted.contains(told), counted.contains('+')), (true, told.contains('+')), "{counted}");
    }
    server.stop().await;
}
