//! A real server process, killed again and again under load: every mail owed is counted at the mail server.

use crate::commands::Place;
use crate::durability::{serve, sign_in, units};
use crate::support::{Client, On, settings, smtp};
use futures_util::future::join_all;
use rstest::rstest;
use serde_json::{Value, json};
use shenban::app::App;
use shenban::app::letters::{delivery, outbox};
use shenban::domain::notice::{MailState, NoticeState, Stage};
use shenban::mail::Mailer;
use shenban::mail::catcher::{Catcher, Caught};
use shenban::store::mails;
use shenban::store::sent::{self, Sent, SentFilter, Span};
use shenban::store::{DatabaseUrl, Store, StoreError, Tx, notices};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::convert::Infallible;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// Unless the variable `KILLS` says otherwise.
const KILLS: usize = 12;
/// Cases that are made and issued side by side.
const SIDE_BY_SIDE: usize = 4;
const UNITS: [&str; 4] = ["traffic", "education", "finance", "street"];

/// A task of an issue that was acknowledged: its unit's mail is owed.
struct Promised {
    task_id: String,
    title: String,
}

/// Who acts on a server until it is gone, and how often it has answered.
struct Load<'a> {
    client: &'a Client,
    units: &'a HashMap<&'static str, String>,
    answered: AtomicUsize,
}

/// Changes something; none when the server is gone.
async fn try_act(load: &Load<'_>, path: &str, body: Value) -> Option<Value> {
    let client = load.client;
    let request = client.http.post(format!("{}/api/v1{path}", client.base)).header("x-csrf-token", &client.csrf);
    let answer = request.json(&body).send().await.ok()?;
    let (status, told) = (answer.status(), answer.text().await.ok()?);
    assert!(status.is_success(), "{path}: {status} {told}");
    load.answered.fetch_add(1, Ordering::Relaxed);
    serde_json::from_str(&told).ok()
}

/// Makes and issues one case of a task a unit; the tasks once the issue was acknowledged.
async fn issue(load: &Load<'_>, name: &str) -> Option<Vec<Promised>> {
    let (client, units) = (load.client, load.units);
    let drafted = json!({ "title": name, "goal": "", "grade": "ordinary", "lead_unit_id": units["police"],
        "deadline": "2099-01-01" });
    let id = try_act(load, "/cases", drafted).await?["id"].as_str()?.to_owned();
    let mut tasks = Vec::new();
    for unit in UNITS {
        let title = format!("{name}之{unit}项");
        let body = json!({ "title": title, "unit_id": units[unit], "duration": 5, "duration_unit": "working_days", "acceptance": "有记录" });
        let task_id = try_act(load, &format!("/cases/{id}/add-task"), body).await?["id"].as_str()?.to_owned();
        tasks.push(Promised { task_id, title });
    }
    let shown = client.http.get(format!("{}/api/v1/cases/{id}", client.base)).send().await.ok()?;
    let version = shown.json::<Value>().await.ok()?["version"].clone();
    let basis = json!({ "version": version, "basis": "批示", "approver": "市长", "decided_on": "2020-01-02" });
    try_act(load, &format!("/cases/{id}/issue"), basis).await?;
    Some(tasks)
}

/// Issues case after case until the server is gone.
async fn issue_on(load: &Load<'_>, name: String) -> Vec<Promised> {
    let mut promised = Vec::new();
    for n in 0.. {
        let Some(tasks) = issue(load, &format!("{name}第{n}件")).await else { break };
        promised.extend(tasks);
    }
    promised
}

