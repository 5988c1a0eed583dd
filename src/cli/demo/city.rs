//! The demo's city, 云泽市: invented units and people.

use crate::app::admin::{NewPerson, add_person, add_unit};
use crate::app::{Ctx, Error};
use crate::domain::access::Role;
use std::collections::HashMap;

/// Every demo account's password.
pub const PASSWORD: &str = crate::web::pages::DEMO_PASSWORD;

/// Key, key of the unit above, name, mailbox.
const UNITS: &[(&str, &str, &str, &str)] = &[
    ("city", "", "云泽市人民政府", ""),
    ("center", "city", "市深办（12345热线中心）", "shenban"),
    ("police", "city", "市公安局", "gongan"),
    ("traffic", "police", "市公安局交警支队", "jiaojing"),
    ("education", "city", "市教育局", "jiaoyu"),
    ("transport", "city", "市交通运输局", "jiaotong"),
    ("housing", "city", "市住房城乡建设局", "zhujian"),
    ("health", "city", "市卫生健康委", "weijian"),
    ("urban", "city", "市城市管理局", "chengguan"),
    ("finance", "city", "市财政局", "caizheng"),
    ("fire", "city", "市消防救援支队", "xiaofang"),
    ("power", "city", "云泽供电公司", "gongdian"),
    ("xuefu", "city", "学府街道办事处", "xuefu"),
    ("binhe", "city", "滨河街道办事处", "binhe"),
];

/// Login, name, role, unit.
const PEOPLE: &[(&str, &str, Role, &str)] = &[
    ("chenjing", "陈静", Role::Coordinator, "center"),
    ("hefan", "何凡", Role::Coordinator, "center"),
    ("liwei", "李伟（副市长）", Role::Leader, "city"),
    ("zhoulan", "周岚（督查室）", Role::Inspector, "city"),
    ("sunmei", "孙梅", Role::Operator, "center"),
    ("admin", "系统管理员", Role::Admin, "center"),
    ("zhaogang", "赵刚（交警）", Role::Officer, "traffic"),
    ("qianfeng", "钱峰（交警支队长）", Role::UnitHead, "traffic"),
    ("wufang", "吴芳（教育）", Role::Officer, "education"),
    ("zhengtao", "郑涛（交通）", Role::Officer, "transport"),
    ("wanglei", "王磊（住建）", Role::Officer, "housing"),
    ("fenghua", "冯华（卫健）", Role::Officer, "health"),
    ("chuyun", "褚云（城管）", Role::Officer, "urban"),
    ("weimin", "卫民（财政）", Role::Officer, "finance"),
    ("jiangbo", "蒋波（消防）", Role::Officer, "fire"),
    ("shenqi", "沈琪（供电）", Role::Officer, "power"),
    ("hanxue", "韩雪（学府街道）", Role::Officer, "xuefu"),
    ("yangliu", "杨柳（滨河街道联络员）", Role::Liaison, "binhe"),
];

/// Founds the city; gives the units' ids by key.
pub fn found(ctx: &mut Ctx) -> Result<HashMap<&'static str, String>, Error> {
    let mut ids: HashMap<&'static str, String> = HashMap::new();
    for (key, above, name, mailbox) in UNITS {
        let mailbox = (!mailbox.is_empty()).then(|| format!("{mailbox}@yunze.example"));
        let id = add_unit(ctx, (*name).to_owned(), ids.get(above).cloned(), mailbox)?;
        ids.insert(key, id);
    }
    for (n, (login, name, role, unit)) in PEOPLE.iter().enumerate() {
        let person = NewPerson {
            login: (*login).to_owned(),
            name: (*name).to_owned(),
            email: Some(format!("{login}@yunze.example")),
            // Invented, like everything here.
            phone: Some(format!("139-0000-{:04}", 1_201 + n)),
            password: PASSWORD.to_owned(),
            lang: "zh".to_owned(),
            posts: vec![(*role, ids.get(unit).cloned())],
        };
        add_person(ctx, person)?;
    }
    Ok(ids)
}

/// Which unit takes the school-gate playbook's roles.
pub fn school_roles(ids: &HashMap<&'static str, String>) -> HashMap<String, String> {
    let pairs = ["traffic", "education", "transport", "housing", "health", "urban", "finance"].map(|key| (key, key));
    pairs.into_iter().chain([("street", "xuefu")]).map(|(role, unit)| (role.to_owned(), ids[unit].clone())).collect()
}
