//! What a unit does from its mails: by the links, and by replying.

use crate::support::{Client, On, Server, smtp};
use reqwest::StatusCode;
use rstest::rstest;
use serde_json::{Value, json};
use shenban::app::letters::inbox;
use shenban::mail::Mailer;
use shenban::mail::catcher::Caught;
use shenban::mail::listener::Listener;
use shenban::store::StoreError;
use std::path::PathBuf;
use std::sync::mpsc;
use std::time::Duration;
use tokio::sync::oneshot;

/// An issued case with tasks of the traffic police; gives the case's and the tasks' ids.
pub async fn issued(server: &Server, coordinator: &Client, tasks: &[(&str, &str)]) -> (String, Vec<String>) {
    let drafted = json!({ "title": "校门口拥堵", "goal": "", "grade": "ordinary", "lead_unit_id": server.units["education"],
        "deadline": "2099-01-01" });
    let case = coordinator.act("/cases", drafted).await["id"].as_str().unwrap().to_owned();
    let mut ids = Vec::new();
    for (title, evidence) in tasks {
        let task = json!({ "title": title, "unit_id": server.units["traffic"], "duration": 5, "duration_unit": "working_days",
            "acceptance": "有记录", "evidence": evidence });
        let made = coordinator.act(&format!("/cases/{case}/add-task"), task).await;
        ids.push(made["id"].as_str().unwrap().to_owned());
    }
    coordinator
        .on_case(&case, "issue", json!({ "basis": "批示", "approver": "市长", "decided_on": "2020-01-02" }))
        .await;
    (case, ids)
}

pub async fn mail_about(server: &Server, word: &str) -> Caught {
    let about = |mail: &Caught| mail.to == ["traffic@city.example"] && mail.text.contains(word);
    let mails = server.mails_when(|mails| mails.iter().any(about)).await;
    mails.into_iter().find(about).unwrap()
}

/// The path of the link with this label.
pub fn link(mail: &Caught, label: &str) -> String {
    let line = mail
        .text
        .lines()
        .find(|line| line.starts_with(&format!("{label}：")))
        .unwrap_or_else(|| panic!("{}", mail.text));
    line.split_once("http://shenban.example").unwrap().1.trim().to_owned()
}

pub async fn post(client: &Client, path: &str, fields: &[(&str, &str)]) -> (StatusCode, String) {
    let answer = client.form_as_is(path, fields).await;
    (answer.status(), answer.text().await.unwrap())
}

pub async fn state(client: &Client, task: &str) -> Value {
    client.task(task).await["state"].clone()
}