/// Waits for the moment of a round's kill, which comes after progress and not after a time: among the answers while cases
/// are drafted, issued and frozen, or as soon as a mail has arrived and its outcome is not written down yet.
async fn moment(round: usize, load: &Load<'_>, catcher: &Catcher) {
    let (later, caught) = (round / 2 % 12, catcher.count());
    for _ in 0..120_000 {
        let is_reached = match round % 2 {
            0 => load.answered.load(Ordering::Relaxed) > 5 * later,
            _ => catcher.count() > caught + later as u64,
        };
        if is_reached {
            return;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    panic!("round {round}: no progress to kill the server at");
}

/// Takes over what the catcher keeps, by the order in which it came, again and again: it forgets the oldest.
async fn collect(catcher: &Catcher, caught: &Mutex<BTreeMap<u64, Caught>>) -> Infallible {
    loop {
        take_over(catcher, caught);
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

fn take_over(catcher: &Catcher, caught: &Mutex<BTreeMap<u64, Caught>>) {
    let last = caught.lock().unwrap().keys().next_back().copied();
    let new = catcher.messages().into_iter().filter(|mail| last.is_none_or(|last| mail.seq > last));
    caught.lock().unwrap().extend(new.map(|mail| (mail.seq, mail)));
}

/// What is left after the last kill goes out; gives every mail there is.
async fn drain(app: &App, mailer: &Mailer) -> Vec<Sent> {
    for day in 1..100 {
        outbox::freeze_owed(app.clone(), mailer.from().to_owned()).await.unwrap();
        delivery::send(app, mailer, "the one after", || false).await.unwrap();
        let look = |tx: &mut Tx| -> Result<_, StoreError> {
            Ok((notices::backlog(tx)?, sent::list(tx, &SentFilter::default(), Span::first(100_000))?.0))
        };
        let (backlog, lines) = app.store.read(look).await.unwrap();
        if backlog == (0, 0) {
            return lines;
        }
        // Puts off no longer than a real second what waits for a claim of the dead; the clock's days let the rest go.
        app.clock.set_days_later(day);
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    panic!("mails are left over after the last kill");
}

/// The mails of the database are those of the mail server, and what came twice is the same. Gives how many came again.
fn every_mail_arrived(lines: &[Sent], ids: &BTreeSet<String>, caught: &BTreeMap<u64, Caught>) -> usize {
    let mut first: HashMap<&str, &Caught> = HashMap::new();
    for mail in caught.values() {
        let seen = first.entry(&mail.message_id).or_insert(mail);
        assert_eq!((&seen.subject, &seen.text, &seen.to), (&mail.subject, &mail.text, &mail.to), "a repeat");
    }
    let unsent: Vec<_> = lines.iter().filter(|line| line.state != MailState::Sent).collect();
    assert!(unsent.is_empty(), "{unsent:#?}");
    let arrived: BTreeSet<String> = first.keys().map(|id| (*id).to_owned()).collect();
    assert_eq!(&arrived, ids, "the mails of the database are those of the mail server");
    caught.len() - arrived.len()
}

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_again_and_again_no_owed_mail_is_missing_and_a_repeat_is_the_same_mail(
    #[values(On::Sqlite, On::Postgres)] on: On,
) {
    let Some(place) = Place::new(on) else { return };
    let catcher = Catcher::start(([127, 0, 0, 1], 0).into()).await.unwrap();
    let units = units(&place).await;
    let kills = std::env::var("KILLS").map_or(KILLS, |kills| kills.parse().unwrap());
    let (mut promised, caught) = (Vec::new(), Mutex::new(BTreeMap::new()));
    let rounds = async {
        let mut process = serve(&place, &catcher);
        let mut client = sign_in(&process.base, "coordinator").await;
        for round in 0..kills {
            client.base = process.base.clone();
            let load = Load { client: &client, units: &units, answered: AtomicUsize::new(0) };
            let loads = (0..SIDE_BY_SIDE).map(|n| issue_on(&load, format!("第{round}轮{n}号")));
            let killed = async {
                moment(round, &load, &catcher).await;
                process.child.kill().unwrap();
            };
            let (kept, ()) = futures_util::join!(join_all(loads), killed);
            promised.extend(kept.into_iter().flatten());
            process.child.wait().unwrap();
            process = serve(&place, &catcher);
        }
        process.child.kill().unwrap();
        process.child.wait().unwrap();
        let store = Store::open(&DatabaseUrl::parse(&place.database).unwrap()).unwrap();
        let app = App::new(store, settings(place.folder.path())).unwrap();
        let lines = drain(&app, &Mailer::new(smtp(catcher.address().port()))).await;
        (app, lines)
    };
    let (app, lines) = tokio::select! {
        ended = rounds => ended,
        never = collect(&catcher, &caught) => match never {},
    };
    take_over(&catcher, &caught);
    let caught = caught.into_inner().unwrap();
    assert!(promised.len() > kills, "{} tasks were released before the kills", promised.len());
    assert_eq!(caught.len() as u64, catcher.count(), "the catcher forgot none before it was looked at");
    let wanted: Vec<String> = lines.iter().map(|line| line.id.clone()).collect();
    let read_ids = move |tx: &mut Tx| -> Result<BTreeSet<String>, StoreError> {
        wanted.iter().filter_map(|id| Some(mails::by_id(tx, id).transpose()?.map(|mail| mail.message_id))).collect()
    };
    let ids = app.store.read(read_ids).await.unwrap();
    let repeats = every_mail_arrived(&lines, &ids, &caught);
    println!("{kills} kills on {on:?}: {} mails owed, {repeats} of them came again", ids.len());

    let text: String = caught.values().map(|mail| mail.text.as_str()).collect();
    for task in promised {
        let told = app.store.read(move |tx| notices::of_task(tx, &task.task_id)).await.unwrap();
        let released: Vec<_> = told.iter().filter(|notice| notice.stage == Stage::TaskReleased).collect();
        assert_eq!(released.len(), 1, "{}: {told:#?}", task.title);
        assert_eq!(released[0].state, NoticeState::Mailed, "{}", task.title);
        assert!(text.contains(&task.title), "{} is in no mail", task.title);
    }
}
