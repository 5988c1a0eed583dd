//! A real Dovecot whose mailbox holds the replies: its own configuration folder, loopback ports, gone with the test.

use crate::chase::{issued, live_through};
use crate::keeper::{Kept, free_port, keep};
use crate::support::{Client, On, Server};
use rstest::rstest;
use serde_json::json;
use shenban::app::letters::{inbox, mailbox};
use shenban::mail::ImapSettings;
use shenban::mail::maildir;
use shenban::mail::smtp::Security;
use shenban::store::sent::{self, SentFilter, Span};
use shenban::store::{StoreError, Tx, house, mails};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::path::PathBuf;

const KEEPER: &str = include_str!("dovecot.sh");

struct Dovecot {
    kept: Kept,
    port: u16,
    tls_port: u16,
}

/// None where it cannot be run; said so.
fn start() -> Option<Dovecot> {
    let (port, tls_port) = (free_port(), free_port());
    let kept = keep(KEEPER, &["/usr/sbin/dovecot"], &[("PORT", port), ("TLS_PORT", tls_port)])?;
    Some(Dovecot { kept, port, tls_port })
}

impl Dovecot {
    fn settings(&self, security: Security) -> ImapSettings {
        ImapSettings {
            host: "localhost".to_owned(),
            port: if security == Security::Tls { self.tls_port } else { self.port },
            security,
            username: "shenban".to_owned(),
            password: "secret".to_owned(),
            folder: "INBOX".to_owned(),
            moves_to: None,
            ca_pem: Some(fs::read(self.kept.folder.join("cert.pem")).unwrap()),
        }
    }

    fn maildir(&self) -> PathBuf {
        self.kept.folder.join("mail/shenban/Maildir")
    }

    /// What a mail server does.
    fn deliver(&self, message: &str) {
        maildir::deliver(&self.maildir(), message.as_bytes()).unwrap();
    }

    /// Names in one of the mailbox's folders.
    fn names(&self, folder: &str) -> Vec<String> {
        let entries = fs::read_dir(self.maildir().join(folder)).into_iter().flatten();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }
}

/// A task of the traffic police, mailed; gives its id and the mail's Message-ID.
async fn mailed(server: &Server, coordinator: &Client) -> (String, String) {
    let drafted = json!({ "title": "校门口拥堵", "goal": "", "grade": "ordinary", "lead_unit_id": server.units["education"],
        "deadline": "2099-01-01" });
    let case = coordinator.act("/cases", drafted).await["id"].as_str().unwrap().to_owned();
    let task = json!({ "title": "现场踏勘", "unit_id": server.units["traffic"], "duration": 5, "duration_unit": "working_days",
        "acceptance": "有记录" });
    let id = coordinator.act(&format!("/cases/{case}/add-task"), task).await["id"].as_str().unwrap().to_owned();
    let basis = json!({ "basis": "批示", "approver": "市长", "decided_on": "2020-01-02" });
    coordinator.on_case(&case, "issue", basis).await;
    server.deliver().await;
    let mails = server.catcher.messages();
    let mail = mails.iter().rev().find(|mail| mail.to == ["traffic@city.example"]).unwrap();
    (id, mail.message_id.clone())
}

fn reply(to: &str, n: usize, text: &str) -> String {
    format!(
        "From: traffic@city.example\r\nTo: shenban@city.example\r\nSubject: =?utf-8?B?5Zue5aSN?=\r\nMessage-ID: <{n}@city.example>\r\n\
         In-Reply-To: <{to}>\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n{text}\r\n"
    )
}

/// Fetches and takes in; gives how many were fetched.
async fn collected(server: &Server) -> usize {
    let fetched = mailbox::collect(&server.app, "test").await.unwrap();
    while inbox::take_in(&server.app).await.unwrap() > 0 {}
    fetched
}

