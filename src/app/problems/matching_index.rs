//! The one matching index of a process: many read it, detection changes it, and people's decisions wait for neither.

use crate::app::problems::upkeep::Reached;
use crate::detect::{By, Contradiction, Engine};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

/// What a person's decision changes in the index, after it is committed.
#[derive(Debug, Clone)]
pub enum EngineChange {
    Found(String),
    Move(String, Option<String>),
    Merge {
        from: String,
        into: String,
    },
    NeverTogether(String, String),
    /// Takes such a decision back.
    MayBeTogether(String, String),
    Together(String, String),
    /// Takes such a decision back.
    NeedNotBeTogether(String, String),
}

/// Empty until detection has read the archive.
#[derive(Clone, Default)]
pub struct MatchingIndex(Arc<Shared>);

#[derive(Default)]
struct Shared {
    engine: RwLock<Option<Engine>>,
    reached: Mutex<Reached>,
    /// Decisions that came while the index was in use.
    decided: Mutex<Vec<EngineChange>>,
}

impl MatchingIndex {
    pub fn is_loaded(&self) -> bool {
        self.0.engine.read().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    /// None while the index is empty.
    pub fn read<T>(&self, look: impl FnOnce(&Engine) -> T) -> Option<T> {
        self.0.engine.read().unwrap_or_else(PoisonError::into_inner).as_ref().map(look)
    }

    /// None while the index is empty. What people decided meanwhile comes first.
    pub fn change<T>(&self, change: impl FnOnce(&mut Engine) -> T) -> Option<T> {
        let mut slot = self.0.engine.write().unwrap_or_else(PoisonError::into_inner);
        let engine = slot.as_mut()?;
        self.obey(engine);
        Some(change(engine))
    }

    pub fn put(&self, engine: Engine, reached: Reached) {
        *self.0.engine.write().unwrap_or_else(PoisonError::into_inner) = Some(engine);
        *lock(&self.0.reached) = reached;
    }

    /// How far it has read what is stored. Detection alone moves it on.
    pub fn reached(&self) -> Reached {
        lock(&self.0.reached).clone()
    }

    /// Changes the index and notes how far it has read then.
    pub fn advance(&self, read: impl FnOnce(&mut Engine, &mut Reached)) {
        self.change(|engine| read(engine, &mut lock(&self.0.reached)));
    }

    /// Brings committed decisions into the index: now, or with its next change while somebody is using it.
    pub fn decide(&self, changes: Vec<EngineChange>) {
        if changes.is_empty() {
            return;
        }
        lock(&self.0.decided).extend(changes);
        if let Ok(mut slot) = self.0.engine.try_write()
            && let Some(engine) = slot.as_mut()
        {
            self.obey(engine);
        }
    }

    fn obey(&self, engine: &mut Engine) {
        for change in lock(&self.0.decided).drain(..) {
            obey(engine, change);
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn obey(engine: &mut Engine, change: EngineChange) {
    match change {
        EngineChange::Found(problem) => engine.found(&problem),
        EngineChange::Move(ticket, problem) => engine.move_ticket(&ticket, problem.as_deref(), By::Person),
        EngineChange::Merge { from, into } => engine.merge(&from, &into),
        EngineChange::NeverTogether(a, b) => never_together(engine, &a, &b),
        EngineChange::MayBeTogether(a, b) => engine.constraints().undo_never(&a, &b),
        EngineChange::Together(a, b) => together(engine, &a, &b),
        EngineChange::NeedNotBeTogether(a, b) => engine.constraints().undo_together(&a, &b),
    }
}

pub fn never_together(engine: &mut Engine, a: &str, b: &str) {
    tell(engine.constraints().never_together(a, b));
}

pub fn together(engine: &mut Engine, a: &str, b: &str) {
    tell(engine.constraints().belong_together(a, b));
}

/// A decision that goes against an earlier one was refused when it was made; what is stored first holds.
fn tell(obeyed: Result<(), Contradiction>) {
    if let Err(contradiction) = obeyed {
        tracing::warn!(%contradiction, "a stored decision goes against another");
    }
}
