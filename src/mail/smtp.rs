//! Sending over SMTP, with connections of our own.
//!
//! lettre's async transport times out only the connect, and cancelling it parks a half-used connection in its pool. Here
//! one deadline covers the whole send, and a connection that failed or timed out is thrown away.

use super::pace::Pace;
use super::room::{Place, Room};
use futures_util::future::join_all;
use lettre::address::Envelope;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{AsyncSmtpConnection, AsyncTokioStream, Certificate, TlsParameters};
use lettre::transport::smtp::commands::{Data, Mail, Rcpt};
use lettre::transport::smtp::extension::ClientId;
use serde::Deserialize;
use std::sync::atomic::{AtomicU8, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::net::TcpStream;

/// How long a connection may rest until the next mail: a server that takes few has others waiting for its place.
const RESTS_FOR: Duration = Duration::from_secs(2);
/// How long a server may take to say goodbye.
const PARTS_WITHIN: Duration = Duration::from_secs(1);

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Security {
    /// Loopback only.
    #[default]
    Plain,
    StartTls,
    Tls,
}

#[derive(Clone, Deserialize)]
pub struct SmtpSettings {
    pub host: String,
    pub port: u16,
    pub security: Security,
    pub username: Option<String>,
    pub password: Option<String>,
    /// `name <address>` or an address.
    pub from: String,
    /// How this server greets; the host's name when absent.
    pub hello_name: Option<String>,
    /// One deadline over a whole send.
    pub timeout_seconds: u64,
    /// Mails sent side by side, and connections kept for the next ones.
    pub connections: usize,
    /// The most mails a second; 0 is no limit.
    pub per_second: u32,
    /// PEM of a certificate that is trusted beside the public ones: a city's own authority.
    pub ca_pem: Option<Vec<u8>>,
}

impl std::fmt::Debug for SmtpSettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SmtpSettings({}:{} {:?}, password hidden)", self.host, self.port, self.security)
    }
}

/// "Service not available, closing" (RFC 5321).
const CLOSES: u16 = 421;

/// How far a send has come.
const CONNECTING: u8 = 0;
const CONNECTED: u8 = 1;
const DATA_BEGUN: u8 = 2;

/// Why a mail did not go.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// The server refuses the recipient's address for good.
    #[error("{0}")]
    Address(String),
    /// The server refuses this message for good.
    #[error("{0}")]
    Permanent(String),
    /// Not taken this time; it has not arrived.
    #[error("{0}")]
    Transient(String),
    /// The server cannot be talked to at all, whatever the mail.
    #[error("{0}")]
    Unreachable(String),
    /// The server takes no connection beside those that are open: the mail was not tried.
    #[error("{0}")]
    Crowded(String),
    /// The connection was lost after the data: it may have arrived.
    #[error("{0}")]
    Unknown(String),
}

pub struct Mailer {
    settings: SmtpSettings,
    resting: Mutex<Vec<(Instant, Open)>>,
    pace: Pace,
    room: Room,
}

/// A connection that took the sender's address once.
struct Open {
    smtp: AsyncSmtpConnection,
    _place: Place,
}

impl Mailer {
    pub fn new(settings: SmtpSettings) -> Mailer {
        let (pace, room) = (Pace::new(settings.per_second), Room::new(settings.connections));
        Mailer { settings, resting: Mutex::new(Vec::new()), pace, room }
    }

    /// Mails sent side by side: as many as are set, or as the server takes.
    pub fn connections(&self) -> usize {
        self.room.allowed()
    }

    /// The longest that a send takes.
    pub fn deadline(&self) -> Duration {
        Duration::from_secs(self.settings.timeout_seconds)
    }

    /// Whether mails wait because the server could not be reached just now.
    pub fn holds_off(&self) -> bool {
        self.pace.holds_off()
    }

    /// How many mails the rate allows within a time.
    pub fn within(&self, time: Duration) -> usize {
        match self.settings.per_second {
            0 => usize::MAX,
            rate => ((f64::from(rate) * time.as_secs_f64()) as usize).max(1),
        }
    }

    /// Waits until the rate allows the next mail.
    pub async fn turn(&self) {
        self.pace.turn().await;
    }

    pub fn from(&self) -> &str {
        &self.settings.from
    }

