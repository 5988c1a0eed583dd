//! A small SMTP and LMTP server that the city's mail server hands replies and bounces to: they go into a maildir, and an
//! answer of 250 means that they are on disk. It relays nothing and answers nobody.

use super::maildir::{self, MESSAGE_MAX_BYTES};
use super::wire::{command, data, say};
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::BufReader;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

/// Conversations side by side: each may hold one message in memory.
const CONVERSATIONS: usize = 4;
const CONVERSATION_LASTS: Duration = Duration::from_secs(300);
/// The rest after the machine could take no connection.
const ACCEPTS_AGAIN_AFTER: Duration = Duration::from_millis(100);
/// Recipients of one message; each owes an answer in LMTP.
const RECIPIENTS_MAX: usize = 100;

/// Listens until dropped.
pub struct Listener {
    address: SocketAddr,
    listening: JoinHandle<()>,
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

impl Listener {
    pub async fn start(address: SocketAddr, maildir: PathBuf) -> io::Result<Listener> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let (room, maildir) = (Arc::new(Semaphore::new(CONVERSATIONS)), Arc::new(maildir));
        let listening = tokio::spawn(async move {
            loop {
                // Whoever comes to a full house waits at the door.
                let Ok(place) = room.clone().acquire_owned().await else { return };
                let Ok((stream, _)) = listener.accept().await else {
                    tokio::time::sleep(ACCEPTS_AGAIN_AFTER).await;
                    continue;
                };
                let maildir = maildir.clone();
                tokio::spawn(async move {
                    serve(stream, &maildir).await;
                    drop(place);
                });
            }
        });
        Ok(Listener { address, listening })
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

async fn serve(stream: TcpStream, maildir: &Path) {
    // Without a 250 the sender keeps the message, and tries again.
    match tokio::time::timeout(CONVERSATION_LASTS, converse(stream, maildir)).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::debug!(%error, "a conversation of the inbound listener broke off"),
        Err(_) => tracing::debug!("a conversation of the inbound listener took too long"),
    }
}

async fn converse(stream: TcpStream, maildir: &Path) -> io::Result<()> {
    let (read, mut write) = stream.into_split();
    let mut read = BufReader::new(read);
    say(&mut write, "220 shenban takes replies").await?;
    let (mut recipients, mut answers_each) = (0, false);
    while let Some((verb, _)) = command(&mut read).await? {
        match verb.as_str() {
            "EHLO" | "LHLO" => {
                answers_each = verb == "LHLO";
                say(&mut write, &format!("250-shenban\r\n250-8BITMIME\r\n250 SIZE {MESSAGE_MAX_BYTES}")).await?;
            }
            "HELO" | "NOOP" => say(&mut write, "250 OK").await?,
            "MAIL" | "RSET" => {
                recipients = 0;
                say(&mut write, "250 OK").await?;
            }
            "RCPT" if recipients == RECIPIENTS_MAX => say(&mut write, "452 too many recipients").await?,
            "RCPT" => {
                recipients += 1;
                say(&mut write, "250 OK").await?;
            }
            "DATA" if recipients == 0 => say(&mut write, "503 RCPT first").await?,
            "DATA" => {
                say(&mut write, "354 go on").await?;
                let Some(bytes) = data(&mut read, MESSAGE_MAX_BYTES as usize).await? else {
                    return say(&mut write, "552 too large").await;
                };
                let answer = if keep(maildir, bytes).await { "250 kept" } else { "451 not kept, try again" };
                let owed = if answers_each { recipients } else { 1 };
                for _ in 0..owed {
                    say(&mut write, answer).await?;
                }
                recipients = 0;
            }
            "QUIT" => return say(&mut write, "221 bye").await,
            _ => say(&mut write, "502 unknown").await?,
        }
    }
    Ok(())
}

async fn keep(maildir: &Path, bytes: Vec<u8>) -> bool {
    let maildir = maildir.to_owned();
    let kept = tokio::task::spawn_blocking(move || maildir::deliver(&maildir, &bytes)).await;
    let kept = kept.unwrap_or_else(|error| Err(io::Error::other(error)));
    if let Err(error) = &kept {
        tracing::warn!(%error, "a message could not be kept");
    }
    kept.is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    /// Says everything at once and ends; gives what the listener answered.
    async fn told(address: SocketAddr, says: &str) -> String {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(says.as_bytes()).await.unwrap();
        stream.shutdown().await.unwrap();
        let mut answers = String::new();
        stream.read_to_string(&mut answers).await.unwrap();
        answers
    }

    async fn listener() -> (tempfile::TempDir, Listener) {
        let folder = tempfile::tempdir().unwrap();
        let listener = Listener::start(([127, 0, 0, 1], 0).into(), folder.path().to_owned()).await.unwrap();
        (folder, listener)
    }

    fn kept(folder: &tempfile::TempDir) -> Vec<Vec<u8>> {
        maildir::unread(folder.path(), 100).unwrap().into_iter().map(|unread| unread.bytes).collect()
    }

    #[tokio::test]
    async fn a_message_is_kept_as_it_came() {
        let (folder, listener) = listener().await;
        let long = "长".repeat(3_000);
        let says = format!("EHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<a@b>\r\nDATA\r\n..dot\r\n{long}\r\n.\r\nQUIT\r\n");
        let answers = told(listener.address(), &says).await;
        assert!(answers.contains("250 kept") && answers.ends_with("221 bye\r\n"), "{answers}");
        assert_eq!(kept(&folder), [format!(".dot\r\n{long}\r\n").into_bytes()]);
    }

    #[tokio::test]
    async fn a_message_smuggles_no_other_behind_it() {
        let (folder, listener) = listener().await;
        let smuggled = "x\n.\r\nMAIL FROM:<m@b>\r\nRCPT TO:<c@d>\r\nDATA\r\nFrom: boss@d\r\n\r\nx\r\n.\r\n";
        told(listener.address(), &format!("EHLO x\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\n{smuggled}")).await;
        assert_eq!(kept(&folder).len(), 1);
    }

    #[tokio::test]
    async fn over_lmtp_each_recipient_is_answered_and_the_message_kept_once() {
        let (folder, listener) = listener().await;
        let says = "LHLO x\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nRCPT TO:<e@d>\r\nDATA\r\nx\r\n.\r\nQUIT\r\n";
        let answers = told(listener.address(), says).await;
        assert_eq!(answers.matches("250 kept").count(), 2, "{answers}");
        assert_eq!(kept(&folder).len(), 1);
    }

    #[tokio::test]
    async fn what_breaks_off_or_cannot_be_kept_is_not_acknowledged() {
        let (folder, listener) = listener().await;
        let begun = "EHLO x\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\nx\r\n";
        assert!(!told(listener.address(), begun).await.contains("250 kept"));
        let answers = told(listener.address(), "MAIL FROM:<a@b>\r\nDATA\r\n").await;
        assert!(answers.contains("503"), "{answers}");
        std::fs::write(folder.path().join("new"), "in the way").unwrap();
        let answers = told(listener.address(), &format!("{begun}.\r\n")).await;
        assert!(answers.contains("451"), "{answers}");
        assert_eq!(std::fs::read_dir(folder.path().join("tmp")).unwrap().count(), 0, "nothing is left half-way");
    }
}
