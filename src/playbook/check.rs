//! Reading a playbook: every fault at once, each with its place.

use super::format::Playbook;
use super::rules;
use super::tree::{Node, Place};
use crate::lang::Message;
use jsonschema::error::{TypeKind, ValidationErrorKind};
use jsonschema::{ValidationError, Validator};
use std::sync::LazyLock;

/// A fault of a playbook file. `field` is the key it stands under, empty for the file as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// From 1, in characters.
    pub line: u64,
    pub column: u64,
    pub field: String,
    pub reason: Message,
}

impl Playbook {
    /// Reads a playbook. Every fault of its shape and its rules is told at once, in the order of the file; text that is
    /// no YAML has the one fault where reading stopped.
    pub fn parse(text: &str) -> Result<Playbook, Vec<Fault>> {
        let tree = Node::read(text).map_err(|error| vec![not_yaml(&error)])?;
        let json = tree.json();
        let mut found = Faults::default();
        for entry in tree.repeated_keys() {
            found.add(entry.place, &entry.key, Message::new("字段“%{name}”重复").with("name", &entry.key));
        }
        match &*SHAPE {
            Ok(shape) => shape.iter_errors(&json).for_each(|error| misshapen(&tree, &error, &mut found)),
            Err(detail) => found.add(tree.place, "", Message::new("读不懂：%{detail}").with("detail", detail)),
        }
        rules::check(&tree, &mut found);
        if !found.0.is_empty() {
            return Err(found.in_order());
        }
        let read: Result<Playbook, _> = serde_json::from_value(json);
        match read {
            Ok(playbook) => Ok(Playbook { text: text.to_owned(), ..playbook }),
            Err(error) => {
                found.add(tree.place, "", Message::new("读不懂：%{detail}").with("detail", error));
                Err(found.0)
            }
        }
    }
}

static SHAPE: LazyLock<Result<Validator, String>> =
    LazyLock::new(|| jsonschema::validator_for(&Playbook::json_schema()).map_err(|error| error.to_string()));

#[derive(Default)]
pub(super) struct Faults(Vec<Fault>);

