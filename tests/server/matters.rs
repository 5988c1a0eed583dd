//! What happens beside a task's state: help that is asked, more time, whose duty it is.

use crate::chain::{complaints, diamond, issue};
use crate::chase::{issued, to};
use crate::support::{Client, On, Server, between};
use chrono::{NaiveDate, TimeDelta};
use rstest::rstest;
use serde_json::json;
use shenban::lang::Lang;
use shenban::mail::catcher::Caught;

/// An issued case whose first task its unit has signed for; gives the case's id and the tasks'.
pub async fn in_hand(server: &Server, coordinator: &Client) -> (String, [String; 4]) {
    let operator = server.sign_in("operator").await;
    complaints(server, &operator, "first", 30, 12).await;
    server.detect().await;
    let (case_id, tasks) = diamond(server, coordinator).await;
    issue(server, coordinator, &case_id).await;
    server.sign_in("traffic").await.on_task(&tasks[0], "acknowledge", json!({})).await;
    (case_id, tasks)
}

pub fn today(server: &Server) -> NaiveDate {
    server.app.clock.local_date(server.app.clock.now())
}

#[rstest]
#[case(On::Sqlite)]
#[case(On::Postgres)]
#[tokio::test]
async fn whose_help_is_asked_gets_a_request_with_a_date_of_its_own(#[case] on: On) {
    let Some(server) = Server::start(on).await else { return };
    let coordinator = server.sign_in("coordinator").await;
    let (traffic, finance) = (server.sign_in("traffic").await, server.sign_in("finance").await);
    let (_, [survey, ..]) = in_hand(&server, &coordinator).await;
    let until = today(&server) + TimeDelta::days(3);
    let block = json!({ "reason": "须先确认资金来源", "helper_unit_id": server.units["finance"], "due_on": until });
    traffic.act(&format!("/tasks/{survey}/block"), block).await;
    let is_request = |text: &str| text.contains("须先确认资金来源") && text.contains(&format!("/tasks/{survey}#help"));
    let mails = server.mails_when(|mails| mails.iter().any(|mail| is_request(&mail.text))).await;
    let mail = mails.iter().find(|mail| is_request(&mail.text)).unwrap();
    let shown = until.format("%-m月%-d日").to_string();
    assert!(mail.text.contains(&shown), "its own date, not the task's: {}", mail.text);
    let desk = finance.read("/desk").await;
    assert_eq!((&desk["waiting"][0]["what"], &desk["waiting"][0]["due_on"]), (&json!("请求我单位协助"), &json!(until)));

    server.days_pass(4).await;
    let due = |mails: &[Caught]| mails.iter().filter(|mail| mail.subject.contains("协助请求到期")).count();
    server.mails_when(|mails| due(mails) == 2).await;
    assert_eq!(finance.read("/unit/tasks").await["help_asked"][0]["late"], true);
    let page = finance.get("/unit").await.text().await.unwrap();
    assert!(page.contains("须先确认资金来源") && page.contains("■ 超期"));

    // Answered from the mail, without signing in.
    let link = between(&mail.text, "http://shenban.example/m/", "\n").unwrap().trim();
    let stranger = server.stranger();
    let page = stranger.get(&format!("/m/{link}")).await.text().await.unwrap();
    assert!(page.contains("须先确认资金来源") && page.contains(&shown), "{page}");
    let answer = |text: &'static str| [("name", "周敏"), ("text", text)];
    assert_eq!(stranger.form(&format!("/m/{link}"), &answer("")).await.status().as_u16(), 422);
    assert_eq!(stranger.form(&format!("/m/{link}"), &answer("列入下月预算")).await.status().as_u16(), 200);
    assert_eq!(stranger.form(&format!("/m/{link}"), &answer("再答一次")).await.status().as_u16(), 409);
    let page = traffic.get(&format!("/tasks/{survey}")).await.text().await.unwrap();
    assert!(page.contains("列入下月预算") && !page.contains("再答一次"));
    server.days_pass(1).await;
    assert!(finance.read("/unit/tasks").await["help_asked"].as_array().unwrap().is_empty());
    assert!(!finance.get("/desk").await.text().await.unwrap().contains("请求我单位协助"));
    assert_eq!(due(&server.catcher.messages()), 2, "whoever has answered is not reminded");
    server.stop().await;
}

