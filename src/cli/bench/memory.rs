//! What a server of its own keeps resident, on the benchmark's database.

use crate::cli::config::Config;
use std::error::Error;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// So long after the start it is looked at.
const SETTLES_FOR: Duration = Duration::from_secs(60);

/// MiB resident a minute after the start.
pub async fn resident_mib(config: &Config, detection: bool) -> Result<f64, Box<dyn Error>> {
    let mut server = Command::new(std::env::current_exe()?)
        .arg("serve")
        .env("SHENBAN_DATABASE", &config.database)
        .env("SHENBAN_DATA_DIR", &config.data_dir)
        .env("SHENBAN_LISTEN", "127.0.0.1:0")
        .env("SHENBAN_DELIVERY", "false")
        .env("SHENBAN_DETECTION", detection.to_string())
        .stderr(Stdio::null())
        .spawn()?;
    tokio::time::sleep(SETTLES_FOR).await;
    let resident = resident_now(&server);
    end(&mut server)?;
    resident
}

/// Linux tells it as `VmRSS:   12345 kB`.
pub(super) fn resident_now(server: &Child) -> Result<f64, Box<dyn Error>> {
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.id()))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS is told here")?;
    let kib: f64 = line.trim().trim_end_matches("kB").trim().parse()?;
    Ok(kib / 1_024.0)
}

/// Asks it to end, so that it gives its leases up.
pub(super) fn end(server: &mut Child) -> Result<(), Box<dyn Error>> {
    let asked = Command::new("kill").args(["-TERM", &server.id().to_string()]).status()?;
    if !asked.success() {
        server.kill()?;
    }
    server.wait()?;
    Ok(())
}
