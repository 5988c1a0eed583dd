//! Leaders' directives: few read them, units report on them, nobody forgets them, and no leader is mailed.

use crate::chase::{issued, live_through, page, to};
use crate::support::{Client, On, Server, between};
use chrono::TimeDelta;
use rstest::rstest;
use serde_json::{Value, json};

const WORDS: &str = "请交警、教育两家本周内拿出分时错峰方案";

fn in_days(server: &Server, days: i64) -> String {
    (server.app.clock.now() + TimeDelta::days(days)).date().to_string()
}

/// A directive on paper to two units, transcribed by the office.
async fn transcribed(server: &Server, coordinator: &Client, case: &str, due: &str) -> String {
    let told = json!({ "text": WORDS, "leader": "王市长", "source": "paper", "due_on": due,
        "unit_id": [server.units["traffic"], server.units["education"]] });
    let made = coordinator.act(&format!("/cases/{case}/transcribe-directive"), told).await;
    made["id"].as_str().unwrap().to_owned()
}

#[rstest]
#[tokio::test]
async fn a_directive_waits_until_its_last_unit_has_reported(#[values(On::Sqlite, On::Postgres)] on: On) {
    let Some(server) = Server::start_without_jobs(on).await else { return };
    let coordinator = server.sign_in("coordinator").await;
    let (case, _) = issued(&server, &coordinator, "police", "校门口拥堵", "ordinary").await;
    let id = transcribed(&server, &coordinator, &case, &in_days(&server, 20)).await;
    let (traffic, education) = (server.sign_in("traffic").await, server.sign_in("education").await);
    let report = format!("/directives/{id}/report");
    assert!(page(&traffic, "/desk").await.contains(WORDS), "it waits on the unit's desk");
    traffic.refused(&report, json!({ "report": " " }), 422).await;
    education.refused(&report, json!({ "unit_id": server.units["traffic"], "report": "越权" }), 403).await;
    traffic.act(&report, json!({ "report": "方案已报市局" })).await;
    assert_eq!(
        traffic.read(&format!("/directives/{id}")).await["reported_at"],
        Value::Null,
        "one unit is still to report"
    );
    let again = json!({ "unit_id": server.units["traffic"], "report": "再报一次" });
    traffic.refused(&report, again, 409).await;
    // By phone, and entered by the office: marked so.
    coordinator.act(&report, json!({ "report": "家长会已开" })).await;
    coordinator.refused(&report, json!({ "report": "再报一次" }), 409).await;
    let shown = page(&server.sign_in("inspector").await, "/lead").await;
    assert!(shown.contains("批示已反馈") && shown.contains("方案已报市局") && shown.contains("家长会已开"));
    assert!(!page(&education, "/desk").await.contains(WORDS));
    server.stop().await;
}

#[rstest]
#[tokio::test]
async fn a_directives_ladder_reminds_units_and_ends_on_the_desk_and_no_leader_is_mailed(
    #[values(On::Sqlite, On::Postgres)] on: On,
) {
    let Some(server) = Server::start_without_jobs(on).await else { return };
    let (coordinator, leader) = (server.sign_in("coordinator").await, server.sign_in("leader").await);
    let (case, _) = issued(&server, &coordinator, "police", "校门口拥堵", "ordinary").await;
    let told = json!({ "text": WORDS, "due_on": in_days(&server, 14), "unit_id": server.units["traffic"] });
    let id = leader.act(&format!("/cases/{case}/instruct"), told).await["id"].as_str().unwrap().to_owned();
    server.deliver().await;
    let step = leader.read(&format!("/directives/{id}")).await["next_step"].clone();
    assert_eq!(step["stage"], "directive_due_soon", "told at once, the next step is shown");
    let stop = json!({ "stage": "directive_due_soon", "reason": "已当面说明" });
    leader.refused(&format!("/directives/{id}/stop-step"), stop.clone(), 403).await;
    coordinator.act(&format!("/directives/{id}/stop-step"), stop).await;
    live_through(&server, 25).await;
    let mails = server.catcher.messages();
    let told =
        |word: &str| to(&mails, "traffic@city.example").iter().filter(|mail| mail.subject.contains(word)).count();
    assert_eq!(told("批示反馈临期"), 0, "it was stopped");
    for step in ["批示待反馈", "批示今日应反馈", "批示反馈超期"] {
        assert_eq!(told(step), 1, "{step}: {:#?}", mails.iter().map(|mail| &mail.subject).collect::<Vec<_>>());
    }
    assert!(mails.iter().all(|mail| !mail.text.contains(WORDS)), "a mailbox has more readers than a directive");
    assert!(to(&mails, "leader@city.example").is_empty(), "nothing goes to a leader by itself");
    let desk = page(&coordinator, "/desk").await;
    assert!(desk.contains(WORDS) && desk.contains("催反馈"), "late, it is the coordinator's");
    assert!(page(&leader, "/lead").await.contains(WORDS));
    server.stop().await;
}

