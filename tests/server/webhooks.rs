//! Other channels: what endpoints are pushed, how it is signed, tried again, logged and replayed; who is reached by which.

use crate::commands::Place;
use crate::durability::{serve_with, sign_in, units};
use crate::receiver::{Received, Receiver, Reply};
use crate::support::{Client, On, Server};
use base64::Engine;
use hmac::{Hmac, KeyInit, Mac};
use rstest::rstest;
use serde_json::{Value, json};
use sha2::Sha256;
use shenban::app::webhooks::sending;
use shenban::mail::catcher::Catcher;
use shenban::webhook::Client as Pusher;
use std::time::Duration;

/// Adds an endpoint; gives its id and the secret that was made for it.
async fn add(admin: &Client, kind: &str, url: &str, mut more: Value) -> (String, String) {
    more["name"] = json!("市数据局");
    more["kind"] = json!(kind);
    more["url"] = json!(url);
    let added = admin.act("/webhooks", more).await;
    (added["id"].as_str().unwrap().to_owned(), added["secret"].as_str().unwrap_or_default().to_owned())
}

async fn draft(server: &Server, coordinator: &Client, title: &str) -> String {
    let drafted = json!({ "title": title, "goal": "", "grade": "ordinary", "lead_unit_id": server.units["education"],
        "deadline": "2099-01-01" });
    coordinator.act("/cases", drafted).await["id"].as_str().unwrap().to_owned()
}

/// An issued case with one task of the traffic police.
async fn issued(server: &Server, coordinator: &Client) -> String {
    let case = draft(server, coordinator, "校门口拥堵").await;
    let task = json!({ "title": "现场踏勘", "unit_id": server.units["traffic"], "duration": 5, "duration_unit": "working_days",
        "acceptance": "有记录" });
    coordinator.act(&format!("/cases/{case}/add-task"), task).await;
    let basis = json!({ "basis": "批示", "approver": "市长", "decided_on": "2020-01-02" });
    coordinator.on_case(&case, "issue", basis).await;
    case
}

async fn log(admin: &Client, hook: &str) -> Vec<Value> {
    admin.read(&format!("/webhooks/{hook}/deliveries")).await["deliveries"].as_array().unwrap().clone()
}

/// Waits until the newest message to an endpoint stands so, and gives it.
async fn newest_when(admin: &Client, hook: &str, state: &str, attempts: i64) -> Value {
    newest_where(admin, hook, |newest| {
        newest["state"] == state && newest["attempts"] == attempts && newest["last_attempt"].is_object()
    })
    .await
}

