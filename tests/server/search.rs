//! Whether the one box finds what people look for, and nothing that is masked.

use crate::support::{Client, On, Server};
use rstest::rstest;
use serde_json::json;
use std::collections::HashSet;
use std::time::Duration;

/// How many tickets a query finds.
async fn found(client: &Client, query: &str) -> u64 {
    let path = format!("/search?{}", form_urlencoded::Serializer::new(String::new()).append_pair("q", query).finish());
    client.read(&path).await["tickets_total"].as_u64().unwrap()
}

#[rstest]
#[actix_web::test]
async fn words_and_numbers_are_found_within_what_the_reader_sees(#[values(On::Sqlite, On::Postgres)] on: On) {
    let Some(server) = Server::start(on).await else { return };
    let operator = server.sign_in("operator").await;
    let ticket = |no: &str, title: &str, body: &str| {
        json!({ "source_no": no, "title": title, "body": body, "caller": "13812345678", "caller_name": "欧阳小明",
            "received_at": "2026-03-02T08:00:00Z" })
    };
    let tickets = [
        ticket("YZ-2026-0815", "实验小学门口拥堵", "放学时车辆堵在路口，我叫欧阳小明，电话13812345678"),
        ticket("YZ-2026-0816", "夜间施工噪声", "ＡＢ座旁工地，小学生无法入睡"),
        ticket("YZ-2026-0817", "小区门，口头承诺没有兑现", "物业"),
    ];
    operator.act("/tickets", json!(tickets)).await;
    for _ in 0..200 {
        if found(&operator, "物业").await == 1 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let wanted = [
        ("小学", 2),
        ("门口", 1),
        ("实验小学门口", 1),
        ("小学 施工", 1),
        ("ab座", 1),
        ("YZ-2026-0816", 1),
        ("0815", 1),
        ("堵", 1),
        ("小门", 0),
        ("，", 0),
        ("13812345678", 0),
        ("欧阳小明", 0),
        ("\" OR 小学 NEAR(", 0),
    ];
    for (query, count) in wanted {
        assert_eq!(found(&operator, query).await, count, "{query:?}");
    }
    let listed = operator.read("/tickets?q=%E5%B0%8F%E5%AD%A6").await;
    assert_eq!(listed["tickets"].as_array().unwrap().len(), 2);
    server.stop().await;
}

#[rstest]
#[actix_web::test]
async fn the_newest_that_say_a_common_word_come_first(#[values(On::Sqlite, On::Postgres)] on: On) {
    let Some(server) = Server::start(on).await else { return };
    let operator = server.sign_in("operator").await;
    // Not in the order of their days; every tenth says something else.
    let ticket = |no: usize| {
        let (day, minute) = (1 + no * 7 % 28, no % 60);
        json!({ "source_no": format!("C-{no:04}"), "title": if no % 10 == 9 { "夜间施工" } else { "路灯不亮" },
            "body": "请处理", "received_at": format!("2026-02-{day:02}T08:{minute:02}:00Z") })
    };
    for start in [0, 600] {
        let tickets: Vec<_> = (start..start + 600).map(ticket).collect();
        operator.act("/tickets", json!(tickets)).await;
    }
    for _ in 0..400 {
        if found(&operator, "请处理").await == 1200 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(
        (found(&operator, "路灯").await, found(&operator, "施工").await, found(&operator, "C-0009").await),
        (1080, 120, 1)
    );
    for (query, total) in [("%E8%B7%AF%E7%81%AF", 1080), ("%E6%96%BD%E5%B7%A5", 120)] {
        let mut seen = Vec::new();
        for offset in [0, 50, 100] {
            let listed = operator.read(&format!("/tickets?q={query}&offset={offset}&limit=50")).await;
            assert_eq!(listed["total"], total);
            let row = |row: &serde_json::Value| (row["received_at"].to_string(), row["source_no"].to_string());
            seen.extend(listed["tickets"].as_array().unwrap().iter().map(row));
        }
        assert_eq!(seen.iter().map(|(_, no)| no).collect::<HashSet<_>>().len(), total.min(150), "each once");
        assert!(seen.is_sorted_by(|(earlier, _), (later, _)| earlier >= later));
    }
    server.stop().await;
}