#[tokio::test]
async fn several_directives_are_one_mail_whose_subject_names_the_first_and_counts_the_others() {
    let Some(server) = Server::start_without_jobs(On::Sqlite).await else { return };
    let (coordinator, leader) = (server.sign_in("coordinator").await, server.sign_in("leader").await);
    let (case, _) = issued(&server, &coordinator, "police", "校门口拥堵", "ordinary").await;
    for days in [14, 16] {
        let told = json!({ "text": WORDS, "due_on": in_days(&server, days), "unit_id": server.units["traffic"] });
        leader.act(&format!("/cases/{case}/instruct"), told).await;
    }
    server.deliver().await;
    let mails = server.catcher.messages();
    let subjects: Vec<&str> = to(&mails, "traffic@city.example").iter().map(|mail| mail.subject.as_str()).collect();
    let told = |subject: &&str| {
        subject.starts_with("【批示待反馈】ZX-") && subject.ends_with("校门口拥堵，另有批示待反馈 1 项")
    };
    assert!(subjects.iter().any(told), "{subjects:?}");
    server.stop().await;
}

#[rstest]
#[tokio::test]
async fn a_directives_date_is_moved_with_a_reason_and_its_ladder_begins_anew(
    #[values(On::Sqlite, On::Postgres)] on: On,
) {
    let Some(server) = Server::start_without_jobs(on).await else { return };
    let (coordinator, leader) = (server.sign_in("coordinator").await, server.sign_in("leader").await);
    let (case, _) = issued(&server, &coordinator, "police", "校门口拥堵", "ordinary").await;
    let told = json!({ "text": WORDS, "due_on": in_days(&server, 10), "unit_id": server.units["traffic"] });
    let id = leader.act(&format!("/cases/{case}/instruct"), told).await["id"].as_str().unwrap().to_owned();
    live_through(&server, 12).await;
    let path = format!("/directives/{id}/move");
    let later = json!({ "due_on": in_days(&server, 14), "reason": "方案需先过会" });
    server.sign_in("traffic").await.refused(&path, later.clone(), 403).await;
    for (field, body) in [
        ("due_on", json!({ "due_on": in_days(&server, -1), "reason": "方案需先过会" })),
        ("reason", json!({ "due_on": in_days(&server, 14), "reason": " " })),
    ] {
        assert_eq!(leader.refused(&path, body, 422).await["errors"][0]["field"], field);
    }
    leader.act(&path, later).await;
    let moved = leader.read(&format!("/directives/{id}")).await;
    assert_eq!((&moved["due_on"], &moved["late"]), (&json!(in_days(&server, 14)), &json!(false)));
    assert!(page(&leader, &format!("/directives/{id}")).await.contains("方案需先过会"), "the reason is kept");
    live_through(&server, 30).await;
    let mails = server.catcher.messages();
    let told = |word: &str| to(&mails, "traffic@city.example").iter().filter(|mail| mail.text.contains(word)).count();
    assert_eq!(told("批示反馈期限调整"), 1);
    assert_eq!(told("批示今日应反馈"), 2, "once for each date");
    server.sign_in("traffic").await.act(&format!("/directives/{id}/report"), json!({ "report": "已落实" })).await;
    let again = json!({ "due_on": in_days(&server, 20), "reason": "再议" });
    coordinator.refused(&path, again, 409).await;
    server.stop().await;
}