async fn newest_where(admin: &Client, hook: &str, wanted: impl Fn(&Value) -> bool) -> Value {
    for _ in 0..600 {
        if let Some(newest) = log(admin, hook).await.into_iter().next().filter(&wanted) {
            return newest;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the newest message is another: {:#?}", log(admin, hook).await);
}

fn verify(received: &Received, secret: &str) {
    let mut headers = reqwest::header::HeaderMap::new();
    for name in ["webhook-id", "webhook-timestamp", "webhook-signature"] {
        headers.insert(name, received.header(name).parse().unwrap());
    }
    standardwebhooks::Webhook::new(secret).unwrap().verify(received.body.as_bytes(), &headers).unwrap();
}

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_is_pushed_signed_as_a_cloud_event_and_again_with_the_same_id_until_it_is_taken(
    #[values(On::Sqlite, On::Postgres)] on: On,
) {
    let Some(server) = Server::start(on).await else { return };
    let (admin, coordinator) = (server.sign_in("admin").await, server.sign_in("coordinator").await);
    let receiver = Receiver::start();
    receiver.next(&[Reply::Status(500, "out of order")]);
    let url = receiver.url("/hook?key=topsecret");
    let (hook, secret) = add(&admin, "cloudevents", &url, json!({ "events": "case.opened" })).await;
    let case = draft(&server, &coordinator, "校门口拥堵，13812345678").await;

    receiver.received_when(1).await;
    let refused = newest_when(&admin, &hook, "queued", 1).await;
    assert_eq!(
        (&refused["last_attempt"]["status"], &refused["last_attempt"]["response"]),
        (&json!(500), &json!("out of order"))
    );
    server.days_pass(1).await;
    let both = receiver.received_when(2).await;
    let taken = newest_when(&admin, &hook, "delivered", 2).await;
    assert_eq!(both.len(), 2, "nothing else is pushed: {both:#?}");
    for received in &both {
        verify(received, &secret);
        assert_eq!(received.header("webhook-id"), taken["message_id"]);
        assert_eq!(received.header("content-type"), "application/cloudevents+json; charset=utf-8");
    }
    assert_eq!(both[0].body, both[1].body);
    let told = both[0].json();
    assert_eq!((&told["specversion"], &told["type"]), (&json!("1.0"), &json!("shenban.case.opened")));
    assert_eq!((&told["id"], &told["subject"]), (&taken["message_id"], &json!(format!("case/{case}"))));
    assert_eq!(told["source"], "http://shenban.example");
    assert_eq!(told["data"]["link"], format!("http://shenban.example/cases/{case}"));
    assert!(told["time"].as_str().unwrap().ends_with('Z') && told["datacontenttype"] == "application/json", "{told:#}");
    assert!(!both[0].body.contains("13812345678"), "no citizen's number leaves: {told:#}");

    let shown = [admin.get(&format!("/webhooks/{hook}")).await, admin.get(&format!("/api/v1/webhooks/{hook}")).await];
    for answer in shown {
        let text = answer.text().await.unwrap();
        assert!(text.contains("/hook?…") && !text.contains("topsecret") && !text.contains(&secret), "{text}");
    }
    admin.act(&format!("/deliveries/{}/replay", taken["id"].as_str().unwrap()), json!({})).await;
    let again = receiver.received_when(3).await;
    assert_eq!(again[2].header("webhook-id"), taken["message_id"], "a replay is the same message");
    receiver.next(&[Reply::Busy(3_000)]);
    newest_when(&admin, &hook, "delivered", 1).await;
    admin.act(&format!("/deliveries/{}/replay", taken["id"].as_str().unwrap()), json!({})).await;
    let later = newest_where(&admin, &hook, |newest| newest["last_attempt"]["status"] == 503).await;
    let moment = |name: &Value| name.as_str().unwrap().parse::<chrono::DateTime<chrono::Utc>>().unwrap();
    let waits = moment(&later["next_attempt_at"]) - moment(&later["last_attempt"]["at"]);
    assert_eq!(waits.num_seconds(), 3_000, "as the receiver asked");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn robots_get_their_own_shapes_and_say_themselves_whether_they_took_it() {
    let Some(server) = Server::start(On::Sqlite).await else { return };
    let admin = server.sign_in("admin").await;
    let receiver = Receiver::start();
    let (wecom, _) = add(&admin, "wecom", &receiver.url("/send?key=k"), json!({})).await;
    admin.act(&format!("/webhooks/{wecom}/test"), json!({})).await;
    newest_when(&admin, &wecom, "delivered", 1).await;
    let first = &receiver.received_when(1).await[0];
    assert_eq!(first.json()["msgtype"], "markdown");
    assert!(first.json()["markdown"]["content"].as_str().unwrap().contains("测试推送"));

    let secret = json!({ "secret": "SECabc" });
    let (dingtalk, _) = add(&admin, "dingtalk", &receiver.url("/robot?access_token=t"), secret).await;
    receiver.next(&[Reply::Status(200, r#"{"errcode":310000,"errmsg":"sign not match"}"#)]);
    admin.act(&format!("/webhooks/{dingtalk}/test"), json!({})).await;
    let refused = newest_when(&admin, &dingtalk, "queued", 1).await;
    assert_eq!(refused["last_attempt"]["outcome"], "refused");
    let second = &receiver.received_when(2).await[1];
    let query: Vec<(String, String)> =
        form_urlencoded::parse(second.target.split_once('?').unwrap().1.as_bytes()).into_owned().collect();
    let names: Vec<&str> = query.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["access_token", "timestamp", "sign"]);
    let mut mac = Hmac::<Sha256>::new_from_slice(b"SECabc").unwrap();
    mac.update(format!("{}\nSECabc", query[1].1).as_bytes());
    assert_eq!(query[2].1, base64::engine::general_purpose::STANDARD.encode(mac.finalize().into_bytes()));
    assert_eq!(second.json()["msgtype"], "markdown");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hanging_receiver_holds_up_no_other_a_redirect_is_not_followed_and_what_failed_is_replayed() {
    let Some(mut server) = Server::start_without_jobs(On::Sqlite).await else { return };
    server.set(|settings| settings.webhook_networks = vec!["127.0.0.0/8".parse().unwrap()]);
    let admin = server.sign_in("admin").await;
    let (slow, other) = (Receiver::start(), Receiver::start());
    slow.always(Reply::Silence);
    other.always(Reply::Redirect(slow.url("/elsewhere")));
    let (hanging, _) = add(&admin, "cloudevents", &slow.url("/"), json!({})).await;
    let (redirecting, _) = add(&admin, "cloudevents", &other.url("/"), json!({})).await;
    for hook in [&hanging, &redirecting] {
        admin.act(&format!("/webhooks/{hook}/test"), json!({})).await;
    }
    let networks = server.app.settings.webhook_networks.clone();
    let client = Pusher::new(networks, Duration::from_millis(1_500));
    let (app, begun) = (server.app.clone(), std::time::Instant::now());
    let both = async {
        let turn = || async {
            sending::send(&app, &client, "test").await.unwrap();
            begun.elapsed()
        };
        futures_util::join!(turn(), async {
            tokio::time::sleep(Duration::from_millis(300)).await;
            turn().await
        })
    };
    let (first, second) = both.await;
    assert!(second < Duration::from_millis(1_400) && first >= Duration::from_millis(1_400), "{first:?} {second:?}");
    let timed_out = newest_when(&admin, &hanging, "queued", 1).await;
    assert_eq!(timed_out["last_attempt"]["outcome"], "unknown");
    let redirected = newest_when(&admin, &redirecting, "queued", 1).await;
    assert_eq!(redirected["last_attempt"]["status"], 302);
    assert_eq!(slow.received().len(), 1, "nobody went elsewhere");

    other.always(Reply::Status(503, ""));
    for day in 1..14 {
        server.app.clock.set_days_later(day);
        while sending::send(&server.app, &client, "test").await.unwrap() > 0 {}
    }
    newest_when(&admin, &redirecting, "failed", 14).await;
    other.always(Reply::Status(204, ""));
    admin.act(&format!("/webhooks/{redirecting}/replay-failed"), json!({})).await;
    while sending::send(&server.app, &client, "test").await.unwrap() > 0 {}
    newest_when(&admin, &redirecting, "delivered", 1).await;
    server.stop().await;
}

#[tokio::test]
async fn a_private_network_is_reached_only_where_it_is_allowed_whatever_the_name() {
    let Some(server) = Server::start_without_jobs(On::Sqlite).await else { return };
    let admin = server.sign_in("admin").await;
    let receiver = Receiver::start();
    let url = format!("http://localhost:{}/", receiver.address.port());
    let (hook, _) = add(&admin, "cloudevents", &url, json!({})).await;
    admin.act(&format!("/webhooks/{hook}/test"), json!({})).await;
    let client = Pusher::new(Vec::new(), Duration::from_secs(5));
    sending::send(&server.app, &client, "test").await.unwrap();
    let refused = newest_when(&admin, &hook, "queued", 1).await;
    assert!(refused["last_attempt"]["response"].as_str().unwrap().contains("not allowed"), "{refused:#}");
    assert!(receiver.received().is_empty());
    for (field, value) in [
        ("url", json!("http://10.0.0.1/")),
        ("url", json!("ftp://hooks.example/")),
        ("secret", json!("guessable")),
        ("events", json!("cases.*")),
        ("template", json!("%{phone}")),
        ("name", json!("")),
        ("carries_notices", json!(true)),
    ] {
        let mut body =
            json!({ "name": "市数据局", "kind": "cloudevents", "url": "https://hooks.example/", "events": "*" });
        body[field] = value;
        let told = admin.refused("/webhooks", body.clone(), 422).await;
        assert_eq!(told["errors"][0]["field"], field, "{body}");
    }
    assert_eq!(admin.read("/webhooks").await["webhooks"].as_array().unwrap().len(), 1, "nothing was stored");
    server.stop().await;
}

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_between_sending_and_noting_the_message_comes_again_with_the_same_id(
    #[values(On::Sqlite, On::Postgres)] on: On,
) {
    let Some(place) = Place::new(on) else { return };
    let catcher = Catcher::start(([127, 0, 0, 1], 0).into()).await.unwrap();
    units(&place).await;
    let receiver = Receiver::start();
    receiver.next(&[Reply::Silence]);
    let networks = [("SHENBAN_WEBHOOK_NETWORKS", "[\"127.0.0.0/8\"]")];
    let mut process = serve_with(&place, &catcher, &networks);
    let admin = sign_in(&process.base, "admin").await;
    let (hook, secret) = add(&admin, "cloudevents", &receiver.url("/"), json!({})).await;
    admin.act(&format!("/webhooks/{hook}/test"), json!({})).await;
    receiver.received_when(1).await;
    process.child.kill().unwrap();
    process.child.wait().unwrap();

    let process = serve_with(&place, &catcher, &networks);
    let both = receiver.received_when(2).await;
    verify(&both[1], &secret);
    assert_eq!(both[0].header("webhook-id"), both[1].header("webhook-id"));
    assert_eq!(both[0].body, both[1].body);
    let admin = sign_in(&process.base, "admin").await;
    newest_when(&admin, &hook, "delivered", 2).await;
}

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
    assert!(told["data"]["text"].as_str().unwrap().contains("校门口拥堵"), "{told:#}");
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

#[tokio::test]
async fn the_pages_add_preview_switch_off_and_show_the_log() {
    let Some(server) = Server::start(On::Sqlite).await else { return };
    let admin = server.sign_in("admin").await;
    let receiver = Receiver::start();
    let url = receiver.url("/hook");
    let fields = [("name", "大屏"), ("kind", "cloudevents"), ("url", &url), ("events", "case.* task.released")];
    let added = admin.form("/admin/webhooks", &fields).await.text().await.unwrap();
    assert!(added.contains("whsec_"), "the secret is shown this once");
    let list = admin.get("/admin/webhooks").await.text().await.unwrap();
    assert!(list.contains("大屏") && !list.contains("whsec_"));
    let hook = admin.read("/webhooks").await["webhooks"][0]["id"].as_str().unwrap().to_owned();
    let page = format!("/webhooks/{hook}");
    let seen = admin.form(&format!("{page}/preview"), &[("template", "喜报：%{title}")]).await.text().await.unwrap();
    assert!(seen.contains("喜报：测试推送") && seen.contains("还没有保存"));
    admin.form(&format!("{page}/test"), &[]).await;
    let delivered = newest_when(&admin, &hook, "delivered", 1).await;
    let one = format!("/deliveries/{}", delivered["id"].as_str().unwrap());
    let shown = admin.get(&one).await.text().await.unwrap();
    assert!(shown.contains("specversion") && shown.contains("已接收"));
    let wrong = [("version", "1"), ("name", "大屏"), ("events", "nothing.*")];
    let refused = admin.form_from(&page, &format!("{page}/edit"), &wrong).await;
    assert_eq!(refused.status().as_u16(), 422);
    assert!(refused.text().await.unwrap().contains("nothing.*"), "what was typed is kept");
    let off = [("version", "1"), ("name", "大屏"), ("events", ""), ("active", "false")];
    assert_eq!(admin.form(&format!("{page}/edit"), &off).await.status().as_u16(), 303);
    assert!(admin.get("/admin/webhooks").await.text().await.unwrap().contains("停用"));
    server.stop().await;
}
