//! The pages in a real browser: forms, the live stream, both widths.

use crate::chain::{complaints, diamond, issue};
use crate::support::{On, PASSWORD, Server};
use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::json;
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// A chromedriver of its own; ended with the test.
pub struct Driver {
    child: Child,
    port: u16,
}

impl Drop for Driver {
    fn drop(&mut self) {
        // Already gone when the browser took it along.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Driver {
    /// None where no browser is installed, which is said; in CI that is a failure.
    pub fn start() -> Option<Driver> {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let spawned = Command::new("chromedriver")
            .arg(format!("--port={port}"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        match spawned {
            Ok(child) => Some(Driver { child, port }),
            Err(error) => {
                assert!(std::env::var_os("CI").is_none(), "chromedriver is not installed: {error}");
                eprintln!("skipped in the browser: chromedriver is not installed");
                None
            }
        }
    }

    pub async fn browser(&self, width: u32) -> Client {
        let options = json!({ "goog:chromeOptions": { "args": ["--headless=new", "--no-sandbox", "--disable-dev-shm-usage",
            format!("--window-size={width},900"), "--lang=zh-CN"] } });
        let capabilities = options.as_object().unwrap().clone();
        for _ in 0..100 {
            let mut builder = ClientBuilder::new(HttpConnector::new());
            builder.capabilities(capabilities.clone());
            if let Ok(client) = builder.connect(&format!("http://127.0.0.1:{}", self.port)).await {
                client.set_window_size(width, 900).await.unwrap();
                return client;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("the browser did not start");
    }
}

pub async fn sign_in(browser: &Client, server: &Server, login: &str) {
    browser.goto(&format!("{}/sign-in", server.base)).await.unwrap();
    browser.find(Locator::Css("input[name=login]")).await.unwrap().send_keys(login).await.unwrap();
    browser.find(Locator::Css("input[name=password]")).await.unwrap().send_keys(PASSWORD).await.unwrap();
    browser.find(Locator::Css("form button")).await.unwrap().click().await.unwrap();
    browser.wait().at_most(Duration::from_secs(10)).for_element(Locator::Css("nav.rail")).await.unwrap();
}

pub async fn click(browser: &Client, selector: &str) {
    browser
        .wait()
        .at_most(Duration::from_secs(10))
        .for_element(Locator::Css(selector))
        .await
        .unwrap()
        .click()
        .await
        .unwrap();
}

pub async fn wait_for_text(browser: &Client, text: &str) {
    for _ in 0..100 {
        if browser.source().await.unwrap().contains(text) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("{text:?} did not appear on {}", browser.current_url().await.unwrap());
}

/// A page that is wider than its window makes the reader scroll sideways.
pub async fn fits(browser: &Client) {
    let wider = browser
        .execute("return document.documentElement.scrollWidth - document.documentElement.clientWidth", Vec::new())
        .await
        .unwrap();
    assert!(wider.as_i64().unwrap() <= 0, "{} is {wider} px too wide", browser.current_url().await.unwrap());
}

#[tokio::test]
async fn an_officer_signs_for_a_task_and_the_coordinator_sees_it_without_reloading() {
    let Some(driver) = Driver::start() else { return };
    let Some(server) = Server::start(On::Sqlite).await else { return };
    let (coordinator, operator) = (server.sign_in("coordinator").await, server.sign_in("operator").await);
    complaints(&server, &operator, "first", 30, 12).await;
    server.detect().await;
    let (case, [survey, ..]) = diamond(&server, &coordinator).await;
    issue(&server, &coordinator, &case).await;

    let watching = driver.browser(1280).await;
    sign_in(&watching, &server, "coordinator").await;
    watching.goto(&format!("{}/cases/{case}", server.base)).await.unwrap();
    wait_for_text(&watching, "待签收").await;

    let officer = driver.browser(390).await;
    sign_in(&officer, &server, "traffic").await;
    officer.goto(&format!("{}/unit", server.base)).await.unwrap();
    fits(&officer).await;
    click(&officer, &format!("a[href='/tasks/{survey}']")).await;
    click(&officer, &format!("form[action='/tasks/{survey}/acknowledge'] button")).await;
    wait_for_text(&officer, "已签收").await;
    fits(&officer).await;
    wait_for_text(&watching, "已签收").await;

    watching.goto(&format!("{}/cases/{case}", server.base)).await.unwrap();
    let lit = "document.querySelector('a[data-no=\"1\"]').focus(); return document.querySelectorAll('.card.on').length";
    assert_eq!(watching.execute(lit, Vec::new()).await.unwrap(), json!(4), "the whole chain after the first task");
    click(&watching, "a[data-no=\"4\"]").await;
    wait_for_text(&watching, "ZX-").await;
    for _ in 0..100 {
        if watching.current_url().await.unwrap().query().is_some_and(|query| query.contains("task=4")) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let panel = watching.find(Locator::Css("#panel")).await.unwrap().text().await.unwrap();
    assert!(panel.contains("施划即停即走区"), "{panel}");

    officer.goto(&format!("{}/tasks/{survey}", server.base)).await.unwrap();
    let sent = "document.querySelectorAll('details').forEach(d => d.open = true);
        const form = document.querySelector('form[action$=\"/ask-extension\"]');
        form.noValidate = true; form.elements.reason.value = '等审批'; form.requestSubmit(); return true";
    officer.execute(sent, Vec::new()).await.unwrap();
    wait_for_text(&officer, "没有保存").await;
    let kept = "return [location.pathname, document.querySelector('form[action$=\"/ask-extension\"] textarea').value,
        document.querySelector('form[action$=\"/ask-extension\"]').closest('details').open]";
    let kept = officer.execute(kept, Vec::new()).await.unwrap();
    assert_eq!(kept, json!([format!("/tasks/{survey}"), "等审批", true]));
    fits(&officer).await;

    for path in ["/desk", "/problems", "/cases", "/tickets", "/mail"] {
        watching.goto(&format!("{}{path}", server.base)).await.unwrap();
        fits(&watching).await;
    }
    for browser in [watching, officer] {
        browser.close().await.unwrap();
    }
    server.stop().await;
}

#[tokio::test]
async fn a_page_works_on_a_phone_in_both_languages() {
    let Some(driver) = Driver::start() else { return };
    let Some(server) = Server::start(On::Sqlite).await else { return };
    let operator = server.sign_in("operator").await;
    complaints(&server, &operator, "first", 30, 12).await;
    server.detect().await;
    let coordinator = server.sign_in("coordinator").await;
    let (case, [survey, ..]) = diamond(&server, &coordinator).await;
    issue(&server, &coordinator, &case).await;
    let phone = driver.browser(390).await;
    sign_in(&phone, &server, "coordinator").await;
    let problem = coordinator.read("/problems").await["problems"][0]["id"].as_str().unwrap().to_owned();
    let mut paths = vec![format!("/problems/{problem}"), format!("/tasks/{survey}"), format!("/cases/{case}")];
    paths.extend(["/desk", "/problems", "/cases", "/tickets", "/mail", "/search?q=拥堵"].map(str::to_owned));
    paths.extend(["graph", "gantt", "table"].map(|view| format!("/cases/{case}?view={view}")));
    for lang in ["zh-CN", "en"] {
        for path in &paths {
            phone.goto(&format!("{}{path}", server.base)).await.unwrap();
            fits(&phone).await;
            let shown = phone.execute("return document.documentElement.lang", Vec::new()).await.unwrap();
            assert_eq!(shown, json!(lang), "{path}");
        }
        phone.goto(&format!("{}/desk", server.base)).await.unwrap();
        click(&phone, ".thumb summary").await;
        click(&phone, ".thumb form[action='/language'] button").await;
        phone.wait().at_most(Duration::from_secs(5)).for_element(Locator::Css("nav.rail")).await.unwrap();
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
    phone.close().await.unwrap();
    server.stop().await;
}
