//! Who is reached by which channel, in the order that they or their unit chose.

use crate::receiver::{Receiver, Reply};
use crate::support::{Client, On, Server};
use crate::webhooks::{add, issued, log, verify};
use calamine::{Reader, Xlsx};
use rstest::rstest;
use serde_json::json;
use shenban::app::webhooks::sending;
use shenban::webhook::Client as Pusher;
use std::io::Cursor;
use std::time::Duration;

/// Gives a person a telephone.
async fn with_phone(admin: &Client, login: &str, phone: &str) {
    let people = admin.read("/people").await;
    let person = people["people"].as_array().unwrap().iter().find(|person| person["login"] == login).unwrap();
    let edit = json!({ "version": person["version"], "name": person["name"], "email": person["email"], "phone": phone,
        "active": true });
    admin.act(&format!("/people/{}/edit", person["id"].as_str().unwrap()), edit).await;
}

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_first_channel_of_the_order_carries_a_notice_the_next_when_it_fails_and_mail_in_the_end(
    #[values(On::Sqlite, On::Postgres)] on: On,
) {
    let Some(mut server) = Server::start_without_jobs(on).await else { return };
    server.set(|settings| settings.mail.hourly_max = 0);
    let (admin, coordinator) = (server.sign_in("admin").await, server.sign_in("coordinator").await);
    let (robot, gateway) = (Receiver::start(), Receiver::start());
    let carries = json!({ "carries_notices": true });
    let (wecom, _) = add(&admin, "wecom", &robot.url("/send?key=k"), carries.clone()).await;
    let (sms, secret) = add(&admin, "sms", &gateway.url("/"), carries.clone()).await;
    let mut second = carries;
    (second["name"], second["kind"], second["url"]) = (json!("又一个"), json!("sms"), json!(gateway.url("/")));
    let told = admin.refused("/webhooks", second, 422).await;
    assert_eq!(told["errors"][0]["field"], "carries_notices", "one way a kind");
    with_phone(&admin, "traffic", "138-0000-0001").await;
    let order = json!({ "rhythm": "each", "channels": ["wecom", "sms"] });
    admin.act(&format!("/units/{}/mail-rhythm", server.units["traffic"]), order).await;

    let client = Pusher::new(vec!["127.0.0.0/8".parse().unwrap()], Duration::from_secs(5));
    robot.always(Reply::Status(200, r#"{"errcode":93000,"errmsg":"invalid webhook url"}"#));
    issued(&server, &coordinator).await;
    let mailed = || server.catcher.messages().into_iter().filter(|mail| mail.to == ["traffic@city.example"]).count();
    for day in 1..6 {
        server.deliver().await;
        while sending::send(&server.app, &client, "test").await.unwrap() > 0 {}
        server.app.clock.set_days_later(day);
    }
    assert_eq!(log(&admin, &wecom).await[0]["state"], "failed");
    assert_eq!(robot.received()[0].json()["text"]["mentioned_mobile_list"], json!(["13800000001"]));
    let sent = gateway.received();
    assert_eq!(sent.len(), 1, "the next channel: {sent:#?}");
    verify(&sent[0], &secret);
    let told = sent[0].json();
    assert_eq!(told["data"]["to"], json!({ "name": "traffic局", "phone": "13800000001" }));
    assert!(told["data"]["text"].as_str().unwrap().contains("/01 现场踏勘，另有专项交办 1 项"), "{told:#}");
    assert!(!sent[0].body.contains("/m/"), "no link that acts without signing in");
    assert_eq!((log(&admin, &sms).await[0]["state"].as_str(), mailed()), (Some("delivered"), 0));

    gateway.always(Reply::Status(410, ""));
    issued(&server, &coordinator).await;
    for day in 6..12 {
        server.deliver().await;
        while sending::send(&server.app, &client, "test").await.unwrap() > 0 {}
        server.app.clock.set_days_later(day);
    }
    assert_eq!(mailed(), 1, "mail is the last resort");
    let waiting = admin.read("/mails?limit=50").await;
    let all_sent = waiting["mails"].as_array().unwrap().iter().all(|mail| mail["state"] == "sent");
    assert!(all_sent, "{waiting:#}");
    server.stop().await;
}

#[tokio::test]
async fn a_person_sets_the_own_order_and_is_told_by_it() {
    let Some(mut server) = Server::start_without_jobs(On::Sqlite).await else { return };
    server.set(|settings| settings.mail.hourly_max = 0);
    let (admin, coordinator) = (server.sign_in("admin").await, server.sign_in("coordinator").await);
    let gateway = Receiver::start();
    let before = coordinator.get("/me").await.text().await.unwrap();
    assert!(!before.contains("首选渠道"), "nothing to choose from");
    add(&admin, "sms", &gateway.url("/"), json!({ "carries_notices": true })).await;
    with_phone(&admin, "coordinator", "13800000002").await;
    let chosen = [("rhythm", "each"), ("channels", "sms"), ("channels", "mail")];
    assert_eq!(coordinator.form("/me/mails", &chosen).await.status().as_u16(), 303);
    let page = coordinator.get("/me").await.text().await.unwrap();
    assert!(page.contains("<option value=\"sms\" selected>"), "{page}");
    assert_eq!(coordinator.form("/me/mails", &[("channels", "pigeon")]).await.status().as_u16(), 422);

    let case = issued(&server, &coordinator).await;
    let task = coordinator.read(&format!("/cases/{case}")).await["tasks"][0]["id"].as_str().unwrap().to_owned();
    let objection = json!({ "clause": "职责清单第三条", "reason": "不属于本单位" });
    let traffic = server.sign_in("traffic").await;
    traffic.on_task(&task, "object", objection).await;
    server.app.clock.set_days_later(1);
    server.deliver().await;
    let client = Pusher::new(vec!["127.0.0.0/8".parse().unwrap()], Duration::from_secs(5));
    while sending::send(&server.app, &client, "test").await.unwrap() > 0 {}
    let sent = gateway.received();
    assert_eq!(sent.len(), 1, "{sent:#?}");
    let told = sent[0].json();
    assert_eq!(told["data"]["to"]["phone"], "13800000002");
    assert!(told["data"]["text"].as_str().unwrap().contains("职责异议"), "{told:#}");
    let mailed = server.catcher.messages().into_iter().filter(|mail| mail.to == ["coordinator@city.example"]).count();
    assert_eq!(mailed, 0);
    server.stop().await;
}

#[rstest]
#[tokio::test]
async fn a_program_sets_what_its_owner_is_told_of_and_by_which_channels(#[values(On::Sqlite, On::Postgres)] on: On) {
    let Some(server) = Server::start(on).await else { return };
    let (admin, coordinator) = (server.sign_in("admin").await, server.sign_in("coordinator").await);
    let gateway = Receiver::start();
    add(&admin, "sms", &gateway.url("/"), json!({ "carries_notices": true })).await;
    let usual = coordinator.read("/me/notifications").await;
    assert_eq!(
        (&usual["rhythm"], &usual["channels"], &usual["offered"], &usual["muted"]),
        (&json!("each"), &json!(["mail"]), &json!(["mail", "sms"]), &json!([]))
    );
    let wish = json!({ "rhythm": "daily", "channels": ["sms"], "muted": ["case_issued"] });
    let told = coordinator.act("/me/notifications", wish).await;
    assert_eq!(told, coordinator.read("/me/notifications").await);
    assert_eq!(
        (&told["rhythm"], &told["channels"], &told["muted"]),
        (&json!("daily"), &json!(["sms", "mail"]), &json!(["case_issued"]))
    );
    assert_eq!(admin.read("/me/notifications").await["rhythm"], "each", "each for themselves");
    for (wrong, field) in [
        (json!({ "rhythm": "hourly" }), "rhythm"),
        (json!({ "channels": ["pigeon"] }), "channels"),
        (json!({ "muted": ["nothing"] }), "muted"),
        (json!({ "muted": ["task_released"] }), "muted"),
    ] {
        let refused = coordinator.refused("/me/notifications", wrong, 422).await;
        assert_eq!(refused["errors"][0]["field"], field, "{refused:#}");
    }
    assert_eq!(coordinator.read("/me/notifications").await, told, "nothing has changed");

    let people = admin.read("/people").await;
    let deputy = people["people"].as_array().unwrap().iter().find(|person| person["login"] == "traffic").unwrap();
    let away = json!({ "deputy_id": deputy["id"], "from_day": "2020-01-01", "until_day": "2999-01-01" });
    let absence = coordinator.act("/me/absences", away).await["id"].as_str().unwrap().to_owned();
    assert_eq!(coordinator.read("/me/notifications").await["absences"][0]["deputy_id"], deputy["id"]);
    coordinator.act(&format!("/absences/{absence}/end"), json!({})).await;
    assert_eq!(coordinator.read("/me/notifications").await["absences"], json!([]));
    server.stop().await;
}

/// The names of the columns and the rows of an exported list.
async fn sheet(client: &Client, path: &str) -> Vec<Vec<String>> {
    let bytes = client.get(path).await.bytes().await.unwrap();
    let mut book: Xlsx<_> = Xlsx::new(Cursor::new(bytes.to_vec())).unwrap();
    let range = book.worksheet_range_at(0).unwrap().unwrap();
    range.rows().map(|row| row.iter().map(ToString::to_string).collect()).collect()
}

#[rstest]
#[tokio::test]
async fn the_log_shows_what_went_by_every_channel_and_who_has_not_signed(#[values(On::Sqlite, On::Postgres)] on: On) {
    let Some(mut server) = Server::start_without_jobs(on).await else { return };
    server.set(|settings| settings.mail.hourly_max = 0);
    let (admin, coordinator) = (server.sign_in("admin").await, server.sign_in("coordinator").await);
    let gateway = Receiver::start();
    add(&admin, "sms", &gateway.url("/"), json!({ "carries_notices": true })).await;
    with_phone(&admin, "traffic", "13800000001").await;
    let order = json!({ "rhythm": "each", "channels": ["sms"] });
    admin.act(&format!("/units/{}/mail-rhythm", server.units["traffic"]), order).await;
    let case = issued(&server, &coordinator).await;
    server.deliver().await;
    let client = Pusher::new(vec!["127.0.0.0/8".parse().unwrap()], Duration::from_secs(5));
    while sending::send(&server.app, &client, "test").await.unwrap() > 0 {}

    let page = |path: &'static str| {
        let coordinator = coordinator.clone();
        async move { coordinator.get(path).await.text().await.unwrap() }
    };
    let rows = |page: &str| page.matches("<tr data-row>").count();
    let (all, by_sms, by_mail) = (page("/mail").await, page("/mail?means=sms").await, page("/mail?means=mail").await);
    assert!(rows(&by_sms) == 1 && by_sms.contains("短信") && by_sms.contains("服务器已接收"), "{by_sms}");
    assert!(rows(&by_mail) >= 1);
    assert_eq!(rows(&all), rows(&by_sms) + rows(&by_mail));
    assert!(by_sms.contains("尚无反应") && by_mail.contains("无需回应") && !by_mail.contains("尚无反应"), "{all}");
    assert_eq!(rows(&page("/mail?means=sms&state=failed").await), 0);
    assert!(all.contains("1 个单位尚未签收：") && all.contains("traffic局"), "{all}");
    assert_eq!(rows(&page("/mail?silent=1").await), 1, "only what asks the silent unit");
    let tab = coordinator.get(&format!("/cases/{case}?tab=mails")).await.text().await.unwrap();
    assert!(tab.contains("短信"), "{tab}");
    let exported = sheet(&coordinator, "/export/mail?means=sms").await;
    assert_eq!((exported.len(), exported[0][1].as_str(), exported[1][1].as_str()), (2, "渠道", "短信"));
    assert_eq!(exported[1].last().unwrap(), "尚无反应");

    let task = coordinator.read(&format!("/cases/{case}")).await["tasks"][0]["id"].as_str().unwrap().to_owned();
    server.sign_in("traffic").await.on_task(&task, "acknowledge", json!({})).await;
    let signed = page("/mail?means=sms").await;
    assert!(signed.contains("● 已签收") && !signed.contains("尚未签收："), "{signed}");
    assert_eq!(rows(&page("/mail?silent=1").await), 0);
    server.stop().await;
}

#[tokio::test]
async fn an_endpoint_that_is_switched_off_keeps_no_notice_back() {
    let Some(server) = Server::start_without_jobs(On::Sqlite).await else { return };
    let (admin, coordinator) = (server.sign_in("admin").await, server.sign_in("coordinator").await);
    let gateway = Receiver::start();
    let (sms, _) = add(&admin, "sms", &gateway.url("/"), json!({ "carries_notices": true })).await;
    with_phone(&admin, "traffic", "13800000001").await;
    let order = json!({ "rhythm": "each", "channels": ["sms"] });
    for unit in ["traffic", "education"] {
        admin.act(&format!("/units/{}/mail-rhythm", server.units[unit]), order.clone()).await;
    }
    issued(&server, &coordinator).await;
    server.deliver().await;
    let without_phone = server.catcher.messages().into_iter().filter(|mail| mail.to == ["education@city.example"]);
    assert_eq!(without_phone.count(), 1, "who has no telephone is reached by mail at once");
    assert_eq!(log(&admin, &sms).await[0]["state"], "queued");
    let off = json!({ "version": 1, "name": "短信", "events": "", "active": false });
    admin.act(&format!("/webhooks/{sms}/edit"), off).await;
    server.app.clock.set_days_later(1);
    server.deliver().await;
    let mailed = server.catcher.messages().into_iter().filter(|mail| mail.to == ["traffic@city.example"]).count();
    assert_eq!((mailed, log(&admin, &sms).await[0]["state"].as_str()), (1, Some("failed")));
    admin.refused(&format!("/webhooks/{sms}/test"), json!({}), 409).await;
    let stale = json!({ "version": 1, "name": "短信", "events": "" });
    admin.refused(&format!("/webhooks/{sms}/edit"), stale, 409).await;
    server.stop().await;
}
