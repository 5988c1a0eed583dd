//! The ladder, and no storm: each step once, the formal ones signed, and never more mails than anybody can read.

use crate::support::{Client, On, Server, between};
use chrono::TimeDelta;
use rstest::rstest;
use serde_json::json;
use shenban::mail::catcher::Caught;

/// An issued case with one task of a unit; gives the case's and the task's ids.
pub async fn issued(server: &Server, coordinator: &Client, unit: &str, title: &str, grade: &str) -> (String, String) {
    let drafted = json!({ "title": title, "goal": "", "grade": grade, "lead_unit_id": server.units["police"], "deadline": "2099-01-01" });
    let case = coordinator.act("/cases", drafted).await["id"].as_str().unwrap().to_owned();
    let task = json!({ "title": title, "unit_id": server.units[unit], "duration": 5, "duration_unit": "working_days", "acceptance": "有记录" });
    let task = coordinator.act(&format!("/cases/{case}/add-task"), task).await["id"].as_str().unwrap().to_owned();
    coordinator
        .on_case(&case, "issue", json!({ "basis": "批示", "approver": "市长", "decided_on": "2020-01-02" }))
        .await;
    (case, task)
}

pub fn to<'m>(mails: &'m [Caught], address: &str) -> Vec<&'m Caught> {
    mails.iter().filter(|mail| mail.to == [address]).collect()
}

pub async fn page(client: &Client, path: &str) -> String {
    client.get(path).await.text().await.unwrap()
}

/// Days pass one by one, each with what it brings.
pub async fn live_through(server: &Server, days: i64) {
    for _ in 0..days {
        server.days_pass(1).await;
        server.deliver().await;
    }
}

#[rstest]
#[tokio::test]
async fn the_ladder_takes_each_step_once_and_a_person_signs_the_formal_ones(
    #[values(On::Sqlite, On::Postgres)] on: On,
) {
    let Some(server) = Server::start_without_jobs(on).await else { return };
    let coordinator = server.sign_in("coordinator").await;
    let (_, task) = issued(&server, &coordinator, "police", "现场踏勘", "ordinary").await;
    server.deliver().await;
    live_through(&server, 30).await;
    let mails = server.catcher.messages();
    let told = |word: &str| to(&mails, "police@city.example").iter().filter(|mail| mail.subject.contains(word)).count();
    for step in ["签收提醒", "临期提醒", "今日到期", "超期催办", "再次催办"] {
        assert_eq!(told(step), 1, "{step}: {:#?}", mails.iter().map(|mail| &mail.subject).collect::<Vec<_>>());
    }
    assert_eq!(mails.iter().filter(|mail| mail.subject.contains("督办")).count(), 0, "nothing formal goes by itself");

    let desk = page(&coordinator, "/desk").await;
    assert!(desk.contains("督办单待签发"));
    let drafts: std::collections::HashSet<&str> =
        desk.split("/supervisions/").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    assert_eq!(drafts.len(), 2, "for the head and for the lead unit");
    let id = between(&desk, "/supervisions/", "\"").unwrap().to_owned();
    let sign = json!({ "text": "请督促尽快办结。", "report_by": (server.app.clock.now() + TimeDelta::days(7)).date().to_string() });
    server.sign_in("police-head").await.refused(&format!("/supervisions/{id}/sign"), sign.clone(), 403).await;
    coordinator.act(&format!("/supervisions/{id}/sign"), sign.clone()).await;
    coordinator.refused(&format!("/supervisions/{id}/sign"), sign, 409).await;
    server.deliver().await;
    let mails = server.catcher.messages();
    let letter = mails.iter().find(|mail| mail.subject.contains("督办")).expect("it was sent");
    assert_eq!(letter.to, ["police-head@city.example"], "to the unit's head");
    assert!(letter.text.contains("号") && letter.text.contains("请督促尽快办结。"), "{}", letter.text);
    let shown = page(&coordinator, &format!("/tasks/{task}")).await;
    assert!(shown.contains("督办〔"), "the number is on the task");
    server.stop().await;
}

