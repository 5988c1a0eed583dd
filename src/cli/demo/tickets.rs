//! The demo's tickets, from a seed: recurring problems hidden among one-off noise. All invented.

use super::matters::MATTERS;
use super::words::{DETAILS, DISTRICTS, HOW, NAMES, OPENINGS, SURNAMES, WAYS};
use crate::domain::ticket::NewTicket;
use chrono::{Datelike, NaiveDateTime, TimeDelta, Weekday};
use rand::rngs::SmallRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};

pub const DAYS: i64 = 90;
const NOISE: usize = 2_350;

/// A problem that many people call about: where, and the parts its tickets are put together from.
struct Recurring {
    district: &'static str,
    place: &'static str,
    /// Tickets over the whole time, and whether they become more.
    tickets: usize,
    grows: bool,
    /// Falls on school days only.
    school: bool,
    /// Parts of a title, one of each, after the place.
    titles: [&'static [&'static str]; 3],
    facts: &'static [&'static str],
    wishes: &'static [&'static str],
}

const RECURRING: &[Recurring] = &[
    Recurring {
        district: "学府街道",
        place: "实验小学",
        tickets: 170,
        grows: true,
        school: true,
        titles: [
            &["门口", "校门口", "门前", "大门外"],
            &["放学时", "上学高峰", "早晚高峰", "接送孩子时"],
            &["严重拥堵", "车辆拥堵走不动", "车辆乱停堵路", "接送车辆堵死路口"],
        ],
        facts: &[
            "每天下午四点半接送车辆停满两侧车道",
            "早上七点半家长的车双排停放，公交车也过不去",
            "电动车和行人混在机动车道里，孩子过马路很危险",
            "救护车都开不进旁边的小区",
            "校门口没有即停即走的地方，车辆只能在路中间上下客",
        ],
        wishes: &[
            "希望交警在高峰时段安排人手疏导",
            "建议学校错峰放学，别一起涌出来",
            "请规划临时停车位，开通接送班车",
            "这个问题反映过多次，请几个部门一起想办法",
        ],
    },
    Recurring {
        district: "滨河街道",
        place: "滨河花园",
        tickets: 95,
        grows: false,
        school: false,
        titles: [
            &["小区", "院内", "地下车库", "楼下"],
            &["一下雨就", "雨天", "每逢大雨", "雨后"],
            &["积水", "积水进水", "积水内涝", "排水不畅积水"],
        ],
        facts: &[
            "昨晚下雨后院内积水半天不退",
            "雨水井堵塞，污水从井盖往外冒",
            "地下车库进水泡了好几辆车",
            "老人孩子蹚水出门",
        ],
        wishes: &["请尽快疏通雨水管道", "希望彻底改造小区排水管网", "建议雨季前清掏雨水井并配抽水泵"],
    },
    Recurring {
        district: "学府街道",
        place: "锦绣家园",
        tickets: 88,
        grows: true,
        school: false,
        titles: [
            &["电动车", "电动自行车", "电瓶车"],
            &["飞线充电", "推上楼充电", "在楼道里充电", "进电梯上楼充电", "充电桩不够拉线充电"],
            &["有火灾隐患", "很危险", "没人管"],
        ],
        facts: &[
            "一楼住户从窗户拉线充电，电线裸露在外",
            "楼道里停满电动车，把消防通道堵了",
            "夜里有人把电瓶拿回家充电，闻到焦味",
            "三百多辆车只有二十个充电口",
        ],
        wishes: &["请消防部门检查处理", "希望增设充电棚", "请物业加装电梯阻车装置"],
    },
    Recurring {
        district: "高新区",
        place: "云创工地",
        tickets: 84,
        grows: false,
        school: false,
        titles: [
            &["夜间", "凌晨", "半夜", "夜里"],
            &["施工", "打桩施工", "浇筑混凝土施工"],
            &["噪音扰民", "吵得睡不着", "噪声大", "噪音没人管"],
        ],
        facts: &[
            "凌晨一点还有打桩机的声音",
            "渣土车整夜进出，喇叭声不断",
            "投诉后停了两天又开始",
            "家里有高考的孩子，根本没法休息",
        ],
        wishes: &["请查处违规夜间施工", "希望公布夜间施工许可", "请安装噪声监测设备"],
    },
    Recurring {
        district: "滨河街道",
        place: "望江路",
        tickets: 72,
        grows: false,
        school: false,
        titles: [
            &["烧烤店", "夜市烧烤", "烧烤摊", "餐饮店"],
            &["油烟扰民", "油烟直排", "油烟呛人", "油烟污染"],
            &["开不了窗", "居民楼受影响", "没人管"],
        ],
        facts: &[
            "十几家烧烤店没有油烟净化器",
            "油烟顺着外墙往上飘，衣服都不敢晾",
            "晚上六点到凌晨两点最严重",
            "检查的人一走又开起来",
        ],
        wishes: &["请督促安装油烟净化设施", "希望取缔露天烧烤", "请环保和城管联合整治"],
    },
    Recurring {
        district: "老城街道",
        place: "文化广场",
        tickets: 66,
        grows: false,
        school: false,
        titles: [
            &["广场舞", "跳广场舞", "跳舞"],
            &["音响太吵", "噪音扰民", "音箱扰民", "音乐太响"],
            &["从早到晚", "到晚上十点", "早上六点就开始"],
        ],
        facts: &[
            "三支队伍比着放音响，关窗都听得见",
            "早上六点开始，夜班回来睡不着",
            "劝过几次，没人听",
            "音响就放在居民楼底下",
        ],
        wishes: &["请划定活动时间和区域", "希望安装定向音响", "请派人到现场劝导"],
    },
    Recurring {
        district: "高新区",
        place: "科苑小区",
        tickets: 61,
        grows: true,
        school: false,
        titles: [
            &["高层", "高楼层", "十五楼以上"],
            &["用水高峰", "晚上", "经常"],
            &["水压低", "停水", "没有水", "水压不足"],
        ],
        facts: &[
            "十五楼以上晚上七点水龙头不出水",
            "水放出来是黄的，有铁锈味",
            "二次供水泵房经常故障",
            "这个月已经停了五次水",
        ],
        wishes: &["请检修二次供水设备", "希望提前通知停水", "请检测水质并公布结果"],
    },
];

