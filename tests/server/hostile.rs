//! A mail server that means no good, and what becomes of the mails.

use crate::chase::{page, to};
use crate::support::{Client, On, Server, smtp};
use rstest::rstest;
use serde_json::{Value, json};
use shenban::app::letters::{delivery, outbox};
use shenban::mail::{Mailer, SmtpSettings};
use std::collections::{HashSet, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// What one connection is in for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Trick {
    RefusesAll,
    /// Closes the connection without a word.
    Closes,
    NoGreeting,
    GreetsAByteASecond,
    FloodsTheGreeting,
    FloodsLines,
    Says(&'static str, &'static str),
    DropsInData,
    HangsInData,
    DropsAfterData,
    TakesMail,
    TakesItsTime,
}

#[derive(Default)]
struct Told {
    tricks: VecDeque<Trick>,
    /// How many connections it takes side by side, and what meets the others.
    room: Option<(usize, Trick)>,
    open: usize,
    turned_away: usize,
    /// Message-IDs in the order they were taken.
    taken: Vec<String>,
}

impl Told {
    /// What the next connection is in for.
    fn meets(&mut self) -> Trick {
        self.open += 1;
        match self.room {
            Some((room, refusal)) if self.open > room => {
                self.turned_away += 1;
                refusal
            }
            Some(_) => Trick::TakesItsTime,
            None => self.tricks.pop_front().unwrap_or(Trick::TakesMail),
        }
    }
}

struct Hostile {
    port: u16,
    told: Arc<Mutex<Told>>,
}

impl Hostile {
    async fn start(tricks: &[Trick]) -> Hostile {
        Hostile::with(Told { tricks: tricks.iter().copied().collect(), ..Told::default() }).await
    }

    async fn with(told: Told) -> Hostile {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let told = Arc::new(Mutex::new(told));
        let shared = told.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let trick = shared.lock().unwrap().meets();
                let told = shared.clone();
                tokio::spawn(async move {
                    let _ = play(stream, trick, told.clone()).await;
                    told.lock().unwrap().open -= 1;
                });
            }
        });
        Hostile { port, told }
    }

    fn tricks_left(&self) -> usize {
        self.told.lock().unwrap().tricks.len()
    }

    fn taken(&self) -> Vec<String> {
        self.told.lock().unwrap().taken.clone()
    }

    fn mailer(&self) -> Mailer {
        Mailer::new(SmtpSettings { timeout_seconds: 1, ..smtp(self.port) })
    }
}

