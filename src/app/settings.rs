//! What a city sets: read from file, environment and flags by the command line, checked there once.

use crate::detect::trend::Thresholds;
use crate::domain::chase::ChasePolicy;
use crate::mail::ImapSettings;
use crate::store::blobs::Bucket;
use chrono::NaiveTime;
use chrono_tz::Tz;
use ipnet::IpNet;
use std::path::PathBuf;

#[derive(Debug, Clone)]
pub struct Settings {
    /// The city's name, as mails and pages head themselves.
    pub city: String,
    /// The prefix of case numbers: `ZX` in `ZX-2026-0007`.
    pub case_prefix: String,
    pub timezone: Tz,
    /// The close of working hours, when a due date is over.
    pub close_of_day: NaiveTime,
    /// What links in mails begin with, without a slash at the end.
    pub public_url: String,
    /// Where uploaded files and the search index are kept.
    pub data_dir: PathBuf,
    /// Where evidence and received letters are kept instead of the data folder.
    pub evidence: Option<Bucket>,
    /// Keys callers are hashed with, so that no list of phones can be made from the database.
    pub caller_key: Vec<u8>,
    pub caller_key_version: i32,
    pub secure_cookies: bool,
    /// The demo shows its logins, its clock and its caught mails.
    pub demo: bool,
    /// How the city chases.
    pub chase: ChasePolicy,
    pub mail: MailSettings,
    /// Networks of the city's own that messages of other channels may be pushed to, beside the public internet.
    pub webhook_networks: Vec<IpNet>,
    /// How many days pushed events are kept after they were settled; 0 is for ever.
    pub push_log_days: u32,
    /// Names of places that detection knows from the start; others it learns.
    pub places: Vec<String>,
    /// From when on tickets count as a recurring problem and are proposed.
    pub thresholds: Thresholds,
}

/// What mails and the answers to them need beside the connection.
#[derive(Debug, Clone, Default)]
pub struct MailSettings {
    /// Where replies go; the sender's own address when absent.
    pub reply_to: Option<String>,
    /// The maildir that replies and bounces are delivered to.
    pub inbound_maildir: Option<PathBuf>,
    /// The mailbox on another server that they are fetched from into that maildir.
    pub imap: Option<ImapSettings>,
    /// What links that work without signing in begin with, where offices cannot reach `public_url`.
    pub link_url: Option<String>,
    /// The most mails a recipient gets within an hour; what is more goes as one. 0 is no ceiling.
    pub hourly_max: u32,
}

impl Settings {
    /// What links in mails begin with that work without signing in.
    pub fn mail_link_url(&self) -> &str {
        self.mail.link_url.as_deref().unwrap_or(&self.public_url)
    }
}
