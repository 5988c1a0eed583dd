//! The one HTTP client of pushes: no redirects, no proxies, a deadline, and a look at every address before it connects.

use super::address::may_reach;
use super::signature;
use crate::domain::webhook::WebhookKind;
use ipnet::IpNet;
use std::io::{self, Read};
use std::time::Duration;
use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{DefaultConnector, NextTimeout};
use ureq::{Agent, Error, Timeout};

/// Over connecting, sending and the answer.
pub const DEADLINE: Duration = Duration::from_secs(10);
/// What is read of an answer.
const ANSWER_MAX_BYTES: u64 = 2_048;

/// One request to make.
pub struct Push {
    pub kind: WebhookKind,
    pub url: String,
    pub secret: String,
    pub id: String,
    pub body: String,
}

/// What came back.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    pub text: String,
    /// The receiver has taken it.
    pub taken: bool,
    /// It wants to be asked again no sooner than in so many seconds.
    pub retry_after: Option<i64>,
}

/// Why nothing came back.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Failure {
    /// Nobody can be talked to there, or may be.
    #[error("{0}")]
    Unreachable(String),
    /// It may have arrived.
    #[error("{0}")]
    Unknown(String),
}

#[derive(Clone)]
pub struct Client {
    agent: Agent,
}

impl Client {
    /// `own` are the networks that may be reached beside the public internet.
    pub fn new(own: Vec<IpNet>, deadline: Duration) -> Client {
        let config = Config::builder()
            .timeout_global(Some(deadline))
            .max_redirects(0)
            .http_status_as_error(false)
            .proxy(None)
            .max_idle_connections(0)
            .user_agent("Shenban")
            .build();
        Client {
            agent: Agent::with_parts(
                config,
                DefaultConnector::default(),
                Guard { own, dns: DefaultResolver::default() },
            ),
        }
    }

    /// Signs a message as of `now_ms` and sends it. Blocks.
    pub fn push(&self, push: &Push, now_ms: i64) -> Result<Answer, Failure> {
        let mut request = self.agent.post(signed_url(push, now_ms)).content_type(super::body::content_type(push.kind));
        if push.kind.is_signed() {
            let timestamp = now_ms / 1_000;
            request = request
                .header("webhook-id", &push.id)
                .header("webhook-timestamp", timestamp.to_string())
                .header("webhook-signature", signature::standard(&push.secret, &push.id, timestamp, &push.body));
        }
        let mut answer = request.send(&push.body).map_err(failed)?;
        let status = answer.status().as_u16();
        let retry_after = answer.headers().get("retry-after").and_then(|value| value.to_str().ok()?.parse().ok());
        let mut text = Vec::new();
        // The word of the receiver is its status: an answer that breaks off after it says no less.
        let _ = answer.body_mut().as_reader().take(ANSWER_MAX_BYTES).read_to_end(&mut text);
        let text = String::from_utf8_lossy(&text).into_owned();
        let taken = (200..300).contains(&status) && (push.kind.is_signed() || robot_took(&text));
        Ok(Answer { status, text, taken, retry_after })
    }
}

fn signed_url(push: &Push, now_ms: i64) -> String {
    if push.kind != WebhookKind::DingTalk || push.secret.is_empty() {
        return push.url.clone();
    }
    let mark = if push.url.contains('?') { '&' } else { '?' };
    format!("{}{mark}{}", push.url, signature::dingtalk(&push.secret, now_ms))
}

/// Robots answer 200 to everything and say in the body whether it was taken.
fn robot_took(text: &str) -> bool {
    serde_json::from_str::<serde_json::Value>(text).is_ok_and(|told| told["errcode"] == 0)
}

/// The address may hold a key: what the log keeps names none.
fn failed(error: Error) -> Failure {
    match error {
        Error::HostNotFound => Failure::Unreachable("host not found".into()),
        Error::Timeout(Timeout::Resolve | Timeout::Connect) => Failure::Unreachable("no connection in time".into()),
        Error::Timeout(_) => Failure::Unknown("no answer in time".into()),
        Error::Io(error) if error.kind() == io::ErrorKind::PermissionDenied => Failure::Unreachable(error.to_string()),
        Error::Io(error) if error.kind() == io::ErrorKind::ConnectionRefused => Failure::Unreachable(error.to_string()),
        Error::BadUri(_) => Failure::Unreachable("not an address".into()),
        Error::ConnectionFailed | Error::Tls(_) | Error::Rustls(_) => Failure::Unreachable(error.to_string()),
        other => Failure::Unknown(other.to_string()),
    }
}

/// Gives only those of a name's addresses that may be connected to: they are what is then connected to.
#[derive(Debug)]
struct Guard {
    own: Vec<IpNet>,
    dns: DefaultResolver,
}

impl Resolver for Guard {
    fn resolve(&self, uri: &Uri, config: &Config, timeout: NextTimeout) -> Result<ResolvedSocketAddrs, Error> {
        let over_tls = uri.scheme_str() == Some("https");
        let mut allowed = self.empty();
        // A name that is not found comes as a fault of the connection, which may have carried something.
        let not_found = |error| if matches!(error, Error::Io(_)) { Error::HostNotFound } else { error };
        for address in self.dns.resolve(uri, config, timeout).map_err(not_found)?.iter() {
            if may_reach(address.ip(), over_tls, &self.own) {
                allowed.push(*address);
            }
        }
        if allowed.is_empty() {
            return Err(io::Error::new(
                io::ErrorKind::PermissionDenied,
                "the address is not allowed: see webhook_networks",
            )
            .into());
        }
        Ok(allowed)
    }
}