    /// Sends bytes; gives the server's answer. The deadline covers connecting, greeting and the data.
    pub async fn send(&self, to: &str, message: &[u8]) -> Result<String, SendError> {
        let envelope = self.envelope(to)?;
        // How far it had come when the deadline struck tells apart "not reached", "not sent" and "unknown".
        let reached = AtomicU8::new(CONNECTING);
        let outcome = match tokio::time::timeout(self.deadline(), self.converse(&envelope, message, &reached)).await {
            Ok(outcome) => outcome,
            Err(_) => Err(match reached.into_inner() {
                CONNECTING => SendError::Unreachable("no answer in time".into()),
                CONNECTED => SendError::Transient("no answer in time".into()),
                _ => SendError::Unknown("no answer in time after the data".into()),
            }),
        };
        match outcome {
            Err(SendError::Unreachable(why)) if self.room.refused() => {
                tracing::debug!(connections = self.room.allowed(), why, "the mail server takes no more connections");
                Err(SendError::Crowded(why))
            }
            outcome => {
                self.pace.told(!matches!(outcome, Err(SendError::Unreachable(_))));
                outcome
            }
        }
    }

    fn envelope(&self, to: &str) -> Result<Envelope, SendError> {
        let bad = |what: &str| format!("not an address: {what}");
        let from = self.settings.from.parse::<lettre::message::Mailbox>();
        let from = from.map_err(|_| SendError::Unreachable(bad(&self.settings.from)))?;
        let to = to.parse::<lettre::message::Mailbox>().map_err(|_| SendError::Address(bad(to)))?;
        Envelope::new(Some(from.email), vec![to.email]).map_err(|error| SendError::Permanent(error.to_string()))
    }

    async fn converse(&self, envelope: &Envelope, message: &[u8], reached: &AtomicU8) -> Result<String, SendError> {
        let mut open = self.begun(envelope, reached).await?;
        let connection = &mut open.smtp;
        for to in envelope.to() {
            if let Err(error) = connection.command(Rcpt::new(to.clone(), Vec::new())).await {
                connection.abort().await;
                return Err(refused(&error, SendError::Address));
            }
        }
        connection.command(Data).await.map_err(|error| refused(&error, SendError::Permanent))?;
        reached.store(DATA_BEGUN, Relaxed);
        match connection.message(message).await {
            Ok(response) => {
                let answer = response.message().collect::<Vec<_>>().join(" ");
                self.rest(open);
                Ok(answer)
            }
            Err(error) if error.is_permanent() || error.is_transient() => {
                connection.abort().await;
                Err(refused(&error, SendError::Permanent))
            }
            Err(error) => Err(SendError::Unknown(error.to_string())),
        }
    }

    /// A connection that took the sender's address: one that rested, or where none of them does any more, a new one.
    async fn begun(&self, envelope: &Envelope, reached: &AtomicU8) -> Result<Open, SendError> {
        let sender = Mail::new(envelope.from().cloned(), Vec::new());
        while let Some((since, mut open)) = self.take_resting() {
            reached.store(CONNECTED, Relaxed);
            if since.elapsed() < RESTS_FOR && open.smtp.command(sender.clone()).await.is_ok() {
                return Ok(open);
            }
        }
        reached.store(CONNECTING, Relaxed);
        let place = self.room.enter();
        let mut smtp = self.connect().await?;
        reached.store(CONNECTED, Relaxed);
        match smtp.command(sender).await {
            Ok(_) => Ok(Open { smtp, _place: place }),
            // It closes a connection that it took only to say so.
            Err(error) if error.status().is_some_and(|code| u16::from(code) == CLOSES) => {
                Err(SendError::Unreachable(error.to_string()))
            }
            // A final no to our own address is a matter of settings, not of this mail.
            Err(error) => Err(SendError::Transient(error.to_string())),
        }
    }

    fn take_resting(&self) -> Option<(Instant, Open)> {
        self.resting().pop()
    }

    /// Closes the connections that have rested for long enough.
    pub async fn close_rested(&self) {
        let rested: Vec<_> = self.resting().extract_if(.., |(since, _)| since.elapsed() >= RESTS_FOR).collect();
        let quits = rested.into_iter().map(|(_, mut open)| async move {
            // It is closed in any case.
            let _ = tokio::time::timeout(PARTS_WITHIN, open.smtp.quit()).await;
        });
        join_all(quits).await;
    }

    fn resting(&self) -> MutexGuard<'_, Vec<(Instant, Open)>> {
        self.resting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn rest(&self, open: Open) {
        let mut resting = self.resting();
        if resting.len() < self.settings.connections && !open.smtp.has_broken() {
            resting.push((Instant::now(), open));
        }
    }

