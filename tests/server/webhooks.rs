//! Other channels: what endpoints are pushed, how it is signed, tried again, logged and replayed.

use crate::commands::Place;
use crate::durability::{serve_with, sign_in, units};
use crate::receiver::{Received, Receiver, Reply};
use crate::support::{Client, On, Server};
use base64::Engine;
use hmac::{Hmac, KeyInit, Mac};
use rstest::rstest;
use serde_json::{Value, json};
use sha2::Sha256;
use shenban::app::App;
use shenban::app::webhooks::{forgetting, sending};
use shenban::mail::catcher::Catcher;
use shenban::store::StoreError;
use shenban::store::webhooks::{self as store, Webhook};
use shenban::webhook::Client as Pusher;
use std::time::Duration;

/// Adds an endpoint; gives its id and the secret that was made for it.
pub async fn add(admin: &Client, kind: &str, url: &str, mut more: Value) -> (String, String) {
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
pub async fn issued(server: &Server, coordinator: &Client) -> String {
    let case = draft(server, coordinator, "校门口拥堵").await;
    let task = json!({ "title": "现场踏勘", "unit_id": server.units["traffic"], "duration": 5, "duration_unit": "working_days",
        "acceptance": "有记录" });
    coordinator.act(&format!("/cases/{case}/add-task"), task).await;
    let basis = json!({ "basis": "批示", "approver": "市长", "decided_on": "2020-01-02" });
    coordinator.on_case(&case, "issue", basis).await;
    case
}

pub async fn log(admin: &Client, hook: &str) -> Vec<Value> {
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

pub fn verify(received: &Received, secret: &str) {
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

/// What the database keeps of an endpoint's address and secret.
async fn kept(server: &Server, hook: &str) -> Webhook {
    let id = hook.to_owned();
    let row: Result<_, StoreError> = server.app.store.read(move |tx| store::by_id(tx, &id)).await;
    row.unwrap().unwrap()
}

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_endpoints_secrets_cannot_be_read_in_the_database_not_even_those_an_earlier_version_kept(
    #[values(On::Sqlite, On::Postgres)] on: On,
) {
    let Some(mut server) = Server::start_without_jobs(on).await else { return };
    let admin = server.sign_in("admin").await;
    let receiver = Receiver::start();
    let url = receiver.url("/hook?key=topsecret");
    let (hook, secret) = add(&admin, "cloudevents", &url, json!({})).await;
    let pusher = Pusher::new(vec!["127.0.0.0/8".parse().unwrap()], Duration::from_secs(5));
    let sealed = |row: &Webhook| {
        let columns = [row.sealed_url.clone(), row.sealed_secret.clone()];
        columns.iter().all(|text| ![&secret, &secret[6..], &url, "topsecret"].iter().any(|open| text.contains(*open)))
    };
    let row = kept(&server, &hook).await;
    assert!(sealed(&row), "{} {}", row.sealed_url, row.sealed_secret);

    let open = Webhook { sealed_url: url.clone(), sealed_secret: secret.clone(), ..row };
    let put: Result<bool, StoreError> = server.app.store.write(move |tx| store::update(tx, &open)).await;
    assert!(put.unwrap());
    App::new(server.app.store.clone(), (*server.app.settings).clone()).unwrap();
    assert!(sealed(&kept(&server, &hook).await), "sealed at the next start");
    admin.act(&format!("/webhooks/{hook}/test"), json!({})).await;
    sending::send(&server.app, &pusher, "test").await.unwrap();
    let received = receiver.received_when(1).await;
    assert_eq!(received[0].target, "/hook?key=topsecret");
    verify(&received[0], &secret);

    let (lost, _) = add(&admin, "cloudevents", "https://nowhere.invalid/", json!({})).await;
    admin.act(&format!("/webhooks/{lost}/test"), json!({})).await;
    sending::send(&server.app, &pusher, "test").await.unwrap();
    let newest = log(&admin, &lost).await.remove(0);
    assert_eq!(newest["last_attempt"]["outcome"], "deferred", "nothing can have arrived: {newest:#}");

    // A copy of the database without the installation's key.
    server.set(|settings| settings.caller_key = vec![9; 32]);
    admin.act(&format!("/webhooks/{hook}/test"), json!({})).await;
    sending::send(&server.app, &pusher, "test").await.unwrap();
    let newest = log(&admin, &hook).await.remove(0);
    let said = newest["last_attempt"]["response"].as_str().unwrap();
    assert!(newest["state"] == "queued" && said.contains("caller_key"), "{newest:#}");
    assert_eq!(receiver.received().len(), 1);
    server.stop().await;
}

#[rstest]
#[tokio::test]
async fn pushed_events_are_forgotten_after_their_days_and_what_is_owed_never(
    #[values(On::Sqlite, On::Postgres)] on: On,
) {
    let Some(mut server) = Server::start_without_jobs(on).await else { return };
    server.set(|settings| settings.push_log_days = 30);
    let admin = server.sign_in("admin").await;
    let (taking, away) = (Receiver::start(), Receiver::start());
    away.always(Reply::Status(500, ""));
    let (taken, _) = add(&admin, "cloudevents", &taking.url("/"), json!({})).await;
    let (owed, _) = add(&admin, "cloudevents", &away.url("/"), json!({})).await;
    let pusher = Pusher::new(vec!["127.0.0.0/8".parse().unwrap()], Duration::from_secs(5));
    for hook in [&taken, &owed] {
        admin.act(&format!("/webhooks/{hook}/test"), json!({})).await;
    }
    while sending::send(&server.app, &pusher, "test").await.unwrap() > 0 {}
    let states = || async { (log(&admin, &taken).await, log(&admin, &owed).await) };
    server.app.clock.set_days_later(29);
    assert_eq!(forgetting::forget_old(&server.app).await.unwrap(), 0);
    server.app.clock.set_days_later(31);
    assert_eq!(forgetting::forget_old(&server.app).await.unwrap(), 1);
    let (forgotten, waiting) = states().await;
    assert_eq!((forgotten.len(), &waiting[0]["state"]), (0, &json!("queued")));
    server.set(|settings| settings.push_log_days = 0);
    away.always(Reply::Status(410, ""));
    while sending::send(&server.app, &pusher, "test").await.unwrap() > 0 {}
    server.app.clock.set_days_later(4_000);
    assert_eq!(forgetting::forget_old(&server.app).await.unwrap(), 0, "kept for ever where the city wants it");
    assert_eq!(states().await.1[0]["state"], "failed");
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