#[tokio::test]
async fn steps_that_come_together_leave_as_the_last_of_them() {
    let Some(server) = Server::start_without_jobs(On::Sqlite).await else { return };
    let coordinator = server.sign_in("coordinator").await;
    issued(&server, &coordinator, "traffic", "现场踏勘", "ordinary").await;
    server.deliver().await;
    let before = to(&server.catcher.messages(), "traffic@city.example").len();
    // The server was off for two weeks: 5 working days are over, and so are several steps.
    server.days_pass(12).await;
    server.deliver().await;
    let mails = server.catcher.messages();
    assert_eq!(to(&mails, "traffic@city.example").len() - before, 1, "one reminder, not four");
    server.stop().await;
}

#[tokio::test]
async fn the_next_step_is_shown_and_can_be_stopped_with_a_reason() {
    let Some(server) = Server::start_without_jobs(On::Sqlite).await else { return };
    let coordinator = server.sign_in("coordinator").await;
    let (_, task) = issued(&server, &coordinator, "traffic", "现场踏勘", "ordinary").await;
    let path = format!("/tasks/{task}");
    let shown = page(&coordinator, &path).await;
    let next = between(&shown, "name=\"stage\" value=\"", "\"").expect("the next step").to_owned();
    let stop = json!({ "stage": next, "reason": "已当面说明" });
    server.sign_in("traffic").await.refused(&format!("{path}/stop-step"), stop.clone(), 403).await;
    coordinator.refused(&format!("{path}/stop-step"), json!({ "stage": next, "reason": "" }), 422).await;
    coordinator.act(&format!("{path}/stop-step"), stop).await;
    let shown = page(&coordinator, &path).await;
    assert!(shown.contains("已当面说明"));
    assert_ne!(between(&shown, "name=\"stage\" value=\"", "\"").unwrap(), next);
    server.stop().await;
}

#[tokio::test]
async fn what_comes_by_phone_is_marked_and_a_call_is_recorded() {
    let Some(server) = Server::start_without_jobs(On::Sqlite).await else { return };
    let coordinator = server.sign_in("coordinator").await;
    let (case, task) = issued(&server, &coordinator, "traffic", "道路塌陷", "urgent").await;
    assert!(page(&coordinator, "/desk").await.contains("紧急，请先电话通知"));
    let call = json!({ "whom": "王队长", "outcome": "reached", "note": "马上到场", "promised_on": "2098-12-01" });
    coordinator.act(&format!("/tasks/{task}/record-call"), call).await;
    assert!(!page(&coordinator, "/desk").await.contains("紧急，请先电话通知"));
    coordinator.on_task(&task, "acknowledge", json!({ "proxy_source": "电话" })).await;
    let timeline = page(&coordinator, &format!("/cases/{case}?tab=timeline")).await;
    assert!(timeline.contains("coordinator同志（电话）"), "marked with how it came");
    let shown = page(&coordinator, &format!("/tasks/{task}")).await;
    assert!(shown.contains("王队长") && shown.contains("发到群里的三行字"));
    let start = json!({ "version": coordinator.task(&task).await["version"], "proxy_source": "电话" });
    server.sign_in("traffic").await.refused(&format!("/tasks/{task}/start"), start, 403).await;
    server.stop().await;
}

#[tokio::test]
async fn at_the_ceiling_the_rest_goes_as_one_mail_and_nothing_is_dropped() {
    let Some(mut server) = Server::start_without_jobs(On::Sqlite).await else { return };
    server.set(|settings| settings.mail.hourly_max = 3);
    let coordinator = server.sign_in("coordinator").await;
    for n in 0..8 {
        issued(&server, &coordinator, "traffic", &format!("第{n}件事"), "ordinary").await;
        server.deliver().await;
    }
    let mails = server.catcher.messages();
    assert_eq!(to(&mails, "traffic@city.example").len(), 3, "the ceiling holds");
    issued(&server, &coordinator, "traffic", "燃气泄漏", "urgent").await;
    server.deliver().await;
    let mails = server.catcher.messages();
    let own = to(&mails, "traffic@city.example");
    let about: Vec<_> = own.iter().map(|mail| &mail.subject).collect();
    assert!(own.len() == 4 && own[0].text.contains("燃气泄漏"), "what is urgent breaks it, alone: {about:#?}");
    server.days_pass(1).await;
    server.deliver().await;
    let mails = server.catcher.messages();
    let all: String = to(&mails, "traffic@city.example").iter().map(|mail| mail.text.as_str()).collect();
    for n in 0..8 {
        assert!(all.contains(&format!("第{n}件事")), "{n}");
    }
    let digest = to(&mails, "traffic@city.example").into_iter().find(|mail| mail.subject.contains("汇总"));
    assert!(digest.is_some(), "what was more went as one: {:#?}", mails.iter().map(|m| &m.subject).collect::<Vec<_>>());
    server.stop().await;
}