#[rstest]
#[case(On::Sqlite)]
#[case(On::Postgres)]
#[tokio::test]
async fn an_extension_is_decided_with_its_effect_on_the_plan_in_view(#[case] on: On) {
    let Some(server) = Server::start(on).await else { return };
    let (coordinator, traffic) = (server.sign_in("coordinator").await, server.sign_in("traffic").await);
    let (case_id, [survey, ..]) = in_hand(&server, &coordinator).await;
    let due: NaiveDate = traffic.task(&survey).await["due_on"].as_str().unwrap().parse().unwrap();
    let effect = format!("/tasks/{survey}/extension-effect");
    coordinator.refused_get(&effect, 409).await;
    let asked = due + TimeDelta::days(30);
    let body = json!({ "asked_due_on": asked, "reason": "设备未到" });
    traffic.act(&format!("/tasks/{survey}/ask-extension"), body).await;
    traffic.refused_get(&effect, 403).await;

    let shown = coordinator.read(&effect).await;
    let (before, after) = (&shown["before"]["forecast"], &shown["after"]["forecast"]);
    assert!(after.as_str() > before.as_str(), "the case ends later: {shown}");
    assert_eq!(shown["moved"].as_array().unwrap().len(), 4, "and every task behind it moves");
    assert_eq!(coordinator.read(&format!("/cases/{case_id}")).await["forecast"], *before, "nothing is saved yet");
    let page = coordinator.get(&format!("/tasks/{survey}")).await.text().await.unwrap();
    assert!(page.contains("对计划的影响") && page.contains("与专项期限相比"), "{page}");
    let officers = traffic.get(&format!("/tasks/{survey}")).await.text().await.unwrap();
    assert!(!officers.contains("对计划的影响"));
    let sooner = coordinator.read(&format!("{effect}?due_on={}", due + TimeDelta::days(2))).await;
    assert!(sooner["after"]["forecast"].as_str() < after.as_str(), "another day has another effect");

    let decide = format!("/tasks/{survey}/decide-extension");
    coordinator.act(&decide, json!({ "granted": true })).await;
    assert_eq!(coordinator.read(&format!("/cases/{case_id}")).await["forecast"], *after, "as it was shown");

    // Another day than the one that is asked for, once its effect was looked at.
    let again = json!({ "asked_due_on": asked + TimeDelta::days(30), "reason": "设备仍未到" });
    traffic.act(&format!("/tasks/{survey}/ask-extension"), again).await;
    let chosen = asked + TimeDelta::days(10);
    let page = coordinator.get(&format!("/tasks/{survey}?until={chosen}")).await.text().await.unwrap();
    assert!(page.contains(&format!("name=\"due_on\" value=\"{chosen}\"")), "what is looked at is what is granted");
    assert_eq!(coordinator.get(&format!("/tasks/{survey}?until=soon")).await.status().as_u16(), 422);
    let shown = coordinator.read(&format!("{effect}?due_on={chosen}")).await;
    let early = coordinator.refused(&decide, json!({ "granted": true, "due_on": asked }), 422).await;
    assert_eq!(early["errors"][0]["field"], "due_on");
    coordinator.act(&decide, json!({ "granted": true, "due_on": chosen })).await;
    assert_eq!(traffic.task(&survey).await["due_on"], json!(chosen));
    assert_eq!(coordinator.read(&format!("/cases/{case_id}")).await["forecast"], shown["after"]["forecast"]);
    let granted = format!("已同意延至{}", Lang::Zh.date(chosen, today(&server)));
    assert!(traffic.get(&format!("/tasks/{survey}")).await.text().await.unwrap().contains(&granted));
    // What gathers for the unit leaves.
    server.days_pass(1).await;
    server.mails_when(|mails| mails.iter().any(|mail| mail.text.contains(&granted))).await;
    server.stop().await;
}

#[rstest]
#[tokio::test]
async fn who_is_told_that_more_time_is_asked_for_reads_until_when(#[values(On::Sqlite, On::Postgres)] on: On) {
    let Some(server) = Server::start_without_jobs(on).await else { return };
    let (coordinator, traffic) = (server.sign_in("coordinator").await, server.sign_in("traffic").await);
    let (_, task) = issued(&server, &coordinator, "traffic", "现场踏勘", "ordinary").await;
    traffic.on_task(&task, "acknowledge", json!({})).await;
    let until = today(&server) + TimeDelta::days(60);
    let body = json!({ "asked_due_on": until, "reason": "设备未到" });
    traffic.act(&format!("/tasks/{task}/ask-extension"), body).await;
    server.deliver().await;
    let wanted = format!("申请延至{}", Lang::Zh.date(until, today(&server)));
    let mails = server.catcher.messages();
    let told = |mail: &Caught| mail.text.contains("设备未到") && mail.text.contains(&wanted);
    assert!(to(&mails, "police@city.example").into_iter().any(told), "the lead unit: {mails:#?}");
    server.stop().await;
}

