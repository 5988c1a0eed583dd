//! One client: a connection that is kept, and how long its requests took.

use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::{Method, Request};
use hyper_util::rt::TokioIo;
use std::error::Error;
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use tokio::net::TcpStream;

pub struct Connection {
    sender: SendRequest<Full<Bytes>>,
    host: String,
    /// Of answered requests, in order.
    pub took: Vec<Duration>,
}

impl Connection {
    pub async fn open(address: SocketAddr) -> Result<Connection, Box<dyn Error + Send + Sync>> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        Ok(Connection { sender, host: address.to_string(), took: Vec::new() })
    }

    /// Sends a request and reads the answer whole; anything but 2xx is an error.
    pub async fn send(
        &mut self,
        token: &str,
        method: Method,
        path: &str,
        body: String,
    ) -> Result<Bytes, Box<dyn Error + Send + Sync>> {
        let begun = Instant::now();
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("host", &self.host)
            .header("authorization", format!("Bearer {token}"))
            .header("content-type", "application/json")
            .body(Full::new(Bytes::from(body)))?;
        self.sender.ready().await?;
        let answer = self.sender.send_request(request).await?;
        let status = answer.status();
        let bytes = answer.into_body().collect().await?.to_bytes();
        if !status.is_success() {
            return Err(format!("{path}: {status} {}", String::from_utf8_lossy(&bytes)).into());
        }
        self.took.push(begun.elapsed());
        Ok(bytes)
    }
}

/// The `share` quantile (0 to 1) in milliseconds; 0 for no measurements.
pub fn quantile(took: &mut [Duration], share: f64) -> f64 {
    took.sort_unstable();
    let at = ((took.len() as f64 * share) as usize).min(took.len().saturating_sub(1));
    took.get(at).map_or(0.0, |duration| duration.as_secs_f64() * 1_000.0)
}
