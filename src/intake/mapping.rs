//! Which column is which field.

use crate::lang::Message;
use rustc_hash::FxHashMap;
use serde::Deserialize;
use std::collections::HashMap;

/// The fields a column can be.
pub const FIELDS: [&str; 13] = [
    "source_no",
    "title",
    "body",
    "received_at",
    "due_at",
    "channel",
    "category",
    "district",
    "address",
    "latitude",
    "longitude",
    "caller",
    "caller_name",
];

/// Headers by field; the first that a file has is taken.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mapping {
    pub fields: HashMap<String, Vec<String>>,
}

impl Mapping {
    /// The headers that cities use.
    pub fn usual() -> Mapping {
        let names: [(&str, &[&str]); 13] = [
            ("source_no", &["工单编号", "留言编号", "受理编号", "工单号", "编号", "source_no", "id"]),
            ("title", &["主题", "标题", "留言主题", "工单标题", "诉求标题", "title", "subject"]),
            ("body", &["内容", "留言详情", "诉求内容", "工单内容", "详情", "body", "content"]),
            ("received_at", &["受理时间", "留言时间", "来电时间", "登记时间", "时间", "received_at", "time"]),
            ("due_at", &["办理期限", "截止时间", "due_at"]),
            ("channel", &["渠道", "来源", "受理渠道", "channel"]),
            ("category", &["类别", "诉求分类", "一级分类", "问题分类", "category"]),
            ("district", &["区县", "所属区域", "区域", "district"]),
            ("address", &["地址", "事发地址", "事发地点", "address"]),
            ("latitude", &["纬度", "latitude", "lat"]),
            ("longitude", &["经度", "longitude", "lng"]),
            ("caller", &["来电号码", "联系电话", "手机号", "电话", "留言用户", "caller", "phone", "user"]),
            ("caller_name", &["来电人", "姓名", "联系人", "caller_name", "name"]),
        ];
        let own = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        Mapping { fields: names.iter().map(|(field, names)| ((*field).to_owned(), own(names))).collect() }
    }

    /// Reads a mapping file: `fields:` with a list of headers for each field. What it leaves out stays as usual.
    pub fn parse(yaml: &str) -> Result<Mapping, Message> {
        let given: Mapping = serde_saphyr::from_str(yaml).map_err(|error| {
            Message::new("读不懂：%{detail}").with("detail", error.to_string().lines().next().unwrap_or_default())
        })?;
        if let Some(unknown) = given.fields.keys().find(|field| !FIELDS.contains(&field.as_str())) {
            return Err(Message::new("没有字段“%{field}”").with("field", unknown));
        }
        let mut mapping = Mapping::usual();
        mapping.fields.extend(given.fields);
        Ok(mapping)
    }

    /// The column of each field in a file with these headers. Errors: no number or no time, naming the headers seen.
    pub fn columns(&self, headers: &[String]) -> Result<FxHashMap<&'static str, usize>, Message> {
        let mut columns = FxHashMap::default();
        for field in FIELDS {
            let names = self.fields.get(field).map(Vec::as_slice).unwrap_or_default();
            let found = names
                .iter()
                .find_map(|name| headers.iter().position(|header| header.trim().eq_ignore_ascii_case(name)));
            if let Some(column) = found {
                columns.insert(field, column);
            }
        }
        let has = |field| columns.contains_key(field);
        if has("source_no") && has("received_at") && (has("title") || has("body")) {
            return Ok(columns);
        }
        Err(Message::new("缺少工单编号、时间或主题列；文件中的表头是：%{headers}").with("headers", headers.join("、")))
    }
}
