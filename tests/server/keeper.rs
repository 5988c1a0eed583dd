//! Servers of others, run by a script in a folder of their own and gone with the test.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// A script that runs as long as its standard input is open; it tells its folder first.
pub struct Kept {
    pub folder: PathBuf,
    shell: Child,
}

impl Drop for Kept {
    fn drop(&mut self) {
        drop(self.shell.stdin.take());
        let _ = self.shell.wait();
    }
}

/// None where one of the programs is not installed, or this is not root (they want users of their own); said so.
pub fn keep(script: &str, programs: &[&str], ports: &[(&str, u16)]) -> Option<Kept> {
    let missing = programs.iter().find(|program| !Path::new(program).exists());
    let is_root = Command::new("id").arg("-u").output().unwrap().stdout == b"0\n";
    if missing.is_some() || !is_root {
        let why = missing.map_or("not root".to_owned(), |program| format!("{program} is not installed"));
        assert!(std::env::var_os("CI").is_none(), "{why}");
        eprintln!("skipped: {why}");
        return None;
    }
    let mut shell = Command::new("bash")
        .args(["-c", script])
        .envs(ports.iter().map(|(name, port)| (name, port.to_string())))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .unwrap();
    let mut folder = String::new();
    BufReader::new(shell.stdout.take().unwrap()).read_line(&mut folder).unwrap();
    assert!(!folder.is_empty(), "{programs:?} did not start");
    Some(Kept { folder: folder.trim().into(), shell })
}

pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}
