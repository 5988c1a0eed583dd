//! Replies as mail programs write them, and as forgers and absent officers' machines do.

use crate::from_mail::{Mailbox, issued, link, mail_about, post, read_all, state};
use crate::support::{Client, On, Server};
use reqwest::{Method, StatusCode};
use rstest::rstest;
use serde_json::json;
use shenban::mail::catcher::Caught;

const FROM_UNIT: &str = "traffic@city.example";

fn raw(to: &Caught, from: &str, headers: &str, body: &str) -> String {
    format!(
        "From: {from}\r\nTo: shenban@city.example\r\nIn-Reply-To: <{}>\r\nMIME-Version: 1.0\r\n{headers}\r\n{body}\r\n",
        to.message_id
    )
}

fn plain(to: &Caught, from: &str, text: &str) -> String {
    raw(to, from, "Subject: Re\r\nContent-Type: text/plain; charset=utf-8\r\n", text)
}

const HTML: &str = "Content-Type: text/html; charset=utf-8\r\n";
const GB18030_IN_BASE64: &str =
    "Content-Type: text/plain; charset=\"GB18030\"\r\nContent-Transfer-Encoding: base64\r\n";
const PACKED_BY_OUTLOOK: &str = "Content-Type: multipart/mixed; boundary=b\r\n";

fn packed(text: &str) -> String {
    format!(
        "--b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n{text}\r\n--b\r\nContent-Type: application/ms-tnef; name=\"winmail.dat\"\r\n\
         Content-Disposition: attachment; filename=\"winmail.dat\"\r\nContent-Transfer-Encoding: base64\r\n\r\neJ8+Ig==\r\n--b--"
    )
}

fn with_logo(text: &str) -> String {
    format!(
        "--b\r\n{HTML}\r\n<p>{text}</p><img src=\"cid:logo\">\r\n--b\r\nContent-Type: image/gif; name=\"image001.gif\"\r\n\
         Content-ID: <logo>\r\nContent-Transfer-Encoding: base64\r\n\r\nR0lGODlh\r\n--b--"
    )
}

#[rstest]
#[case::gb18030_in_base64(GB18030_IN_BASE64, "x6nK1Q0KDQotLS0tLS0gt6K8/sjLo7rJ7rDsDQrN6rPJ".to_owned(), "acknowledged")]
#[case::html_with_its_quote(HTML, "<div>签收</div><blockquote><div>01 完成</div></blockquote>".to_owned(), "acknowledged")]
#[case::html_in_lines(HTML, "<div>签收</div><div>马上安排</div>".to_owned(), "acknowledged")]
#[case::html_of_outlook(HTML, "<p>签收</p><div id=\"appendonsend\"></div><hr><div id=\"divRplyFwdMsg\">完成</div>".to_owned(), "acknowledged")]
#[case::packed_by_outlook(PACKED_BY_OUTLOOK, packed("签收"), "acknowledged")]
#[case::with_a_logo("Content-Type: multipart/related; boundary=b\r\n", with_logo("签收"), "acknowledged")]
#[case::traditional("Content-Type: text/plain; charset=big5\r\nContent-Transfer-Encoding: base64\r\n", "w7GmrA==".to_owned(), "acknowledged")]
#[case::full_width("Content-Type: text/plain; charset=utf-8\r\n", "进度 ６０％".to_owned(), "in_progress")]
#[tokio::test]
async fn a_reply_is_understood_as_its_program_wrote_it(
    #[case] headers: &str,
    #[case] body: String,
    #[case] becomes: &str,
) {
    let Some(server) = Server::start(On::Sqlite).await else { return };
    let coordinator = server.sign_in("coordinator").await;
    let (_, tasks) = issued(&server, &coordinator, &[("现场踏勘", "")]).await;
    let mail = mail_about(&server, "现场踏勘").await;
    let mut inbound = Mailbox::of(&server);
    inbound.deliver(raw(&mail, FROM_UNIT, headers, &body));
    assert_eq!(read_all(&server, &inbound).await, []);
    assert_eq!(state(&coordinator, &tasks[0]).await, becomes);
    server.stop().await;
}