impl Faults {
    pub fn add(&mut self, place: Place, field: &str, reason: Message) {
        self.0.push(Fault { line: place.line, column: place.column, field: field.to_owned(), reason });
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn in_order(mut self) -> Vec<Fault> {
        self.0.sort_by_key(|fault| (fault.line, fault.column));
        self.0
    }
}

/// What the schema says against a part of the file, in words.
fn misshapen(tree: &Node, error: &ValidationError, found: &mut Faults) {
    let pointer = error.instance_path().as_str();
    let node = tree.at(pointer);
    let field = pointer.rsplit('/').find(|step| step.parse::<usize>().is_err()).unwrap_or_default();
    let reason = match error.kind() {
        ValidationErrorKind::AdditionalProperties { unexpected } => {
            for entry in node.entries().iter().filter(|entry| unexpected.contains(&entry.key)) {
                found.add(entry.place, &entry.key, Message::new("不认识的字段“%{name}”").with("name", &entry.key));
            }
            return;
        }
        ValidationErrorKind::Required { property } => {
            let name = property.as_str().unwrap_or_default();
            return found.add(node.place, name, Message::new("缺少字段“%{name}”").with("name", name));
        }
        ValidationErrorKind::Type { kind } => wanted_type(kind),
        ValidationErrorKind::Enum { options } => {
            let options: Vec<&str> =
                options.as_array().into_iter().flatten().filter_map(|code| code.as_str()).collect();
            Message::new("应为以下之一：%{options}").with("options", options.join(", "))
        }
        ValidationErrorKind::Minimum { limit } => Message::new("不能小于 %{limit}").with("limit", limit),
        ValidationErrorKind::Maximum { limit } => Message::new("不能大于 %{limit}").with("limit", limit),
        ValidationErrorKind::MinLength { .. } => Message::new("不能为空"),
        ValidationErrorKind::MaxLength { limit } => Message::new("不能超过 %{max} 字").with("max", limit),
        ValidationErrorKind::MinItems { limit } => Message::new("至少要有 %{limit} 项").with("limit", limit),
        ValidationErrorKind::MaxItems { limit } => Message::new("最多 %{limit} 项").with("limit", limit),
        ValidationErrorKind::Pattern { .. } => Message::new("只能用小写字母、数字、- 和 _"),
        ValidationErrorKind::AnyOf { .. } | ValidationErrorKind::OneOfNotValid { .. } => match field {
            "days" => Message::new("应为 1 到 1000 的天数，或 optimistic、likely、pessimistic 三个天数"),
            "after" => Message::new("应为任务的 key，或 task、kind、lag_days（-365 到 365）"),
            "default" => Message::new("应为数字，或 true、false"),
            _ => Message::new("不合格式"),
        },
        _ => Message::new("不合格式"),
    };
    found.add(node.place, field, reason);
}

fn wanted_type(kind: &TypeKind) -> Message {
    use jsonschema::JsonType;
    let wanted = |kind: JsonType| match kind {
        JsonType::String => "应为文字",
        JsonType::Integer | JsonType::Number => "应为整数",
        JsonType::Array => "应为列表",
        JsonType::Object => "应为一组字段",
        _ => "不合格式",
    };
    match kind {
        TypeKind::Single(kind) => Message::new(wanted(*kind)),
        // An optional field: its own type, or nothing.
        TypeKind::Multiple(kinds) => {
            let kind = kinds.iter().find(|kind| *kind != JsonType::Null);
            Message::new(kind.map_or("不合格式", wanted))
        }
    }
}

fn not_yaml(error: &serde_saphyr::Error) -> Fault {
    let text = error.to_string();
    let first = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default().to_owned();
    let place = error.location().map_or(Place { line: 1, column: 1 }, Place::of);
    Fault {
        line: place.line,
        column: place.column,
        field: String::new(),
        reason: Message::new("读不懂：%{detail}").with("detail", first),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lang::Lang;
    use rstest::rstest;

    const HEAD: &str = "schema: 1\nkey: k\ntitle: 题\ngoal: 目标\nlead: a\nanswer: 口径\ndeadline_working_days: 30\nparameters:\n  - {key: bridge, title: 要天桥, default: false}\n  - {key: n, title: 几所, default: 1, min: 1, max: 9}\nroles:\n  - {key: a, title: 甲}\ntasks:\n";
    const FIRST: u64 = 14;

    fn one(rest: &str) -> String {
        format!("  - {{key: x, title: 一, role: a, days: 1, acceptance: 好{rest}}}\n")
    }

    fn faults(text: &str) -> Vec<Fault> {
        Playbook::parse(text).err().unwrap_or_default()
    }

    #[rstest]
    #[case(", after: [w]", "w]", "没有任务“w”")]
    #[case(", after: [x]", "x]", "自己")]
    #[case(", colour: red", "colour", "colour")]
    #[case(", when: bridge > 2", "bridge", "bridge")]
    #[case(", when: tunnel", "tunnel", "没有参数“tunnel”")]
    #[case(", when: n > ", "n >", "读不懂条件")]
    #[case(", per: {parameter: bridge, days: 2}", "bridge", "数字")]
    #[case(", description: '{tunnel}'", "'{tunnel}", "没有参数“tunnel”")]
    #[case(", unit: weeks", "weeks", "working_days")]
    #[case(", evidence: 照片", "照片", "列表")]
    fn a_fault_is_told_with_its_line_and_column(#[case] rest: &str, #[case] at: &str, #[case] words: &str) {
        let line = one(rest);
        let found = faults(&format!("{HEAD}{line}"));
        assert!(!found.is_empty(), "{rest}");
        let column = line[..line.rfind(at).unwrap()].chars().count() as u64 + 1;
        assert_eq!((found[0].line, found[0].column), (FIRST, column), "{found:?}");
        assert!(found[0].reason.to_string().contains(words), "{found:?}");
    }

    #[rstest]
    #[case("role: a", "role: b", "没有角色“b”")]
    #[case("days: 1", "days: 0", "天数")]
    #[case("days: 1", "days: {optimistic: 3, likely: 2, pessimistic: 4}", "由小到大")]
    #[case("days: 1", "days: 三天", "天数")]
    #[case("title: 一, ", "", "title")]
    #[case("title: 一", "title: ''", "不能为空")]
    #[case("key: x", "key: 甲", "小写字母")]
    fn a_wrong_field_is_told(#[case] from: &str, #[case] to: &str, #[case] words: &str) {
        let found = faults(&format!("{HEAD}{}", one("").replace(from, to)));
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].line == FIRST && found[0].reason.to_string().contains(words), "{found:?}");
    }

    #[test]
    fn all_faults_are_told_at_once_in_the_order_of_the_file_and_in_both_languages() {
        let text = HEAD.replace("lead: a", "lead: z").replace("goal: 目标", "goals: 目标\ntitle: 又")
            + &one(", after: [w], when: nowhere, colour: red")
                .replace("role: a", "role: q")
                .replace("days: 1", "days: 0")
            + &one("");
        let found = faults(&text);
        let words = ["goal", "goals", "title", "lead", "role", "days", "after", "when", "colour", "key"];
        for field in words {
            assert!(found.iter().any(|fault| fault.field == field), "{field}: {found:?}");
        }
        assert!(found.is_sorted_by_key(|fault| (fault.line, fault.column)));
        for fault in found {
            let english = fault.reason.text(Lang::En);
            assert!(english.is_ascii() || english.contains('“'), "{english}");
        }
    }

    #[test]
    fn a_cycle_is_spelled_out() {
        let text = format!("{HEAD}{}{}", one(", after: [w]"), one(", after: [x]").replace("key: x", "key: w"));
        let found = faults(&text);
        assert!(found.len() == 1 && found[0].reason.to_string().contains("x → w → x"), "{found:?}");
    }

    #[test]
    fn text_that_is_no_yaml_is_told_where_reading_stopped() {
        let found = faults("schema: 1\nkey: [a\ntitle: b\n");
        assert!(found.len() == 1 && found[0].line >= 2, "{found:?}");
        assert!(!faults("").is_empty() && !faults("- 1").is_empty());
    }
}
