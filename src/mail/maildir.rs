//! A maildir as the mail server fills it: `new/` holds what nobody has read yet.

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// The largest message read.
pub const MESSAGE_MAX_BYTES: u64 = 25 * 1024 * 1024;

/// One message that nobody has read yet.
#[derive(Debug)]
pub struct Unread {
    path: PathBuf,
    /// At most [`MESSAGE_MAX_BYTES`].
    pub bytes: Vec<u8>,
    /// There was more.
    pub cut_off: bool,
}

/// Unread messages, in the order of their names (which begin with the time); none where the folder does not exist yet.
pub fn unread(maildir: &Path, limit: usize) -> io::Result<Vec<Unread>> {
    let entries = match fs::read_dir(maildir.join("new")) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut paths = entries.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<PathBuf>>>()?;
    paths.retain(|path| path.is_file());
    paths.sort();
    let mut found = Vec::new();
    for path in paths.into_iter().take(limit) {
        match read(path) {
            // Another replica was quicker.
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            unread => found.push(unread?),
        }
    }
    Ok(found)
}

fn read(path: PathBuf) -> io::Result<Unread> {
    let mut bytes = Vec::new();
    fs::File::open(&path)?.take(MESSAGE_MAX_BYTES + 1).read_to_end(&mut bytes)?;
    let cut_off = bytes.len() as u64 > MESSAGE_MAX_BYTES;
    bytes.truncate(MESSAGE_MAX_BYTES as usize);
    Ok(Unread { path, bytes, cut_off })
}

/// Marks a message as read: it moves to `cur/`.
pub fn mark_read(maildir: &Path, unread: &Unread) -> io::Result<()> {
    let read = maildir.join("cur");
    fs::create_dir_all(&read)?;
    let mut name = unread.path.file_name().unwrap_or_default().to_owned();
    name.push(":2,S");
    match fs::rename(&unread.path, read.join(name)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        moved => moved,
    }
}
