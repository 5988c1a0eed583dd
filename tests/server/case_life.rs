//! What a task force does together: meetings, another deadline.

use crate::matters::{in_hand, today};
use crate::support::{Client, On, Server};
use chrono::TimeDelta;
use rstest::rstest;
use serde_json::{Value, json};

/// The raw bytes of the one mail to a recipient whose subject says so.
async fn raw(server: &Server, coordinator: &Client, subject: &str, recipient: &str) -> String {
    let mails = coordinator.read("/mails?limit=200").await;
    let wanted = |mail: &&Value| {
        mail["subject"].as_str().unwrap().contains(subject) && mail["recipient"].as_str() == Some(recipient)
    };
    let found: Vec<&Value> = mails["mails"].as_array().unwrap().iter().filter(wanted).collect();
    assert_eq!(found.len(), 1, "{subject} to {recipient}: {mails}");
    let id = found[0]["id"].as_str().unwrap().to_owned();
    let read = server.app.store.read(move |tx| shenban::store::mails::message_of(tx, &id)).await;
    read.unwrap().unwrap()
}

/// The calendar that a mail carries.
fn calendar(message: &str) -> String {
    let parsed = mail_parser::MessageParser::default().parse(message.as_bytes()).unwrap();
    let calendar = parsed.parts.iter().filter_map(|part| part.text_contents()).find(|text| text.contains("VCALENDAR"));
    calendar.expect("an invitation").to_owned()
}

#[rstest]
#[case(On::Sqlite)]
#[case(On::Postgres)]
#[tokio::test]
async fn a_meeting_is_called_moved_and_recorded_and_its_decisions_become_tasks(#[case] on: On) {
    let Some(server) = Server::start(on).await else { return };
    let (coordinator, education) = (server.sign_in("coordinator").await, server.sign_in("education").await);
    let (case_id, _) = in_hand(&server, &coordinator).await;
    // Each unit was just written to: what comes within the minute would wait and go as one.
    server.mails_when(|mails| mails.len() == 3).await;
    server.days_pass(1).await;
    let day = today(&server) + TimeDelta::days(3);
    let units = ["traffic", "education"].map(|unit| server.units[unit].clone());
    let call = json!({ "topic": "研究错峰放学", "day": day, "time": "09:30", "duration": 90, "place": "市政府三楼", "unit_ids": units });
    education.refused(&format!("/cases/{case_id}/call-meeting"), call.clone(), 403).await;
    let mut past = call.clone();
    past["day"] = json!(day - TimeDelta::days(9));
    coordinator.refused(&format!("/cases/{case_id}/call-meeting"), past, 422).await;
    let id = coordinator.act(&format!("/cases/{case_id}/call-meeting"), call.clone()).await["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let about = |word: &'static str| {
        move |mails: &[shenban::mail::catcher::Caught]| mails.iter().filter(|mail| mail.subject.contains(word)).count()
    };
    server.mails_when(|mails| about("协调会通知")(mails) == 2).await;
    let invitation = calendar(&raw(&server, &coordinator, "协调会通知", "education局").await);
    let begins = format!("DTSTART:{}T013000Z", day.format("%Y%m%d"));
    for line in ["METHOD:REQUEST", "SEQUENCE:0", "STATUS:CONFIRMED", &begins] {
        assert!(invitation.contains(line), "{line} in {invitation}");
    }
    let uid = |text: &str| text.lines().find(|line| line.starts_with("UID:")).unwrap().to_owned();

    server.days_pass(1).await;
    // Moved: the same entry, the next sequence; who need not come any more is told so.
    let mut moved = call.clone();
    (moved["time"], moved["unit_ids"], moved["version"]) =
        (json!("14:00"), json!([units[0], server.units["finance"]]), json!(1));
    coordinator.act(&format!("/meetings/{id}/change"), moved.clone()).await;
    server.mails_when(|mails| about("协调会调整")(mails) == 2 && about("协调会取消")(mails) == 1).await;
    let change = calendar(&raw(&server, &coordinator, "协调会调整", "traffic局").await);
    assert!(change.contains("SEQUENCE:1") && change.contains("METHOD:REQUEST") && uid(&change) == uid(&invitation));
    let off = calendar(&raw(&server, &coordinator, "协调会取消", "education局").await);
    assert!(off.contains("METHOD:CANCEL") && off.contains("STATUS:CANCELLED") && uid(&off) == uid(&invitation));
    coordinator.refused(&format!("/meetings/{id}/change"), moved, 409).await;

    // One form keeps the minutes and makes tasks; a fault changes nothing.
    let form = format!("/meetings/{id}/record");
    let page = coordinator.get(&format!("/meetings/{id}")).await.text().await.unwrap();
    assert!(page.contains("name=\"decision.1\"") && page.contains("finance局"));
    let (education_unit, before) =
        (server.units["education"].clone(), coordinator.read(&format!("/cases/{case_id}")).await);
    let fields = |days: &'static str| {
        vec![
            ("version", "2"),
            ("minutes", "会议议定如下。"),
            ("decision.1", "印发错峰方案"),
            ("duration.1", days),
            ("decision.2", "每周通报一次"),
        ]
    };
    let mut wrong = fields("0");
    wrong.push(("unit_id.1", &education_unit));
    assert_eq!(coordinator.form(&form, &wrong).await.status().as_u16(), 422);
    assert_eq!(coordinator.read(&format!("/meetings/{id}")).await["state"], "called");
    let mut right = fields("4");
    right.push(("unit_id.1", &education_unit));
    assert_eq!(coordinator.form(&form, &right).await.status().as_u16(), 303);
    let shown = education.read(&format!("/meetings/{id}")).await;
    assert_eq!((&shown["state"], &shown["decisions"][1]["task_id"]), (&json!("held"), &Value::Null));
    let task = coordinator.task(shown["decisions"][0]["task_id"].as_str().unwrap()).await;
    assert_eq!(
        (&task["title"], &task["duration"], &task["state"]),
        (&json!("印发错峰方案"), &json!(4), &json!("ready"))
    );
    let after = coordinator.read(&format!("/cases/{case_id}")).await;
    assert_eq!(after["tasks"].as_array().unwrap().len(), before["tasks"].as_array().unwrap().len() + 1);
    coordinator.refused(&format!("/meetings/{id}/cancel"), json!({ "version": 3, "reason": "已开过" }), 409).await;
    let listed = education.read(&format!("/cases/{case_id}/meetings")).await;
    assert_eq!(listed["meetings"][0]["topic"], "研究错峰放学");
    assert!(
        education.get(&format!("/cases/{case_id}?tab=people")).await.text().await.unwrap().contains("研究错峰放学")
    );
    server.stop().await;
}

