//! What a mail about one thing says in its subject and its first paragraph: shipped for every stage, changed by an
//! administrator. Text and HTML are made from the same words.

use super::Ask;
use crate::domain::notice::Stage;
use crate::lang::{Lang, Message};
use serde::{Deserialize, Serialize};

/// What a wording may name, as `%{unit}`, with a translation key of what it is.
pub const PLACEHOLDERS: &[(&str, &str)] = &[
    ("stage", "事由"),
    ("item", "编号和名称"),
    ("unit", "收件单位"),
    ("case", "专项"),
    ("due", "期限"),
    ("city", "城市"),
];
const TEXT_MAX_CHARS: usize = 500;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wording {
    pub subject: String,
    pub opening: String,
}

impl Wording {
    /// What is shipped.
    pub fn shipped(stage: Stage, lang: Lang) -> Wording {
        let opening = match stage {
            Stage::TaskReleased => "下列任务已具备办理条件，请签收并按期完成。",
            Stage::AcknowledgeReminder => "下列任务尚未签收，请尽快签收。",
            Stage::DueSoon => "下列任务即将到期，请填报进展；确有困难请及早申请延期。",
            Stage::DueToday => "下列任务今日到期，请办结，或说明进展。",
            Stage::Supervised | Stage::SupervisedLead => "现就下列任务予以督办，请按所列时限报送。",
            Stage::Overdue | Stage::OverdueAgain => "下列任务已超过期限，请尽快办结，或说明进展和所需协调事项。",
            Stage::SubmissionToAccept => "下列任务已提交办结，请初验。",
            Stage::SubmissionReturned => "下列任务的办结材料被退回，请补充后重新提交。",
            Stage::OpinionAsked => "请就本专项和贵单位拟承担的任务提出意见，并在所列日期前答复；无意见也请回复同意。",
            Stage::ExtensionAsked => "承办单位就下列任务申请延期，请批复。",
            Stage::ObjectionRaised => "承办单位就下列任务提出职责异议，请在所列日期前裁定、会商或提交上一级。",
            Stage::MailUndelivered => "下列通知未能送达，请核对邮箱后重发，或改用电话通知。",
            Stage::HelpAsked => "其他单位的任务受阻，请贵单位协助，并在所列日期前答复。",
            Stage::ObjectionConsulted => "下列任务有职责异议，请贵单位就职责归属提出意见。",
            Stage::ObjectionDue => "下列任务的职责异议已到本级裁定期限，请裁定或提交上一级。",
            Stage::MeetingCalled => "请参加下列协调会，邀请见附件，可直接加入日历。",
            Stage::MeetingChanged => "下列协调会的时间、地点或参会单位有调整，以本次为准。",
            Stage::MeetingCancelled => "下列协调会不再请贵单位参加或已取消。",
            Stage::DeadlineMoved => "本专项的期限有调整，请按新期限安排贵单位的任务；确有困难请及早提出。",
            Stage::TaskPassedOn => "下列任务转由您或贵单位承办，期限不变。",
            Stage::SignOffAsked => "下列任务的办结材料待您签发。",
            Stage::OpinionEntered => "协调员已代贵单位录入下列答复；如有不符，请在交办前更正。",
            Stage::HandedOver => "下列事项随岗位移交给您，请接续办理。",
            Stage::DirectiveMoved => "下列批示的反馈期限已调整，请按新期限反馈。",
            Stage::HelpDue => "下列协助请求已到答复日期，尚未答复。",
            Stage::CaseIssued => "本专项已交办。贵单位为工作专班成员，任务具备办理条件时另行通知。",
            _ => "",
        };
        Wording { subject: lang.t("【%{stage}】%{item}").into_owned(), opening: lang.t(opening).into_owned() }
    }

