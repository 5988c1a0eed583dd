//! What the servers of this house (the demo's catcher, the listener for replies) share of SMTP's conversation.

use std::io;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};

const LINE_MAX_BYTES: u64 = 4_096;

pub async fn say<W: AsyncWrite + Unpin>(write: &mut W, line: &str) -> io::Result<()> {
    write.write_all(format!("{line}\r\n").as_bytes()).await
}

/// A line of at most so many bytes, or its beginning; none at the end.
pub async fn next_line<R: AsyncRead + Unpin>(read: &mut BufReader<R>) -> io::Result<Option<Vec<u8>>> {
    let mut line = Vec::new();
    read.take(LINE_MAX_BYTES).read_until(b'\n', &mut line).await?;
    Ok((!line.is_empty()).then_some(line))
}

/// A command and its verb in capitals; none at the end.
pub async fn command<R: AsyncRead + Unpin>(read: &mut BufReader<R>) -> io::Result<Option<(String, String)>> {
    let Some(line) = next_line(read).await? else { return Ok(None) };
    let line = String::from_utf8_lossy(&line).trim_end().to_owned();
    let verb = line.get(..4).unwrap_or(&line).to_ascii_uppercase();
    Ok(Some((verb, line)))
}

/// The message up to the lone dot, leading dots undone (RFC 5321 §4.5.2); `None` when it is too large.
pub async fn data<R: AsyncRead + Unpin>(read: &mut BufReader<R>, max_bytes: usize) -> io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    while let Some(line) = next_line(read).await? {
        // Only CR LF ends a line: a dot after a bare LF would let a message smuggle another behind it.
        let begins_line = bytes.is_empty() || bytes.ends_with(b"\r\n");
        if begins_line && line == b".\r\n" {
            return Ok(Some(bytes));
        }
        let undone = if begins_line { line.strip_prefix(b".").unwrap_or(&line) } else { &line };
        bytes.extend_from_slice(undone);
        if bytes.len() > max_bytes {
            return Ok(None);
        }
    }
    Err(io::ErrorKind::UnexpectedEof.into())
}