#[rstest]
#[case(On::Sqlite)]
#[case(On::Postgres)]
#[tokio::test]
async fn another_deadline_shows_what_it_forces_before_it_is_saved(#[case] on: On) {
    let Some(server) = Server::start(on).await else { return };
    let (coordinator, education) = (server.sign_in("coordinator").await, server.sign_in("education").await);
    let (case_id, _) = in_hand(&server, &coordinator).await;
    let case = coordinator.read(&format!("/cases/{case_id}")).await;
    let sooner = today(&server) + TimeDelta::days(10);
    let path = format!("/cases/{case_id}/deadline-effect?deadline={sooner}");
    education.refused_get(&path, 403).await;
    let effect = coordinator.read(&path).await;
    assert_eq!(effect["infeasible"], true, "{effect}");
    let forced = effect["forced"].as_array().unwrap();
    assert_eq!(forced.len(), 4, "three tasks of five days one after the other: {effect}");
    assert!(forced.iter().all(|row| row["finish"].as_str() > row["must_finish"].as_str()));
    let later = today(&server) + TimeDelta::days(200);
    let easy = coordinator.read(&format!("/cases/{case_id}/deadline-effect?deadline={later}")).await;
    assert_eq!((&easy["infeasible"], &easy["forced"]), (&json!(false), &json!([])));
    let page = coordinator.get(&format!("/cases/{case_id}/deadline?deadline={sooner}")).await.text().await.unwrap();
    assert!(page.contains("不可行") && page.contains("须提前到") && page.contains("错峰放学"), "{page}");
    let unchanged = coordinator.read(&format!("/cases/{case_id}")).await;
    assert_eq!(unchanged["deadline"], case["deadline"], "looking changes nothing");

    let act = format!("/cases/{case_id}/move-deadline");
    let mut body = json!({ "version": case["version"], "deadline": sooner });
    coordinator.refused(&act, body.clone(), 422).await;
    server.mails_when(|mails| mails.len() == 3).await;
    server.days_pass(1).await;
    (body["basis"], body["approver"], body["decided_on"]) = (json!("常务会纪要"), json!("市长"), json!(today(&server)));
    education.refused(&act, body.clone(), 403).await;
    coordinator.act(&act, body).await;
    let told = |mails: &[shenban::mail::catcher::Caught]| {
        mails.iter().filter(|mail| mail.subject.contains("专项期限调整")).count()
    };
    let mails = server.mails_when(|mails| told(mails) == 3).await;
    let to_education =
        mails.iter().find(|mail| mail.subject.contains("专项期限调整") && mail.text.contains("错峰放学"));
    assert!(
        to_education.unwrap().text.contains("须提前到") && !to_education.unwrap().text.contains("落实经费"),
        "its own tasks"
    );
    let moved = coordinator.read(&format!("/cases/{case_id}")).await;
    assert_eq!((&moved["deadline"], &moved["original_deadline"]), (&json!(sooner), &case["deadline"]));
    assert!(moved["late_days"].as_i64() > Some(0) && moved["late_days_against_original"].as_i64() < Some(0), "{moved}");
    let page = coordinator.get(&format!("/cases/{case_id}")).await.text().await.unwrap();
    assert!(page.contains("比原期限早") && page.contains("比批准期限晚"), "both are counted");
    let page = coordinator.get(&format!("/cases/{case_id}?tab=people")).await.text().await.unwrap();
    assert!(page.contains("按现有计划晚"), "the approval is marked as one that cannot be kept as planned");
    server.stop().await;
}

