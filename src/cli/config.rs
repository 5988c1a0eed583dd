//! Settings from file, environment and flags, in that order; a wrong one is named.

use crate::app::letters::delivery::CLAIM_LASTS;
use crate::app::{App, MailSettings, Settings};
use crate::detect::trend::Thresholds;
use crate::domain::chase::ChasePolicy;
use crate::lang::Lang;
use crate::mail::smtp::Security;
use crate::mail::{ImapSettings, SmtpSettings};
use crate::store::blobs::Bucket;
use crate::store::{DatabaseUrl, Store};
use chrono::NaiveTime;
use clap::Args;
use figment::Figment;
use figment::providers::{Env, Format, Serialized, Toml};
use ipnet::IpNet;
use rand::RngExt;
use serde::{Deserialize, Serialize};
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

/// Settings that every command takes. A flag goes over the environment (`SHENBAN_DATABASE` …), that over the file.
#[derive(Args, Serialize, Default, Clone)]
pub struct ConfigArgs {
    /// A TOML file of settings.
    #[arg(long)]
    #[serde(skip)]
    pub config: Option<PathBuf>,
    /// `sqlite:PATH` or `postgres://…`
    #[arg(long)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub database: Option<String>,
    /// The folder of uploaded files and keys.
    #[arg(long)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data_dir: Option<String>,
    /// Address and port to serve on.
    #[arg(long)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub listen: Option<String>,
}

/// All settings, as the file and the environment name them.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    pub database: String,
    pub data_dir: PathBuf,
    /// `s3://BUCKET/PREFIX`, where evidence and received letters are kept; the data folder when absent.
    pub evidence: Option<String>,
    pub s3_endpoint: Option<String>,
    pub s3_region: String,
    pub s3_access_key: Option<String>,
    pub s3_secret_key: Option<String>,
    pub listen: String,
    pub public_url: String,
    pub city: String,
    pub case_prefix: String,
    pub timezone: String,
    pub close_of_day: String,
    /// Hex, 32 bytes or more; made and kept in the data folder when empty.
    pub caller_key: String,
    pub caller_key_version: i32,
    pub secure_cookies: bool,
    /// A YAML file of how the city chases; the shipped steps when absent.
    pub chase_policy: Option<PathBuf>,
    /// A text file of names of places (estates, roads, schools), one a line; others are learned from the tickets.
    pub gazetteer: Option<PathBuf>,
    pub problem_callers: u32,
    pub problem_window_days: u32,
    pub problem_growth: f32,
    pub detection: bool,
    pub delivery: bool,
    pub smtp_host: String,
    pub smtp_port: u16,
    pub smtp_security: String,
    pub smtp_username: Option<String>,
    pub smtp_password: Option<String>,
    pub smtp_from: String,
    pub smtp_timeout_seconds: u64,
    /// Mails sent side by side over as many connections.
    pub smtp_connections: usize,
    /// The most mails a second; 0 is no limit.
    pub smtp_per_second: u32,
    /// A PEM file of a certificate to trust beside the public ones.
    pub smtp_ca_file: Option<PathBuf>,
    /// Where replies go; `smtp_from` when absent.
    pub mail_reply_to: Option<String>,
    /// What links begin with that work without signing in; `public_url` when absent.
    pub mail_link_url: Option<String>,
    /// The maildir that replies and bounces are delivered to.
    pub inbound_maildir: Option<PathBuf>,
    /// Where replies and bounces are taken over SMTP or LMTP instead.
    pub inbound_listen: Option<String>,
    /// Or the mailbox on an IMAP server that they are fetched from.
    pub imap_host: Option<String>,
    pub imap_port: u16,
    pub imap_security: String,
    pub imap_username: String,
    pub imap_password: String,
    pub imap_folder: String,
    /// Where fetched messages are moved; they stay, marked as read, when absent.
    pub imap_moves_to: Option<String>,
    /// A PEM file of a certificate to trust beside the public ones.
    pub imap_ca_file: Option<PathBuf>,
    /// The most mails a recipient gets within an hour; what is more goes as one. 0 is no ceiling.
    pub mails_hourly_max: u32,
    /// Networks (CIDR) of the city's own that other channels may be pushed to, beside the public internet.
    pub webhook_networks: Vec<String>,
    /// How many days pushed events are kept after they were settled; 0 is for ever.
    pub push_log_days: u32,
    pub demo: bool,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            database: "sqlite:shenban-data/shenban.sqlite".to_owned(),
            data_dir: "shenban-data".into(),
            evidence: None,
            s3_endpoint: None,
            s3_region: "us-east-1".to_owned(),
            s3_access_key: None,
            s3_secret_key: None,
            listen: "127.0.0.1:8080".to_owned(),
            public_url: "http://127.0.0.1:8080".to_owned(),
            city: "本市".to_owned(),
            case_prefix: "ZX".to_owned(),
            timezone: "Asia/Shanghai".to_owned(),
            close_of_day: "18:00".to_owned(),
            caller_key: String::new(),
            caller_key_version: 1,
            secure_cookies: false,
            chase_policy: None,
            gazetteer: None,
            problem_callers: Thresholds::default().distinct_callers,
            problem_window_days: Thresholds::default().window_days,
            problem_growth: Thresholds::default().growth,
            detection: true,
            delivery: true,
            smtp_host: "127.0.0.1".to_owned(),
            smtp_port: 25,
            smtp_security: "plain".to_owned(),
            smtp_username: None,
            smtp_password: None,
            smtp_from: "shenban@localhost".to_owned(),
            smtp_timeout_seconds: 30,
            smtp_connections: 4,
            smtp_per_second: 0,
            smtp_ca_file: None,
            mail_reply_to: None,
            mail_link_url: None,
            inbound_maildir: None,
            inbound_listen: None,
            imap_host: None,
            imap_port: 993,
            imap_security: "tls".to_owned(),
            imap_username: String::new(),
            imap_password: String::new(),
            imap_folder: "INBOX".to_owned(),
            imap_moves_to: None,
            imap_ca_file: None,
            mails_hourly_max: 12,
            webhook_networks: Vec::new(),
            push_log_days: 180,
            demo: false,
        }
    }
}

