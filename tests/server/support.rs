//! A whole server in this process: database, mail catcher, background jobs, pages and API.

use crate::postgres;
use chrono::NaiveTime;
use reqwest::{Response, StatusCode};
use serde_json::{Value, json};
use shenban::app::admin::{NewPerson, add_person, add_unit};
use shenban::app::{
    Actor, App, MailSettings, Settings, clock_control,
    letters::{delivery, outbox},
    problems::{detection, upkeep},
};
use shenban::domain::access::Role;
use shenban::domain::chase::ChasePolicy;
use shenban::jobs::{Jobs, follow_calendar};
use shenban::mail::catcher::{Catcher, Caught};
use shenban::mail::smtp::Security;
use shenban::mail::{Mailer, SmtpSettings};
use shenban::store::{DatabaseUrl, Store};
use shenban::web::live::Live;
use shenban::web::{self, State};
use std::collections::HashMap;
use std::net::TcpListener;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;

pub const PASSWORD: &str = "correct horse";

/// Which database a test runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum On {
    Sqlite,
    Postgres,
}

impl On {
    /// A fresh database of this kind; none where its binaries are absent.
    pub fn fresh(self, folder: &TempDir) -> Option<String> {
        match self {
            On::Sqlite => Some(format!("sqlite:{}", folder.path().join("shenban.sqlite").display())),
            On::Postgres => postgres::fresh_database(),
        }
    }
}

/// One person a role; logins are the roles' codes, with the unit's key for those of a unit.
pub const PEOPLE: &[(&str, Role, &str)] = &[
    ("coordinator", Role::Coordinator, "center"),
    ("second", Role::Coordinator, "center"),
    ("leader", Role::Leader, "city"),
    ("inspector", Role::Inspector, "city"),
    ("operator", Role::Operator, "center"),
    ("admin", Role::Admin, "center"),
    ("traffic", Role::Officer, "traffic"),
    ("police-head", Role::UnitHead, "police"),
    ("education", Role::Officer, "education"),
    ("finance", Role::Officer, "finance"),
    ("liaison", Role::Liaison, "street"),
];

const UNITS: &[(&str, &str)] = &[
    ("city", ""),
    ("center", "city"),
    ("police", "city"),
    ("traffic", "police"),
    ("education", "city"),
    ("finance", "city"),
    ("street", "city"),
];

pub struct Server {
    pub app: App,
    pub base: String,
    pub catcher: Catcher,
    pub units: HashMap<&'static str, String>,
    jobs: Option<Jobs>,
    handle: actix_web::dev::ServerHandle,
    _folder: TempDir,
}

impl Server {
    /// Starts a founded server; none where the database's binaries are absent (which was said).
    pub async fn start(on: On) -> Option<Server> {
        let mut server = Server::start_without_jobs(on).await?;
        let mailer = Mailer::new(smtp(server.catcher.address().port()));
        server.jobs = Some(Jobs::start(&server.app, Some(mailer), false).unwrap());
        Some(server)
    }

    /// A server whose background work the test does itself.
    pub async fn start_without_jobs(on: On) -> Option<Server> {
        Server::start_with(on, |_| {}).await
    }

    /// The same with settings of its own.
    pub async fn start_with(on: On, change: impl FnOnce(&mut Settings)) -> Option<Server> {
        let folder = TempDir::new().unwrap();
        let database = on.fresh(&folder)?;
        let store = Store::open(&DatabaseUrl::parse(&database).unwrap()).unwrap();
        let mut settings = settings(folder.path());
        change(&mut settings);
        let app = App::new(store, settings).unwrap();
        let units = app.write(&Actor::operator_of_machine(), found).await.unwrap();
        let catcher = Catcher::start(([127, 0, 0, 1], 0).into()).await.unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let handle = serve(app.clone(), listener);
        Some(Server { app, base, catcher, units, jobs: None, handle, _folder: folder })
    }

    /// A client nobody is signed in with.
    pub fn stranger(&self) -> Client {
        let http = http_client();
        Client { http, base: self.base.clone(), csrf: String::new() }
    }

    pub async fn sign_in(&self, login: &str) -> Client {
        let mut client = self.stranger();
        let answer = client.sign_in(login, PASSWORD).await;
        assert_eq!(answer.status(), StatusCode::SEE_OTHER, "{login} signs in");
        let page = client.get("/desk").await.text().await.unwrap();
        client.csrf = between(&page, "name=\"csrf\" value=\"", "\"").expect("a page has a CSRF token").to_owned();
        client
    }

    /// Lets days pass, and what the passing of days brings happen.
    pub async fn days_pass(&self, days: i64) {
        clock_control::advance(&self.app, days).await.unwrap();
        follow_calendar(&self.app).await.unwrap();
    }

