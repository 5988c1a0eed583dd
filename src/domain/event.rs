//! The event log: every change is told once, by whom, when and through which channel.

use super::coded::coded;
use sha2::{Digest, Sha256};

coded! {
    /// Who acted.
    pub enum ActorKind {
        Person = "person" "人员",
        /// A coordinator records for a unit or leader what came by phone, chat or paper (代录).
        Proxy = "proxy" "代录",
        /// A unit, by a link in a mail, under the name that was given.
        Link = "link" "邮件链接",
        /// A unit, by answering a mail.
        Reply = "reply" "邮件回复",
        Job = "job" "系统",
        ApiClient = "api_client" "接口",
    }
}

coded! {
    /// Through which door the change came.
    pub enum Channel {
        Web = "web" "网页",
        Api = "api" "接口",
        Cli = "cli" "命令行",
        Job = "job" "后台",
        Mail = "mail" "邮件",
    }
}

/// The stored text of an event that the chain covers, in its fixed order.
pub struct SealedText<'a> {
    pub seq: i64,
    pub event_id: &'a str,
    pub at: &'a str,
    pub kind: &'a str,
    pub subject: &'a str,
    pub actor: &'a str,
    pub payload: &'a str,
}

/// SHA-256 over the previous link and this event's text, each field length-prefixed so that no two texts collide. Lower-case hex.
pub fn link_hash(previous: &str, text: &SealedText) -> String {
    let mut hasher = Sha256::new();
    let seq = text.seq.to_string();
    for field in [previous, &seq, text.event_id, text.at, text.kind, text.subject, text.actor, text.payload] {
        hasher.update((field.len() as u64).to_be_bytes());
        hasher.update(field.as_bytes());
    }
    hex::encode(hasher.finalize())
}