#[tokio::test]
async fn a_mail_that_a_directive_needed_no_more_is_listed_for_its_readers_alone() {
    let Some(server) = Server::start_without_jobs(On::Sqlite).await else { return };
    let (coordinator, leader) = (server.sign_in("coordinator").await, server.sign_in("leader").await);
    let (case, _) = issued(&server, &coordinator, "finance", "校门口拥堵", "ordinary").await;
    let directive = transcribed(&server, &coordinator, &case, &in_days(&server, 10)).await;
    let traffic = server.sign_in("traffic").await;
    traffic.act(&format!("/directives/{directive}/report"), json!({ "report": "已部署" })).await;
    server.deliver().await;
    let link = format!("href=\"/directives/{directive}\"");
    let pager = |shown: &str| between(shown, "class=\"pager\"", "</nav>").map(str::to_owned);
    let own = page(&coordinator, "/mail/unsent").await;
    assert!(own.contains(&link) && own.matches("data-row").count() == 1, "{own}");
    let others = page(&leader, "/mail/unsent").await;
    assert!(!others.contains(&link) && !others.contains("批示待反馈"), "{others}");
    // What else was not sent is counted without it.
    let (_, task) = issued(&server, &coordinator, "traffic", "现场踏勘", "ordinary").await;
    traffic.on_task(&task, "acknowledge", json!({})).await;
    server.deliver().await;
    let [own, others] = [page(&coordinator, "/mail/unsent").await, page(&leader, "/mail/unsent").await]
        .map(|shown| pager(&shown).unwrap());
    assert!(own.contains("/ 2") && others.contains("/ 1"), "{own}{others}");
    server.stop().await;
}

#[tokio::test]
async fn who_is_not_a_reader_finds_no_trace_of_a_directive() {
    let Some(server) = Server::start_without_jobs(On::Sqlite).await else { return };
    let (coordinator, leader) = (server.sign_in("coordinator").await, server.sign_in("leader").await);
    let (case, task) = issued(&server, &coordinator, "finance", "校门口拥堵", "ordinary").await;
    let finance = server.sign_in("finance").await;
    let unseen = transcribed(&server, &coordinator, &case, &in_days(&server, 10)).await;
    // Neither a unit of the force that need not report, nor another leader.
    for client in [&finance, &leader] {
        for path in [
            format!("/directives/{unseen}"),
            format!("/cases/{case}?tab=people"),
            format!("/cases/{case}?tab=timeline"),
            format!("/cases/{case}"),
            format!("/tasks/{task}"),
            "/search?q=错峰".to_owned(),
            "/desk".to_owned(),
            "/lead".to_owned(),
        ] {
            let shown = page(client, &path).await;
            assert!(!shown.contains("分时错峰") && !shown.contains(&unseen), "{path}");
        }
        assert_eq!(client.read("/search?q=错峰").await["directives"], json!([]));
        assert_eq!(client.get(&format!("/api/v1/directives/{unseen}")).await.status().as_u16(), 404);
        assert_eq!(client.get(&format!("/directives/{unseen}")).await.status().as_u16(), 404);
    }
    let events = server.sign_in("admin").await.read("/events?limit=200").await.to_string();
    assert!(!events.contains("错峰"), "an event holds no words of it");
    // Who is named reads it, and so do the units that report.
    let people = server.sign_in("admin").await.read("/people").await;
    let named = people["people"].as_array().unwrap().iter().find(|row| row["login"] == "leader").unwrap()["id"].clone();
    let told = json!({ "text": WORDS, "leader": "王市长", "source": "meeting", "due_on": in_days(&server, 10), "reader_id": [named] });
    let seen = coordinator.act(&format!("/cases/{case}/transcribe-directive"), told).await["id"].clone();
    let found = leader.read("/search?q=错峰").await;
    assert_eq!(found["directives"][0]["id"], seen);
    let traffic = server.sign_in("traffic").await;
    assert_eq!(traffic.read(&format!("/directives/{unseen}")).await["text"], WORDS);
    server.stop().await;
}

#[tokio::test]
async fn a_transcription_names_whom_and_how_and_what_is_missing_is_said_beside_its_field() {
    let Some(server) = Server::start_without_jobs(On::Sqlite).await else { return };
    let coordinator = server.sign_in("coordinator").await;
    let (case, _) = issued(&server, &coordinator, "traffic", "校门口拥堵", "ordinary").await;
    let (from, path) = (format!("/cases/{case}?tab=people"), format!("/cases/{case}/transcribe-directive"));
    let due = in_days(&server, 10);
    let fields = [("text", WORDS), ("due_on", due.as_str()), ("source", "paper")];
    let refused = coordinator.form_from(&from, &path, &fields).await;
    assert_eq!(refused.status().as_u16(), 422);
    assert!(refused.text().await.unwrap().contains(WORDS), "what was typed is kept");
    let whole = [fields[0], fields[1], fields[2], ("leader", "王市长"), ("given_on", "2020-01-02")];
    let made = coordinator.form_from(&from, &path, &whole).await;
    let shown = page(&coordinator, made.headers()["location"].to_str().unwrap()).await;
    assert!(shown.contains("王市长") && shown.contains("纸质批件") && shown.contains("coordinator同志（纸质批件）"));
    server.sign_in("traffic").await.refused(&path, json!({ "text": WORDS }), 403).await;
    server.stop().await;
}
