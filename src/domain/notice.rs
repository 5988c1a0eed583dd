//! What a change owes to a recipient (通知), and where it stands.

use super::coded::coded;

coded! {
    /// What a notice asks or tells. Reminders are stages too: each is owed once a cycle.
    pub enum Stage {
        CaseIssued = "case_issued" "专项交办",
        OpinionAsked = "opinion_asked" "征求意见",
        /// A coordinator entered it for the unit, which may correct it.
        OpinionEntered = "opinion_entered" "代录征求意见答复",
        TaskReleased = "task_released" "任务交办",
        TaskPassedOn = "task_passed_on" "任务转办",
        TaskWithheld = "task_withheld" "任务收回",
        TaskCancelled = "task_cancelled" "任务取消",
        TaskChanged = "task_changed" "任务调整",
        CalendarChanged = "calendar_changed" "工作日历调整，期限变动",
        AcknowledgeReminder = "acknowledge_reminder" "签收提醒",
        DueSoon = "due_soon" "临期提醒",
        DueToday = "due_today" "今日到期",
        Overdue = "overdue" "超期催办",
        OverdueAgain = "overdue_again" "再次催办",
        /// A 督办单 to the unit's head, and one to the lead unit's: signed by a person.
        Supervised = "supervised" "督办",
        SupervisedLead = "supervised_lead" "督办牵头单位",
        /// A leader's directive and its own ladder, for the units that must report on it.
        DirectiveGiven = "directive_given" "批示待反馈",
        DirectiveMoved = "directive_moved" "批示反馈期限调整",
        DirectiveDueSoon = "directive_due_soon" "批示反馈临期",
        DirectiveDueToday = "directive_due_today" "批示今日应反馈",
        DirectiveOverdue = "directive_overdue" "批示反馈超期",
        SignOffAsked = "sign_off_asked" "待签发",
        SubmissionToAccept = "submission_to_accept" "待验收",
        SubmissionAccepted = "submission_accepted" "验收通过",
        SubmissionReturned = "submission_returned" "验收退回",
        ExtensionAsked = "extension_asked" "延期申请",
        ExtensionDecided = "extension_decided" "延期批复",
        HelpAsked = "help_asked" "协助请求",
        HelpDue = "help_due" "协助请求到期",
        HelpAnswered = "help_answered" "协助答复",
        ObjectionRaised = "objection_raised" "职责异议",
        ObjectionConsulted = "objection_consulted" "职责异议会商",
        ObjectionDue = "objection_due" "异议裁定到期",
        ObjectionRuled = "objection_ruled" "异议裁定",
        DeadlineMoved = "deadline_moved" "专项期限调整",
        MeetingCalled = "meeting_called" "协调会通知",
        MeetingChanged = "meeting_changed" "协调会调整",
        MeetingCancelled = "meeting_cancelled" "协调会取消",
        HandedOver = "handed_over" "岗位移交",
        CaseVerifying = "case_verifying" "转入成效观察",
        CaseClosed = "case_closed" "专项销号",
        CaseTerminated = "case_terminated" "专项终止",
        CaseReopened = "case_reopened" "专项重启",
        MailUndelivered = "mail_undelivered" "通知未能送达",
    }
}

coded! {
    /// To whom a notice is owed; the address is resolved when it is claimed.
    pub enum RecipientKind {
        /// The unit's mailbox, its liaison's, or its officers'.
        Unit = "unit" "单位",
        Person = "person" "人员",
    }
}

coded! {
    /// How a notice stands: owed until a mail is accepted or a decision is recorded.
    pub enum NoticeState {
        Owed = "owed" "待发送",
        Mailed = "mailed" "已发送",
        /// Nobody needs it any more, or a step passed before its policy took effect: recorded, with the reason.
        Skipped = "skipped" "不再发送",
    }
}

coded! {
    /// A mail's way from frozen bytes to the server's word.
    pub enum MailState {
        Queued = "queued" "排队",
        Sent = "sent" "服务器已接收",
        /// The server refused it for good, or nobody can be reached there.
        Failed = "failed" "发送失败",
        /// Accepted, and reported as undeliverable later.
        Bounced = "bounced" "被退信",
        /// Outdated before it could leave: what its notices still ask is in another.
        Withdrawn = "withdrawn" "撤销发送",
    }
}

coded! {
    /// How one attempt to reach somebody ended.
    pub enum AttemptOutcome {
        Accepted = "accepted" "已接收",
        Refused = "refused" "被拒收",
        Deferred = "deferred" "暂未成功",
        /// The connection was lost after the data: it may have arrived.
        Unknown = "unknown" "结果不明",
    }
}

coded! {
    /// How a 督办单 stands.
    pub enum SupervisionState {
        Drafted = "drafted" "待签发",
        Signed = "signed" "已签发",
        Withdrawn = "withdrawn" "不予签发",
    }
}

coded! {
    /// What came of a call.
    #[derive(Default)]
    pub enum CallOutcome {
        #[default]
        Reached = "reached" "已接通",
        NotReached = "not_reached" "未接通",
    }
}

coded! {
    /// How often a recipient is written to.
    #[derive(Default)]
    pub enum Rhythm {
        #[default]
        Each = "each" "逐件",
        Daily = "daily" "每日一封",
        Weekly = "weekly" "每周一封",
    }
}

impl Stage {
    /// Steps of the ladder.
    pub fn is_reminder(self) -> bool {
        use Stage::*;
        matches!(self, AcknowledgeReminder | DueSoon | DueToday | Overdue | OverdueAgain | Supervised | SupervisedLead)
            || self.is_of_directive()
    }

    pub fn is_of_directive(self) -> bool {
        use Stage::*;
        matches!(self, DirectiveGiven | DirectiveDueSoon | DirectiveDueToday | DirectiveOverdue)
    }

    /// Whether the reader is to do something; the others only tell.
    pub fn asks(self) -> bool {
        use Stage::*;
        self.is_reminder()
            || matches!(self, OpinionAsked | TaskReleased | TaskPassedOn | SignOffAsked | SubmissionToAccept)
            || matches!(self, SubmissionReturned | ExtensionAsked | HelpAsked | HelpDue | MailUndelivered)
            || matches!(self, ObjectionRaised | ObjectionConsulted | ObjectionDue)
    }

    /// Whether its mail carries a calendar entry of a meeting.
    pub fn is_invitation(self) -> bool {
        use Stage::*;
        matches!(self, MeetingCalled | MeetingChanged | MeetingCancelled)
    }
}
