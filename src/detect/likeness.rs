//! How alike two groups of tickets are.

use super::lexicon::Features;
use super::profile::{Entry, PARTS, Profile, SHARE_PARTS, Scale, Table, Totals};
use super::weights::Weights;

/// How groups are compared. All similarities are cosines of tf·idf vectors, averaged over the pairs of tickets.
///
/// Alikeness is `text · (1 − λp · q · (1 − p)) · (1 − λm · (1 − m))`: the similarity of the whole texts (average linkage),
/// less where both name places (`q`) that are not the same (`p`), less where what is said of them is not (`m`), each 0 to
/// 1; of what `text` has beyond repetition only the place's share counts. Groups that fall far behind what holds each of
/// them together are less alike by the square root of how far.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Likeness {
    /// Texts are compared by what they say besides the places.
    pub wherever: bool,
    pub place_discount: f64,
    /// Similarity of the place parts up to which the places differ, and from which on they are the same.
    pub same_place: (f64, f64),
    pub matter_discount: f64,
    /// The same of what is said of them.
    pub same_matter: (f64, f64),
    /// Text similarity beyond this is repetition: it counts as far as the place holds.
    pub repetition: f64,
    /// Length of the place part from which on a group names a place, and from which on it surely does.
    pub place_named: (f64, f64),
    /// Share of the inner similarity that the similarity across has to reach; zero to ignore it.
    pub gap: f64,
    /// The inner similarity that a group is taken to have before its pairs tell, as if from this many pairs.
    pub inner_prior: (f64, f64),
    /// Inner similarity beyond this is repetition and holds nobody to it.
    pub inner_max: f64,
}

impl Likeness {
    /// Same grievance, same place.
    pub fn local() -> Likeness {
        Likeness {
            wherever: false,
            place_discount: 0.9,
            same_place: (0.05, 0.25),
            matter_discount: 0.95,
            same_matter: (0.015, 0.06),
            repetition: 0.15,
            place_named: (0.1, 0.28),
            gap: 0.65,
            inner_prior: (0.12, 5.0),
            inner_max: 0.3,
        }
    }

    /// Same grievance, wherever.
    pub fn theme() -> Likeness {
        Likeness { wherever: true, place_discount: 0.0, gap: 0.0, ..Likeness::local() }
    }

    /// The similarity of the texts alone.
    pub fn text() -> Likeness {
        Likeness { wherever: false, matter_discount: 0.0, ..Likeness::theme() }
    }

    /// 0 to 1.
    pub fn of(&self, one: &Profile, other: &Profile, weights: &Weights) -> f64 {
        self.judge(&Dots::of(one, other, weights), &one.totals, &other.totals)
    }

    /// The same, of one that many are compared with.
    pub fn of_table(&self, one: &Table, other: &Profile) -> f64 {
        self.judge(&Dots::with(one, other), one.totals(), &other.totals)
    }

    /// The same against a single ticket, of which only what is shared gets weighed.
    pub fn of_single(&self, one: &Table, features: &Features, scale: &Scale) -> f64 {
        let mut dots = Dots::default();
        for (term, count) in features.counts() {
            if let Some(own) = one.get(term) {
                dots.add(own, scale.weigh(count * own.idf));
            }
        }
        let totals = Totals {
            size: 1,
            places: scale.place.into(),
            matters: scale.matter.into(),
            squares: (PARTS * PARTS) as u64,
        };
        self.judge(&dots, one.totals(), &totals)
    }

    /// The same, of groups whose products are known.
    pub fn judge(&self, dots: &Dots, one: &Totals, other: &Totals) -> f64 {
        let pairs = f64::from(one.size) * f64::from(other.size) * PARTS * PARTS;
        let shares = pairs * f64::from(SHARE_PARTS);
        let mean = |sum: u64, size: u32| sum as f64 / PARTS / f64::from(size);
        let (here, there) = (mean(one.places, one.size), mean(other.places, other.size));
        let place = share(dots.place as f64 / shares, here * there);
        let matter = share(dots.matter as f64 / shares, mean(one.matters, one.size) * mean(other.matters, other.size));
        let both_named = ramp(here.min(there), self.place_named);
        let place_holds = 1.0 - self.place_discount * both_named * (1.0 - ramp(place, self.same_place));
        let matter_holds = 1.0 - self.matter_discount * (1.0 - ramp(matter, self.same_matter));
        let text = if self.wherever { matter } else { dots.text as f64 / pairs };
        // Who copies the words of another place's complaint still complains about his own.
        let repeated = (text - self.repetition).max(0.0);
        let alike = (text - repeated * (1.0 - place_holds)) * place_holds * matter_holds;
        if self.gap == 0.0 {
            return alike;
        }
        let inner = self.inner(one).max(self.inner(other)).min(self.inner_max);
        alike * (alike / (self.gap * inner)).min(1.0).sqrt()
    }

    /// Mean similarity of the pairs inside, drawn towards the prior while there are few.
    fn inner(&self, totals: &Totals) -> f64 {
        let size = f64::from(totals.size);
        let pairs = size * (size - 1.0) / 2.0;
        let (prior, assumed) = self.inner_prior;
        (totals.within() + prior * assumed) / (pairs + assumed)
    }
}

/// Products of two groups' weights, added up: of all terms, of the place part, of the rest. Those of a group are the sum
/// of its parts'. Whole numbers: their order is without effect.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Dots {
    text: u64,
    /// These in parts of [`SHARE_PARTS`].
    place: u64,
    matter: u64,
}

impl Dots {
    pub fn of(one: &Profile, other: &Profile, weights: &Weights) -> Dots {
        let mut dots = Dots::default();
        one.shared(other, |term, sum, theirs| dots.add(&Entry::of(term, sum, weights.of(term)), theirs));
        dots
    }

    /// The same, of one that many are compared with.
    pub fn with(one: &Table, other: &Profile) -> Dots {
        let mut dots = Dots::default();
        one.shared(other, |own, theirs| dots.add(own, theirs));
        dots
    }

    /// The product of the vectors.
    pub fn text(&self) -> u64 {
        self.text
    }

    pub fn take(&mut self, other: Dots) {
        self.text += other.text;
        self.place += other.place;
        self.matter += other.matter;
    }

    #[inline]
    fn add(&mut self, own: &Entry, theirs: u32) {
        let both = u64::from(own.sum) * u64::from(theirs);
        self.text += both;
        self.place += both * u64::from(own.place);
        self.matter += both * u64::from(own.matter);
    }
}

/// Where a value stands between two others, 0 to 1.
fn ramp(value: f64, (from, to): (f64, f64)) -> f64 {
    ((value - from) / (to - from)).clamp(0.0, 1.0)
}

fn share(part: f64, whole: f64) -> f64 {
    if whole > 0.0 { part / whole } else { 0.0 }
}
