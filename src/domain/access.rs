//! Who may do what: one matrix of role × action × relation. Authorisation and the test that walks every route both read it.

use super::coded::coded;

coded! {
    /// A post somebody holds. The lead unit's manager holds it for one case; the others for a unit, or everywhere.
    pub enum Role {
        Coordinator = "coordinator" "协调员",
        LeadManager = "lead_manager" "牵头负责人",
        UnitHead = "unit_head" "单位负责人",
        Officer = "officer" "承办人",
        Liaison = "liaison" "联络员",
        Leader = "leader" "市领导",
        Inspector = "inspector" "督查员",
        Operator = "operator" "话务员",
        Admin = "admin" "管理员",
    }
}

coded! {
    /// What can be done, as coarse as the matrix needs it.
    pub enum Action {
        ReadTickets = "read_tickets" "查看工单",
        AddTickets = "add_tickets" "录入工单",
        AttachTickets = "attach_tickets" "并单与拆单",
        Unmask = "unmask" "查看来电人信息",
        ReadProblems = "read_problems" "查看共性问题",
        DecideProblems = "decide_problems" "研判共性问题",
        ReadCase = "read_case" "查看专项",
        OpenCase = "open_case" "立项",
        ReplyOpinion = "reply_opinion" "答复征求意见",
        IssueCase = "issue_case" "交办",
        ShapePlan = "shape_plan" "调整计划",
        EndCase = "end_case" "销号与终止",
        ReadTask = "read_task" "查看任务",
        ReceiveTask = "receive_task" "签收与转办任务",
        WorkTask = "work_task" "办理任务",
        SignOff = "sign_off" "签发办结",
        AcceptTask = "accept_task" "验收任务",
        CorrectProxy = "correct_proxy" "更正代录",
        DecideTask = "decide_task" "批复任务事项",
        ClearBlock = "clear_block" "解除受阻",
        AssignTask = "assign_task" "指派承办人",
        CommentTask = "comment_task" "留言",
        AnswerBlock = "answer_block" "答复协助请求",
        Instruct = "instruct" "批示",
        TranscribeDirective = "transcribe_directive" "转录批示",
        ReadDirective = "read_directive" "查看批示",
        MoveDirective = "move_directive" "调整批示期限",
        ReportDirective = "report_directive" "反馈批示",
        ReadLeadership = "read_leadership" "查看领导视图",
        ReadDuty = "read_duty" "查看值班表",
        KeepDuty = "keep_duty" "维护值班表",
        IssueBrief = "issue_brief" "签发简报",
        ReadMail = "read_mail" "查看邮件",
        ResendMail = "resend_mail" "重发邮件",
        Search = "search" "搜索",
        Administer = "administer" "系统管理",
        OwnAccount = "own_account" "本人账户",
    }
}

/// How far a permission reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// Whatever the subject.
    Everything,
    /// Subjects of the post's own unit and its subtree.
    OwnUnit,
    /// Cases (and their plan) that the post's unit takes part in, or that asked its help.
    OwnCases,
    /// Tasks whose block asks the post's unit for help.
    AskedForHelp,
    /// Tasks about whose objection the post's unit is consulted.
    Consulted,
    /// The one case the post is for.
    ThisCase,
    /// Directives that name the person as its leader or a reader.
    Named,
}

/// The matrix. A role that is not listed for an action may not do it.
pub fn reaches(role: Role, action: Action) -> &'static [Reach] {
    use Action::*;
    use Reach::*;
    use Role::*;
    const ALL: &[Reach] = &[Everything];
    const NONE: &[Reach] = &[];
    match (role, action) {
        (_, OwnAccount | Search | ReadDuty) => ALL,

        // What a unit says about a draft or of what was entered for it, and what its head signs, is the unit's own word.
        (Coordinator, Administer | Instruct | AddTickets | ReplyOpinion | SignOff | CorrectProxy) => NONE,
        (Coordinator, _) => ALL,

        // A directive has limited readers: who gave it, who is named, and the units that must report on it.
        (Inspector, ReadDirective) => ALL,
        (UnitHead | Officer | Liaison, ReadDirective) => &[OwnUnit, Named],
        (Leader | LeadManager, ReadDirective) => &[Named],
        (Leader, MoveDirective) => &[Named],
        (UnitHead | Officer, ReportDirective) => &[OwnUnit],
        (UnitHead | Officer | Liaison, KeepDuty | CorrectProxy) => &[OwnUnit],

        (
            LeadManager,
            ReadCase | ReadTask | ShapePlan | AcceptTask | DecideTask | ClearBlock | AssignTask | CommentTask,
        ) => &[ThisCase],
        (LeadManager, ReadProblems) => ALL,

        (UnitHead | Officer | Liaison, ReadCase) => &[OwnCases],
        (UnitHead | Officer | Liaison, ReadTask | CommentTask) => &[OwnUnit, OwnCases, AskedForHelp, Consulted],
        (UnitHead | Officer | Liaison, ReceiveTask) => &[OwnUnit],
        (UnitHead, SignOff) => &[OwnUnit],
        (UnitHead | Officer, WorkTask | ClearBlock | AssignTask) => &[OwnUnit],
        (UnitHead | Officer, AnswerBlock) => &[AskedForHelp],
        (UnitHead | Officer | Liaison, ReplyOpinion) => &[OwnUnit],

        (
            Leader,
            ReadTickets | ReadProblems | ReadCase | ReadTask | ReadLeadership | ReadMail | Instruct | CommentTask,
        ) => ALL,
        (Inspector, ReadTickets | ReadProblems | ReadCase | ReadTask | ReadLeadership | ReadMail) => ALL,

        (Operator, ReadTickets | AddTickets | AttachTickets | Unmask) => ALL,
        (Operator, ReadProblems) => ALL,

        (Admin, Administer | ReadMail | ResendMail) => ALL,

        _ => NONE,
    }
}

