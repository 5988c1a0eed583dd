//! When what is owed to a recipient leaves, and in how many mails: no unit forgets, no unit drowns.

use super::notice::Rhythm;
use chrono::{NaiveDateTime, TimeDelta};

/// What is owed to one recipient about one case (or about none).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    pub case_id: Option<String>,
    pub first_owed: NaiveDateTime,
    /// When the recipient was last written to about this case.
    pub last_mailed: Option<NaiveDateTime>,
    /// An urgent case waits for nothing.
    pub urgent: bool,
    /// When the digest goes that this waits for.
    pub digest_at: NaiveDateTime,
}

/// What holds for the recipient now.
#[derive(Debug, Clone)]
pub struct Rule {
    pub now: NaiveDateTime,
    /// Only what is urgent leaves.
    pub quiet: bool,
    pub rhythm: Rhythm,
    /// What follows a first mail within this time waits and goes as one.
    pub gathers_for: TimeDelta,
    /// Mails that may still leave within this hour; none is no ceiling. What is urgent breaks it.
    pub room: Option<usize>,
}

/// What leaves now, by its places in what waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Leaves {
    Nothing,
    /// A mail for each.
    Each(Vec<usize>),
    /// One mail for all: chosen, or because single mails would break the ceiling.
    Together(Vec<usize>),
}

pub fn leaves(waiting: &[Waiting], rule: &Rule) -> Leaves {
    let is_ready = |row: &Waiting| {
        let gathers_since = rule.now - rule.gathers_for;
        // A mail from the future is from before the demo's clock went back.
        let recently = row.last_mailed.is_some_and(|at| at > gathers_since && at <= rule.now);
        let in_time = rule.rhythm == Rhythm::Each || row.digest_at <= rule.now;
        row.urgent || (!rule.quiet && in_time && !(recently && row.first_owed > gathers_since))
    };
    let ready: Vec<usize> = (0..waiting.len()).filter(|at| is_ready(&waiting[*at])).collect();
    let chosen = rule.rhythm != Rhythm::Each && ready.iter().any(|at| !waiting[*at].urgent);
    match rule.room {
        _ if ready.is_empty() => Leaves::Nothing,
        Some(0) => match ready.into_iter().filter(|at| waiting[*at].urgent).collect::<Vec<usize>>() {
            urgent if urgent.is_empty() => Leaves::Nothing,
            urgent => Leaves::Each(urgent),
        },
        Some(room) if ready.len() > room || (room == 1 && ready.len() > 1) => Leaves::Together(ready),
        _ if chosen => Leaves::Together(ready),
        _ => Leaves::Each(ready),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(minute: i64) -> NaiveDateTime {
        NaiveDateTime::default() + TimeDelta::minutes(minute)
    }

    fn waiting(owed: i64, last: Option<i64>) -> Waiting {
        let digest_at = at(owed + 600);
        Waiting { case_id: None, first_owed: at(owed), last_mailed: last.map(at), urgent: false, digest_at }
    }

    fn rule(now: i64) -> Rule {
        Rule { now: at(now), quiet: false, rhythm: Rhythm::Each, gathers_for: TimeDelta::minutes(1), room: None }
    }

    #[test]
    fn the_first_leaves_at_once_and_what_follows_is_gathered() {
        assert_eq!(leaves(&[waiting(100, None)], &rule(100)), Leaves::Each(vec![0]));
        let rows = [waiting(100, Some(100))];
        assert_eq!(leaves(&rows, &Rule { now: at(100) + TimeDelta::seconds(30), ..rule(0) }), Leaves::Nothing);
        assert_eq!(leaves(&rows, &rule(101)), Leaves::Each(vec![0]));
    }

    #[test]
    fn quiet_hours_hold_back_all_but_what_is_urgent() {
        let rows = [waiting(100, None), Waiting { urgent: true, ..waiting(100, None) }];
        assert_eq!(leaves(&rows, &Rule { quiet: true, ..rule(100) }), Leaves::Each(vec![1]));
    }

    #[test]
    fn a_digest_waits_for_its_hour() {
        let daily = |now| Rule { rhythm: Rhythm::Daily, ..rule(now) };
        let rows = [waiting(100, None), waiting(90, None)];
        assert_eq!(leaves(&rows, &daily(200)), Leaves::Nothing);
        assert_eq!(leaves(&rows, &daily(700)), Leaves::Together(vec![0, 1]));
    }

    #[test]
    fn at_the_ceiling_all_go_as_one_and_beyond_it_none() {
        let rows = [waiting(1, None), waiting(2, None), waiting(3, None)];
        assert_eq!(leaves(&rows, &Rule { room: Some(2), ..rule(100) }), Leaves::Together(vec![0, 1, 2]));
        assert_eq!(leaves(&rows, &Rule { room: Some(3), ..rule(100) }), Leaves::Each(vec![0, 1, 2]));
        assert_eq!(leaves(&rows, &Rule { room: Some(0), ..rule(100) }), Leaves::Nothing);
    }

    #[test]
    fn what_is_urgent_breaks_the_ceiling_alone() {
        let rows = [waiting(1, None), Waiting { urgent: true, ..waiting(2, None) }];
        assert_eq!(leaves(&rows, &Rule { room: Some(0), ..rule(100) }), Leaves::Each(vec![1]));
        assert_eq!(leaves(&rows, &Rule { room: Some(1), ..rule(100) }), Leaves::Together(vec![0, 1]));
    }

    proptest! {
        #[test]
        fn the_ceiling_is_never_broken_and_nothing_ready_is_left_out(
            owed in proptest::collection::vec(0i64..200, 0..30), room in 0usize..10
        ) {
            let rows: Vec<Waiting> = owed.iter().map(|minute| waiting(*minute, None)).collect();
            match leaves(&rows, &Rule { room: Some(room), ..rule(300) }) {
                Leaves::Nothing => prop_assert!(rows.is_empty() || room == 0),
                Leaves::Each(all) => prop_assert!(all.len() <= room && all.len() == rows.len()),
                Leaves::Together(all) => prop_assert!(room >= 1 && all.len() == rows.len()),
            }
        }
    }
}