    /// Refuses what is too long or names a placeholder there is not.
    pub fn check(&self) -> Result<(), (&'static str, Message)> {
        if self.subject.trim().is_empty() {
            return Err(("subject", Message::new("请填写内容")));
        }
        for (field, text) in [("subject", &self.subject), ("opening", &self.opening)] {
            check_text(text, TEXT_MAX_CHARS, PLACEHOLDERS).map_err(|reason| (field, reason))?;
        }
        Ok(())
    }

    /// The subject and the opening with their placeholders filled in, each in one pass: what is filled in fills nothing.
    pub fn filled(&self, values: &[(&str, &str)]) -> (String, String) {
        (fill(&self.subject, values), fill(&self.opening, values))
    }
}

/// The subject and the opening of a mail about several things, the most urgent of which comes first: that one by number
/// and name, the others by what they ask.
pub fn of_several(asks: &[Ask], crosses_cases: bool, lang: Lang) -> (String, String) {
    let Some((first, others)) = asks.split_first() else { return (String::new(), String::new()) };
    let mut kinds: Vec<(Stage, usize)> = Vec::new();
    for ask in others {
        match kinds.iter_mut().find(|(stage, _)| *stage == ask.stage) {
            Some((_, count)) => *count += 1,
            None => kinds.push((ask.stage, 1)),
        }
    }
    let counted = |(stage, count): &(Stage, usize)| {
        lang.fill("%{stage} %{count} 项", &[("stage", &lang.t(stage.label())), ("count", count)])
    };
    let others = kinds.iter().map(counted).collect::<Vec<_>>().join(&lang.t("、"));
    let subject = if crosses_cases {
        "【汇总】%{stage} %{item}，另有%{others}"
    } else {
        "【%{stage}】%{item}，另有%{others}"
    };
    let stage = lang.t(first.stage.label());
    let subject = lang.fill(subject, &[("stage", &stage), ("item", &first.heading), ("others", &others)]);
    (subject, lang.fill("共 %{count} 项，最急的在前。", &[("count", &asks.len())]))
}

/// Refuses a text that is too long or names a placeholder there is not.
pub fn check_text(text: &str, max: usize, placeholders: &[(&str, &str)]) -> Result<(), Message> {
    if text.chars().count() > max {
        return Err(Message::new("不能超过 %{max} 字").with("max", max));
    }
    for named in text.split("%{").skip(1) {
        let name = named.split('}').next().unwrap_or_default();
        if !named.contains('}') || !placeholders.iter().any(|(known, _)| *known == name) {
            return Err(Message::new("没有占位符“%{name}”").with("name", name));
        }
    }
    Ok(())
}

/// A text with its placeholders filled in, in one pass: what is filled in fills nothing.
pub fn fill(text: &str, values: &[(&str, &str)]) -> String {
    let mut parts = text.split("%{");
    let mut filled = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let Some((name, rest)) = part.split_once('}') else { continue };
        filled.push_str(values.iter().find(|(known, _)| *known == name).map_or("", |(_, value)| value));
        filled.push_str(rest);
    }
    filled
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lang::Value;

    #[test]
    fn every_shipped_wording_passes_its_own_check() {
        for stage in Stage::ALL {
            for lang in [Lang::Zh, Lang::En] {
                assert!(Wording::shipped(*stage, lang).check().is_ok(), "{stage:?}");
            }
        }
    }

    #[test]
    fn an_unknown_placeholder_is_named_and_values_fill_nothing_themselves() {
        let wording = Wording { subject: "%{case}：%{no}".into(), opening: String::new() };
        assert_eq!(wording.check().unwrap_err().1.args, [("name", Value::Text("no".to_owned()))]);
        let wording = Wording { subject: "%{case}".into(), opening: "%{unit}请办理".into() };
        assert_eq!(wording.filled(&[("case", "%{unit}"), ("unit", "城管局")]).0, "%{unit}");
        assert_eq!(wording.filled(&[("unit", "城管局")]).1, "城管局请办理");
    }
}
