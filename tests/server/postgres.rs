//! A throw-away PostgreSQL for this test process: made in a temporary folder, gone when the process ends however it ends.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;

/// The shell lives as long as its standard input is open: the test process's end closes it.
const KEEPER: &str = r#"
set -e
trap '' INT
folder=$(mktemp -d)
as() { if [ "$(id -u)" = 0 ]; then runuser -u postgres -- "$@"; else "$@"; fi; }
if [ "$(id -u)" = 0 ]; then chown postgres "$folder"; fi
cd "$folder"
as "$BIN/initdb" -D "$folder/data" -A trust -U shenban --no-sync --encoding=UTF8 --locale=C.UTF-8 >&2
as "$BIN/pg_ctl" start -w -s -D "$folder/data" -l "$folder/log" \
  -o "-k $folder -c listen_addresses= -c fsync=off -c max_connections=300 -c shared_buffers=64MB" >&2
echo "$folder"
cat > /dev/null || true
as "$BIN/pg_ctl" stop -s -m immediate -D "$folder/data" >&2
rm -rf "$folder"
"#;

struct Keeper {
    folder: String,
    /// Its standard input is the leash.
    _shell: Child,
}

static KEPT: LazyLock<Option<Keeper>> = LazyLock::new(|| {
    let Some(bin) = binaries() else {
        // In CI a missing database is a failure; elsewhere its half of the tests is left out, and says so.
        assert!(std::env::var_os("CI").is_none(), "PostgreSQL's initdb is not installed");
        eprintln!("skipped on PostgreSQL: initdb is not installed");
        return None;
    };
    let mut shell = Command::new("bash")
        .args(["-c", KEEPER])
        .env("BIN", bin)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut folder = String::new();
    BufReader::new(shell.stdout.take().unwrap()).read_line(&mut folder).unwrap();
    assert!(!folder.is_empty(), "PostgreSQL did not start");
    Some(Keeper { folder: folder.trim().to_owned(), _shell: shell })
});

fn binaries() -> Option<PathBuf> {
    let on_path =
        std::env::var_os("PATH").into_iter().flat_map(|path| std::env::split_paths(&path).collect::<Vec<_>>());
    let debian = ["17", "16", "15"].map(|version| PathBuf::from(format!("/usr/lib/postgresql/{version}/bin")));
    on_path.chain(debian).find(|folder| folder.join("initdb").exists())
}

/// The URL of a fresh, empty database; none where PostgreSQL is not installed.
pub fn fresh_database() -> Option<String> {
    use diesel::connection::SimpleConnection;
    use diesel::{Connection, PgConnection};
    let folder = &KEPT.as_ref()?.folder;
    let url = |name: &str| format!("postgres:///{name}?host={folder}&user=shenban");
    let name = format!("t{}", uuid::Uuid::new_v4().simple());
    let mut conn = PgConnection::establish(&url("postgres")).unwrap();
    conn.batch_execute(&format!("CREATE DATABASE {name}")).unwrap();
    Some(url(&name))
}
