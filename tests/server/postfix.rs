//! A real Postfix (with Dovecot to check passwords): its own configuration folder, a loopback port, gone with the test.

use crate::keeper::{Kept, free_port, keep};
use crate::support::{On, Server, between, smtp};
use rstest::rstest;
use serde_json::json;
use shenban::app::letters::{delivery, inbox, outbox};
use shenban::mail::listener::Listener;
use shenban::mail::smtp::Security;
use shenban::mail::{Mailer, SmtpSettings};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tempfile::TempDir;

const KEEPER: &str = include_str!("postfix.sh");

struct Postfix {
    kept: Kept,
    port: u16,
}

/// None where it cannot be run; said so. Replies and bounces go into a maildir, or to who listens on `lmtp_port`.
fn start(lmtp_port: Option<u16>) -> Option<Postfix> {
    let port = free_port();
    let ports: Vec<(&str, u16)> =
        [("PORT", port)].into_iter().chain(lmtp_port.map(|lmtp_port| ("LMTP_PORT", lmtp_port))).collect();
    let kept = keep(KEEPER, &["/usr/sbin/postfix", "/usr/sbin/dovecot"], &ports)?;
    Some(Postfix { kept, port })
}

/// How replies and bounces come in.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Door {
    Maildir,
    Lmtp,
}

fn reply(to: &str, text: &str) -> String {
    format!(
        "From: traffic@city.example\r\nTo: shenban@city.example\r\nSubject: Re\r\nMessage-ID: <reply@city.example>\r\n\
         In-Reply-To: <{to}>\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\
         Content-Transfer-Encoding: 8bit\r\n\r\n{text}\r\n"
    )
}

impl Postfix {
    fn mailer(&self, security: Security) -> Mailer {
        Mailer::new(SmtpSettings {
            host: "localhost".to_owned(),
            security,
            username: Some("shenban".to_owned()),
            password: Some("secret".to_owned()),
            ca_pem: Some(std::fs::read(self.kept.folder.join("cert.pem")).unwrap()),
            ..smtp(self.port)
        })
    }

    fn mailbox(&self, name: &str) -> PathBuf {
        self.kept.folder.join("mail").join(name)
    }

    /// The messages in a mailbox.
    fn received(&self, mailbox: &Path) -> Vec<String> {
        let entries = std::fs::read_dir(mailbox.join("new")).into_iter().flatten();
        entries.map(|entry| std::fs::read_to_string(entry.unwrap().path()).unwrap()).collect()
    }

    async fn received_when(&self, mailbox: &Path, count: usize) -> Vec<String> {
        for _ in 0..600 {
            let received = self.received(mailbox);
            if received.len() >= count {
                return received;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!(
            "{mailbox:?} has {:?}; log: {}",
            self.received(mailbox),
            std::fs::read_to_string(self.kept.folder.join("log")).unwrap_or_default()
        );
    }
}

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mails_and_replies_go_through_a_real_server_and_its_bounce_flags_the_address(
    #[values(On::Sqlite, On::Postgres)] on: On,
    #[values(Door::Maildir, Door::Lmtp)] door: Door,
) {
    let own = TempDir::new().unwrap();
    let listener = Listener::start(([127, 0, 0, 1], 0).into(), own.path().to_owned()).await.unwrap();
    let Some(postfix) = start((door == Door::Lmtp).then(|| listener.address().port())) else { return };
    let Some(mut server) = Server::start_without_jobs(on).await else { return };
    let coordinator = server.sign_in("coordinator").await;
    let admin = server.sign_in("admin").await;
    let inbound = if door == Door::Lmtp { own.path().to_owned() } else { postfix.mailbox("shenban") };
    server.set(|settings| settings.mail.inbound_maildir = Some(inbound.clone()));
    let unit = admin.act("/units", json!({ "name": "旧邮箱局", "mailbox": "gone@city.example" })).await["id"].clone();
    let drafted = json!({ "title": "校门口拥堵", "goal": "", "grade": "ordinary", "lead_unit_id": server.units["traffic"], "deadline": "2099-01-01" });
    let case = coordinator.act("/cases", drafted).await["id"].as_str().unwrap().to_owned();
    let mut tasks = Vec::new();
    for unit_id in [json!(server.units["traffic"]), unit] {
        let task = json!({ "title": "现场踏勘", "unit_id": unit_id, "duration": 5, "duration_unit": "working_days", "acceptance": "有记录" });
        tasks.push(coordinator.act(&format!("/cases/{case}/add-task"), task).await["id"].as_str().unwrap().to_owned());
    }
    coordinator
        .on_case(&case, "issue", json!({ "basis": "批示", "approver": "市长", "decided_on": "2020-01-02" }))
        .await;

    let mailer = postfix.mailer(Security::StartTls);
    outbox::freeze_owed(server.app.clone(), mailer.from().to_owned()).await.unwrap();
    delivery::send(&server.app, &mailer, "test", || false).await.unwrap();
    let received = postfix.received_when(&postfix.mailbox("traffic"), 1).await;
    assert!(received[0].contains("Auto-Submitted: auto-generated"), "{}", received[0]);
    let wrong = SmtpSettings { password: Some("wrong".to_owned()), ..smtp(postfix.port) };
    let wrong = Mailer::new(SmtpSettings { username: Some("shenban".to_owned()), ..wrong });
    assert!(wrong.send("traffic@city.example", b"Subject: x\r\n\r\n").await.is_err(), "a wrong password is refused");

    postfix.received_when(&inbound, 1).await;
    assert_eq!(inbox::take_in(&server.app).await.unwrap(), 1);
    let mails = coordinator.read("/mails?limit=50").await;
    let bounced: Vec<_> = mails["mails"].as_array().unwrap().iter().filter(|mail| mail["state"] == "bounced").collect();
    assert_eq!(bounced.len(), 1, "{mails:#}");
    assert_eq!(bounced[0]["address"], "gone@city.example");
    outbox::freeze_owed(server.app.clone(), mailer.from().to_owned()).await.unwrap();
    delivery::send(&server.app, &mailer, "test", || false).await.unwrap();
    let mail = between(&received[0], "Message-ID: <", ">").unwrap();
    mailer.send("shenban@city.example", reply(mail, "签收").as_bytes()).await.unwrap();
    postfix.received_when(&inbound, 1).await;
    assert_eq!(inbox::take_in(&server.app).await.unwrap(), 1);
    assert_eq!(coordinator.task(&tasks[0]).await["state"], "acknowledged", "by the reply");
    let told = postfix.received_when(&postfix.mailbox("coordinator"), 1).await;
    assert!(told[0].contains("Subject:"), "the coordinator is told");
    assert_eq!(inbox::take_in(&server.app).await.unwrap(), 0, "read once");
    server.stop().await;
}
