//! The demo's mail catcher: a small SMTP server on loopback that keeps what it is sent. Tests make it misbehave.

use super::wire::{command, data, say};
use mail_parser::MessageParser;
use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncRead, AsyncWrite, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// Messages kept; the oldest go first.
const KEPT: usize = 2_000;
const MESSAGE_MAX_BYTES: usize = 25 * 1024 * 1024;

/// A caught message.
#[derive(Debug, Clone)]
pub struct Caught {
    pub seq: u64,
    pub to: Vec<String>,
    pub message_id: String,
    pub subject: String,
    pub text: String,
}

/// What goes wrong with the next message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// This code answers the data.
    Reply(u16),
    /// No answer to the data.
    Hang,
    /// The connection closes instead of an answer to the data.
    Drop,
}

#[derive(Default)]
struct Kept {
    messages: VecDeque<Caught>,
    seq: u64,
    faults: VecDeque<Fault>,
}

/// Listens until dropped.
pub struct Catcher {
    address: SocketAddr,
    kept: Arc<Mutex<Kept>>,
    listening: JoinHandle<()>,
}

impl Drop for Catcher {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

impl Catcher {
    pub async fn start(address: SocketAddr) -> io::Result<Catcher> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let kept = Arc::new(Mutex::new(Kept::default()));
        let shared = kept.clone();
        let listening = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, shared.clone()));
            }
        });
        Ok(Catcher { address, kept, listening })
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Newest first.
    pub fn messages(&self) -> Vec<Caught> {
        locked(&self.kept).messages.iter().rev().cloned().collect()
    }

    /// How many were caught, those that are no longer kept among them.
    pub fn count(&self) -> u64 {
        locked(&self.kept).seq
    }

    /// Makes the next message fail; several are used in order.
    pub fn next_fault(&self, fault: Fault) {
        locked(&self.kept).faults.push_back(fault);
    }
}

fn locked(kept: &Mutex<Kept>) -> std::sync::MutexGuard<'_, Kept> {
    kept.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

/// A connection that breaks ends its conversation; nobody needs to hear of it.
async fn serve(stream: TcpStream, kept: Arc<Mutex<Kept>>) {
    let (read, mut write) = stream.into_split();
    let _ = converse(&mut BufReader::new(read), &mut write, &kept).await;
}

async fn converse<R: AsyncRead + Unpin, W: AsyncWrite + Unpin>(
    read: &mut BufReader<R>,
    write: &mut W,
    kept: &Mutex<Kept>,
) -> io::Result<()> {
    say(write, "220 shenban mail catcher").await?;
    let mut to: Vec<String> = Vec::new();
    while let Some((verb, line)) = command(read).await? {
        match verb.as_str() {
            "EHLO" => say(write, "250-localhost\r\n250-8BITMIME\r\n250 SIZE 26214400").await?,
            "HELO" | "NOOP" => say(write, "250 OK").await?,
            "MAIL" | "RSET" => {
                to.clear();
                say(write, "250 OK").await?;
            }
            "RCPT" => {
                to.push(line.split(['<', '>']).nth(1).unwrap_or_default().to_owned());
                say(write, "250 OK").await?;
            }
            "DATA" if to.is_empty() => say(write, "503 RCPT first").await?,
            "DATA" => {
                say(write, "354 go on").await?;
                let Some(bytes) = data(read, MESSAGE_MAX_BYTES).await? else {
                    return say(write, "552 too large").await;
                };
                let fault = locked(kept).faults.pop_front();
                match fault {
                    None => {
                        keep(kept, std::mem::take(&mut to), &bytes);
                        say(write, "250 caught").await?;
                    }
                    Some(Fault::Reply(code)) => say(write, &format!("{code} as the test wants")).await?,
                    Some(Fault::Hang) => std::future::pending::<()>().await,
                    Some(Fault::Drop) => return Ok(()),
                }
            }
            "QUIT" => return say(write, "221 bye").await,
            _ => say(write, "502 unknown").await?,
        }
    }
    Ok(())
}

fn keep(kept: &Mutex<Kept>, to: Vec<String>, bytes: &[u8]) {
    let parsed = MessageParser::default().parse(bytes);
    let told = |value: Option<&str>| value.unwrap_or_default().to_owned();
    let mut kept = locked(kept);
    kept.seq += 1;
    let caught = Caught {
        seq: kept.seq,
        to,
        message_id: told(parsed.as_ref().and_then(|message| message.message_id())),
        subject: told(parsed.as_ref().and_then(|message| message.subject())),
        text: parsed.as_ref().and_then(|message| message.body_text(0)).unwrap_or_default().into_owned(),
    };
    kept.messages.push_back(caught);
    if kept.messages.len() > KEPT {
        kept.messages.pop_front();
    }
}
