//! What each term weighs when texts are compared.

use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Weight {
    /// Inverse document frequency, ln(1 + N/df).
    pub idf: f32,
    /// How much of a place's name that tells places apart, 0 to 1.
    pub place: f32,
    /// How little of any place's name, 0 to 1.
    pub matter: f32,
}

/// By term. Kept by themselves, as comparing asks for nothing else.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Weights(Vec<Weight>);

impl Weights {
    #[inline]
    pub fn of(&self, term: u32) -> Weight {
        self.0.get(term as usize).copied().unwrap_or_default()
    }

    pub fn idf(&self, term: u32) -> f32 {
        self.of(term).idf
    }

    pub fn make_room(&mut self, terms: usize) {
        self.0.reserve(terms);
    }

    pub fn push(&mut self, weight: Weight) {
        self.0.push(weight);
    }
}

impl FromIterator<Weight> for Weights {
    fn from_iter<T: IntoIterator<Item = Weight>>(weights: T) -> Weights {
        Weights(weights.into_iter().collect())
    }
}