/// The door for replies and bounces.
pub struct Inbound {
    pub maildir: PathBuf,
    pub listen: Option<SocketAddr>,
}

/// Text, whatever it looks like: a password of digits is no number, and is not to be told when it is refused as one.
const SECRETS: [&str; 3] = ["smtp_password", "imap_password", "s3_secret_key"];

/// The names of places in a file, one a line.
pub fn read_gazetteer(path: &Path) -> Result<Vec<String>, Box<dyn std::error::Error>> {
    let text = std::fs::read_to_string(path)
        .map_err(|_| wrong("gazetteer", &path.display().to_string(), "a UTF-8 text file that can be read"))?;
    Ok(text.lines().map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect())
}

/// A setting that cannot be used, by its name.
fn wrong(name: &str, value: &str, wanted: &str) -> Box<dyn std::error::Error> {
    format!("setting `{name}`: {value:?} is not {wanted}").into()
}

/// How a connection is secured; in the open only on this machine.
fn security(name: &str, value: &str, host: &str) -> Result<Security, Box<dyn std::error::Error>> {
    match value {
        "plain" if is_this_machine(host) => Ok(Security::Plain),
        "plain" => Err(wrong(name, value, "allowed beyond this machine: use starttls or tls")),
        "starttls" => Ok(Security::StartTls),
        "tls" => Ok(Security::Tls),
        other => Err(wrong(name, other, "plain, starttls or tls")),
    }
}

fn readable(name: &str, path: Option<&PathBuf>) -> Result<Option<Vec<u8>>, Box<dyn std::error::Error>> {
    let read = |path: &PathBuf| {
        std::fs::read(path).map_err(|_| wrong(name, &path.display().to_string(), "a file that can be read"))
    };
    path.map(read).transpose()
}

fn is_this_machine(host: &str) -> bool {
    host.parse::<IpAddr>().map_or(host == "localhost", |address| address.is_loopback())
}

impl Config {
    /// Reads all sources. Errors name the setting.
    pub fn read(args: &ConfigArgs) -> Result<Config, Box<dyn std::error::Error>> {
        let mut figment = Figment::from(Serialized::defaults(Config::default()));
        if let Some(file) = &args.config {
            if !file.exists() {
                return Err(wrong("config", &file.display().to_string(), "a file that exists"));
            }
            figment = figment.merge(Toml::file(file));
        }
        figment = figment.merge(Env::prefixed("SHENBAN_"));
        for name in SECRETS {
            if let Ok(secret) = std::env::var(format!("SHENBAN_{}", name.to_uppercase())) {
                figment = figment.merge((name, secret));
            }
        }
        figment = figment.merge(Serialized::globals(args));
        figment.extract().map_err(|error| format!("setting {error}").into())
    }