async fn comments(coordinator: &Client, task: &str) -> usize {
    let page = coordinator.get(&format!("/tasks/{task}")).await.text().await.unwrap();
    page.matches("护学岗已到位").count()
}

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replies_are_fetched_over_every_kind_of_connection_once_each(
    #[values(On::Sqlite, On::Postgres)] on: On,
    #[values(Security::Plain, Security::StartTls, Security::Tls)] security: Security,
) {
    let Some(dovecot) = start() else { return };
    let Some(mut server) = Server::start_without_jobs(on).await else { return };
    let coordinator = server.sign_in("coordinator").await;
    let settings = dovecot.settings(security);
    server.set(|known| known.mail.imap = Some(settings));
    let (task, mail) = mailed(&server, &coordinator).await;

    assert_eq!(collected(&server).await, 0, "an empty mailbox");
    dovecot.deliver(&reply(&mail, 1, "签收"));
    assert_eq!(collected(&server).await, 1);
    assert_eq!(coordinator.task(&task).await["state"], "acknowledged");
    assert!(dovecot.names("cur").iter().all(|name| name.ends_with('S')), "marked as read: {:?}", dovecot.names("cur"));
    assert_eq!(collected(&server).await, 0, "once");
    // Somebody looks into the mailbox first: it is handled all the same.
    let seen = dovecot.maildir().join("cur/1764000000.someone.host:2,S");
    fs::write(&seen, reply(&mail, 2, "护学岗已到位")).unwrap();
    assert_eq!(collected(&server).await, 1);
    assert_eq!(comments(&coordinator, &task).await, 1);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_crash_cuts_off_is_fetched_again_and_handled_once_and_a_folder_takes_what_is_done() {
    let Some(dovecot) = start() else { return };
    let Some(mut server) = Server::start_without_jobs(On::Sqlite).await else { return };
    let coordinator = server.sign_in("coordinator").await;
    let settings = dovecot.settings(Security::Tls);
    server.set(|known| known.mail.imap = Some(settings.clone()));
    let (task, mail) = mailed(&server, &coordinator).await;
    collected(&server).await;
    let mark = server.app.store.read(|tx| house::setting(tx, "mailbox.mark")).await.unwrap().unwrap();
    dovecot.deliver(&reply(&mail, 1, "护学岗已到位"));
    assert_eq!(collected(&server).await, 1);
    // As if the process had died before it noted how far it had read.
    let now = server.app.clock.now();
    let back = server.app.store.write(move |tx| house::put_setting(tx, "mailbox.mark", &mark, now));
    let back: Result<(), StoreError> = back.await;
    back.unwrap();
    assert_eq!(collected(&server).await, 1, "fetched again");
    assert_eq!(comments(&coordinator, &task).await, 1, "handled once");

    server.set(|known| known.mail.imap = Some(ImapSettings { moves_to: Some("Taken".to_owned()), ..settings.clone() }));
    dovecot.deliver(&reply(&mail, 2, "签收"));
    assert_eq!(collected(&server).await, 1);
    assert_eq!(coordinator.task(&task).await["state"], "acknowledged");
    assert_eq!(dovecot.names(".Taken/cur").len() + dovecot.names(".Taken/new").len(), 1, "moved");
    // The mailbox is made anew: its messages have other UIDs, and were seen before.
    fs::remove_file(dovecot.maildir().join("dovecot-uidlist")).unwrap();
    collected(&server).await;
    assert_eq!(comments(&coordinator, &task).await, 1);

    server.set(|known| known.mail.imap = Some(ImapSettings { password: "wrong".to_owned(), ..settings.clone() }));
    let refused = mailbox::collect(&server.app, "test").await.unwrap_err().to_string();
    assert!(refused.contains("mailbox") && !refused.contains("wrong"), "{refused}");
    server.set(|known| known.mail.imap = Some(ImapSettings { ca_pem: None, ..settings }));
    assert!(mailbox::collect(&server.app, "test").await.is_err(), "a certificate nobody vouches for");
    server.stop().await;
}

/// What a mail program asks a mailbox.
struct MailProgram(BufReader<TcpStream>);

impl MailProgram {
    fn open(dovecot: &Dovecot) -> MailProgram {
        let mut program = MailProgram(BufReader::new(TcpStream::connect(("127.0.0.1", dovecot.port)).unwrap()));
        program.ask("LOGIN shenban secret");
        program.ask("SELECT INBOX");
        program
    }

    /// The lines of the answer.
    fn ask(&mut self, command: &str) -> Vec<String> {
        self.0.get_mut().write_all(format!("a {command}\r\n").as_bytes()).unwrap();
        let mut lines = Vec::new();
        loop {
            let mut line = String::new();
            self.0.read_line(&mut line).unwrap();
            if line.starts_with("a ") {
                assert!(line.starts_with("a OK"), "{command}: {line}");
                return lines;
            }
            lines.push(line.trim().to_owned());
        }
    }

    /// The Message-IDs of each thread of the mails to an address.
    fn threads(&mut self, address: &str) -> BTreeSet<BTreeSet<String>> {
        let answer = self.ask(&format!("THREAD REFERENCES UTF-8 TO \"{address}\""));
        let threads = answer.iter().find_map(|line| line.strip_prefix("* THREAD ")).unwrap_or_default().to_owned();
        let (mut found, mut depth, mut number) = (BTreeSet::new(), 0, String::new());
        let mut own = BTreeSet::new();
        for c in threads.chars() {
            if c.is_ascii_digit() {
                number.push(c);
                continue;
            }
            if !number.is_empty() {
                own.insert(self.message_id(&std::mem::take(&mut number)));
            }
            depth += i32::from(c == '(') - i32::from(c == ')');
            if depth == 0 && !own.is_empty() {
                found.insert(std::mem::take(&mut own));
            }
        }
        found
    }

    fn message_id(&mut self, number: &str) -> String {
        let header = self.ask(&format!("FETCH {number} BODY.PEEK[HEADER.FIELDS (MESSAGE-ID)]")).join(" ");
        crate::support::between(&header, "<", ">").unwrap().to_owned()
    }
}

/// Message-IDs by (address, case).
type Threads = BTreeMap<(String, Option<String>), BTreeSet<String>>;

/// All mails there are as threads, and each mail's bytes.
fn mailed_by_case(tx: &mut Tx) -> Result<(Threads, Vec<String>), StoreError> {
    let (mut ids, mut messages) = (Threads::new(), Vec::new());
    for line in sent::list(tx, &SentFilter::default(), Span::first(1_000))?.0 {
        let mail = mails::by_id(tx, &line.id)?.unwrap();
        messages.extend(mails::message_of(tx, &line.id)?);
        ids.entry((mail.address, mail.case_id)).or_default().insert(mail.message_id);
    }
    Ok((ids, messages))
}

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mail_program_shows_a_case_as_one_thread_and_digests_as_their_own(
    #[values(On::Sqlite, On::Postgres)] on: On,
) {
    let Some(dovecot) = start() else { return };
    let Some(server) = Server::start_without_jobs(on).await else { return };
    let (coordinator, admin) = (server.sign_in("coordinator").await, server.sign_in("admin").await);
    for title in ["校门口拥堵", "夜间施工噪声", "校门口拥堵"] {
        for unit in ["traffic", "education"] {
            issued(&server, &coordinator, unit, title, "ordinary").await;
        }
        server.deliver().await;
    }
    let digest = json!({ "rhythm": "daily", "channels": [] });
    admin.act(&format!("/units/{}/mail-rhythm", server.units["education"]), digest).await;
    live_through(&server, 14).await;

    let (expected, messages) = server.app.store.read(mailed_by_case).await.unwrap();
    messages.iter().for_each(|message| dovecot.deliver(message));
    let mut program = MailProgram::open(&dovecot);
    let of = |address: &str| expected.iter().filter(|((to, _), _)| to == address).collect::<Vec<_>>();
    for unit in ["traffic", "education"] {
        let address = format!("{unit}@city.example");
        let threads: BTreeSet<BTreeSet<String>> = of(&address).into_iter().map(|(_, ids)| ids.clone()).collect();
        assert_eq!(program.threads(&address), threads, "{address}");
    }
    let cases =
        of("traffic@city.example").into_iter().filter(|((_, case), ids)| case.is_some() && ids.len() > 2).count();
    assert_eq!(cases, 3, "each case is a thread of several mails: {expected:#?}");
    let digests = of("education@city.example").into_iter().find(|((_, case), _)| case.is_none());
    assert!(digests.is_some_and(|(_, ids)| ids.len() > 1), "and the digests another: {expected:#?}");
    server.stop().await;
}