#[rstest]
#[tokio::test]
async fn a_link_does_its_one_thing_once_and_a_look_at_it_does_nothing(#[values(On::Sqlite, On::Postgres)] on: On) {
    let Some(server) = Server::start(on).await else { return };
    let coordinator = server.sign_in("coordinator").await;
    let (case, tasks) = issued(&server, &coordinator, &[("现场踏勘", "现场照片")]).await;
    let mail = mail_about(&server, "现场踏勘").await;
    assert!(mail.text.contains("办结须附：现场照片"), "what is to be shown at the end: {}", mail.text);
    let (stranger, sign) = (server.stranger(), link(&mail, "签收"));

    let offered = mail.text.lines().filter_map(|line| line.split_once("http://shenban.example/m/"));
    for (_, token) in offered {
        let url = format!("{}/m/{}", stranger.base, token.trim());
        for method in [reqwest::Method::GET, reqwest::Method::HEAD, reqwest::Method::GET] {
            let look = stranger.http.request(method, &url).header("sec-purpose", "prefetch").send().await.unwrap();
            assert_eq!(look.status(), StatusCode::OK, "{url}");
        }
    }
    assert_eq!(stranger.get(&sign).await.status(), StatusCode::OK);
    assert_eq!(state(&coordinator, &tasks[0]).await, "ready", "scanners look and nothing happens");
    let silent = coordinator.get("/mail?silent=1").await.text().await.unwrap();
    assert!(silent.contains("traffic局"), "who has not reacted is seen at a glance");
    let (status, page) = post(&stranger, &sign, &[]).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "nobody said who: {page}");
    let (status, page) = post(&stranger, &sign, &[("name", "张三"), ("percent", "100"), ("text", "完成")]).await;
    assert_eq!(status, StatusCode::OK, "{page}");
    assert_eq!(state(&coordinator, &tasks[0]).await, "acknowledged", "it signs and does nothing else");
    let (status, _) = post(&stranger, &sign, &[("name", "张三")]).await;
    assert_eq!(status, StatusCode::CONFLICT, "once");
    let timeline = coordinator.get(&format!("/cases/{case}?tab=timeline")).await.text().await.unwrap();
    assert!(timeline.contains("traffic局 张三"), "logged as the unit's act with the name given");

    stranger.get(&format!("{sign}/seen.gif")).await;
    let tracked = coordinator.get("/mail").await.text().await.unwrap();
    assert!(tracked.contains("● 张三"), "who acted from which mail is seen at a glance");
    let silent = coordinator.get("/mail?silent=1").await.text().await.unwrap();
    assert!(!silent.contains("traffic局"), "what was signed for is not among the silent");
    let exported = coordinator.get("/export/mail?state=sent").await;
    assert_eq!(exported.status(), StatusCode::OK);

    let forged = format!("/m/{}", "0".repeat(64));
    assert_eq!(stranger.get(&forged).await.status(), StatusCode::CONFLICT);
    let shown = server.sign_in("admin").await.read("/mails?limit=50").await;
    let id =
        shown["mails"].as_array().unwrap().iter().find(|row| row["subject"] == mail.subject.as_str()).unwrap()["id"]
            .clone();
    let log = server.sign_in("admin").await.get(&format!("/mail/{}", id.as_str().unwrap())).await.text().await.unwrap();
    assert!(log.contains("/m/…") && !log.contains(sign.trim_start_matches("/m/")), "tokens are masked");
    server.stop().await;
}

#[tokio::test]
async fn a_reminders_links_report_ask_for_time_and_hand_in_with_what_is_to_be_shown() {
    let Some(server) = Server::start(On::Sqlite).await else { return };
    let coordinator = server.sign_in("coordinator").await;
    let (_, tasks) = issued(&server, &coordinator, &[("现场踏勘", "现场照片")]).await;
    server.sign_in("traffic").await.on_task(&tasks[0], "acknowledge", json!({})).await;
    server.days_pass(8).await;
    let mail = mail_about(&server, "提交办结").await;
    let stranger = server.stranger();
    let (status, page) = post(&stranger, &link(&mail, "填报进展"), &[("name", "李四"), ("percent", "40")]).await;
    assert_eq!(status, StatusCode::OK, "{page}");
    assert_eq!(coordinator.task(&tasks[0]).await["percent"], 40);
    let extend = [("name", "李四"), ("asked_due_on", "2098-01-01"), ("text", "材料未到")];
    assert_eq!(post(&stranger, &link(&mail, "申请延期"), &extend).await.0, StatusCode::OK);
    let submit = link(&mail, "提交办结");
    let (status, page) = post(&stranger, &submit, &[("name", "李四"), ("text", "已完成")]).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(page.contains("现场照片"), "it says what is missing");
    let photo = reqwest::multipart::Part::bytes(b"\xff\xd8photo".to_vec()).file_name("现场.jpg");
    let form = reqwest::multipart::Form::new().text("name", "李四").text("text", "已完成").part("file", photo);
    let sent = stranger.http.post(format!("{}{submit}", stranger.base)).multipart(form).send().await.unwrap();
    assert_eq!(sent.status(), StatusCode::OK);
    assert_eq!(state(&coordinator, &tasks[0]).await, "submitted");
    server.stop().await;
}

#[tokio::test]
async fn a_unit_that_wants_sign_in_for_handing_in_gets_it() {
    let Some(server) = Server::start(On::Sqlite).await else { return };
    let coordinator = server.sign_in("coordinator").await;
    let edit = json!({ "version": 1, "name": "traffic局", "mailbox": "traffic@city.example", "active": true, "submits_signed_in": true });
    server.sign_in("admin").await.act(&format!("/units/{}/edit", server.units["traffic"]), edit).await;
    let (_, tasks) = issued(&server, &coordinator, &[("现场踏勘", "")]).await;
    server.sign_in("traffic").await.on_task(&tasks[0], "acknowledge", json!({})).await;
    server.days_pass(8).await;
    let submit = link(&mail_about(&server, "提交办结").await, "提交办结");
    let (status, _) = post(&server.stranger(), &submit, &[("name", "李四"), ("text", "已完成")]).await;
    assert_eq!(status, StatusCode::CONFLICT);
    assert_eq!(state(&coordinator, &tasks[0]).await, "acknowledged");
    server.stop().await;
}

