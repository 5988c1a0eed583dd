//! The engine as bytes, so that a start need not read every ticket again.

use std::hash::Hasher;

use rustc_hash::FxHasher;

use super::{Engine, Settings};

/// Changes whenever the same bytes would mean something else.
const FORMAT: u64 = 1;
const HEADER: usize = 16;

/// The bytes are of another version, cut short or altered: build the engine from the tickets instead.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the stored index is damaged or of another version")]
pub struct Damaged;

impl Engine {
    /// Everything but the settings.
    pub fn to_bytes(&self) -> Result<Vec<u8>, postcard::Error> {
        let body = postcard::to_allocvec(self)?;
        let mut bytes = Vec::with_capacity(body.len() + HEADER);
        bytes.extend(FORMAT.to_le_bytes());
        bytes.extend(digest(&body).to_le_bytes());
        bytes.extend(body);
        Ok(bytes)
    }

    pub fn from_bytes(bytes: &[u8], settings: Settings) -> Result<Engine, Damaged> {
        let (format, rest) = bytes.split_first_chunk().ok_or(Damaged)?;
        let (sum, body) = rest.split_first_chunk().ok_or(Damaged)?;
        if u64::from_le_bytes(*format) != FORMAT || u64::from_le_bytes(*sum) != digest(body) {
            return Err(Damaged);
        }
        let mut engine: Engine = postcard::from_bytes(body).map_err(|_| Damaged)?;
        engine.settings = settings;
        engine.positions = engine.tickets.iter().zip(0..).map(|(ticket, at)| (ticket.id.clone(), at)).collect();
        engine.numbers = engine.problems.iter().zip(0..).map(|(problem, at)| (problem.id.clone(), at)).collect();
        Ok(engine)
    }
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
        with(&Document {
            id: &id, title: &title, body: "请尽快处理", place: None, received_at: Default::default()
        });
    }

    #[test]
    fn what_was_stored_goes_on_as_if_it_had_never_stopped() {
        let mut engine = Engine::new(Settings::default());
        let arrive = |engine: &mut Engine, n| {
            let mut placed = None;
            document(n, |document| placed = engine.arrive(document, || format!("P{n}")));
            placed
        };
        (0..40).for_each(|n| drop(arrive(&mut engine, n)));
        engine.constraints().never_together("t1", "t2").unwrap();
        let mut again = Engine::from_bytes(&engine.to_bytes().unwrap(), Settings::default()).unwrap();
        for n in 40..80 {
            assert_eq!(arrive(&mut again, n), arrive(&mut engine, n));
        }
        assert!(again.constraints().belong_together("t1", "t2").is_err());
    }

    #[test]
    fn damage_is_noticed() {
        let mut engine = Engine::new(Settings::default());
        document(1, |document| engine.add(document));
        let mut bytes = engine.to_bytes().unwrap();
        let last = bytes.len() - 1;
        assert!(Engine::from_bytes(&bytes[..last], Settings::default()).is_err());
        bytes[last] ^= 1;
        assert!(Engine::from_bytes(&bytes, Settings::default()).is_err());
        assert!(Engine::from_bytes(&[], Settings::default()).is_err());
    }
}
