//! The engine in a file, so that a start need not read every ticket again.

use std::hash::Hasher;
use std::io::{Read, Write};

use rustc_hash::FxHasher;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::postings::Postings;
use super::{Engine, Settings};

/// Changes whenever the same bytes would mean something else.
const FORMAT: u64 = 8;
/// Items of one section: neither writing nor reading holds much beside the engine.
const SECTION_ITEMS: usize = 4_096;
/// No section is longer; a damaged length must not be believed.
const SECTION_BYTES_MAX: u64 = 1 << 30;

/// The file is of another version, cut short or altered: build the engine from the tickets instead.
#[derive(Debug, thiserror::Error)]
#[error("the stored index is damaged or of another version")]
pub struct Damaged;

#[derive(Debug, thiserror::Error)]
pub enum NotStored {
    #[error(transparent)]
    File(#[from] std::io::Error),
    #[error(transparent)]
    Form(#[from] postcard::Error),
}

impl Engine {
    /// Writes everything but the settings, and before it what its owner has to know about it.
    pub fn store(&self, of: &impl Serialize, to: &mut impl Write) -> Result<(), NotStored> {
        to.write_all(&FORMAT.to_le_bytes())?;
        write(to, of)?;
        write(to, &self.lexicon)?;
        write_all(to, self.postings.lists())?;
        write_all(to, &self.tickets)?;
        write_all(to, &self.problems)?;
        write(to, &self.constraints)
    }

    /// What [`Engine::store`] wrote.
    pub fn restore<T: DeserializeOwned>(from: &mut impl Read, settings: Settings) -> Result<(T, Engine), Damaged> {
        if number(from)? != FORMAT {
            return Err(Damaged);
        }
        let of = read(from)?;
        let mut engine = Engine {
            settings,
            lexicon: read(from)?,
            postings: Postings::of(read_all(from)?),
            tickets: read_all(from)?,
            problems: read_all(from)?,
            constraints: read(from)?,
            ..Engine::default()
        };
        engine.positions = engine.tickets.iter().zip(0..).map(|(ticket, at)| (ticket.id.clone(), at)).collect();
        engine.numbers = engine.problems.iter().zip(0..).map(|(problem, at)| (problem.id.clone(), at)).collect();
        Ok((of, engine))
    }
}

/// A section: its length, its digest, its bytes.
fn write(to: &mut impl Write, what: &(impl Serialize + ?Sized)) -> Result<(), NotStored> {
    let bytes = postcard::to_allocvec(what)?;
    to.write_all(&(bytes.len() as u64).to_le_bytes())?;
    to.write_all(&digest(&bytes).to_le_bytes())?;
    Ok(to.write_all(&bytes)?)
}

fn write_all<T: Serialize>(to: &mut impl Write, items: &[T]) -> Result<(), NotStored> {
    write(to, &(items.len() as u64))?;
    items.chunks(SECTION_ITEMS).try_for_each(|chunk| write(to, chunk))
}

fn read<T: DeserializeOwned>(from: &mut impl Read) -> Result<T, Damaged> {
    let (length, sum) = (number(from)?, number(from)?);
    if length > SECTION_BYTES_MAX {
        return Err(Damaged);
    }
    let mut bytes = Vec::new();
    from.take(length).read_to_end(&mut bytes).map_err(|_| Damaged)?;
    if bytes.len() as u64 != length || digest(&bytes) != sum {
        return Err(Damaged);
    }
    postcard::from_bytes(&bytes).map_err(|_| Damaged)
}

fn read_all<T: DeserializeOwned>(from: &mut impl Read) -> Result<Vec<T>, Damaged> {
    let count: u64 = read(from)?;
    let mut items: Vec<T> = Vec::new();
    while (items.len() as u64) < count {
        let section: Vec<T> = read(from)?;
        if section.is_empty() {
            return Err(Damaged);
        }
        items.extend(section);
    }
    Ok(items)
}

fn number(from: &mut impl Read) -> Result<u64, Damaged> {
    let mut bytes = [0; 8];
    from.read_exact(&mut bytes).map_err(|_| Damaged)?;
    Ok(u64::from_le_bytes(bytes))
}

fn digest(bytes: &[u8]) -> u64 {
    let mut hasher = FxHasher::default();
    hasher.write(bytes);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detect::Document;

    fn document(n: usize, with: impl FnOnce(&Document)) {
        let (id, title) = (format!("t{n}"), format!("清水湾小区{}栋夜间施工噪音扰民", n % 3));
        with(&Document { id: &id, title: &title, body: "请尽快处理", ..Document::default() });
    }

    fn stored(engine: &Engine) -> Vec<u8> {
        let mut bytes = Vec::new();
        engine.store(&"known", &mut bytes).unwrap();
        bytes
    }

    fn restored(mut bytes: &[u8]) -> Result<(String, Engine), Damaged> {
        Engine::restore(&mut bytes, Settings::default())
    }

    #[test]
    fn what_was_stored_goes_on_as_if_it_had_never_stopped() {
        let mut engine = Engine::new(Settings::default());
        let arrive = |engine: &mut Engine, n| {
            let mut placed = None;
            document(n, |document| placed = engine.arrive(document, || format!("P{n}")));
            placed
        };
        (0..SECTION_ITEMS + 40).for_each(|n| drop(arrive(&mut engine, n)));
        engine.constraints().never_together("t1", "t2").unwrap();
        let (of, mut again) = restored(&stored(&engine)).unwrap();
        assert_eq!(of, "known");
        for n in SECTION_ITEMS + 40..SECTION_ITEMS + 80 {
            assert_eq!(arrive(&mut again, n), arrive(&mut engine, n));
        }
        assert!(again.constraints().belong_together("t1", "t2").is_err());
    }

    #[test]
    fn damage_is_noticed() {
        let mut engine = Engine::new(Settings::default());
        document(1, |document| engine.add(document));
        let bytes = stored(&engine);
        assert!(restored(&bytes).is_ok());
        assert!(restored(&[]).is_err());
        for at in 0..bytes.len() {
            assert!(restored(&bytes[..at]).is_err(), "cut at {at}");
            let mut altered = bytes.clone();
            altered[at] ^= 1;
            assert!(restored(&altered).is_err(), "altered at {at}");
        }
    }
}
