//! A real Postfix (with Dovecot to check passwords): its own configuration folder, a loopback port, gone with the test.

use crate::keeper::{Kept, free_port, keep};
use crate::support::{On, Server, smtp};
use serde_json::json;
use shenban::app::letters::{delivery, inbox, outbox};
use shenban::mail::smtp::Security;
use shenban::mail::{Mailer, SmtpSettings};
use std::time::Duration;

const KEEPER: &str = include_str!("postfix.sh");

struct Postfix {
    kept: Kept,
    port: u16,
}

/// None where it cannot be run; said so.
fn start() -> Option<Postfix> {
    let port = free_port();
    let kept = keep(KEEPER, &["/usr/sbin/postfix", "/usr/sbin/dovecot"], &[("PORT", port)])?;
    Some(Postfix { kept, port })
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

    /// The messages in a mailbox.
    fn received(&self, mailbox: &str) -> Vec<String> {
        let new = self.kept.folder.join("mail").join(mailbox).join("new");
        let entries = std::fs::read_dir(new).into_iter().flatten();
        entries.map(|entry| std::fs::read_to_string(entry.unwrap().path()).unwrap()).collect()
    }

    async fn received_when(&self, mailbox: &str, count: usize) -> Vec<String> {
        for _ in 0..200 {
            let received = self.received(mailbox);
            if received.len() >= count {
                return received;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!(
            "{mailbox} has {:?}; log: {}",
            self.received(mailbox),
            std::fs::read_to_string(self.kept.folder.join("log")).unwrap_or_default()
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mails_go_through_a_real_server_and_its_bounce_flags_the_address() {
    let Some(postfix) = start() else { return };
    let Some(mut server) = Server::start_without_jobs(On::Sqlite).await else { return };
    let coordinator = server.sign_in("coordinator").await;
    let admin = server.sign_in("admin").await;
    let inbox_folder = postfix.kept.folder.join("mail/shenban");
    server.set(|settings| settings.mail.inbound_maildir = Some(inbox_folder));
    let unit = admin.act("/units", json!({ "name": "旧邮箱局", "mailbox": "gone@city.example" })).await["id"].clone();
    let drafted = json!({ "title": "校门口拥堵", "goal": "", "grade": "ordinary", "lead_unit_id": server.units["traffic"], "deadline": "2099-01-01" });
    let case = coordinator.act("/cases", drafted).await["id"].as_str().unwrap().to_owned();
    for unit_id in [json!(server.units["traffic"]), unit] {
        let task = json!({ "title": "现场踏勘", "unit_id": unit_id, "duration": 5, "duration_unit": "working_days", "acceptance": "有记录" });
        coordinator.act(&format!("/cases/{case}/add-task"), task).await;
    }
    coordinator
        .on_case(&case, "issue", json!({ "basis": "批示", "approver": "市长", "decided_on": "2020-01-02" }))
        .await;

    let mailer = postfix.mailer(Security::StartTls);
    outbox::freeze_owed(server.app.clone(), mailer.from().to_owned()).await.unwrap();
    delivery::send(&server.app, &mailer, "test").await.unwrap();
    let received = postfix.received_when("traffic", 1).await;
    assert!(received[0].contains("Auto-Submitted: auto-generated"), "{}", received[0]);
    let wrong = SmtpSettings { password: Some("wrong".to_owned()), ..smtp(postfix.port) };
    let wrong = Mailer::new(SmtpSettings { username: Some("shenban".to_owned()), ..wrong });
    assert!(wrong.send("traffic@city.example", b"Subject: x\r\n\r\n").await.is_err(), "a wrong password is refused");

    postfix.received_when("shenban", 1).await;
    assert_eq!(inbox::take_in(&server.app).await.unwrap(), 1);
    let mails = coordinator.read("/mails?limit=50").await;
    let bounced: Vec<_> = mails["mails"].as_array().unwrap().iter().filter(|mail| mail["state"] == "bounced").collect();
    assert_eq!(bounced.len(), 1, "{mails:#}");
    assert_eq!(bounced[0]["address"], "gone@city.example");
    outbox::freeze_owed(server.app.clone(), mailer.from().to_owned()).await.unwrap();
    delivery::send(&server.app, &mailer, "test").await.unwrap();
    let told = postfix.received_when("coordinator", 1).await;
    assert!(told[0].contains("Subject:"), "the coordinator is told");
    assert_eq!(inbox::take_in(&server.app).await.unwrap(), 0, "read once");
    server.stop().await;
}