pub struct Mailbox {
    folder: PathBuf,
    sent: usize,
}

impl Mailbox {
    pub fn of(server: &Server) -> Mailbox {
        let folder = server.app.settings.mail.inbound_maildir.clone().unwrap().join("new");
        std::fs::create_dir_all(&folder).unwrap();
        Mailbox { folder, sent: 0 }
    }

    pub fn deliver(&mut self, raw: impl AsRef<[u8]>) {
        self.sent += 1;
        let unfinished = self.folder.with_file_name(format!("{}", self.sent));
        std::fs::write(&unfinished, raw).unwrap();
        std::fs::rename(unfinished, self.folder.join(format!("{:05}.test", self.sent))).unwrap();
    }
}

fn answer(to: &Caught, from: &str, headers: &str, body: &str) -> String {
    format!(
        "From: {from}\r\nTo: shenban@city.example\r\nSubject: Re: x\r\nIn-Reply-To: <{}>\r\n{headers}\
         Content-Type: text/plain; charset=utf-8\r\n\r\n{body}\r\n\r\n> 完成\r\n> 进度 99%\r\n",
        to.message_id
    )
}

/// Waits until nothing is unread; gives the rows that wait for a person.
pub async fn read_all(server: &Server, inbound: &Mailbox) -> Vec<(String, String)> {
    for _ in 0..200 {
        if std::fs::read_dir(&inbound.folder).unwrap().next().is_none() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let rows =
        server.app.read(&shenban::app::Actor::job("test"), |ctx| inbox::list(ctx, None, 0, 100)).await.unwrap().0;
    let waits = rows.into_iter().filter(|row| row.state == shenban::domain::inbound::InboundState::Review);
    waits.map(|row| (row.sender, row.verdict)).collect()
}

#[rstest]
#[tokio::test]
async fn replies_do_what_the_links_do(#[values(On::Sqlite, On::Postgres)] on: On) {
    let Some(server) = Server::start(on).await else { return };
    let coordinator = server.sign_in("coordinator").await;
    let (_, tasks) = issued(&server, &coordinator, &[("现场踏勘", "现场照片"), ("施划标线", "")]).await;
    let mail = mail_about(&server, "现场踏勘").await;
    let mut inbound = Mailbox::of(&server);
    inbound.deliver(answer(&mail, "traffic@city.example", "", "签收"));
    assert_eq!(read_all(&server, &inbound).await, []);
    for task in &tasks {
        assert_eq!(state(&coordinator, task).await, "acknowledged", "both tasks of the mail");
    }
    inbound.deliver(answer(&mail, "王 <traffic@city.example>", "", "01 进度 60% 已进场"));
    inbound.deliver(answer(&mail, "traffic@city.example", "", "02 延期 3 个工作日 原因：材料未到"));
    inbound.deliver(answer(&mail, "traffic@city.example", "", "02 请问标线用什么颜色？"));
    assert_eq!(read_all(&server, &inbound).await.len(), 1, "which task a comment is about must be said");
    let first = coordinator.task(&tasks[0]).await;
    assert_eq!((&first["percent"], &first["state"]), (&json!(60), &json!("in_progress")));
    let page = coordinator.get(&format!("/tasks/{}", tasks[1])).await.text().await.unwrap();
    assert!(page.contains("材料未到"), "the extension is asked");

    inbound.deliver(answer(&mail, "traffic@city.example", "", "01 完成"));
    let waits = read_all(&server, &inbound).await;
    assert!(
        waits.iter().any(|(_, why)| why.contains("现场照片")),
        "without the evidence it waits for a person: {waits:?}"
    );
    let with_photo = format!(
        "From: traffic@city.example\r\nIn-Reply-To: <{}>\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n\
         --b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n01 完成\r\n\
         --b\r\nContent-Type: image/jpeg\r\nContent-Disposition: attachment; filename=\"=?utf-8?B?546w5Zy6LmpwZw==?=\"\r\n\r\nphoto\r\n--b--\r\n",
        mail.message_id
    );
    inbound.deliver(with_photo);
    read_all(&server, &inbound).await;
    assert_eq!(state(&coordinator, &tasks[0]).await, "submitted");
    let page = coordinator.get(&format!("/tasks/{}", tasks[0])).await.text().await.unwrap();
    assert!(page.contains("现场.jpg"), "attachments are kept as evidence");
    server.stop().await;
}

/// As Foxmail and Coremail write: in GB18030, the quote below a line of its own, the photo's name as RFC 2231 or 2047 has it.
#[rstest]
#[case::plain_text(
    "text/plain; charset=\"gb18030\"",
    "01 完成\r\n\r\n------------------ 原始邮件 ------------------\r\n01 进度 9%\r\n",
    "attachment; filename*=gb18030''%CF%D6%B3%A1.jpg"
)]
#[case::only_html(
    "text/html; charset=gb2312",
    "<div>01 完成</div><div><br></div><div>------------------ 原始邮件 ------------------</div><div>01 进度 9%</div>",
    "attachment; filename=\"=?gb18030?B?z9azoS5qcGc=?=\""
)]
#[tokio::test]
async fn a_reply_in_the_encoding_of_chinese_mail_programs_is_understood(
    #[case] kind: &str,
    #[case] body: &str,
    #[case] named: &str,
) {
    let Some(server) = Server::start(On::Sqlite).await else { return };
    let coordinator = server.sign_in("coordinator").await;
    let (_, tasks) = issued(&server, &coordinator, &[("现场踏勘", "现场照片")]).await;
    let mail = mail_about(&server, "现场踏勘").await;
    let raw = format!(
        "From: =?gb18030?B?vbu+rw==?= <traffic@city.example>\r\nSubject: =?gb18030?B?u9i4tA==?=\r\nIn-Reply-To: <{}>\r\n\
         MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n\
         --b\r\nContent-Type: {kind}\r\nContent-Transfer-Encoding: 8bit\r\n\r\n{body}\r\n\
         --b\r\nContent-Type: image/jpeg\r\nContent-Disposition: {named}\r\n\r\nphoto\r\n--b--\r\n",
        mail.message_id
    );
    let mut inbound = Mailbox::of(&server);
    inbound.deliver(encoding_rs::GB18030.encode(&raw).0);
    assert_eq!(read_all(&server, &inbound).await, []);
    assert_eq!(state(&coordinator, &tasks[0]).await, "submitted");
    let page = coordinator.get(&format!("/tasks/{}", tasks[0])).await.text().await.unwrap();
    assert!(page.contains("现场.jpg"), "the photo keeps its name");
    server.stop().await;
}

