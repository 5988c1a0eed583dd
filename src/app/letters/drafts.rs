//! What was worded on a snapshot and is to be written: mails, messages of other channels, and decisions that a notice
//! needs none. Wording takes many looks and no transaction that others wait for; writing takes a few statements a mail.

use crate::app::{Ctx, Error};
use crate::store::mail_links::{self, MailLink};
use crate::store::mails::Mail;
use crate::store::notices::{self, Notice};
use crate::store::opinion_links::{self, OpinionLink};
use crate::store::webhooks::{self, Delivery};
use serde_json::json;

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
    Skip { notice: Box<Notice>, decision: &'static str, told: bool },
}

impl Draft {
    fn settles(&self) -> &[String] {
        match self {
            Draft::Mail { settles, .. } | Draft::Message { settles, .. } => settles,
            Draft::Skip { notice, .. } => std::slice::from_ref(&notice.id),
        }
    }
}

#[derive(Default)]
pub struct Drafts(Vec<Draft>);

impl Drafts {
    pub fn mail(&mut self, mail: Mail, message: String, settles: Vec<String>, offered: Offered) {
        self.0.push(Draft::Mail { mail: Box::new(mail), message, settles, offered });
    }

    pub fn message(&mut self, row: Delivery, settles: Vec<String>) {
        self.0.push(Draft::Message { row: Box::new(row), settles });
    }

    /// Settles a notice without a mail.
    pub fn skip(&mut self, notice: &Notice, decision: &'static str) {
        self.0.push(Draft::Skip { notice: Box::new(notice.clone()), decision, told: false });
    }

    /// Records of notices that nobody can be reached with them.
    pub fn skip_all(&mut self, notices: Vec<Notice>, decision: &'static str) {
        let skip = |notice| Draft::Skip { notice: Box::new(notice), decision, told: true };
        self.0.extend(notices.into_iter().map(skip));
    }

    pub fn append(&mut self, mut other: Drafts) {
        self.0.append(&mut other.0);
    }

    /// Up to `most` of them, in their order; empty when none is left.
    pub fn take(&mut self, most: usize) -> Drafts {
        Drafts(self.0.drain(..most.min(self.0.len())).collect())
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Writes what is still owed; what was settled meanwhile is left out, and worded anew if some of it is still owed. Gives
/// how many notices were settled.
pub fn write(ctx: &mut Ctx, drafts: Drafts) -> Result<usize, Error> {
    let about: Vec<String> = drafts.0.iter().flat_map(|draft| draft.settles()).cloned().collect();
    let owed = notices::still_owed(&mut ctx.tx, &about)?;
    let mut settled = 0;
    for draft in drafts.0 {
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
            Draft::Skip { notice, decision, told } => {
                notices::skip(&mut ctx.tx, &notice.id, decision)?;
                if told {
                    let payload = json!({ "stage": notice.stage.code(), "reason": decision });
                    ctx.record("notice.skipped", ("notice", &notice.id), notice.case_id.as_deref(), payload);
                }
            }
        }
    }
    Ok(settled)
}