#[tokio::test]
async fn a_plan_released_at_once_is_one_mail_a_unit() {
    let Some(server) = Server::start_without_jobs(On::Sqlite).await else { return };
    let coordinator = server.sign_in("coordinator").await;
    let drafted = json!({ "title": "整治", "goal": "", "grade": "ordinary", "lead_unit_id": server.units["police"], "deadline": "2099-01-01" });
    let case = coordinator.act("/cases", drafted).await["id"].as_str().unwrap().to_owned();
    for n in 0..30 {
        let unit = ["traffic", "education", "finance"][n % 3];
        let task = json!({ "title": format!("任务{n}号"), "unit_id": server.units[unit], "duration": 5, "duration_unit": "working_days", "acceptance": "有" });
        coordinator.act(&format!("/cases/{case}/add-task"), task).await;
    }
    coordinator
        .on_case(&case, "issue", json!({ "basis": "批示", "approver": "市长", "decided_on": "2020-01-02" }))
        .await;
    server.deliver().await;
    let mails = server.catcher.messages();
    for unit in ["traffic", "education", "finance"] {
        assert_eq!(to(&mails, &format!("{unit}@city.example")).len(), 1, "{unit}");
    }
    server.stop().await;
}

#[tokio::test]
async fn who_wants_a_digest_gets_one_a_day_and_can_end_it_with_one_click() {
    let Some(server) = Server::start_without_jobs(On::Sqlite).await else { return };
    let (coordinator, admin) = (server.sign_in("coordinator").await, server.sign_in("admin").await);
    admin.act(&format!("/units/{}/mail-rhythm", server.units["traffic"]), json!({ "rhythm": "daily" })).await;
    for n in 0..3 {
        issued(&server, &coordinator, "traffic", &format!("第{n}件事"), "ordinary").await;
    }
    server.deliver().await;
    assert!(to(&server.catcher.messages(), "traffic@city.example").is_empty(), "it waits for the morning");
    live_through(&server, 4).await;
    let mails = server.catcher.messages();
    let digests = to(&mails, "traffic@city.example");
    let first = digests.last().unwrap();
    assert!((0..3).all(|n| first.text.contains(&format!("第{n}件事"))), "{}", first.text);
    assert!(digests.len() <= 4, "at most one a day");
    let frozen = server.app.store.read(|tx| -> Result<_, shenban::store::StoreError> {
        let line = shenban::store::sent::list(tx, &Default::default(), shenban::store::sent::Span::first(50))?
            .0
            .into_iter()
            .find(|line| line.subject.contains("汇总"));
        shenban::store::mails::message_of(tx, &line.expect("a digest").id)
    });
    let raw = frozen.await.unwrap().unwrap();
    assert!(raw.contains("List-Unsubscribe-Post: List-Unsubscribe=One-Click"));
    let unfolded = raw.replace("\r\n ", "");
    let url = between(&unfolded, "List-Unsubscribe: <", ">").unwrap().to_owned();
    let path = url.strip_prefix("http://shenban.example").unwrap();
    let stranger = server.stranger();
    let forged = format!("{}0000", &path[..path.len() - 4]);
    assert_eq!(stranger.form_as_is(&forged, &[]).await.status().as_u16(), 404);
    assert_eq!(stranger.form_as_is(path, &[("List-Unsubscribe", "One-Click")]).await.status().as_u16(), 200);
    let before = to(&server.catcher.messages(), "traffic@city.example").len();
    issued(&server, &coordinator, "traffic", "之后的事", "ordinary").await;
    server.deliver().await;
    assert!(to(&server.catcher.messages(), "traffic@city.example").len() > before, "mails come at once again");
    server.stop().await;
}