#[rstest]
#[tokio::test]
async fn what_is_quoted_packed_or_forged_acts_on_nothing(#[values(On::Sqlite, On::Postgres)] on: On) {
    let Some(server) = Server::start(on).await else { return };
    let coordinator = server.sign_in("coordinator").await;
    let (_, tasks) = issued(&server, &coordinator, &[("现场踏勘", "")]).await;
    let mail = mail_about(&server, "现场踏勘").await;
    let before = server.catcher.count();
    let mut inbound = Mailbox::of(&server);
    // Waits for a person: only a quote, or what a person must unpack.
    inbound.deliver(plain(&mail, FROM_UNIT, "> 签收\r\n> 完成"));
    inbound.deliver(raw(&mail, FROM_UNIT, HTML, "<blockquote>签收</blockquote>"));
    inbound.deliver(raw(&mail, FROM_UNIT, PACKED_BY_OUTLOOK, &packed("完成")));
    // Somebody else under the unit's name.
    inbound.deliver(plain(&mail, "\"traffic@city.example\" <mallory@elsewhere.example>", "签收"));
    inbound.deliver(plain(&mail, "=?utf-8?B?PHRyYWZmaWNAY2l0eS5leGFtcGxlPg==?= <mallory@elsewhere.example>", "签收"));
    inbound.deliver(plain(&mail, "mallory@elsewhere.example\r\nSender: traffic@city.example", "签收"));
    inbound.deliver(plain(&mail, "mallory@elsewhere.example\r\nReply-To: traffic@city.example", "签收"));
    inbound.deliver(plain(&mail, "traffic@city.example.elsewhere.example", "签收"));
    // The right sender who answers none of our mails.
    let stray = plain(&mail, FROM_UNIT, "签收").replace(&mail.message_id, "shenban+0001@city.example");
    inbound.deliver(&stray);
    inbound.deliver(stray.replace("In-Reply-To", "X-Task"));
    let waits = read_all(&server, &inbound).await;
    assert_eq!(waits.len(), 10, "{waits:#?}");
    assert!(waits.iter().any(|(_, why)| why.contains("winmail.dat")), "{waits:#?}");
    // The machine of an absent officer, whose words are a command by chance.
    let absent = |subject: &str| plain(&mail, FROM_UNIT, "收到").replace("Subject: Re", &format!("Subject: {subject}"));
    inbound.deliver(absent("=?utf-8?B?6Ieq5Yqo5Zue5aSN77ya5Zue5aSN?="));
    inbound.deliver(absent("Out of office: Re"));
    assert_eq!(read_all(&server, &inbound).await.len(), 10, "nobody has to look at a machine's answer");
    assert_eq!(state(&coordinator, &tasks[0]).await, "ready");
    assert_eq!(server.catcher.count(), before, "and nothing is answered");
    server.stop().await;
}

#[tokio::test]
async fn a_reply_that_quotes_an_older_mail_acts_on_the_task_it_answers() {
    let Some(server) = Server::start(On::Sqlite).await else { return };
    let coordinator = server.sign_in("coordinator").await;
    let (_, older) = issued(&server, &coordinator, &[("现场踏勘", "")]).await;
    let quoted = mail_about(&server, "现场踏勘").await;
    let (_, newer) = issued(&server, &coordinator, &[("施划标线", "")]).await;
    let mail = mail_about(&server, "施划标线").await;
    let mut inbound = Mailbox::of(&server);
    let quote = quoted.text.lines().map(|line| format!("> {line}\r\n")).collect::<String>();
    let reply = plain(&mail, FROM_UNIT, &format!("签收\r\n\r\n{quote}> 01 签收\r\n"));
    let references = format!("References: <{}> <{}>\r\nSubject: Re", quoted.message_id, mail.message_id);
    inbound.deliver(reply.replace("Subject: Re", &references));
    assert_eq!(read_all(&server, &inbound).await, []);
    assert_eq!(
        (state(&coordinator, &older[0]).await, state(&coordinator, &newer[0]).await),
        (json!("ready"), json!("acknowledged"))
    );
    server.stop().await;
}

/// Looks at every link of a mail as a scanner does.
async fn scan(stranger: &Client, mail: &Caught) {
    let offered = mail.text.lines().filter_map(|line| line.split_once("http://shenban.example/m/"));
    for token in offered.map(|(_, token)| token.trim()) {
        let url = format!("{}/m/{token}", stranger.base);
        for method in [Method::GET, Method::HEAD, Method::OPTIONS, Method::GET] {
            let look = stranger.http.request(method.clone(), &url).header("purpose", "prefetch").send().await.unwrap();
            assert!(look.status().as_u16() < 500, "{method} {url}: {}", look.status());
        }
        // Some submit what they find, as it stands or as a mail program unsubscribes.
        for fields in
            [&[][..], &[("List-Unsubscribe", "One-Click")], &[("name", ""), ("percent", "100"), ("text", "x")]]
        {
            let (status, page) = post(stranger, &format!("/m/{token}"), fields).await;
            assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{page}");
        }
    }
}

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scanners_that_look_at_once_and_submit_forms_change_nothing(#[values(On::Sqlite, On::Postgres)] on: On) {
    let Some(server) = Server::start(on).await else { return };
    let coordinator = server.sign_in("coordinator").await;
    let (_, tasks) = issued(&server, &coordinator, &[("现场踏勘", "")]).await;
    let mail = mail_about(&server, "现场踏勘").await;
    let stranger = server.stranger();
    futures_util::future::join_all((0..8).map(|_| scan(&stranger, &mail))).await;
    assert_eq!(state(&coordinator, &tasks[0]).await, "ready");
    let tracked = coordinator.get("/mail").await.text().await.unwrap();
    assert!(!tracked.contains("已打开") && !tracked.contains('●'), "a scanner's look is nobody's reaction");
    let (status, page) = post(&stranger, &link(&mail, "签收"), &[("name", "张三")]).await;
    assert_eq!(status, StatusCode::OK, "the person who comes after them is not shut out: {page}");
    server.stop().await;
}
