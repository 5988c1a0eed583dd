//! What was worded on a snapshot and is to be written: mails, messages of other channels, and decisions that a notice
//! needs none. Wording takes many looks and no transaction that others wait for; writing takes a few statements a mail.

use crate::app::{Ctx, Error};
use crate::store::mail_links::{self, MailLink};
use crate::store::mails::Mail;
use crate::store::notices::{self, Notice};
use crate::store::opinion_links::{self, OpinionLink};
use crate::store::webhooks::{self, Delivery};
use serde_json::json;
use std::collections::BTreeMap;

/// Mails written in one transaction, which others wait for, and notices settled without one.
const WRITTEN_AT_ONCE: usize = 32;
const SKIPPED_AT_ONCE: usize = 500;

/// Links that a mail offers, kept when it is.
#[derive(Default)]
pub struct Offered {
    pub mail_id: String,
    pub acts: Vec<MailLink>,
    pub opinions: Vec<OpinionLink>,
}

/// What settles some notices, if all of them are still owed when it is written.
enum Draft {
    Mail { mail: Box<Mail>, message: String, settles: Vec<String>, offered: Offered },
    Message { row: Box<Delivery>, settles: Vec<String> },
}

/// A notice that is settled without a mail.
struct Skip {
    notice: Notice,
    decision: &'static str,
    /// The event log says so too.
    told: bool,
}

impl Draft {
    fn settles(&self) -> &[String] {
        match self {
            Draft::Mail { settles, .. } | Draft::Message { settles, .. } => settles,
        }
    }
}

#[derive(Default)]
pub struct Drafts {
    worded: Vec<Draft>,
    skipped: Vec<Skip>,
}

impl Drafts {
    pub fn mail(&mut self, mail: Mail, message: String, settles: Vec<String>, offered: Offered) {
        self.worded.push(Draft::Mail { mail: Box::new(mail), message, settles, offered });
    }

    pub fn message(&mut self, row: Delivery, settles: Vec<String>) {
        self.worded.push(Draft::Message { row: Box::new(row), settles });
    }

    /// Settles a notice without a mail.
    pub fn skip(&mut self, notice: &Notice, decision: &'static str) {
        self.skipped.push(Skip { notice: notice.clone(), decision, told: false });
    }

    /// Records of notices that nobody can be reached with them.
    pub fn skip_all(&mut self, notices: Vec<Notice>, decision: &'static str) {
        let skip = |notice| Skip { notice, decision, told: true };
        self.skipped.extend(notices.into_iter().map(skip));
    }

    pub fn append(&mut self, mut other: Drafts) {
        self.worded.append(&mut other.worded);
        self.skipped.append(&mut other.skipped);
    }

    /// As many of them as one transaction writes, in their order; empty when none is left.
    pub fn take(&mut self) -> Drafts {
        Drafts {
            worded: self.worded.drain(..WRITTEN_AT_ONCE.min(self.worded.len())).collect(),
            skipped: self.skipped.drain(..SKIPPED_AT_ONCE.min(self.skipped.len())).collect(),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.worded.is_empty() && self.skipped.is_empty()
    }
}

/// Writes what is still owed; what was settled meanwhile is left out, and worded anew if some of it is still owed. Gives
/// how many notices were settled.
pub fn write(ctx: &mut Ctx, drafts: Drafts) -> Result<usize, Error> {
    let Drafts { worded, skipped } = drafts;
    let to_skip = skipped.iter().map(|skip| &skip.notice.id);
    let about: Vec<String> = worded.iter().flat_map(Draft::settles).chain(to_skip).cloned().collect();
    let owed = notices::still_owed(&mut ctx.tx, &about)?;
    let mut settled = 0;
    for draft in worded {
        if draft.settles().iter().any(|id| !owed.contains(id)) {
            continue;
        }
        settled += draft.settles().len();
        match draft {
            Draft::Mail { mail, message, settles, offered } => {
                notices::freeze(&mut ctx.tx, *mail, &message, &settles)?;
                offered.acts.into_iter().try_for_each(|link| mail_links::insert(&mut ctx.tx, link))?;
                offered.opinions.into_iter().try_for_each(|link| opinion_links::insert(&mut ctx.tx, link))?;
            }
            Draft::Message { row, settles } => {
                let id = row.id.clone();
                webhooks::queue(&mut ctx.tx, *row)?;
                notices::settle_by_message(&mut ctx.tx, &id, &settles)?;
            }
        }
    }
    Ok(settled + skip(ctx, skipped.into_iter().filter(|skip| owed.contains(&skip.notice.id)))?)
}

fn skip(ctx: &mut Ctx, skipped: impl Iterator<Item = Skip>) -> Result<usize, Error> {
    let mut by_decision: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for Skip { notice, decision, told } in skipped {
        if told {
            let payload = json!({ "stage": notice.stage.code(), "reason": decision });
            ctx.record("notice.skipped", ("notice", &notice.id), notice.case_id.as_deref(), payload);
        }
        by_decision.entry(decision).or_default().push(notice.id);
    }
    for (decision, notices) in &by_decision {
        notices::skip(&mut ctx.tx, notices, decision)?;
    }
    Ok(by_decision.values().map(Vec::len).sum())
}
