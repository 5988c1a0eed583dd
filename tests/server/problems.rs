//! What people decide about problems holds, whatever the machine would do; and what it proposes waits for them.

use crate::chain::complaints;
use crate::support::{Client, On, Server};
use chrono::TimeDelta;
use rstest::rstest;
use serde_json::{Value, json};
use shenban::app::problems::consolidating;

/// What else people of a city call about, so that words have their weight: each place with each matter once.
async fn everyday(server: &Server, operator: &Client) {
    let places = ["红枫里", "滨河路", "望江亭社区", "石榴巷", "东风市场", "梧桐苑", "南桥镇"];
    let matters = [
        ("公交车晚点", "等了四十分钟没有车来，上班迟到"),
        ("路灯不亮", "晚上一片漆黑，老人摔倒"),
        ("垃圾没有清运", "垃圾桶满溢发臭，苍蝇很多"),
        ("自来水发黄", "早上放出来的水浑浊有异味"),
        ("社保卡办理慢", "窗口排队半天，材料退回三次"),
        ("井盖松动", "汽车经过咣当作响，怕出事故"),
        ("树枝遮挡信号灯", "看不清红绿灯，很危险"),
    ];
    let now = server.app.clock.now().and_utc();
    let tickets: Vec<Value> = places
        .iter()
        .flat_map(|place| matters.iter().map(move |(matter, body)| (place, matter, body)))
        .enumerate()
        .map(|(n, (place, matter, body))| {
            json!({ "source_no": format!("everyday{n}"), "title": format!("{place}{matter}"), "body": format!("{place}{body}。"),
                "received_at": (now - TimeDelta::days(1 + n as i64)).to_rfc3339(), "caller": format!("everyday-{n}") })
        })
        .collect();
    operator.act("/tickets", json!(tickets)).await;
}

/// A server with everyday calls, a coordinator, an operator; none where the database's binaries are absent.
pub async fn a_city(on: On) -> Option<(Server, Client, Client)> {
    let server = Server::start(on).await?;
    let (coordinator, operator) = (server.sign_in("coordinator").await, server.sign_in("operator").await);
    everyday(&server, &operator).await;
    Some((server, coordinator, operator))
}

/// `count` callers complain about one matter at one place, an hour apart.
pub async fn complain(server: &Server, operator: &Client, prefix: &str, place: &str, matter: Matter, count: i64) {
    let now = server.app.clock.now().and_utc();
    let tickets: Vec<Value> = (0..count)
        .map(|n| {
            json!({ "source_no": format!("{prefix}{n}"), "title": format!("{place}{}", matter.0), "body": format!("{place}{}，已经{n}天。", matter.1),
                "received_at": (now - TimeDelta::hours(1 + n)).to_rfc3339(), "caller": format!("{prefix}-caller-{n}") })
        })
        .collect();
    operator.act("/tickets", json!(tickets)).await;
    server.detect().await;
}

pub async fn problem_of(client: &Client, source_no: &str) -> String {
    let ticket = client.read(&format!("/tickets/{source_no}")).await;
    ticket["problem_id"].as_str().unwrap_or_default().to_owned()
}

async fn consolidate(server: &Server) {
    consolidating::consolidate(&server.app, "test").await.unwrap();
    let reader = server.sign_in("coordinator").await;
    for ticket in reader.read("/tickets?limit=200").await["tickets"].as_array().unwrap() {
        let problem = problem_of(&reader, ticket["source_no"].as_str().unwrap()).await;
        if !problem.is_empty() {
            let problem = reader.read(&format!("/problems/{problem}")).await;
            assert_eq!(problem["merged_into"], Value::Null, "a ticket is in a problem that people see");
        }
    }
}

/// What a title says, and what a body does.
pub type Matter = (&'static str, &'static str);
pub const NOISE: Matter = ("夜间施工噪音", "工地凌晨两点还在打桩浇筑混凝土，孩子睡不着");
const FUMES: Matter = ("餐馆油烟直排", "烧烤店排风口正对阳台，一开窗满屋呛人");