    async fn connect(&self) -> Result<AsyncSmtpConnection, SendError> {
        let settings = &self.settings;
        let unreachable = |error: lettre::transport::smtp::Error| SendError::Unreachable(error.to_string());
        let hello = settings.hello_name.clone().map_or_else(ClientId::default, ClientId::Domain);
        let tls = match settings.security {
            Security::Plain => None,
            _ => Some(settings.tls().map_err(unreachable)?),
        };
        let address = (settings.host.as_str(), settings.port);
        let mut connection = match (settings.security, tls.clone()) {
            (Security::Tls, Some(tls)) => {
                let limit = Some(Duration::from_secs(settings.timeout_seconds));
                AsyncSmtpConnection::connect_tokio1(address, limit, &hello, Some(tls), None).await
            }
            _ => AsyncSmtpConnection::connect_with_transport(prompt(address).await?, &hello).await,
        }
        .map_err(unreachable)?;
        if let (Security::StartTls, Some(tls)) = (settings.security, tls) {
            connection.starttls(tls, &hello).await.map_err(unreachable)?;
        }
        if let (Some(username), Some(password)) = (&settings.username, &settings.password) {
            let credentials = Credentials::new(username.clone(), password.clone());
            connection.auth(&[Mechanism::Plain, Mechanism::Login], &credentials).await.map_err(unreachable)?;
        }
        Ok(connection)
    }
}

impl SmtpSettings {
    fn tls(&self) -> Result<TlsParameters, lettre::transport::smtp::Error> {
        let mut tls = TlsParameters::builder(self.host.clone());
        if let Some(pem) = &self.ca_pem {
            tls = tls.add_root_certificate(Certificate::from_pem(pem)?);
        }
        tls.build()
    }
}

/// A connection that sends at once: the end of a message would otherwise wait 40 ms for a delayed acknowledgement.
async fn prompt(address: (&str, u16)) -> Result<Box<dyn AsyncTokioStream>, SendError> {
    let unreachable = |error: std::io::Error| SendError::Unreachable(error.to_string());
    let stream = TcpStream::connect(address).await.map_err(unreachable)?;
    stream.set_nodelay(true).map_err(unreachable)?;
    Ok(Box::new(stream))
}

fn refused(error: &lettre::transport::smtp::Error, for_good: fn(String) -> SendError) -> SendError {
    if error.is_permanent() { for_good(error.to_string()) } else { SendError::Transient(error.to_string()) }
}

#[cfg(test)]
mod tests {
    use super::super::catcher::{Catcher, Fault};
    use super::*;

    async fn catcher_and_mailer() -> (Catcher, Mailer) {
        let catcher = Catcher::start("127.0.0.1:0".parse().unwrap()).await.unwrap();
        let mailer = Mailer::new(SmtpSettings {
            host: "127.0.0.1".into(),
            port: catcher.address().port(),
            security: Security::Plain,
            username: None,
            password: None,
            from: "noreply@city.example".into(),
            hello_name: Some("localhost".into()),
            timeout_seconds: 1,
            connections: 4,
            per_second: 0,
            ca_pem: None,
        });
        (catcher, mailer)
    }

    const MESSAGE: &[u8] =
        b"From: noreply@city.example\r\nMessage-ID: <m@city.example>\r\nSubject: hello\r\n\r\n.dot\r\n";

    #[tokio::test]
    async fn mails_arrive_once_over_few_connections() {
        let (catcher, mailer) = catcher_and_mailer().await;
        let sends = (0..50).map(|_| mailer.send("a@city.example", MESSAGE));
        assert!(join_all(sends).await.iter().all(Result::is_ok));
        assert!(mailer.send("a@city.example", MESSAGE).await.is_ok());
        assert_eq!(catcher.messages().len(), 51);
        assert!(catcher.messages()[0].text.contains(".dot"), "a leading dot comes through");
    }

    #[tokio::test]
    async fn a_refusal_is_permanent_and_a_deferral_transient() {
        let (catcher, mailer) = catcher_and_mailer().await;
        catcher.next_fault(Fault::Reply(550));
        assert!(matches!(mailer.send("a@city.example", MESSAGE).await, Err(SendError::Permanent(_))));
        catcher.next_fault(Fault::Reply(451));
        assert!(matches!(mailer.send("a@city.example", MESSAGE).await, Err(SendError::Transient(_))));
        assert!(mailer.send("a@city.example", MESSAGE).await.is_ok());
        assert_eq!(catcher.messages().len(), 1);
    }

    #[tokio::test]
    async fn silence_or_a_lost_connection_after_the_data_leaves_the_outcome_unknown() {
        let (catcher, mailer) = catcher_and_mailer().await;
        for fault in [Fault::Hang, Fault::Drop] {
            catcher.next_fault(fault);
            assert!(matches!(mailer.send("a@city.example", MESSAGE).await, Err(SendError::Unknown(_))), "{fault:?}");
        }
        assert!(mailer.send("a@city.example", MESSAGE).await.is_ok(), "the broken connection is not used again");
    }

    #[tokio::test]
    async fn nobody_listening_holds_the_others_off() {
        let (catcher, mailer) = catcher_and_mailer().await;
        drop(catcher);
        tokio::time::sleep(Duration::from_millis(50)).await;
        assert!(matches!(mailer.send("a@city.example", MESSAGE).await, Err(SendError::Unreachable(_))));
        assert!(mailer.holds_off());
    }
}