#[tokio::test]
async fn a_reply_handed_over_by_smtp_does_the_same() {
    let Some(server) = Server::start(On::Sqlite).await else { return };
    let coordinator = server.sign_in("coordinator").await;
    let (_, tasks) = issued(&server, &coordinator, &[("现场踏勘", "")]).await;
    let mail = mail_about(&server, "现场踏勘").await;
    let maildir = server.app.settings.mail.inbound_maildir.clone().unwrap();
    let listener = Listener::start(([127, 0, 0, 1], 0).into(), maildir).await.unwrap();
    let city = Mailer::new(smtp(listener.address().port()));
    let reply = answer(&mail, "traffic@city.example", "", "签收");
    city.send("shenban@city.example", reply.as_bytes()).await.unwrap();
    assert_eq!(read_all(&server, &Mailbox::of(&server)).await, []);
    assert_eq!(state(&coordinator, &tasks[0]).await, "acknowledged");
    server.stop().await;
}

#[tokio::test]
async fn what_cannot_be_trusted_or_is_a_machines_changes_nothing_and_sends_nothing() {
    let Some(server) = Server::start(On::Sqlite).await else { return };
    let coordinator = server.sign_in("coordinator").await;
    let (_, tasks) = issued(&server, &coordinator, &[("现场踏勘", "")]).await;
    let mail = mail_about(&server, "现场踏勘").await;
    let before = server.catcher.messages().len();
    let mut inbound = Mailbox::of(&server);
    inbound.deliver(answer(&mail, "mallory@elsewhere.example", "", "签收"));
    inbound.deliver(answer(&mail, "traffic@city.example", "Authentication-Results: mx; dmarc=fail\r\n", "签收"));
    let outtalked = "Authentication-Results: mx; dmarc=fail\r\nAuthentication-Results: mx; dmarc=pass\r\n";
    inbound.deliver(answer(&mail, "traffic@city.example", outtalked, "签收"));
    inbound.deliver(answer(&mail, "mallory@elsewhere.example\r\nFrom: traffic@city.example", "", "签收"));
    inbound.deliver(answer(&mail, "traffic@city.example", "Auto-Submitted: auto-replied\r\n", "签收"));
    inbound.deliver("From: traffic@city.example\r\nIn-Reply-To: <guessed@city.example>\r\n\r\n签收\r\n");
    inbound.deliver("\0\u{1}not a mail at all");
    let deep = (0..400)
        .fold(String::new(), |body, n| format!("{body}Content-Type: multipart/mixed; boundary=b{n}\r\n\r\n--b{n}\r\n"));
    inbound.deliver(format!("From: traffic@city.example\r\nIn-Reply-To: <{}>\r\n{deep}", mail.message_id));
    let waits = read_all(&server, &inbound).await;
    assert_eq!(waits.len(), 7, "all but the machine's answer wait for a person: {waits:?}");
    assert_eq!(state(&coordinator, &tasks[0]).await, "ready");
    assert_eq!(server.catcher.messages().len(), before, "nothing is answered");

    let list = coordinator.get("/inbox?state=review").await.text().await.unwrap();
    let id = crate::support::between(&list, "<a href=\"/inbox/", "\"").unwrap().to_owned();
    let raw = coordinator.get(&format!("/inbox/{id}/raw")).await;
    assert_eq!(raw.headers()["content-type"], "message/rfc822");
    coordinator.act(&format!("/inbox/{id}/settle"), json!({ "note": "已电话核实" })).await;
    coordinator.refused(&format!("/inbox/{id}/settle"), json!({ "note": "再次" }), 409).await;
    server.stop().await;
}