#[rstest]
#[case(On::Sqlite)]
#[case(On::Postgres)]
#[tokio::test]
async fn an_objection_goes_up_in_levels_while_the_clock_stands_still(#[case] on: On) {
    let Some(server) = Server::start(on).await else { return };
    let coordinator = server.sign_in("coordinator").await;
    let (traffic, education) = (server.sign_in("traffic").await, server.sign_in("education").await);
    let (finance, leader) = (server.sign_in("finance").await, server.sign_in("leader").await);
    let (_, [survey, ..]) = in_hand(&server, &coordinator).await;
    let path = |act: &str| format!("/tasks/{survey}/{act}");
    let due = traffic.task(&survey).await["due_on"].clone();
    let ruling = |unit: Option<&str>| json!({ "new_unit_id": unit.map(|unit| &server.units[unit]), "ruling": "道路以内由交警负责" });
    coordinator.refused(&path("rule-objection"), ruling(None), 409).await;
    traffic.refused(&path("object"), json!({ "reason": "不属我单位职责" }), 422).await;
    let objection = json!({ "clause": "权责清单第12条", "reason": "校内道路归学校管理" });
    traffic.act(&path("object"), objection.clone()).await;
    server.mails_when(|mails| mails.iter().any(|mail| mail.text.contains("校内道路归学校管理"))).await;
    let page = traffic.get(&format!("/tasks/{survey}")).await.text().await.unwrap();
    assert!(page.contains("仍由traffic局办理") && page.contains("暂停计时"), "who holds it and its clock are shown");

    // Past its date it is neither late nor chased; the level's own date passes and is told.
    server.days_pass(14).await;
    assert_eq!(traffic.task(&survey).await["late"], false);
    let mails = server.mails_when(|mails| mails.iter().any(|mail| mail.subject.contains("异议裁定到期"))).await;
    assert!(!mails.iter().any(|mail| mail.subject.contains("催办") || mail.subject.contains("到期提醒")));

    finance.refused(&path("give-opinion"), json!({ "unit_id": server.units["finance"], "text": "归交警" }), 409).await;
    coordinator.refused(&path("consult-objection"), json!({ "unit_ids": [] }), 422).await;
    coordinator
        .act(&path("consult-objection"), json!({ "unit_ids": [server.units["street"]], "note": "请编办提意见" }))
        .await;
    server.mails_when(|mails| mails.iter().any(|mail| mail.subject.contains("职责异议会商"))).await;
    let liaison = server.sign_in("liaison").await;
    assert_eq!(liaison.get(&format!("/tasks/{survey}")).await.status().as_u16(), 200, "who is consulted may read it");
    assert_eq!(liaison.read("/desk").await["waiting"][0]["what"], "职责异议会商");
    liaison
        .act(&path("give-opinion"), json!({ "unit_id": server.units["street"], "text": "清单未列明，建议领导指定" }))
        .await;

    coordinator.act(&path("refer-objection"), json!({ "note": "两家意见不一致" })).await;
    assert_eq!(leader.read("/desk").await["waiting"][0]["what"], "异议待领导指定");
    coordinator.refused(&path("rule-objection"), ruling(Some("education")), 422).await;
    leader.refused(&path("designate"), ruling(Some("traffic")), 422).await;
    leader.act(&path("designate"), ruling(Some("education"))).await;
    let task = coordinator.task(&survey).await;
    assert_eq!((&task["unit_id"], &task["state"]), (&json!(server.units["education"]), &json!("ready")));
    assert!(
        task["clock_stopped_on"].is_null() && task["due_on"].as_str() > due.as_str(),
        "the new unit's clock begins"
    );
    assert_eq!(liaison.get(&format!("/tasks/{survey}")).await.status().as_u16(), 403, "consulted no longer");

    // The ruling is a precedent for whoever cites the same clause; not upheld, the days are given back.
    education.act(&path("object"), objection).await;
    assert!(education.task(&survey).await["precedents"].as_array().unwrap().is_empty(), "not its own");
    let before = education.task(&survey).await["due_on"].clone();
    server.days_pass(7).await;
    coordinator.act(&path("rule-objection"), ruling(None)).await;
    assert!(education.task(&survey).await["due_on"].as_str() > before.as_str());
    education.work(&survey).await;
    coordinator.on_task(&survey, "accept", json!({})).await;
    let funding = finance.read("/unit/tasks").await["tasks"][0]["id"].as_str().unwrap().to_owned();
    finance.act(&format!("/tasks/{funding}/object"), json!({ "clause": "权责清单第12条", "reason": "不归财政" })).await;
    let alike = coordinator.task(&funding).await["precedents"].clone();
    assert_eq!((alike.as_array().unwrap().len(), &alike[1]["upheld"]), (2, &json!(true)), "{alike}");
    let page = coordinator.get(&format!("/tasks/{funding}")).await.text().await.unwrap();
    assert!(page.contains("类似异议的裁定") && page.contains("道路以内由交警负责"));
    server.stop().await;
}
