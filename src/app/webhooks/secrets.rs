//! What of an endpoint is nobody's to read in the database: its address, which may hold a key, and the key it signs with.

use crate::app::{Error, sealed, write_at_start};
use crate::store::webhooks::{self, Webhook};
use crate::store::{Store, StoreError, Tx};
use crate::webhook::address;

pub struct Secrets {
    pub url: String,
    pub secret: String,
}

impl Secrets {
    pub fn seal(&self, key: &[u8], row: &mut Webhook) {
        row.sealed_url = sealed::seal(key, &place(row, "url"), &self.url);
        row.sealed_secret = sealed::seal(key, &place(row, "secret"), &self.secret);
    }

    /// None when another key sealed them: they must be given anew.
    pub fn open(key: &[u8], row: &Webhook) -> Option<Secrets> {
        Some(Secrets {
            url: sealed::open(key, &place(row, "url"), &row.sealed_url)?,
            secret: sealed::open(key, &place(row, "secret"), &row.sealed_secret)?,
        })
    }

    /// The address as it may be shown.
    pub fn masked_url(&self) -> String {
        address::masked(&self.url)
    }
}

fn place(row: &Webhook, what: &str) -> String {
    format!("webhook/{}/{what}", row.id)
}

/// Seals what an earlier version kept in the open.
pub fn seal_kept(store: &Store, key: &[u8]) -> Result<(), Error> {
    let open = |tx: &mut Tx| -> Result<Vec<Webhook>, StoreError> {
        Ok(webhooks::all(tx)?.into_iter().filter(|row| !sealed::is_sealed(&row.sealed_secret)).collect())
    };
    if store.read_blocking(open)?.is_empty() {
        return Ok(());
    }
    let key = key.to_owned();
    let seal = move |tx: &mut Tx| -> Result<(), StoreError> {
        for mut row in open(tx)? {
            let kept = Secrets { url: row.sealed_url.clone(), secret: row.sealed_secret.clone() };
            kept.seal(&key, &mut row);
            // Whoever changed it meanwhile has sealed it.
            webhooks::update(tx, &row)?;
        }
        Ok(())
    };
    Ok(write_at_start(store, seal)?)
}