#[tokio::test]
async fn an_administrator_words_the_mails_and_sees_them_first() {
    let Some(server) = Server::start(On::Sqlite).await else { return };
    let admin = server.sign_in("admin").await;
    let at = "/admin/wordings/task_released";
    let words =
        [("lang", "zh-CN"), ("subject", "请办：%{item}"), ("opening", "%{unit}同志：<请>按期办理，期限 %{due}。")];
    let preview = admin.form(at, &[&words[..], &[("do", "preview")]].concat()).await.text().await.unwrap();
    assert!(preview.contains("请办："), "{preview}");
    let wrong = admin.form(at, &[("lang", "zh-CN"), ("subject", "%{no}"), ("do", "save")]).await;
    assert_eq!(wrong.status(), StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(admin.form(at, &[&words[..], &[("do", "save")]].concat()).await.status(), StatusCode::SEE_OTHER);
    let coordinator = server.sign_in("coordinator").await;
    issued(&server, &coordinator, &[("现场踏勘", "")]).await;
    let mail = mail_about(&server, "现场踏勘").await;
    assert!(mail.text.contains("签收："), "{}", mail.text);
    server.stop().await;
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn whoever_opens_a_link_does_not_wait_behind_the_background(#[values(On::Sqlite, On::Postgres)] on: On) {
    let Some(server) = Server::start_without_jobs(on).await else { return };
    let (begins, begun) = oneshot::channel();
    let (open, gate) = mpsc::channel::<()>();
    let store = server.app.store.clone();
    let behind = tokio::spawn(async move {
        let read = store.read_behind(move |_| {
            begins.send(()).unwrap();
            gate.recv().unwrap();
            Ok::<_, StoreError>(())
        });
        read.await
    });
    begun.await.unwrap();
    let (stranger, forged) = (server.stranger(), format!("/m/{}", "0".repeat(64)));
    for path in [forged.clone(), format!("{forged}/opinion")] {
        let answer = tokio::time::timeout(Duration::from_secs(10), stranger.get(&path)).await;
        assert_eq!(answer.expect("an answer meanwhile").status(), StatusCode::CONFLICT, "{path}");
    }
    open.send(()).unwrap();
    behind.await.unwrap().unwrap();
    server.stop().await;
}