#[rstest]
#[tokio::test]
async fn what_was_told_apart_stays_apart_after_the_index_is_built_anew(#[values(On::Sqlite, On::Postgres)] on: On) {
    let Some((server, coordinator, operator)) = a_city(on).await else { return };
    complain(&server, &operator, "a", "清水湾小区", NOISE, 8).await;
    let problem = problem_of(&coordinator, "a0").await;
    let leaving: Vec<Value> = (0..3).map(|n| json!(format!("a{n}"))).collect();
    let ids: Vec<Value> = {
        let mut ids = Vec::new();
        for number in &leaving {
            ids.push(coordinator.read(&format!("/tickets/{}", number.as_str().unwrap())).await["id"].clone());
        }
        ids
    };
    let split = json!({ "ticket_ids": ids, "title": "另一件事" });
    coordinator.act(&format!("/problems/{problem}/split"), split).await;
    let new = problem_of(&coordinator, "a0").await;
    assert_ne!(new, problem);

    server.detect().await;
    consolidate(&server).await;
    complain(&server, &operator, "b", "清水湾小区", NOISE, 2).await;
    assert_eq!(problem_of(&coordinator, "a0").await, new, "the machine does not undo a split");
    assert_eq!(problem_of(&coordinator, "a5").await, problem);

    let told = coordinator.read(&format!("/problems/{problem}")).await;
    let decision = told["decided"][0]["id"].as_str().unwrap().to_owned();
    coordinator.act(&format!("/decisions/{decision}/undo"), json!({})).await;
    assert_eq!(problem_of(&coordinator, "a0").await, problem, "its tickets went back");
    coordinator.refused(&format!("/decisions/{decision}/undo"), json!({}), 409).await;
    server.stop().await;
}

#[rstest]
#[tokio::test]
async fn a_problem_that_loses_its_tickets_is_proposed_no_longer(#[values(On::Sqlite, On::Postgres)] on: On) {
    let Some((server, coordinator, operator)) = a_city(on).await else { return };
    complain(&server, &operator, "a", "清水湾小区", NOISE, 8).await;
    let problem = problem_of(&coordinator, "a0").await;
    let path = format!("/problems/{problem}");
    assert_eq!(coordinator.read(&path).await["state"], "proposed");
    let mut leaving = Vec::new();
    for n in 0..4 {
        leaving.push(coordinator.read(&format!("/tickets/a{n}")).await["id"].clone());
    }
    coordinator.act(&format!("{path}/split"), json!({ "ticket_ids": leaving, "title": "另一件事" })).await;
    server.detect().await;
    assert_eq!(coordinator.read(&path).await["state"], "quiet", "four callers are left, of five that it takes");
    server.stop().await;
}

#[rstest]
#[tokio::test]
async fn a_lone_ticket_that_was_moved_stands_alone_again(#[values(On::Sqlite, On::Postgres)] on: On) {
    let Some((server, coordinator, operator)) = a_city(on).await else { return };
    complain(&server, &operator, "a", "清水湾小区", NOISE, 4).await;
    let problem = problem_of(&coordinator, "a0").await;
    let odd = json!([{ "source_no": "odd", "title": "咨询公积金异地提取", "body": "材料清单在哪里下载",
        "received_at": server.app.clock.now().and_utc().to_rfc3339(), "caller": "odd" }]);
    operator.act("/tickets", odd).await;
    server.detect().await;
    assert_eq!(problem_of(&coordinator, "odd").await, "");
    let lone = coordinator.read("/tickets/odd").await["id"].as_str().unwrap().to_owned();
    coordinator.act(&format!("/tickets/{lone}/move"), json!({ "to": problem })).await;
    assert_eq!(problem_of(&coordinator, "odd").await, problem);
    let told = coordinator.read(&format!("/problems/{problem}")).await;
    let decision = told["decided"][0]["id"].as_str().unwrap().to_owned();
    coordinator.act(&format!("/decisions/{decision}/undo"), json!({})).await;
    assert_eq!(problem_of(&coordinator, "odd").await, "");
    assert_eq!(coordinator.read(&format!("/problems/{problem}")).await["tickets"], 4);
    server.stop().await;
}