/// About 3,000 tickets over [`DAYS`] days up to `end` (UTC). The same seed gives the same tickets.
pub fn generate(seed: u64, end: NaiveDateTime) -> Vec<NewTicket> {
    let mut rng = SmallRng::seed_from_u64(seed);
    let mut tickets: Vec<NewTicket> = Vec::new();
    for (at, problem) in RECURRING.iter().enumerate() {
        for n in 0..problem.tickets {
            tickets.push(recurring(&mut rng, end, at, n, problem));
        }
    }
    for n in 0..NOISE {
        tickets.push(one_off(&mut rng, end, n));
    }
    tickets.sort_by_key(|ticket| ticket.received_at);
    for (n, ticket) in tickets.iter_mut().enumerate() {
        ticket.source_no = format!("YZ{}{:05}", ticket.received_at.format("%Y%m%d"), n + 1);
    }
    tickets
}

fn recurring(rng: &mut SmallRng, end: NaiveDateTime, at: usize, n: usize, problem: &Recurring) -> NewTicket {
    let received_at = moment(rng, end, problem.grows, problem.school);
    let fact = pick(rng, problem.facts);
    let more = pick(rng, problem.facts);
    let detail = if fact == more { String::new() } else { format!("，{more}") };
    let title = problem.titles.iter().fold(problem.place.to_owned(), |title, parts| title + pick(rng, parts));
    let body = format!("{}{}{fact}{detail}。{}。", pick(rng, OPENINGS), problem.place, pick(rng, problem.wishes));
    // Some people call again and again: about three tickets for two callers.
    let caller = at * 1_000 + rng.random_range(0..=(n * 2 / 3 + 5));
    called(
        rng,
        caller,
        NewTicket {
            title,
            body,
            received_at,
            district: Some(problem.district.to_owned()),
            address: Some(format!("{}{}", problem.district, problem.place)),
            ..NewTicket::default()
        },
    )
}

fn one_off(rng: &mut SmallRng, end: NaiveDateTime, n: usize) -> NewTicket {
    let matter = &MATTERS[rng.random_range(0..MATTERS.len())];
    let trouble = pick(rng, matter.troubles);
    let name = rng.random_range(0..NAMES.len());
    let place = format!("{}{}", NAMES[name], pick(rng, WAYS));
    let house = rng.random_range(1..200);
    let said = [pick(rng, matter.details), pick(rng, HOW), pick(rng, DETAILS)].join("，");
    let body = format!("{}{place}{house}号{}{trouble}，{said}。", pick(rng, OPENINGS), matter.thing);
    let received_at = moment(rng, end, false, false);
    called(
        rng,
        100_000 + n,
        NewTicket {
            title: format!("{place}{}{trouble}", matter.thing),
            body,
            received_at,
            district: Some(DISTRICTS[name % DISTRICTS.len()].to_owned()),
            address: Some(format!("{place}{house}号")),
            ..NewTicket::default()
        },
    )
}

fn called(rng: &mut SmallRng, caller: usize, ticket: NewTicket) -> NewTicket {
    let surname = SURNAMES[caller % SURNAMES.len()];
    NewTicket {
        // 199 0000 …: a block that reaches nobody.
        caller: Some(format!("1990{caller:07}")),
        caller_name: Some(format!("{surname}先生")),
        channel: Some(pick(rng, &["电话", "微信", "网站", "APP"]).to_owned()),
        due_at: Some(ticket.received_at + TimeDelta::days(5)),
        ..ticket
    }
}

/// Some time in the last [`DAYS`] days; later ones are likelier when it grows, weekdays only when it is about school.
fn moment(rng: &mut SmallRng, end: NaiveDateTime, grows: bool, school: bool) -> NaiveDateTime {
    loop {
        let share: f64 = rng.random();
        let back = if grows { share.powf(1.4) } else { share };
        let at = end - TimeDelta::seconds((back * DAYS as f64 * 86_400.0) as i64 + 60);
        let weekend = matches!(at.weekday(), Weekday::Sat | Weekday::Sun);
        if !(school && weekend) {
            return at;
        }
    }
}

fn pick<'a>(rng: &mut SmallRng, from: &[&'a str]) -> &'a str {
    from.choose(rng).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn the_same_seed_gives_the_same_three_thousand_good_tickets() {
        let end: NaiveDateTime = "2026-03-12T08:00:00".parse().unwrap();
        let tickets = generate(7, end);
        assert_eq!(tickets, generate(7, end));
        assert!((2_900..3_100).contains(&tickets.len()));
        assert!(tickets.iter().all(|ticket| ticket.faults().is_empty() && ticket.received_at < end));
        for problem in RECURRING {
            let own = tickets.iter().filter(|ticket| ticket.body.contains(problem.place));
            assert!(own.map(|ticket| ticket.caller.clone()).collect::<HashSet<_>>().len() >= 25, "{}", problem.place);
        }
    }
}
