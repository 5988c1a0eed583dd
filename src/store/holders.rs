//! Who presents a session or an API token. Every request asks, and hardly an answer is news: it is kept for a moment.

use super::sessions::{self, Holder};
use super::{Store, StoreError};
use chrono::NaiveDateTime;
use rustc_hash::FxHashMap;
use std::cell::Cell;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// What another process changes is known after this long; what this one changes, before anybody hears of its commit.
const KEPT_FOR: Duration = Duration::from_secs(1);
/// Beyond so many answers all are forgotten.
const KEPT_MOST: usize = 4_096;

/// What a request presents, by the SHA-256 of its token in hex.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Credential {
    Session(String),
    Token(String),
}

#[derive(Default)]
pub(in crate::store) struct Holders(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    holders: FxHashMap<Credential, (Instant, Holder)>,
    /// How often all was forgotten: what was read before the last time is not kept.
    forgotten: u64,
}

thread_local! {
    static CHANGED: Cell<bool> = const { Cell::new(false) };
}

/// Notes that the transaction on this thread changes who is signed in, or what somebody may do. To note it of one that is
/// rolled back costs a look at the database.
pub(in crate::store) fn change() {
    CHANGED.set(true);
}

impl Holders {
    /// After a commit on this thread, before it is answered.
    pub fn committed(&self) {
        if CHANGED.take() {
            self.kept().forget();
        }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn forget(&mut self) {
        self.holders.clear();
        self.forgotten += 1;
    }

    /// Keeps an answer that was asked for when all had been forgotten so often.
    fn keep(&mut self, credential: Credential, since: Instant, holder: Holder, forgotten: u64) {
        if self.holders.len() >= KEPT_MOST {
            self.forget();
        } else if self.forgotten == forgotten {
            self.holders.insert(credential, (since, holder));
        }
    }

    fn find(&self, credential: &Credential) -> Option<Holder> {
        let (since, holder) = self.holders.get(credential)?;
        (since.elapsed() < KEPT_FOR).then(|| holder.clone())
    }
}

impl Store {
    /// Who holds the session or token at `now` (real time: a demo's clock does not age it); nobody when it is unknown, has
    /// expired or was revoked.
    pub async fn holder(&self, credential: Credential, now: NaiveDateTime) -> Result<Option<Holder>, StoreError> {
        let forgotten = {
            let kept = self.holders.kept();
            if let Some(holder) = kept.find(&credential) {
                return Ok(Some(holder));
            }
            kept.forgotten
        };
        let (since, presented) = (Instant::now(), credential.clone());
        let holder = self.read_one(move |tx| sessions::holder(tx, &presented, now)).await?;
        if let Some(holder) = &holder {
            self.holders.kept().keep(credential, since, holder.clone(), forgotten);
        }
        Ok(holder)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wang() -> Holder {
        let [person_id, name, lang, csrf] = ["p", "王", "zh", "c"].map(str::to_owned);
        Holder { person_id, name, lang, posts: vec![], csrf }
    }

    #[test]
    fn an_answer_is_kept_until_something_changes_and_not_if_it_was_asked_for_before() {
        let (holders, credential) = (Holders::default(), Credential::Session("hash".into()));
        let answered = || holders.kept().find(&credential).is_some();
        let keep = |forgotten| holders.kept().keep(credential.clone(), Instant::now(), wang(), forgotten);
        keep(0);
        assert!(answered());
        holders.committed();
        assert!(answered(), "a commit that changed nobody");
        change();
        holders.committed();
        assert!(!answered());
        keep(0);
        assert!(!answered(), "asked for before the change");
        keep(1);
        assert!(answered());
    }

    #[test]
    fn an_answer_grows_old() {
        let (mut kept, credential) = (Kept::default(), Credential::Token("hash".into()));
        let before = Instant::now().checked_sub(KEPT_FOR).expect("the machine has run for a second");
        kept.keep(credential.clone(), before, wang(), 0);
        assert!(kept.find(&credential).is_none());
    }
}