#[rstest]
#[tokio::test]
async fn a_merge_is_taken_back_whole(#[values(On::Sqlite, On::Postgres)] on: On) {
    let Some((server, coordinator, operator)) = a_city(on).await else { return };
    complain(&server, &operator, "a", "清水湾小区", NOISE, 6).await;
    complain(&server, &operator, "b", "白鹭花园", FUMES, 6).await;
    let (noise, fumes) = (problem_of(&coordinator, "a0").await, problem_of(&coordinator, "b0").await);
    assert_ne!(noise, fumes);
    let told = coordinator.refused(&format!("/problems/{fumes}/merge"), json!({ "into": "#999999" }), 422).await;
    assert_eq!(told["errors"][0]["field"], "into", "{told}");
    let no = &coordinator.read(&format!("/problems/{noise}")).await["no"];
    let named = format!("#{no} 夜间施工噪音");
    coordinator.act(&format!("/problems/{fumes}/merge"), json!({ "into": named, "reason": "同一工地" })).await;
    assert_eq!(problem_of(&coordinator, "b3").await, noise);
    assert_eq!(coordinator.read(&format!("/problems/{noise}")).await["tickets"], 12);

    let told = coordinator.read(&format!("/problems/{noise}")).await;
    let decision = told["decided"][0]["id"].as_str().unwrap().to_owned();
    coordinator.act(&format!("/decisions/{decision}/undo"), json!({})).await;
    for n in 0..6 {
        assert_eq!(problem_of(&coordinator, &format!("b{n}")).await, fumes);
        assert_eq!(problem_of(&coordinator, &format!("a{n}")).await, noise);
    }
    let (one, other) = (format!("/problems/{noise}"), format!("/problems/{fumes}"));
    assert_eq!(coordinator.read(&one).await["tickets"], 6);
    assert_eq!(coordinator.read(&other).await["tickets"], 6);
    server.stop().await;
}

#[rstest]
#[tokio::test]
async fn one_grievance_at_several_places_is_a_theme_that_can_become_a_case(#[values(On::Sqlite, On::Postgres)] on: On) {
    let Some((server, coordinator, operator)) = a_city(on).await else { return };
    complain(&server, &operator, "a", "清水湾小区", NOISE, 6).await;
    complain(&server, &operator, "b", "白鹭花园", NOISE, 6).await;
    complain(&server, &operator, "c", "青石路", FUMES, 6).await;
    consolidate(&server).await;
    while shenban::app::problems::detection::catch_up(&server.app, "test").await.unwrap() > 0 {}
    let (one, other) = (problem_of(&coordinator, "a0").await, problem_of(&coordinator, "b0").await);
    assert_ne!(one, other, "each place has its own problem");
    let theme = coordinator.read(&format!("/problems/{one}")).await["theme_id"].as_str().unwrap().to_owned();
    assert_eq!(coordinator.read(&format!("/problems/{other}")).await["theme_id"], json!(theme));
    let shown = coordinator.read(&format!("/problems/{theme}")).await;
    assert_eq!((&shown["kind"], &shown["tickets"], &shown["callers"]), (&json!("theme"), &json!(12), &json!(12)));

    consolidate(&server).await;
    assert_eq!(coordinator.read(&format!("/problems/{one}")).await["theme_id"], json!(theme), "a theme keeps its id");

    let into = json!({ "into": one, "reason": "" });
    coordinator.refused(&format!("/problems/{theme}/merge"), into, 409).await;

    let deadline = (server.app.clock.now() + TimeDelta::days(90)).date().to_string();
    let case = coordinator
        .act(
            "/cases",
            json!({ "title": "夜间施工", "goal": "降至三成", "grade": "ordinary", "deadline": deadline,
            "lead_unit_id": server.units["traffic"], "problem_ids": [theme] }),
        )
        .await;
    let case = coordinator.read(&format!("/cases/{}", case["id"].as_str().unwrap())).await;
    let under = coordinator.read(&format!("/problems/{one}")).await;
    assert_eq!(under["case"]["id"], case["id"], "the case of a theme is that of the problems under it");
    server.stop().await;
}

#[rstest]
#[tokio::test]
async fn where_a_person_decided_consolidation_proposes_and_is_obeyed_or_declined_for_good(
    #[values(On::Sqlite, On::Postgres)] on: On,
) {
    let Some((server, coordinator, operator)) = a_city(on).await else { return };
    complain(&server, &operator, "a", "清水湾小区", NOISE, 6).await;
    complain(&server, &operator, "b", "白鹭花园", FUMES, 6).await;
    let (noise, fumes) = (problem_of(&coordinator, "a0").await, problem_of(&coordinator, "b0").await);
    coordinator.act(&format!("/problems/{fumes}/merge"), json!({ "into": noise, "reason": "" })).await;
    consolidate(&server).await;
    assert_eq!(problem_of(&coordinator, "b0").await, noise, "what a person merged is not taken apart");
    let proposed = coordinator.read(&format!("/problems/{noise}")).await["proposals"].clone();
    assert_eq!((&proposed[0]["kind"], proposed[0]["tickets"].as_array().unwrap().len()), (&json!("split"), 6));

    let decline = format!("/proposals/{}/decline", proposed[0]["id"].as_str().unwrap());
    coordinator.act(&decline, json!({})).await;
    consolidate(&server).await;
    assert_eq!(coordinator.read(&format!("/problems/{noise}")).await["proposals"], json!([]), "not again");
    server.detect().await;
    consolidate(&server).await;
    let after_a_start = coordinator.read(&format!("/problems/{noise}")).await["proposals"].clone();
    assert_eq!(after_a_start, json!([]), "nor after the index was built anew");
    server.stop().await;
}

