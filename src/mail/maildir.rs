//! A maildir as the mail server fills it: `new/` holds what nobody has read yet.

use std::fs;
use std::io::{self, Read, Write};
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

/// Puts a message into the maildir: it is on disk when this returns.
pub fn deliver(maildir: &Path, bytes: &[u8]) -> io::Result<()> {
    let (unfinished, new) = (maildir.join("tmp"), maildir.join("new"));
    fs::create_dir_all(&unfinished)?;
    // Its text sorts by the time it was made, as the names of mail servers do.
    let name = uuid::Uuid::now_v7().to_string();
    let path = unfinished.join(&name);
    let kept = fs::create_dir_all(&new)
        .and_then(|()| fs::File::create_new(&path))
        .and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all()))
        .and_then(|()| fs::rename(&path, new.join(name)))
        .and_then(|()| fs::File::open(&new)?.sync_all());
    if kept.is_err() {
        // The sender keeps it; absent when it never began.
        let _ = fs::remove_file(&path);
    }
    kept
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
