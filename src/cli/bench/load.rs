//! The phases of the load, each against the running server over HTTP.

use super::city::{BenchCase, City};
use super::client::{Connection, quantile};
use crate::app::{
    App,
    problems::{detection, upkeep},
    search,
};
use crate::detect::Engine;
use crate::store::{house, measure};
use crate::web::address;
use futures_util::future::try_join_all;
use hyper::Method;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::error::Error;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

pub const CLIENTS: usize = 8;
const PAGES_LAST: Duration = Duration::from_secs(10);
/// Who holds the leases of the background work that is measured.
const HOLDER: &str = "bench";
/// Of a task that its unit has: drafted, dated when its case was issued, released.
const RELEASED_VERSION: i64 = 3;
pub type Failure = Box<dyn Error + Send + Sync>;

/// Where and as whom.
pub struct Target<'a> {
    pub address: SocketAddr,
    pub city: &'a City,
}

/// Requests answered with 2xx, and how long they took.
pub struct Rate {
    pub requests: usize,
    pub a_second: f64,
    pub p99_ms: f64,
}

fn rate(begun: Instant, connections: Vec<Connection>) -> Rate {
    let seconds = begun.elapsed().as_secs_f64();
    let mut took: Vec<Duration> = connections.into_iter().flat_map(|connection| connection.took).collect();
    Rate { requests: took.len(), a_second: took.len() as f64 / seconds, p99_ms: quantile(&mut took, 0.99) }
}

/// Every task of the cases is signed for, started with a report, submitted, accepted, until all are or `is_over`.
pub async fn updates(target: &Target<'_>, cases: &[BenchCase], is_over: &dyn Fn() -> bool) -> Result<Rate, Failure> {
    let begun = Instant::now();
    let clients = (0..CLIENTS).map(|client| async move {
        let mut connection = Connection::open(target.address).await?;
        let own = cases.iter().skip(client).step_by(CLIENTS);
        for task_id in own.flat_map(|case| &case.task_ids).take_while(|_| !is_over()) {
            work_off(target, &mut connection, task_id).await?;
        }
        Ok::<_, Failure>(connection)
    });
    Ok(rate(begun, try_join_all(clients).await?))
}

async fn work_off(target: &Target<'_>, connection: &mut Connection, task_id: &str) -> Result<(), Failure> {
    let (officer, coordinator) = (&target.city.officer_token, &target.city.coordinator_token);
    let steps = [
        ("acknowledge", officer, json!({})),
        ("start", officer, json!({ "percent": 30, "text": "已进场，正在推进" })),
        ("submit", officer, json!({ "text": "已完成，见验收记录" })),
        ("accept", coordinator, json!({ "note": "符合标准" })),
    ];
    for ((name, token, mut body), version) in steps.into_iter().zip(RELEASED_VERSION..) {
        body["version"] = json!(version);
        let path = format!("/api/v1/tasks/{task_id}/{name}");
        connection.send(token, Method::POST, &path, body.to_string()).await?;
    }
    Ok(())
}

/// Statements an update needs on average, besides BEGIN and COMMIT.
pub async fn statements(target: &Target<'_>, cases: &[BenchCase]) -> Result<f64, Failure> {
    measure::count_statements();
    let requests = updates(target, cases, &|| false).await?.requests;
    Ok(measure::statements_counted() as f64 / requests as f64)
}

/// One kind of page of all cases, for a while or until it `is_over`.
pub async fn pages(
    target: &Target<'_>,
    cases: &[BenchCase],
    view: &str,
    is_over: &dyn Fn() -> bool,
) -> Result<Rate, Failure> {
    let begun = Instant::now();
    let clients = (0..CLIENTS).map(|client| async move {
        let mut connection = Connection::open(target.address).await?;
        let mut shown = cases.iter().cycle().skip(client);
        while let Some(case) = shown.next().filter(|_| begun.elapsed() < PAGES_LAST && !is_over()) {
            let path = format!("/cases/{}?view={view}", case.id);
            connection.send(&target.city.coordinator_token, Method::GET, &path, String::new()).await?;
        }
        Ok::<_, Failure>(connection)
    });
    Ok(rate(begun, try_join_all(clients).await?))
}

/// Tickets stored a second through the batch endpoint.
pub async fn tickets(target: &Target<'_>, bodies: Vec<String>, batch: usize) -> Result<f64, Failure> {
    let begun = Instant::now();
    let count = bodies.len() * batch;
    let mut connection = Connection::open(target.address).await?;
    for body in bodies {
        connection.send(&target.city.coordinator_token, Method::POST, "/api/v1/tickets", body).await?;
    }
    Ok(count as f64 / begun.elapsed().as_secs_f64())
}

/// Texts brought into the index a second, until all can be found.
pub async fn index(app: &App) -> Result<f64, crate::app::Error> {
    while detection::order(app, HOLDER).await? > 0 {}
    let (begun, mut count) = (Instant::now(), 0);
    loop {
        match search::index_new(app).await? {
            0 => return Ok(count as f64 / begun.elapsed().as_secs_f64()),
            indexed => count += indexed,
        }
    }
}

/// Tickets matched to problems, and these counted, a second, until nothing waits.
pub async fn matching(app: &App) -> Result<f64, crate::app::Error> {
    upkeep::load(app).await?;
    let begun = Instant::now();
    while detection::catch_up(app, HOLDER).await? > 0 {}
    let seconds = begun.elapsed().as_secs_f64();
    let matched = app.index.read(Engine::len).unwrap_or(0);
    app.store.write(|tx| house::release_leases(tx, HOLDER)).await?;
    Ok(matched as f64 / seconds)
}

/// The 95th percentile of searches for two-character words, in milliseconds.
pub async fn searches(target: &Target<'_>, words: &[String]) -> Result<f64, Failure> {
    let mut connection = Connection::open(target.address).await?;
    for word in words {
        let path = address("/api/v1/search", &[("q", word)]);
        connection.send(&target.city.coordinator_token, Method::GET, &path, String::new()).await?;
    }
    Ok(quantile(&mut connection.took, 0.95))
}

/// 200 words of two characters from the texts: the twenty commonest and others spread over the rest.
pub fn words(texts: &[Value]) -> Vec<String> {
    let mut counts: HashMap<[char; 2], usize> = HashMap::new();
    for text in texts {
        let chars: Vec<char> = text["title"].as_str().unwrap_or_default().chars().collect();
        for pair in chars.windows(2).filter(|pair| pair.iter().all(|c| !c.is_ascii() && c.is_alphanumeric())) {
            *counts.entry([pair[0], pair[1]]).or_default() += 1;
        }
    }
    let mut ranked: Vec<_> = counts.into_iter().collect();
    ranked.sort_by_key(|(pair, count)| (std::cmp::Reverse(*count), *pair));
    let rest = ranked.len().saturating_sub(20).div_ceil(180).max(1);
    let chosen = ranked.iter().take(20).chain(ranked.iter().skip(20).step_by(rest));
    chosen.map(|(pair, _)| pair.iter().collect()).collect()
}