#[rstest]
#[tokio::test]
async fn one_insistent_caller_is_shown_as_that_and_a_burst_is_told_within_hours(
    #[values(On::Sqlite, On::Postgres)] on: On,
) {
    let Some((server, coordinator, operator)) = a_city(on).await else { return };
    let now = server.app.clock.now().and_utc();
    let calls = |prefix: &'static str, title: &'static str, minutes: i64, caller: fn(i64) -> String| -> Value {
        let rows = (0..20).map(|n| {
            json!({ "source_no": format!("{prefix}{n}"), "title": title, "body": format!("{title}，第{n}次反映。"),
                "received_at": (now - TimeDelta::minutes(5 + n * minutes)).to_rfc3339(), "caller": caller(n) })
        });
        json!(rows.collect::<Vec<_>>())
    };
    operator.act("/tickets", calls("one", "白鹭花园邻居养鸡吵闹", 24 * 60, |_| "13900001111".to_owned())).await;
    operator.act("/tickets", calls("many", "青石路水管爆裂停水", 6, |n| format!("1390000{n:04}"))).await;
    server.detect().await;
    let one = problem_of(&coordinator, "one0").await;
    let one = coordinator.read(&format!("/problems/{one}")).await;
    assert_eq!((&one["state"], &one["callers"], &one["insistent_calls"]), (&json!("quiet"), &json!(1), &json!(20)));
    let many = problem_of(&coordinator, "many0").await;
    let many = coordinator.read(&format!("/problems/{many}")).await;
    assert_eq!((&many["state"], &many["burst_callers"]), (&json!("proposed"), &json!(20)));
    assert_eq!(many["insistent_calls"], Value::Null);
    server.stop().await;
}

#[rstest]
#[actix_web::test]
async fn a_problem_of_one_district_tells_its_place_and_the_share_of_tickets_that_name_it(
    #[values(On::Sqlite, On::Postgres)] on: On,
) {
    let Some(server) = Server::start(on).await else { return };
    let (coordinator, operator) = (server.sign_in("coordinator").await, server.sign_in("operator").await);
    // More than the texts that a place is looked for in.
    complaints(&server, &operator, "first", 80, 12).await;
    server.detect().await;
    let problem = coordinator.read("/problems?state=proposed").await["problems"][0]["id"].clone();
    let shown = coordinator.read(&format!("/problems/{}", problem.as_str().unwrap())).await;
    assert_eq!(shown["places"], json!([["实验小学", 100]]));
}

#[rstest]
#[tokio::test]
async fn the_desk_counts_more_problems_than_it_lists(#[values(On::Sqlite, On::Postgres)] on: On) {
    let Some((server, coordinator, operator)) = a_city(on).await else { return };
    let now = server.app.clock.now().and_utc();
    let estates = [
        "金桂苑",
        "银杏公寓",
        "碧水花园",
        "松涛里",
        "兰亭街",
        "竹海村",
        "梅岭路",
        "桃源山庄",
        "荷塘巷",
        "枫林湾",
        "橡树园",
        "紫藤大厦",
        "丹霞坊社区",
    ];
    let about = estates.iter().flat_map(|place| [NOISE, FUMES].map(|matter| (place, matter)));
    let calls = about.enumerate().flat_map(|(at, (place, matter))| {
        (0..6).map(move |n| {
            json!({ "source_no": format!("{at}-{n}"), "title": format!("{place}{}", matter.0), "body": format!("{place}{}。", matter.1),
                "received_at": (now - TimeDelta::hours(1 + n)).to_rfc3339(), "caller": format!("{at}-caller-{n}") })
        })
    });
    operator.act("/tickets", json!(calls.collect::<Vec<_>>())).await;
    server.detect().await;
    consolidate(&server).await;
    server.detect().await;
    let proposed = coordinator.read("/problems?state=proposed").await["total"].clone();
    assert!(proposed.as_u64() > Some(20), "{proposed}");
    let desk = coordinator.read("/desk").await;
    assert_eq!((&desk["total"], desk["waiting"].as_array().unwrap().len()), (&proposed, 20));
    let page = coordinator.get("/desk").await.text().await.unwrap();
    assert!(page.contains(&format!("<span class=\"total\">{proposed}</span>")), "{page}");
    server.stop().await;
}