    /// Opens the database that the settings name.
    pub fn store(&self) -> Result<Store, Box<dyn std::error::Error>> {
        let url = DatabaseUrl::parse(&self.database)
            .map_err(|_| wrong("database", &self.database, "sqlite:PATH or postgres://…"))?;
        Ok(Store::open(&url)?)
    }

    /// The server's parts over the database that the settings name.
    pub fn app(&self) -> Result<App, Box<dyn std::error::Error>> {
        Ok(App::new(self.store()?, self.settings()?)?)
    }

    fn settings(&self) -> Result<Settings, Box<dyn std::error::Error>> {
        let close_of_day = NaiveTime::parse_from_str(&self.close_of_day, "%H:%M");
        Ok(Settings {
            city: self.city.clone(),
            case_prefix: self.case_prefix.clone(),
            timezone: self
                .timezone
                .parse()
                .map_err(|_| wrong("timezone", &self.timezone, "a time zone such as Asia/Shanghai"))?,
            close_of_day: close_of_day
                .map_err(|_| wrong("close_of_day", &self.close_of_day, "a time such as 18:00"))?,
            public_url: self.public_url.trim_end_matches('/').to_owned(),
            data_dir: self.data_dir.clone(),
            evidence: self.evidence()?,
            caller_key: self.caller_key()?,
            caller_key_version: self.caller_key_version,
            secure_cookies: self.secure_cookies || self.public_url.starts_with("https://"),
            demo: self.demo,
            chase: self.chase()?,
            places: self.gazetteer.as_deref().map(read_gazetteer).transpose()?.unwrap_or_default(),
            thresholds: self.thresholds()?,
            webhook_networks: self.webhook_networks()?,
            push_log_days: self.push_log_days,
            mail: MailSettings {
                reply_to: self.mail_reply_to.clone(),
                inbound_maildir: self.inbound()?.map(|inbound| inbound.maildir),
                imap: self.imap()?,
                link_url: self.mail_link_url.as_ref().map(|url| url.trim_end_matches('/').to_owned()),
                hourly_max: self.mails_hourly_max,
            },
        })
    }

    /// Where replies and bounces come in, and what is listened on for them.
    pub fn inbound(&self) -> Result<Option<Inbound>, Box<dyn std::error::Error>> {
        let own = || self.data_dir.join("inbound-mail");
        match (&self.inbound_listen, &self.inbound_maildir, &self.imap_host) {
            (None, None, Some(_)) => Ok(Some(Inbound { maildir: own(), listen: None })),
            (None, maildir, None) => Ok(maildir.clone().map(|maildir| Inbound { maildir, listen: None })),
            (Some(listen), None, None) => {
                let address: SocketAddr =
                    listen.parse().map_err(|_| wrong("inbound_listen", listen, "an address such as 127.0.0.1:2525"))?;
                Ok(Some(Inbound { maildir: own(), listen: Some(address) }))
            }
            (Some(listen), ..) => {
                Err(wrong("inbound_listen", listen, "used beside inbound_maildir or imap_host: choose one"))
            }
            (None, Some(_), Some(host)) => Err(wrong("imap_host", host, "used beside inbound_maildir: choose one")),
        }
    }

    fn imap(&self) -> Result<Option<ImapSettings>, Box<dyn std::error::Error>> {
        let Some(host) = &self.imap_host else { return Ok(None) };
        Ok(Some(ImapSettings {
            host: host.clone(),
            port: self.imap_port,
            security: security("imap_security", &self.imap_security, host)?,
            username: self.imap_username.clone(),
            password: self.imap_password.clone(),
            folder: self.imap_folder.clone(),
            moves_to: self.imap_moves_to.clone(),
            ca_pem: readable("imap_ca_file", self.imap_ca_file.as_ref())?,
        }))
    }

    fn webhook_networks(&self) -> Result<Vec<IpNet>, Box<dyn std::error::Error>> {
        let network =
            |text: &String| text.parse().map_err(|_| wrong("webhook_networks", text, "a network such as 10.20.0.0/16"));
        self.webhook_networks.iter().map(network).collect()
    }

