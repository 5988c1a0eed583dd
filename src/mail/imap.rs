//! A mailbox of replies and bounces on another server (IMAP): messages are taken by their UID and put into our own maildir,
//! which is on disk before anything is changed over there.

use super::maildir::{self, MESSAGE_MAX_BYTES};
use super::smtp::Security;
use async_imap::{Client, Session};
use futures_util::TryStreamExt;
use std::io;
use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

/// Over one whole visit.
pub const DEADLINE: Duration = Duration::from_secs(100);

#[derive(Clone)]
pub struct ImapSettings {
    pub host: String,
    pub port: u16,
    pub security: Security,
    pub username: String,
    pub password: String,
    pub folder: String,
    /// Where messages that were taken go; they stay, marked as read, when absent.
    pub moves_to: Option<String>,
    /// PEM of a certificate that is trusted beside the public ones.
    pub ca_pem: Option<Vec<u8>>,
}

impl std::fmt::Debug for ImapSettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ImapSettings({}:{} {:?}, password hidden)", self.host, self.port, self.security)
    }
}

/// How far a mailbox was read: its UIDs only grow while its validity stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark {
    pub validity: u32,
    pub uid: u32,
}

impl std::fmt::Display for Mark {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.validity, self.uid)
    }
}

impl FromStr for Mark {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Mark, Self::Err> {
        let (validity, uid) = text.split_once(':').unwrap_or((text, ""));
        Ok(Mark { validity: validity.parse()?, uid: uid.parse()? })
    }
}

#[derive(Debug, thiserror::Error)]
pub enum ImapError {
    #[error("no end of it in time")]
    Late,
    #[error("{0}")]
    Server(#[from] async_imap::error::Error),
    #[error("{0}")]
    Io(#[from] io::Error),
    #[error("TLS: {0}")]
    Tls(String),
}

/// Puts up to `limit` messages beyond the mark into the maildir. Gives how many, and how far the mailbox is read now. What a
/// crash cuts off is taken again: whoever reads the maildir knows a message by its bytes.
pub async fn collect(
    settings: &ImapSettings,
    mark: Option<Mark>,
    limit: usize,
    maildir: &Path,
) -> Result<(usize, Mark), ImapError> {
    let visit = async {
        let stream = TcpStream::connect((settings.host.as_str(), settings.port)).await?;
        match settings.security {
            Security::Plain => visit(greeted(stream).await?, settings, mark, limit, maildir).await,
            Security::Tls => {
                visit(greeted(over_tls(stream, settings).await?).await?, settings, mark, limit, maildir).await
            }
            Security::StartTls => {
                let mut client = greeted(stream).await?;
                client.run_command_and_check_ok("STARTTLS", None).await?;
                let stream = over_tls(client.into_inner(), settings).await?;
                visit(Client::new(stream), settings, mark, limit, maildir).await
            }
        }
    };
    tokio::time::timeout(DEADLINE, visit).await.unwrap_or(Err(ImapError::Late))
}

/// A connection, over TLS or not.
trait Stream: AsyncRead + AsyncWrite + Unpin + std::fmt::Debug + Send {}
impl<S: AsyncRead + AsyncWrite + Unpin + std::fmt::Debug + Send> Stream for S {}

async fn greeted<S: Stream>(stream: S) -> Result<Client<S>, ImapError> {
    let mut client = Client::new(stream);
    client.read_response().await?.ok_or(async_imap::error::Error::ConnectionLost)?;
    Ok(client)
}

async fn over_tls(
    stream: TcpStream,
    settings: &ImapSettings,
) -> Result<tokio_rustls::client::TlsStream<TcpStream>, ImapError> {
    let told = |error: &dyn std::fmt::Display| ImapError::Tls(error.to_string());
    let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    if let Some(pem) = &settings.ca_pem {
        for certificate in CertificateDer::pem_slice_iter(pem) {
            roots.add(certificate.map_err(|error| told(&error))?).map_err(|error| told(&error))?;
        }
    }
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| told(&error))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from(settings.host.clone()).map_err(|error| told(&error))?;
    Ok(TlsConnector::from(Arc::new(config)).connect(name, stream).await?)
}

async fn visit<S: Stream>(
    client: Client<S>,
    settings: &ImapSettings,
    mark: Option<Mark>,
    limit: usize,
    maildir: &Path,
) -> Result<(usize, Mark), ImapError> {
    let login = client.login(&settings.username, &settings.password).await;
    let mut session = login.map_err(|(error, _)| error)?;
    let mailbox = session.select(&settings.folder).await?;
    let validity = mailbox.uid_validity.unwrap_or(0);
    let mut mark = match mark.filter(|mark| mark.validity == validity) {
        Some(mark) => mark,
        None => Mark { validity, uid: begins_after(&mut session, mailbox.uid_next.unwrap_or(1)).await? },
    };
    let mut found: Vec<u32> = session.uid_search(format!("UID {}:*", mark.uid + 1)).await?.into_iter().collect();
    // The last message is among `n:*` however small its UID.
    found.retain(|uid| *uid > mark.uid);
    found.sort_unstable();
    found.truncate(limit);
    let moves = session.capabilities().await?.has_str("MOVE");
    for uid in &found {
        take(&mut session, *uid, maildir).await?;
        put_away(&mut session, *uid, settings.moves_to.as_deref(), moves).await?;
        mark.uid = *uid;
    }
    // What was taken is taken, whether or not the server says goodbye.
    let _ = session.logout().await;
    Ok((found.len(), mark))
}

/// At the first visit what somebody has read before is not ours to answer.
async fn begins_after<S: Stream>(session: &mut Session<S>, uid_next: u32) -> Result<u32, ImapError> {
    let unread = session.uid_search("UNSEEN").await?.into_iter().min();
    Ok(unread.unwrap_or(uid_next).saturating_sub(1))
}

async fn take<S: Stream>(session: &mut Session<S>, uid: u32, maildir: &Path) -> Result<(), ImapError> {
    let part = format!("(UID BODY.PEEK[]<0.{}>)", MESSAGE_MAX_BYTES + 1);
    let fetched: Vec<_> = session.uid_fetch(uid.to_string(), part).await?.try_collect().await?;
    // Whoever moved it away meanwhile has it.
    let Some(bytes) = fetched.iter().find(|row| row.uid == Some(uid)).and_then(|row| row.body()) else { return Ok(()) };
    let (bytes, maildir) = (bytes.to_vec(), maildir.to_owned());
    let delivered = tokio::task::spawn_blocking(move || maildir::deliver(&maildir, &bytes)).await;
    Ok(delivered.map_err(io::Error::other)??)
}

async fn put_away<S: Stream>(
    session: &mut Session<S>,
    uid: u32,
    to: Option<&str>,
    moves: bool,
) -> Result<(), ImapError> {
    let uid = uid.to_string();
    let flags = match to {
        Some(folder) if moves => return Ok(session.uid_mv(uid, folder).await?),
        Some(folder) => {
            session.uid_copy(&uid, folder).await?;
            "+FLAGS (\\Seen \\Deleted)"
        }
        None => "+FLAGS (\\Seen)",
    };
    let _: Vec<_> = session.uid_store(&uid, flags).await?.try_collect().await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_read_as_it_was_written() {
        let mark = Mark { validity: 1_764_000_000, uid: 7 };
        assert_eq!(mark.to_string().parse::<Mark>().unwrap(), mark);
        assert!("".parse::<Mark>().is_err() && "7".parse::<Mark>().is_err());
    }
}
