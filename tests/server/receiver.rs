//! A receiver of pushes: a real HTTP server on this machine, told by the test how to answer.

use std::collections::VecDeque;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// One request as it came.
#[derive(Debug, Clone)]
pub struct Received {
    /// Path and query.
    pub target: String,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Received {
    pub fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

#[derive(Debug, Clone)]
pub enum Reply {
    Status(u16, &'static str),
    /// Not for so many seconds.
    Busy(u16),
    /// Elsewhere.
    Redirect(String),
    /// Reads and never answers.
    Silence,
}

#[derive(Default)]
struct State {
    received: Vec<Received>,
    replies: VecDeque<Reply>,
    usual: Option<Reply>,
}

pub struct Receiver {
    pub address: SocketAddr,
    state: Arc<Mutex<State>>,
}

impl Receiver {
    /// Answers 200 to everything, as robots do.
    pub fn start() -> Receiver {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let receiver = Receiver { address: listener.local_addr().unwrap(), state: Arc::default() };
        let state = receiver.state.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let state = state.clone();
                std::thread::spawn(move || answer(stream.unwrap(), &state));
            }
        });
        receiver
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// How the next requests are answered, one after the other.
    pub fn next(&self, replies: &[Reply]) {
        self.state.lock().unwrap().replies.extend(replies.iter().cloned());
    }

    /// How all others are.
    pub fn always(&self, reply: Reply) {
        self.state.lock().unwrap().usual = Some(reply);
    }

    pub fn received(&self) -> Vec<Received> {
        self.state.lock().unwrap().received.clone()
    }

    /// Waits until as many requests have come, and gives all.
    pub async fn received_when(&self, count: usize) -> Vec<Received> {
        for _ in 0..1_200 {
            let received = self.received();
            if received.len() >= count {
                return received;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("{count} requests did not come: {:#?}", self.received());
    }
}

fn answer(mut stream: TcpStream, state: &Mutex<State>) {
    let Some(received) = read(&mut stream) else { return };
    let reply = {
        let mut state = state.lock().unwrap();
        state.received.push(received);
        state.replies.pop_front().or_else(|| state.usual.clone())
    };
    let (status, more, body) = match reply.unwrap_or(Reply::Status(200, r#"{"errcode":0,"errmsg":"ok"}"#)) {
        Reply::Status(status, body) => (status, String::new(), body),
        Reply::Busy(seconds) => (503, format!("retry-after: {seconds}\r\n"), ""),
        Reply::Redirect(to) => (302, format!("location: {to}\r\n"), ""),
        // Held open for longer than anybody waits.
        Reply::Silence => return std::thread::sleep(Duration::from_secs(60)),
    };
    let told =
        format!("HTTP/1.1 {status} x\r\n{more}content-length: {}\r\nconnection: close\r\n\r\n{body}", body.len());
    // Whoever asked may have gone.
    let _ = stream.write_all(told.as_bytes());
}

/// Head and body; none when the connection ends before.
fn read(stream: &mut TcpStream) -> Option<Received> {
    let mut bytes = Vec::new();
    let mut chunk = [0; 4_096];
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let mut lines = head.lines();
            let target = lines.next()?.split(' ').nth(1)?.to_owned();
            let headers: Vec<(String, String)> = lines
                .filter_map(|line| line.split_once(": "))
                .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
                .collect();
            let length = headers.iter().find(|(name, _)| name == "content-length").map_or("0", |(_, value)| value);
            if body.len() >= length.parse::<usize>().ok()? {
                return Some(Received { target, headers, body: body.to_owned() });
            }
        }
        match stream.read(&mut chunk).ok()? {
            0 => return None,
            n => bytes.extend_from_slice(&chunk[..n]),
        }
    }
}