    fn evidence(&self) -> Result<Option<Bucket>, Box<dyn std::error::Error>> {
        let Some(url) = &self.evidence else { return Ok(None) };
        let (name, prefix) = url
            .strip_prefix("s3://")
            .map(|path| path.split_once('/').unwrap_or((path, "")))
            .filter(|(name, _)| !name.is_empty())
            .ok_or_else(|| wrong("evidence", url, "an address such as s3://bucket/prefix"))?;
        let needed = |setting: &str, value: &Option<String>| {
            value.clone().ok_or_else(|| wrong(setting, "", "set, though `evidence` is in a bucket"))
        };
        let endpoint = needed("s3_endpoint", &self.s3_endpoint)?;
        let host = |rest: &str| rest.split(['/', ':']).next().unwrap_or_default().to_owned();
        let is_safe = match endpoint.split_once("://") {
            Some(("https", rest)) => !host(rest).is_empty(),
            Some(("http", rest)) => is_this_machine(&host(rest)),
            _ => false,
        };
        if !is_safe {
            return Err(wrong("s3_endpoint", &endpoint, "an address that begins with https://"));
        }
        Ok(Some(Bucket {
            name: name.to_owned(),
            prefix: prefix.trim_matches('/').to_owned(),
            endpoint,
            region: self.s3_region.clone(),
            access_key: needed("s3_access_key", &self.s3_access_key)?,
            secret_key: needed("s3_secret_key", &self.s3_secret_key)?,
        }))
    }

    fn chase(&self) -> Result<ChasePolicy, Box<dyn std::error::Error>> {
        let Some(path) = &self.chase_policy else { return Ok(ChasePolicy::default()) };
        let shown = path.display().to_string();
        let text =
            std::fs::read_to_string(path).map_err(|_| wrong("chase_policy", &shown, "a file that can be read"))?;
        let policy: ChasePolicy =
            serde_saphyr::from_str(&text).map_err(|error| format!("setting `chase_policy`: {shown}: {error}"))?;
        policy.check().map_err(|fault| format!("setting `chase_policy`: {shown}: {}", fault.text(Lang::En)))?;
        Ok(policy)
    }

    fn thresholds(&self) -> Result<Thresholds, Box<dyn std::error::Error>> {
        let counts = [("problem_callers", self.problem_callers), ("problem_window_days", self.problem_window_days)];
        if let Some((name, value)) = counts.into_iter().find(|(_, value)| *value == 0) {
            return Err(wrong(name, &value.to_string(), "1 or more"));
        }
        Ok(Thresholds {
            distinct_callers: self.problem_callers,
            window_days: self.problem_window_days,
            growth: self.problem_growth,
        })
    }

    /// The key callers are hashed with. Made once, readable to the owner only.
    fn caller_key(&self) -> Result<Vec<u8>, Box<dyn std::error::Error>> {
        if !self.caller_key.is_empty() {
            let key = hex::decode(&self.caller_key).map_err(|_| wrong("caller_key", "(hidden)", "hex"))?;
            return if key.len() >= 32 { Ok(key) } else { Err(wrong("caller_key", "(hidden)", "32 bytes or more")) };
        }
        let path = self.data_dir.join("caller.key");
        if let Ok(text) = std::fs::read_to_string(&path) {
            return hex::decode(text.trim())
                .map_err(|_| wrong("caller_key", &path.display().to_string(), "a file of hex"));
        }
        std::fs::create_dir_all(&self.data_dir)?;
        let key: [u8; 32] = rand::rng().random();
        std::fs::write(&path, hex::encode(key))?;
        #[cfg(unix)]
        std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
        Ok(key.to_vec())
    }

    pub fn smtp(&self) -> Result<SmtpSettings, Box<dyn std::error::Error>> {
        // A claim outlives the longest send more than twice.
        let longest = CLAIM_LASTS.num_seconds().unsigned_abs() / 2;
        if !(1..=longest).contains(&self.smtp_timeout_seconds) {
            let wanted = format!("between 1 and {longest}");
            return Err(wrong("smtp_timeout_seconds", &self.smtp_timeout_seconds.to_string(), &wanted));
        }
        if !(1..=64).contains(&self.smtp_connections) {
            return Err(wrong("smtp_connections", &self.smtp_connections.to_string(), "between 1 and 64"));
        }
        Ok(SmtpSettings {
            host: self.smtp_host.clone(),
            port: self.smtp_port,
            security: security("smtp_security", &self.smtp_security, &self.smtp_host)?,
            username: self.smtp_username.clone(),
            password: self.smtp_password.clone(),
            from: self.smtp_from.clone(),
            hello_name: None,
            timeout_seconds: self.smtp_timeout_seconds,
            connections: self.smtp_connections,
            per_second: self.smtp_per_second,
            ca_pem: readable("smtp_ca_file", self.smtp_ca_file.as_ref())?,
        })
    }
}