#[tokio::test]
async fn a_deputy_reads_an_absent_persons_mails() {
    let Some(server) = Server::start_without_jobs(On::Sqlite).await else { return };
    let coordinator = server.sign_in("coordinator").await;
    let people = server.sign_in("admin").await.read("/people").await;
    let second =
        people["people"].as_array().unwrap().iter().find(|row| row["login"] == "second").unwrap()["id"].clone();
    let today = server.app.clock.local_date(server.app.clock.now()).to_string();
    let fields = [("deputy_id", second.as_str().unwrap()), ("from_day", &today), ("until_day", &today)];
    assert_eq!(coordinator.form("/me/absences", &fields).await.status().as_u16(), 303);
    let (_, task) = issued(&server, &coordinator, "traffic", "现场踏勘", "ordinary").await;
    let objection = json!({ "clause": "第3条", "reason": "不属本单位" });
    server.sign_in("traffic").await.act(&format!("/tasks/{task}/object"), objection).await;
    server.deliver().await;
    let mails = server.catcher.messages();
    assert!(mails.iter().any(|mail| mail.to == ["second@city.example"] && mail.subject.contains("职责异议")));
    assert!(to(&mails, "coordinator@city.example").is_empty());
    server.stop().await;
}

#[tokio::test]
async fn the_first_notice_leaves_at_once_and_what_follows_within_the_window_goes_as_one() {
    let Some(server) = Server::start_without_jobs(On::Sqlite).await else { return };
    let coordinator = server.sign_in("coordinator").await;
    let (case, _) = issued(&server, &coordinator, "traffic", "第一件", "ordinary").await;
    server.deliver().await;
    let count = || to(&server.catcher.messages(), "traffic@city.example").len();
    assert_eq!(count(), 1, "at once");
    for title in ["第二件", "第三件"] {
        let task = json!({ "title": title, "unit_id": server.units["traffic"], "duration": 5, "duration_unit": "working_days", "acceptance": "有" });
        coordinator.act(&format!("/cases/{case}/add-task"), task).await;
        server.deliver().await;
    }
    assert_eq!(count(), 1, "within the window nothing more leaves");
    server.days_pass(1).await;
    server.deliver().await;
    let mails = server.catcher.messages();
    let later = to(&mails, "traffic@city.example");
    assert_eq!(later.len(), 2);
    let both = |mail: &Caught| mail.text.contains("第二件") && mail.text.contains("第三件");
    assert!(later.into_iter().any(both), "both in one");
    server.stop().await;
}

#[tokio::test]
async fn an_event_a_person_does_not_want_is_not_mailed_to_him_and_what_is_asked_is() {
    let Some(server) = Server::start_without_jobs(On::Sqlite).await else { return };
    let (coordinator, head) = (server.sign_in("coordinator").await, server.sign_in("police-head").await);
    let fields = [("rhythm", "each"), ("muted", "due_soon"), ("muted", "due_today")];
    assert_eq!(head.form("/me/mails", &fields).await.status().as_u16(), 422, "what is asked is no matter of taste");
    assert_eq!(head.form("/me/mails", &fields[..2]).await.status().as_u16(), 303);
    let (_, task) = issued(&server, &coordinator, "police", "现场踏勘", "ordinary").await;
    let people = server.sign_in("admin").await.read("/people").await;
    let officer =
        people["people"].as_array().unwrap().iter().find(|row| row["login"] == "police-head").unwrap()["id"].clone();
    let assigned = json!({ "unit_id": server.units["police"], "officer_id": officer });
    head.on_task(&task, "assign", assigned).await;
    live_through(&server, 12).await;
    let mails = server.catcher.messages();
    let told = |address: &str, step: &str| to(&mails, address).iter().any(|mail| mail.subject.contains(step));
    assert!(
        told("police@city.example", "临期提醒") && !told("police-head@city.example", "临期提醒"),
        "the unit has it"
    );
    assert!(told("police-head@city.example", "今日到期"), "what is asked is");
    server.stop().await;
}

#[test]
fn the_shipped_example_of_a_policy_can_be_read() {
    let text = std::fs::read_to_string(format!("{}/deploy/chase.example.yaml", env!("CARGO_MANIFEST_DIR"))).unwrap();
    let policy: shenban::domain::chase::ChasePolicy = serde_saphyr::from_str(&text).unwrap();
    assert!(policy.check().is_ok() && policy.quiet.is_some());
}