/// A post as authorisation sees it. `unit_path` is the unit's chain of ids from the root, each closed by `/`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Post {
    pub role: Role,
    pub unit_id: Option<String>,
    pub unit_path: Option<String>,
    pub case_id: Option<String>,
}

/// What an action is about. Leave out what does not apply.
#[derive(Debug, Clone, Default)]
pub struct Subject<'a> {
    pub case_id: Option<&'a str>,
    /// The path of the unit that is responsible.
    pub unit_path: Option<&'a str>,
    /// Paths of the units that take part in the case: its task force, and sections that hold a task of it.
    pub participant_paths: &'a [String],
    /// Paths of the units whose help is asked.
    pub helper_paths: &'a [String],
    /// Whether the subject names the person.
    pub is_named: bool,
    /// Paths of the units that are consulted about an objection.
    pub consulted_paths: &'a [String],
}

/// Whether one of `posts` may do `action` on `subject`.
pub fn may(posts: &[Post], action: Action, subject: &Subject) -> bool {
    posts.iter().any(|post| reaches(post.role, action).iter().any(|reach| covers(*reach, post, subject)))
}

/// Whether one of `posts` may do `action` on some subject at all: what a route asks before it loads anything.
pub fn may_somewhere(posts: &[Post], action: Action) -> bool {
    posts.iter().any(|post| !reaches(post.role, action).is_empty())
}

fn covers(reach: Reach, post: &Post, subject: &Subject) -> bool {
    let below_own = |path: &str| post.unit_path.as_deref().is_some_and(|own| path.starts_with(own));
    // A unit that takes part lends its view to the posts above it in the tree as well as to its own.
    let any_below = |paths: &[String]| paths.iter().any(|path| below_own(path));
    match reach {
        Reach::Everything => true,
        Reach::OwnUnit => subject.unit_path.is_some_and(below_own),
        Reach::OwnCases => any_below(subject.participant_paths) || any_below(subject.helper_paths),
        Reach::AskedForHelp => any_below(subject.helper_paths),
        Reach::Named => subject.is_named,
        Reach::Consulted => any_below(subject.consulted_paths),
        Reach::ThisCase => subject.case_id.is_some() && subject.case_id == post.case_id.as_deref(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn post(role: Role, path: &str) -> Post {
        Post { role, unit_id: None, unit_path: Some(path.to_owned()), case_id: None }
    }

    #[test]
    fn an_officer_works_on_tasks_of_the_own_subtree_only() {
        let officer = [post(Role::Officer, "city/police/")];
        let own = Subject { unit_path: Some("city/police/traffic/"), ..Subject::default() };
        let other = Subject { unit_path: Some("city/education/"), ..Subject::default() };
        assert!(may(&officer, Action::WorkTask, &own));
        assert!(!may(&officer, Action::WorkTask, &other));
    }

    #[test]
    fn a_unit_reads_a_task_whose_help_it_is_asked_for_but_does_not_work_on_it() {
        let officer = [post(Role::Officer, "city/finance/")];
        let helpers = ["city/finance/".to_owned()];
        let subject = Subject { unit_path: Some("city/police/"), helper_paths: &helpers, ..Subject::default() };
        assert!(may(&officer, Action::ReadTask, &subject));
        assert!(may(&officer, Action::AnswerBlock, &subject));
        assert!(!may(&officer, Action::WorkTask, &subject));
    }

    #[test]
    fn an_inspector_changes_nothing() {
        let reading = |action: Action| action.code().starts_with("read_");
        for action in Action::ALL.iter().filter(|a| !reading(**a)) {
            let own = matches!(action, Action::OwnAccount | Action::Search);
            assert_eq!(may_somewhere(&[post(Role::Inspector, "city/")], *action), own, "{action:?}");
        }
    }
}