    /// Matches every ticket that has come.
    pub async fn detect(&self) {
        upkeep::load(&self.app).await.unwrap();
        let operator = self.sign_in("operator").await;
        let come = operator.read("/tickets?limit=1").await["total"].as_u64().unwrap() as usize;
        // On PostgreSQL a ticket gets its place once no older transaction runs, in the other tests' databases either.
        loop {
            let ordered = detection::order(&self.app, "test").await.unwrap();
            if ordered + detection::catch_up(&self.app, "test").await.unwrap() > 0 {
                continue;
            }
            if self.app.index.read(shenban::detect::Engine::len).unwrap() >= come {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Waits until a mail that satisfies `wanted` is caught, for longer than mails gather, and gives all of them.
    pub async fn mails_when(&self, wanted: impl Fn(&[Caught]) -> bool) -> Vec<Caught> {
        for _ in 0..1_800 {
            let caught = self.catcher.messages();
            if wanted(&caught) {
                return caught;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let subjects: Vec<_> = self.catcher.messages().into_iter().map(|mail| mail.subject).collect();
        panic!("the mails that were waited for did not come; caught: {subjects:#?}");
    }

    /// Changes the settings of what the test does itself; the served pages keep theirs.
    pub fn set(&mut self, change: impl FnOnce(&mut Settings)) {
        let mut settings = (*self.app.settings).clone();
        change(&mut settings);
        self.app.settings = Arc::new(settings);
    }

    /// Freezes and sends everything that may leave now, as the background does.
    pub async fn deliver(&self) {
        let mailer = Mailer::new(smtp(self.catcher.address().port()));
        while outbox::freeze_owed(self.app.clone(), mailer.from().to_owned()).await.unwrap() > 0 {}
        while delivery::send(&self.app, &mailer, "test", || false).await.unwrap() > 0 {}
    }

    pub async fn stop(mut self) {
        self.handle.stop(false).await;
        if let Some(jobs) = self.jobs.take() {
            jobs.stop().await;
        }
    }
}

/// What the tests' city sets.
pub fn settings(folder: &Path) -> Settings {
    Settings {
        city: "试验市".to_owned(),
        case_prefix: "ZX".to_owned(),
        timezone: chrono_tz::Asia::Shanghai,
        close_of_day: NaiveTime::from_hms_opt(18, 0, 0).unwrap(),
        public_url: "http://shenban.example".to_owned(),
        data_dir: folder.to_owned(),
        evidence: None,
        caller_key: vec![7; 32],
        caller_key_version: 1,
        secure_cookies: false,
        demo: false,
        // Whatever the hour, a day that has passed brings what it owes.
        chase: ChasePolicy { reminds_at: NaiveTime::MIN, ..ChasePolicy::default() },
        places: Vec::new(),
        thresholds: Default::default(),
        webhook_networks: vec!["127.0.0.0/8".parse().unwrap()],
        push_log_days: 180,
        mail: MailSettings { inbound_maildir: Some(folder.join("inbox")), ..Default::default() },
    }
}

fn serve(app: App, listener: TcpListener) -> actix_web::dev::ServerHandle {
    let (sender, receiver) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        actix_web::rt::System::new().block_on(async move {
            let live = Live::default();
            let state = Arc::new(State { app: app.clone(), live, limits: Default::default(), catcher: None });
            let followed = state.clone();
            actix_web::rt::spawn(async move { followed.live.follow(&app).await });
            let server = web::serve(state, listener).unwrap();
            sender.send(server.handle()).unwrap();
            server.await.unwrap();
        });
    });
    receiver.recv().unwrap()
}

/// How the tests' server reaches a mail server on this machine.
pub fn smtp(port: u16) -> SmtpSettings {
    SmtpSettings {
        host: "127.0.0.1".to_owned(),
        port,
        security: Security::Plain,
        username: None,
        password: None,
        from: "深办 <shenban@city.example>".to_owned(),
        hello_name: None,
        timeout_seconds: 10,
        connections: 4,
        per_second: 0,
        ca_pem: None,
    }
}

/// Units and people of a small city; gives the units' ids by key.
pub fn found(ctx: &mut shenban::app::Ctx) -> Result<HashMap<&'static str, String>, shenban::app::Error> {
    let mut ids: HashMap<&'static str, String> = HashMap::new();
    for (key, above) in UNITS {
        let mailbox = format!("{key}@city.example");
        let id = add_unit(ctx, format!("{key}局"), ids.get(above).cloned(), Some(mailbox))?;
        ids.insert(key, id);
    }
    for (login, role, unit) in PEOPLE {
        add_person(
            ctx,
            NewPerson {
                login: (*login).to_owned(),
                name: format!("{login}同志"),
                email: Some(format!("{login}@city.example")),
                phone: None,
                password: PASSWORD.to_owned(),
                lang: "zh".to_owned(),
                posts: vec![(*role, ids.get(unit).cloned())],
            },
        )?;
    }
    Ok(ids)
}

/// A browser's stand-in: keeps cookies, follows nothing by itself.
pub fn http_client() -> reqwest::Client {
    // A client wants one even for plain HTTP; whoever comes first in this process has chosen.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
        .cookie_store(true)
        .redirect(reqwest::redirect::Policy::none())
        .timeout(Duration::from_secs(60))
        .build()
        .unwrap()
}

/// Somebody's browser or program.
#[derive(Clone)]
pub struct Client {
    pub http: reqwest::Client,
    pub base: String,
    pub csrf: String,
}

impl Client {
    pub async fn sign_in(&self, login: &str, password: &str) -> Response {
        self.form_as_is("/sign-in", &[("login", login), ("password", password)]).await
    }

    pub async fn get(&self, path: &str) -> Response {
        self.http.get(format!("{}{path}", self.base)).send().await.unwrap()
    }

    /// What a page's form sends.
    pub async fn form(&self, path: &str, fields: &[(&str, &str)]) -> Response {
        let mut all = vec![("csrf", self.csrf.as_str())];
        all.extend_from_slice(fields);
        self.form_as_is(path, &all).await
    }

    /// What a form sends, as the browser does: telling the page it stands on.
    pub async fn form_from(&self, from: &str, path: &str, fields: &[(&str, &str)]) -> Response {
        let mut all = vec![("csrf", self.csrf.as_str())];
        all.extend_from_slice(fields);
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(all).finish();
        self.http
            .post(format!("{}{path}", self.base))
            .header("content-type", "application/x-www-form-urlencoded")
            .header("referer", format!("{}{from}", self.base))
            .body(body)
            .send()
            .await
            .unwrap()
    }

    pub async fn form_as_is(&self, path: &str, fields: &[(&str, &str)]) -> Response {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        self.http
            .post(format!("{}{path}", self.base))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(body)
            .send()
            .await
            .unwrap()
    }

    pub async fn post(&self, path: &str, body: &Value) -> Response {
        self.http
            .post(format!("{}/api/v1{path}", self.base))
            .header("x-csrf-token", &self.csrf)
            .json(body)
            .send()
            .await
            .unwrap()
    }

    /// Reads JSON from the API; anything but success fails the test.
    pub async fn read(&self, path: &str) -> Value {
        let answer = self.get(&format!("/api/v1{path}")).await;
        assert_eq!(answer.status(), StatusCode::OK, "GET {path}");
        answer.json().await.unwrap()
    }

    /// Changes something by the API; anything but success fails the test.
    pub async fn act(&self, path: &str, body: Value) -> Value {
        let answer = self.post(path, &body).await;
        let (status, told) = (answer.status(), answer.text().await.unwrap());
        assert!(status.is_success(), "POST {path} {body}: {status} {told}");
        serde_json::from_str(&told).unwrap()
    }

    /// Changes something that may not be changed so; gives the problem document.
    pub async fn refused(&self, path: &str, body: Value, status: u16) -> Value {
        let answer = self.post(path, &body).await;
        let (got, kind) = (answer.status(), answer.headers()["content-type"].to_str().unwrap().to_owned());
        let told: Value = answer.json().await.unwrap();
        assert_eq!(got.as_u16(), status, "POST {path} {body}: {told}");
        assert_eq!(kind, "application/problem+json");
        told
    }

    /// Asks the API for something that is not given.
    pub async fn refused_get(&self, path: &str, status: u16) {
        assert_eq!(self.get(&format!("/api/v1{path}")).await.status().as_u16(), status, "GET {path}");
    }

    /// The task as it is now.
    pub async fn task(&self, id: &str) -> Value {
        self.read(&format!("/tasks/{id}")).await
    }

    /// The task's version; none when the server is gone.
    pub async fn version_of(&self, task_id: &str) -> Option<i64> {
        let answer = self.http.get(format!("{}/api/v1/tasks/{task_id}", self.base)).send().await.ok()?;
        answer.json::<Value>().await.ok()?["version"].as_i64()
    }

    /// Does one thing to a task at its present version.
    pub async fn on_task(&self, id: &str, name: &str, mut body: Value) -> Value {
        body["version"] = self.task(id).await["version"].clone();
        self.act(&format!("/tasks/{id}/{name}"), body).await
    }

    /// Does one thing to a case at its present version.
    pub async fn on_case(&self, id: &str, name: &str, mut body: Value) -> Value {
        body["version"] = self.read(&format!("/cases/{id}")).await["version"].clone();
        self.act(&format!("/cases/{id}/{name}"), body).await
    }

    /// Signs for a task, starts it with a report, and submits it.
    pub async fn work(&self, task_id: &str) {
        self.on_task(task_id, "acknowledge", json!({})).await;
        self.on_task(task_id, "start", json!({ "percent": 20, "text": "已进场" })).await;
        self.on_task(task_id, "submit", json!({ "text": "已完成，见报告" })).await;
    }
}

pub fn between<'t>(text: &'t str, before: &str, after: &str) -> Option<&'t str> {
    text.split_once(before)?.1.split_once(after).map(|(found, _)| found)
}