/// Every kind of event there is and what it says happened: a translation key.
pub const KINDS: &[(&str, &str)] = &[
    ("case.opened", "拟立项"),
    ("case.edited", "修改专项"),
    ("case.plan_changed", "应用推演的改动"),
    ("case.consult", "征求意见"),
    ("case.opinions_asked", "征求各单位意见"),
    ("case.opinion_given", "答复征求意见"),
    ("case.approve", "报批"),
    ("case.issued", "交办"),
    ("case.approved_after", "补录审批"),
    ("case.dates_recomputed", "工作日历调整，期限变动"),
    ("case.deadline_moved", "调整期限"),
    ("case.manager_set", "指定牵头负责人"),
    ("case.ordered", "领导确定次序"),
    ("case.verify", "转入成效观察"),
    ("case.observed", "观察期满判定"),
    ("case.observation_prolonged", "可比天数不足，延长观察"),
    ("case.rebased", "问题有合并或拆分，基线重算"),
    ("case.close", "销号"),
    ("case.resume", "开始新一轮"),
    ("case.termination_asked", "申请终止"),
    ("case.terminate", "终止"),
    ("case.reopen", "诉求回潮，重启"),
    ("case.looked_back", "回头看"),
    ("case.coordinator_changed", "更换协调员"),
    ("directive.given", "批示"),
    ("directive.moved", "调整批示反馈期限"),
    ("directive.reported", "反馈批示"),
    ("directive.step_stopped", "停止一步提醒"),
    ("meeting.called", "召集协调会"),
    ("meeting.changed", "调整协调会"),
    ("meeting.cancelled", "取消协调会"),
    ("meeting.recorded", "记录会议纪要"),
    ("task.added", "添加任务"),
    ("task.changed", "修改任务"),
    ("task.released", "任务放行"),
    ("task.withheld", "任务收回"),
    ("task.acknowledge", "签收"),
    ("task.start", "开始办理"),
    ("task.reported", "填报进展"),
    ("task.submit", "提交办结"),
    ("task.accepted_first", "初验通过"),
    ("task.accept", "验收通过"),
    ("task.return", "退回"),
    ("task.cancel", "取消任务"),
    ("task.blocked", "受阻，提请协调"),
    ("task.block_answered", "答复协助请求"),
    ("task.block_cleared", "解除受阻"),
    ("task.extension_asked", "申请延期"),
    ("task.extension_decided", "延期批复"),
    ("task.objected", "职责异议"),
    ("task.objection_referred", "异议提交上一级"),
    ("task.objection_opinion", "异议会商意见"),
    ("task.clock_set", "异议期间计时调整"),
    ("task.objection_ruled", "异议裁定"),
    ("task.assigned", "改派"),
    ("task.handed_over", "改派"),
    ("task.passed_on", "转办"),
    ("task.signed_off", "单位负责人签发"),
    ("task.checklist_added", "更新清单"),
    ("task.checklist_ticked", "更新清单"),
    ("task.checklist_removed", "更新清单"),
    ("task.commented", "留言"),
    ("task.proxy_corrected", "更正代录"),
    ("task.called", "记录通话"),
    ("task.step_stopped", "停止一步提醒"),
    ("task.supervision_drafted", "拟督办单"),
    ("task.supervision_signed", "签发督办单"),
    ("task.supervision_withdrawn", "督办单不予签发"),
    ("task.file_attached", "上传附件"),
    ("dependency.added", "添加前置关系"),
    ("dependency.removed", "删除前置关系"),
    ("problem.proposed", "提出共性问题"),
    ("problem.withdrawn", "降至阈值以下"),
    ("problem.merged", "合并共性问题"),
    ("problem.burst", "诉求突增"),
    ("problem.decided", "研判共性问题"),
    ("problem.decision_undone", "撤销研判"),
    ("problem.kept_apart", "认定为不同问题"),
    ("problem.kept_whole", "认定为同一问题"),
    ("problem.renamed", "问题改名"),
    ("problem.split", "拆分共性问题"),
    ("ticket.attached", "工单并入"),
    ("ticket.detached", "工单拆出"),
    ("ticket.moved", "工单改归"),
    ("ticket.unmasked", "查看来电人信息"),
    ("ticket.urged", "记录催单"),
    ("tickets.added", "工单录入"),
    ("import.done", "导入完成"),
    ("import.begun", "开始导入"),
    ("brief.issued", "签发简报"),
    ("duty.imported", "导入值班表"),
    ("duty.removed", "删除值班"),
    ("calendar.day_removed", "删除日历日期"),
    ("calendar.imported", "导入日历"),
    ("mail.undelivered", "通知未能送达"),
    ("mail.resent", "重发邮件"),
    ("mail.withdrawn", "撤销发送邮件"),
    ("mail.inbound_settled", "处理来信"),
    ("mail.preference_set", "设置通知偏好"),
    ("mail.wording_changed", "修改邮件模板"),
    ("notice.skipped", "通知不再发送"),
    ("notice.rerouted", "改用其他渠道通知"),
    ("webhook.added", "新增接收端"),
    ("webhook.changed", "修改接收端"),
    ("webhook.tested", "测试推送"),
    ("webhook.replayed", "重发推送"),
    ("unit.added", "新增单位"),
    ("unit.changed", "修改单位"),
    ("unit.day_removed", "删除单位休息日"),
    ("unit.days_added", "新增单位休息日"),
    ("person.absence_ended", "结束代收"),
    ("person.absence_set", "设置代收人"),
    ("person.added", "新增人员"),
    ("person.changed", "修改人员"),
    ("person.feed_added", "新增日历订阅"),
    ("person.feed_revoked", "撤销日历订阅"),
    ("person.language_set", "切换语言"),
    ("person.moved", "移交工作"),
    ("person.password_changed", "修改密码"),
    ("person.post_added", "新增岗位"),
    ("person.post_ended", "结束岗位"),
    ("person.token_issued", "签发接口令牌"),
    ("person.token_revoked", "撤销接口令牌"),
];

pub fn is_kind(kind: &str) -> bool {
    KINDS.iter().any(|(known, _)| *known == kind)
}

/// What happened, in words: a translation key.
pub fn words(kind: &str) -> &'static str {
    // A database may hold kinds of another version.
    KINDS.iter().find(|(known, _)| *known == kind).map_or("其他变动", |(_, words)| words)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::webhook::EVENT_GROUPS;
    use std::collections::BTreeSet;

    #[test]
    fn every_kind_stands_once_in_a_group_that_can_be_asked_for() {
        let kinds: BTreeSet<&str> = KINDS.iter().map(|(kind, _)| *kind).collect();
        assert_eq!(kinds.len(), KINDS.len());
        let used: BTreeSet<&str> = kinds.iter().filter_map(|kind| kind.split('.').next()).collect();
        assert_eq!(used, EVENT_GROUPS.iter().map(|(group, _)| *group).collect());
    }
}
