//! The plan as a drawing: dependencies drawn and removed in it, zoom, keyboard, what a screen reader gets, and files.

use crate::browser::{Driver, click, fits, sign_in, wait_for_text};
use crate::chain::drafted;
use crate::support::{On, Server};
use fantoccini::actions::{InputSource, MOUSE_BUTTON_LEFT, MouseActions, PointerAction};
use fantoccini::key::Key;
use fantoccini::wd::WebDriverCompatibleCommand;
use fantoccini::{Client as Browser, Locator};
use quick_xml::events::Event;
use reqwest::{Method, Url};
use rstest::rstest;
use serde_json::{Value, json};
use std::collections::HashSet;
use std::str::FromStr;
use std::time::Duration;

async fn on_the_graph(driver: &Driver, server: &Server, case_id: &str) -> Browser {
    let browser = driver.browser(1280).await;
    sign_in(&browser, server, "coordinator").await;
    browser.goto(&format!("{}/cases/{case_id}?view=graph", server.base)).await.unwrap();
    browser
}

async fn js(browser: &Browser, script: &str) -> Value {
    browser.execute(script, Vec::new()).await.unwrap()
}

async fn wait_until(browser: &Browser, script: &str) {
    for _ in 0..100 {
        if js(browser, &format!("return {script}")).await == json!(true) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("{script} did not become true");
}

/// The middle of what a selector finds, in the window.
async fn middle(browser: &Browser, selector: &str) -> (f64, f64) {
    let script = format!(
        "const at = document.querySelector('{selector}').getBoundingClientRect(); return [at.x + at.width / 2, at.y + at.height / 2]"
    );
    point(&js(browser, &script).await)
}

fn point(at: &Value) -> (f64, f64) {
    (at[0].as_f64().unwrap(), at[1].as_f64().unwrap())
}

async fn mouse(browser: &Browser, from: (f64, f64), to: (f64, f64)) {
    let go = |(x, y): (f64, f64)| PointerAction::MoveTo { duration: Some(Duration::from_millis(50)), x, y };
    let button = MOUSE_BUTTON_LEFT;
    let steps = MouseActions::new("mouse".to_owned())
        .then(go(from))
        .then(PointerAction::Down { button })
        .then(go(((from.0 + to.0) / 2.0, (from.1 + to.1) / 2.0)))
        .then(go(to))
        .then(PointerAction::Up { button });
    browser.perform_actions(steps).await.unwrap();
}

async fn drag(browser: &Browser, from: i32, to: i32) {
    click(browser, "button[name=fit]").await;
    js(browser, "document.querySelector('.plan').scrollIntoView({ block: 'center' })").await;
    let card = async |no: i32| middle(browser, &format!("a[data-no=\"{no}\"] rect")).await;
    mouse(browser, card(from).await, card(to).await).await;
}

#[tokio::test]
async fn a_dependency_is_drawn_from_card_to_card_and_removed_at_its_line() {
    let Some(driver) = Driver::start() else { return };
    let Some(server) = Server::start(On::Sqlite).await else { return };
    let (coordinator, case_id, [_, stagger, funding, _]) = drafted(&server).await;
    let browser = on_the_graph(&driver, &server, &case_id).await;
    drag(&browser, 2, 3).await;
    wait_until(&browser, "document.querySelectorAll('.edge').length === 5").await;
    let case = coordinator.read(&format!("/cases/{case_id}")).await;
    let drawn = case["dependencies"]
        .as_array()
        .unwrap()
        .iter()
        .any(|edge| edge["predecessor_id"] == json!(stagger) && edge["successor_id"] == json!(funding));
    assert!(drawn, "{case}");

    // The page hears of its own change too and renews itself once.
    tokio::time::sleep(Duration::from_secs(1)).await;
    drag(&browser, 4, 1).await;
    wait_for_text(&browser, "前置关系会成环").await;
    let told = browser.find(Locator::Css(".faults")).await.unwrap().text().await.unwrap();
    assert!(told.contains("施划即停即走区 → 现场踏勘 → ") || told.contains("现场踏勘 → "), "{told}");
    assert_eq!(js(&browser, "return document.querySelectorAll('.edge').length").await, json!(5));

    js(&browser, "document.querySelector('.plan').scrollIntoView({ block: 'center' })").await;
    let on_line = "const line = document.querySelector('.edge[data-from=\"2\"][data-to=\"3\"]');
        const at = line.getPointAtLength(line.getTotalLength() / 2).matrixTransform(line.getScreenCTM()); return [at.x, at.y]";
    let at = point(&js(&browser, on_line).await);
    mouse(&browser, at, at).await;
    wait_until(&browser, "!!document.querySelector('.edge.picked')").await;
    let panel = browser.find(Locator::Css("#panel")).await.unwrap().text().await.unwrap();
    assert!(panel.contains("2 错峰放学 → 3 落实经费"), "{panel}");
    click(&browser, "#panel form button").await;
    wait_until(&browser, "document.querySelectorAll('.edge').length === 4").await;
    browser.close().await.unwrap();
    server.stop().await;
}

#[tokio::test]
async fn the_graph_zooms_and_every_card_is_reached_by_keyboard() {
    let Some(driver) = Driver::start() else { return };
    let Some(server) = Server::start(On::Sqlite).await else { return };
    let (_, case_id, _) = drafted(&server).await;
    let browser = on_the_graph(&driver, &server, &case_id).await;
    let width = "return document.querySelector('.plan svg').getBoundingClientRect().width";
    let whole = js(&browser, width).await.as_f64().unwrap();
    click(&browser, "button[name=in]").await;
    assert!(js(&browser, width).await.as_f64().unwrap() > whole * 1.2);
    fits(&browser).await;
    click(&browser, "button[name=fit]").await;
    wait_until(&browser, "document.querySelector('.plan').scrollWidth <= document.querySelector('.plan').clientWidth")
        .await;

    js(&browser, "document.querySelector('.plan').focus()").await;
    let press = async |key: String| browser.active_element().await.unwrap().send_keys(&key).await.unwrap();
    let mut reached = Vec::new();
    for _ in 0..4 {
        press(char::from(Key::Tab).to_string()).await;
        reached.push(js(&browser, "return document.activeElement.dataset.no").await);
    }
    assert_eq!(json!(reached), json!(["1", "2", "3", "4"]));
    press("1".to_owned()).await;
    assert_eq!(js(&browser, width).await.as_f64().unwrap().round(), whole.round(), "1 shows it in its own size");
    let at = "return document.activeElement.dataset.no";
    press(char::from(Key::Left).to_string()).await;
    let middle_column = js(&browser, at).await;
    assert!([json!("2"), json!("3")].contains(&middle_column), "{middle_column}");
    press(char::from(Key::Enter).to_string()).await;
    wait_until(&browser, "/task=[23]/.test(location.search)").await;
    browser.close().await.unwrap();
    server.stop().await;
}

/// A command of the browser's own protocol, sent through its driver.
#[derive(Debug)]
struct DevTools(&'static str);

impl WebDriverCompatibleCommand for DevTools {
    fn endpoint(&self, base: &Url, session: Option<&str>) -> Result<Url, <Url as FromStr>::Err> {
        base.join(&format!("session/{}/goog/cdp/execute", session.unwrap_or_default()))
    }

    fn method_and_body(&self, _: &Url) -> (Method, Option<String>) {
        (Method::POST, Some(json!({ "cmd": self.0, "params": {} }).to_string()))
    }
}

/// Role and name of everything a screen reader is told of.
async fn heard(browser: &Browser) -> HashSet<(String, String)> {
    let tree = browser.issue_cmd(DevTools("Accessibility.getFullAXTree")).await.unwrap();
    let text = |value: &Value| value["value"].as_str().unwrap_or_default().to_owned();
    let nodes = tree["nodes"].as_array().unwrap().iter().filter(|node| node["ignored"] != json!(true));
    nodes.map(|node| (text(&node["role"]), text(&node["name"]))).collect()
}

#[tokio::test]
async fn a_screen_reader_is_told_the_landmarks_the_cards_and_an_equivalent_table() {
    let Some(driver) = Driver::start() else { return };
    let Some(server) = Server::start(On::Sqlite).await else { return };
    let (_, case_id, _) = drafted(&server).await;
    let browser = on_the_graph(&driver, &server, &case_id).await;
    let told = heard(&browser).await;
    let has = |role: &str, name: &str| told.iter().any(|(known, told)| known == role && told.starts_with(name));
    let landmarks =
        [("main", ""), ("banner", ""), ("search", ""), ("navigation", "主导航"), ("navigation", "专项的各部分")];
    for (role, name) in landmarks.into_iter().chain([("region", "任务关系图"), ("group", "缩放")]) {
        assert!(has(role, name), "{role} {name}: {told:?}");
    }
    for card in ["1 现场踏勘 · traffic局 · 待前序 · ", "4 施划即停即走区 · traffic局 · 待前序 · "]
    {
        assert!(has("link", card), "{card}: {told:?}");
    }
    let critical =
        told.iter().any(|(role, name)| role == "link" && name.starts_with("1 ") && name.ends_with("关键路径"));
    assert!(critical, "{told:?}");

    browser.goto(&format!("{}/cases/{case_id}?view=table", server.base)).await.unwrap();
    let told = heard(&browser).await;
    for title in ["现场踏勘", "错峰放学", "落实经费", "施划即停即走区"] {
        assert!(told.contains(&("link".to_owned(), title.to_owned())), "{title}: {told:?}");
    }
    for column in ["任务", "单位", "状态", "期限", "机动", "前置"] {
        assert!(told.contains(&("columnheader".to_owned(), column.to_owned())), "{column}: {told:?}");
    }
    browser.close().await.unwrap();
    server.stop().await;
}

#[rstest]
#[case(On::Sqlite)]
#[case(On::Postgres)]
#[tokio::test]
async fn without_a_script_a_dependency_is_picked_removed_and_added_by_form(#[case] on: On) {
    let Some(server) = Server::start(on).await else { return };
    let (coordinator, case_id, [survey, stagger, _, zone]) = drafted(&server).await;
    let page = format!("/cases/{case_id}?tab=plan&view=graph&edge=1-2");
    let shown = coordinator.get(&page).await.text().await.unwrap();
    assert!(shown.contains("1 现场踏勘</a> → ") && shown.contains(" picked\" d="), "the line is picked");
    let remove = shown.split("action=\"").find(|part| part.starts_with("/dependencies/")).unwrap();
    let remove = remove.split('"').next().unwrap();
    let next = format!("/cases/{case_id}?tab=plan&view=graph");
    let gone = coordinator.form_from(&page, remove, &[("next", &next)]).await;
    assert_eq!(gone.headers()["location"], next.as_str());
    let shown = coordinator.get(&page).await.text().await.unwrap();
    assert!(!shown.contains(" picked\" d="), "what is gone is not picked");

    let add = format!("/cases/{case_id}/add-dependency");
    let refused = coordinator.form_from(&next, &add, &[("predecessor_id", &zone), ("successor_id", &survey)]).await;
    assert_eq!(refused.status().as_u16(), 409);
    let refused = refused.text().await.unwrap();
    assert!(refused.contains("前置关系会成环："), "the page says why");
    assert!(refused.contains("data-stay"), "and still has its form");
    let added = coordinator.form_from(&next, &add, &[("predecessor_id", &survey), ("successor_id", &stagger)]).await;
    assert_eq!(added.status().as_u16(), 303);
    server.stop().await;
}

#[rstest]
#[case(On::Sqlite)]
#[case(On::Postgres)]
#[tokio::test]
async fn graph_and_chart_are_files_that_stand_for_themselves(#[case] on: On) {
    let Some(server) = Server::start(on).await else { return };
    let (coordinator, case_id, _) = drafted(&server).await;
    let no = coordinator.read(&format!("/cases/{case_id}")).await["no"].as_str().unwrap().to_owned();
    for drawing in ["graph", "gantt"] {
        let answer = coordinator.get(&format!("/cases/{case_id}/{drawing}.svg")).await;
        assert_eq!(answer.headers()["content-type"], "image/svg+xml; charset=utf-8");
        let named = answer.headers()["content-disposition"].to_str().unwrap().to_owned();
        assert_eq!(named, format!("attachment; filename=\"{no}-{drawing}.svg\""));
        let svg = answer.text().await.unwrap();
        assert!(svg.contains(&no) && svg.contains("<style>") && svg.contains("施划即停即走区"), "{svg}");
        assert!(!svg.contains("var(") && !svg.contains("href="), "it needs nothing from elsewhere");
        let mut reader = quick_xml::Reader::from_str(&svg);
        while !matches!(reader.read_event().unwrap(), Event::Eof) {}
    }
    let other = server.sign_in("liaison").await.get(&format!("/cases/{case_id}/graph.svg")).await;
    assert_eq!(other.status().as_u16(), 404, "a draft is nobody else's");
    server.stop().await;
}