#[rstest]
#[case(On::Sqlite)]
#[case(On::Postgres)]
#[tokio::test]
async fn who_gives_out_work_sees_what_a_unit_has_and_what_else_goes_on_there(#[case] on: On) {
    let Some(server) = Server::start(on).await else { return };
    let (coordinator, leader) = (server.sign_in("coordinator").await, server.sign_in("leader").await);
    let (case_id, [survey, ..]) = in_hand(&server, &coordinator).await;
    server.days_pass(20).await;
    let loads = coordinator.read("/unit-loads").await;
    let of = |unit: &str| {
        loads["units"]
            .as_array()
            .unwrap()
            .iter()
            .find(|row| row["unit_id"] == json!(server.units[unit]))
            .unwrap()
            .clone()
    };
    assert_eq!((&of("traffic")["in_hand"], &of("traffic")["late"]), (&json!(1), &json!(1)));
    assert_eq!(of("police")["in_hand"], 1, "a section's work is its bureau's");
    assert_eq!(of("finance")["in_hand"], 0);
    let page = coordinator.get(&format!("/cases/{case_id}?tab=plan&add=1")).await.text().await.unwrap();
    assert!(page.contains("traffic局（在办 1，超期 1）"), "on the form for a task");
    server.sign_in("finance").await.refused_get("/unit-loads", 403).await;

    // A second case, on another problem of the same street.
    let operator = server.sign_in("operator").await;
    let now = server.app.clock.now().and_utc();
    let tickets: Vec<Value> = (0..30).map(|n| json!({ "source_no": format!("smoke{n}"), "title": "烧烤店油烟扰民",
        "body": format!("第{n}次反映：楼下烧烤店每晚油烟直排，居民无法开窗，请尽快治理。"), "received_at": (now - TimeDelta::hours(1 + n)).to_rfc3339(),
        "district": "城关区", "address": "学府路88号", "caller": format!("1380000{n:04}") })).collect();
    operator.act("/tickets", json!(tickets)).await;
    server.detect().await;
    let problems = coordinator.read("/problems?state=proposed").await;
    let other =
        problems["problems"].as_array().unwrap().iter().find(|row| row["title"].as_str().unwrap().contains("油烟"));
    let other = other.unwrap_or_else(|| panic!("{problems}"))["id"].as_str().unwrap();
    let promote = coordinator.get(&format!("/problems/{other}/promote")).await.text().await.unwrap();
    assert!(promote.contains("同一地点还有在办专项") && promote.contains("学府路") && !promote.contains("学府路12号"));
    assert!(promote.contains("traffic局（在办 1，超期 1）"));
    let new = json!({ "title": "学府路油烟", "lead_unit_id": server.units["police"], "deadline": today(&server) + TimeDelta::days(60), "problem_ids": [other] });
    let second = coordinator.act("/cases", new).await["id"].as_str().unwrap().to_owned();
    let near = coordinator.read(&format!("/cases/{case_id}/nearby")).await;
    assert_eq!(near["cases"][0]["id"], json!(second));

    // A leader's order, with its reason.
    let first = json!({ "position": 1, "reason": "开学前须见效" });
    coordinator.refused(&format!("/cases/{second}/order"), first.clone(), 403).await;
    leader.refused(&format!("/cases/{second}/order"), json!({ "position": 1 }), 422).await;
    leader.act(&format!("/cases/{case_id}/order"), first.clone()).await;
    leader.act(&format!("/cases/{second}/order"), first).await;
    let listed = coordinator.read("/cases").await;
    let order: Vec<(&Value, &Value)> =
        listed["cases"].as_array().unwrap().iter().map(|row| (&row["id"], &row["position"])).collect();
    assert_eq!(
        order,
        [(&json!(second), &json!(1)), (&json!(case_id), &json!(2))],
        "who comes first moves the other along"
    );
    assert!(leader.get("/lead").await.text().await.unwrap().contains("领导排序第 2"));
    leader.act(&format!("/cases/{second}/order"), json!({ "reason": "已见效" })).await;
    assert_eq!(coordinator.read(&format!("/cases/{case_id}")).await["position"], 1);
    assert_eq!(coordinator.task(&survey).await["late"], true);
    server.stop().await;
}