async fn play(stream: TcpStream, trick: Trick, told: Arc<Mutex<Told>>) -> std::io::Result<()> {
    let (read, mut write) = stream.into_split();
    let mut lines = BufReader::new(read).lines();
    match trick {
        Trick::RefusesAll => return write.write_all(b"554 go away\r\n").await,
        Trick::Says("", greeting) => return write.write_all(format!("{greeting}\r\n").as_bytes()).await,
        Trick::Closes => return Ok(()),
        Trick::NoGreeting => std::future::pending().await,
        Trick::GreetsAByteASecond => {
            for byte in b"220 slow\r\n" {
                write.write_all(&[*byte]).await?;
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        }
        Trick::FloodsTheGreeting => loop {
            write.write_all(&[b'2'; 65_536]).await?;
        },
        Trick::FloodsLines => loop {
            write.write_all("220-more and more\r\n".repeat(1_000).as_bytes()).await?;
        },
        _ => write.write_all(b"220 hostile\r\n").await?,
    }
    let says = |verb: &str| match trick {
        Trick::Says(to, answer) if to == verb => Some(answer),
        _ => None,
    };
    while let Some(line) = lines.next_line().await? {
        let verb = line.get(..4).unwrap_or_default().to_ascii_uppercase();
        if let Some(answer) = says(&verb) {
            write.write_all(format!("{answer}\r\n").as_bytes()).await?;
            continue;
        }
        if verb != "DATA" {
            write.write_all(b"250 ok\r\n").await?;
            continue;
        }
        write.write_all(b"354 go on\r\n").await?;
        let mut id = String::new();
        while let Some(line) = lines.next_line().await?.filter(|line| line != ".") {
            match trick {
                Trick::DropsInData => return Ok(()),
                Trick::HangsInData => std::future::pending().await,
                _ => {}
            }
            if let Some(value) = line.strip_prefix("Message-ID: ") {
                id = value.to_owned();
            }
        }
        let taken = says(".").is_none();
        if taken {
            told.lock().unwrap().taken.push(id);
        }
        match trick {
            Trick::DropsAfterData => return Ok(()),
            Trick::TakesItsTime => {
                tokio::time::sleep(Duration::from_millis(50)).await;
                write.write_all(b"250 taken\r\n").await?;
            }
            _ => write.write_all(format!("{}\r\n", says(".").unwrap_or("250 taken")).as_bytes()).await?,
        }
    }
    Ok(())
}

/// An issued case with one task of the traffic police.
async fn owe_mails(server: &Server, coordinator: &Client, title: &str) {
    let drafted = json!({ "title": title, "goal": "", "grade": "ordinary", "lead_unit_id": server.units["traffic"],
        "deadline": "2099-01-01" });
    let id = coordinator.act("/cases", drafted).await["id"].as_str().unwrap().to_owned();
    let task = json!({ "title": title, "unit_id": server.units["traffic"], "duration": 5, "duration_unit": "working_days", "acceptance": "有记录" });
    coordinator.act(&format!("/cases/{id}/add-task"), task).await;
    coordinator.on_case(&id, "issue", json!({ "basis": "批示", "approver": "市长", "decided_on": "2020-01-02" })).await;
}

async fn mails(client: &Client) -> Vec<Value> {
    client.read("/mails?limit=200").await["mails"].as_array().unwrap().clone()
}

/// Delivers until nothing is left to send, letting time pass for what was put off.
async fn deliver_all(server: &Server, mailer: &Mailer, coordinator: &Client) {
    for day in 1..40 {
        outbox::freeze_owed(server.app.clone(), mailer.from().to_owned()).await.unwrap();
        let begun = Instant::now();
        while mailer.holds_off() && begun.elapsed() < Duration::from_secs(20) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        delivery::send(&server.app, mailer, "test", || false).await.unwrap();
        if mails(coordinator).await.iter().all(|mail| mail["state"] != "queued") {
            return;
        }
        server.app.clock.set_days_later(day);
    }
    panic!("mails are left over: {:#?}", mails(coordinator).await);
}

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_and_nothing_comes_twice_but_what_may_have_arrived(#[values(On::Sqlite, On::Postgres)] on: On) {
    let Some(server) = Server::start_without_jobs(on).await else { return };
    let coordinator = server.sign_in("coordinator").await;
    for n in 0..6 {
        owe_mails(&server, &coordinator, &format!("第{n}件")).await;
    }
    let hostile = Hostile::start(&[
        Trick::RefusesAll,
        Trick::Says("MAIL", "550 who are you"),
        Trick::NoGreeting,
        Trick::Says("RCPT", "450 greylisted"),
        Trick::GreetsAByteASecond,
        Trick::Says("DATA", "451 later"),
        Trick::FloodsTheGreeting,
        Trick::Says(".", "452 disk full"),
        Trick::FloodsLines,
        Trick::DropsInData,
        Trick::Says("EHLO", "421 too busy"),
        Trick::HangsInData,
        Trick::DropsAfterData,
    ])
    .await;
    let mailer = hostile.mailer();
    deliver_all(&server, &mailer, &coordinator).await;
    assert_eq!(hostile.tricks_left(), 0, "every trick was played");
    let rows = mails(&coordinator).await;
    assert!(!rows.is_empty() && rows.iter().all(|mail| mail["state"] == "sent"), "{rows:#?}");
    let mut taken = hostile.taken();
    assert_eq!(taken.len(), rows.len() + 1, "one was taken without an answer, and came again with the same Message-ID");
    taken.sort();
    taken.dedup();
    assert_eq!(taken.len(), rows.len());
    server.stop().await;
}

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_may_have_arrived_comes_again_as_it_was_while_anybody_needs_some_of_it(
    #[values(On::Sqlite, On::Postgres)] on: On,
) {
    let Some(server) = Server::start_without_jobs(on).await else { return };
    let coordinator = server.sign_in("coordinator").await;
    owe_mails(&server, &coordinator, "现场踏勘").await;
    let hostile = Hostile::start(&[Trick::DropsAfterData]).await;
    let mailer = hostile.mailer();
    outbox::freeze_owed(server.app.clone(), mailer.from().to_owned()).await.unwrap();
    delivery::send(&server.app, &mailer, "test", || false).await.unwrap();
    let case = coordinator.read("/cases").await["cases"][0]["id"].as_str().unwrap().to_owned();
    let task = coordinator.read(&format!("/cases/{case}")).await["tasks"][0]["id"].as_str().unwrap().to_owned();
    let traffic = server.sign_in("traffic").await;
    traffic.on_task(&task, "acknowledge", json!({})).await;
    deliver_all(&server, &mailer, &coordinator).await;
    let taken = hostile.taken();
    assert_eq!((taken.len(), &taken[0]), (2, &taken[1]), "it also says that the case began");

    server.days_pass(30).await;
    let hostile = Hostile::start(&[Trick::DropsAfterData]).await;
    let mailer = hostile.mailer();
    outbox::freeze_owed(server.app.clone(), mailer.from().to_owned()).await.unwrap();
    delivery::send(&server.app, &mailer, "test", || false).await.unwrap();
    assert_eq!(hostile.taken().len(), 1, "a reminder");
    traffic.on_task(&task, "start", json!({ "percent": 20, "text": "已进场" })).await;
    traffic.on_task(&task, "submit", json!({ "text": "已完成" })).await;
    deliver_all(&server, &mailer, &coordinator).await;
    let reminders =
        |rows: Vec<Value>| rows.into_iter().filter(|mail| mail["subject"].as_str().unwrap().contains("催办"));
    let rows: Vec<Value> = reminders(mails(&coordinator).await).collect();
    assert_eq!((rows.len(), &rows[0]["state"]), (1, &json!("withdrawn")), "{rows:#?}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_address_is_flagged_and_the_notice_finds_another_way() {
    let Some(server) = Server::start_without_jobs(On::Sqlite).await else { return };
    let coordinator = server.sign_in("coordinator").await;
    owe_mails(&server, &coordinator, "错误邮箱").await;
    let hostile = Hostile::start(&[Trick::Says("RCPT", "550 5.1.1 no such user")]).await;
    let mailer = hostile.mailer();
    for _ in 0..3 {
        deliver_all(&server, &mailer, &coordinator).await;
    }
    let rows = mails(&coordinator).await;
    let of = |state: &str, to: &str| rows.iter().filter(|m| m["state"] == state && m["address"] == to).count();
    assert_eq!(of("failed", "traffic@city.example"), 1, "{rows:#?}");
    assert!(rows.iter().any(|mail| mail["state"] == "sent" && mail["subject"].as_str().unwrap().contains("错误邮箱")));
    assert_eq!(of("sent", "coordinator@city.example"), 1, "the coordinator is told: {rows:#?}");
    server.stop().await;
}

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_sent_again_to_an_address_that_works_again_is_said_once(
    #[values(On::Sqlite, On::Postgres)] on: On,
    #[values(false, true)] nobody_was_reached_meanwhile: bool,
) {
    let Some(server) = Server::start_without_jobs(on).await else { return };
    let coordinator = server.sign_in("coordinator").await;
    owe_mails(&server, &coordinator, "错误邮箱").await;
    let mailer = Hostile::start(&[Trick::Says("RCPT", "550 5.1.1 no such user")]).await.mailer();
    outbox::freeze_owed(server.app.clone(), mailer.from().to_owned()).await.unwrap();
    delivery::send(&server.app, &mailer, "test", || false).await.unwrap();
    if nobody_was_reached_meanwhile {
        server.app.clock.set_days_later(1);
        outbox::freeze_owed(server.app.clone(), mailer.from().to_owned()).await.unwrap();
        assert!(page(&coordinator, "/mail/unsent").await.contains("没有可用邮箱"));
    }
    let failed = mails(&coordinator).await.into_iter().find(|mail| mail["state"] == "failed").unwrap();
    let resend = format!("/mail/{}/resend", failed["id"].as_str().unwrap());
    assert!(coordinator.form(&resend, &[]).await.status().is_redirection());
    server.app.clock.set_days_later(2);
    server.deliver().await;
    let taken = server.catcher.messages();
    assert_eq!(to(&taken, "traffic@city.example").len(), 1, "{taken:#?}");
    assert!(page(&coordinator, "/mail?silent=1").await.contains("尚无反应"), "it asks, and nobody has answered");
    assert!(!page(&coordinator, "/mail/unsent").await.contains("没有可用邮箱"));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_message_fails_without_blaming_the_address() {
    let Some(server) = Server::start_without_jobs(On::Sqlite).await else { return };
    let coordinator = server.sign_in("coordinator").await;
    owe_mails(&server, &coordinator, "被当作垃圾邮件").await;
    let hostile = Hostile::start(&[Trick::Says(".", "554 spam")]).await;
    let mailer = hostile.mailer();
    for _ in 0..2 {
        deliver_all(&server, &mailer, &coordinator).await;
    }
    let rows = mails(&coordinator).await;
    assert_eq!(rows.iter().filter(|mail| mail["state"] == "failed").count(), 1, "{rows:#?}");
    assert!(rows.iter().any(|mail| mail["address"] == "coordinator@city.example"), "the coordinator is told");
    owe_mails(&server, &coordinator, "下一件").await;
    deliver_all(&server, &mailer, &coordinator).await;
    let rows = mails(&coordinator).await;
    assert!(rows.iter().any(|mail| mail["state"] == "sent" && mail["subject"].as_str().unwrap().contains("下一件")));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_that_hangs_holds_only_its_own_mail_up() {
    let Some(server) = Server::start_without_jobs(On::Sqlite).await else { return };
    let coordinator = server.sign_in("coordinator").await;
    for n in 0..12 {
        owe_mails(&server, &coordinator, &format!("第{n}件")).await;
    }
    outbox::freeze_owed(server.app.clone(), "shenban@city.example".to_owned()).await.unwrap();
    let owed = mails(&coordinator).await.len();
    let hostile = Hostile::start(&[Trick::HangsInData]).await;
    let mailer = Mailer::new(SmtpSettings { timeout_seconds: 6, ..smtp(hostile.port) });
    let sending = delivery::send(&server.app, &mailer, "test", || false);
    let watching = async {
        let begun = Instant::now();
        // All but the one that hangs are there and written down as sent before its time is over.
        while mails(&coordinator).await.iter().filter(|mail| mail["state"] == "sent").count() < owed - 1 {
            assert!(begun.elapsed() < Duration::from_secs(5), "{:#?}", mails(&coordinator).await);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let (tried, ()) = futures_util::join!(sending, watching);
    assert_eq!(tried.unwrap(), owed);
    assert_eq!(mails(&coordinator).await.iter().filter(|mail| mail["state"] == "queued").count(), 1);
    server.stop().await;
}

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_takes_few_connections_gets_all_mails_over_those(
    #[values(On::Sqlite, On::Postgres)] on: On,
    #[values(
        Trick::Says("", "421 4.7.0 too many connections"),
        Trick::Says("MAIL", "421 4.3.2 too many sessions"),
        Trick::Closes,
        Trick::NoGreeting
    )]
    refusal: Trick,
) {
    let Some(server) = Server::start_without_jobs(on).await else { return };
    let coordinator = server.sign_in("coordinator").await;
    for n in 0..12 {
        owe_mails(&server, &coordinator, &format!("第{n}件")).await;
    }
    outbox::freeze_owed(server.app.clone(), "shenban@city.example".to_owned()).await.unwrap();
    let owed = mails(&coordinator).await.len();
    let hostile = Hostile::with(Told { room: Some((2, refusal)), ..Told::default() }).await;
    let mailer = hostile.mailer();
    assert_eq!(
        delivery::send(&server.app, &mailer, "test", || false).await.unwrap(),
        owed,
        "none waits for another time"
    );
    assert!(!mailer.holds_off(), "it is no fault");
    let rows = mails(&coordinator).await;
    assert!(rows.iter().all(|mail| mail["state"] == "sent" && mail["attempts"] == 1), "{rows:#?}");
    {
        let told = hostile.told.lock().unwrap();
        assert_eq!(told.taken.iter().collect::<HashSet<_>>().len(), owed);
        assert_eq!(told.taken.len(), owed, "each once");
        assert!((1..=2).contains(&told.turned_away), "no more are opened than it takes: {}", told.turned_away);
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replica_that_has_nothing_to_send_leaves_its_connections_to_the_others() {
    let Some(server) = Server::start_without_jobs(On::Sqlite).await else { return };
    let coordinator = server.sign_in("coordinator").await;
    let refusal = Trick::Says("", "421 4.7.0 too many connections");
    let hostile = Hostile::with(Told { room: Some((2, refusal)), ..Told::default() }).await;
    let [idle, working] = [hostile.mailer(), hostile.mailer()];
    let send = async |mailer: &Mailer, title: &str| {
        owe_mails(&server, &coordinator, title).await;
        outbox::freeze_owed(server.app.clone(), mailer.from().to_owned()).await.unwrap();
        delivery::send(&server.app, mailer, "test", || false).await.unwrap()
    };
    assert!(send(&idle, "第一件").await > 0);
    let begun = Instant::now();
    while hostile.told.lock().unwrap().open > 0 {
        assert!(begun.elapsed() < Duration::from_secs(10), "its connections stay open");
        delivery::send(&server.app, &idle, "test", || false).await.unwrap();
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(send(&working, "第二件").await > 0);
    assert!(!working.holds_off() && mails(&coordinator).await.iter().all(|mail| mail["state"] == "sent"));
    server.stop().await;
}
