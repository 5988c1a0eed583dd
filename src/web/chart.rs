//! A problem's chart: tickets a day as bars over the usual level, with both axes named.

use super::show;
use chrono::{Datelike, Days, NaiveDate};

const HEIGHT: u32 = 160;
/// Room for the numbers at the left and the dates below.
const LEFT: u32 = 34;
const BELOW: u32 = 28;
const STEP: u32 = 7;
/// A name needs this many days of room.
const NAME_DAYS: usize = 14;

pub struct Chart {
    pub width: u32,
    pub height: u32,
    pub left: u32,
    /// The usual level: top and height.
    pub band: (u32, u32),
    /// Heights of the grid's lines, with what they stand for.
    pub levels: Vec<(u32, u32)>,
    /// Where the first day of each month is named.
    pub days: Vec<(u32, NaiveDate)>,
    /// One SVG path.
    pub bars: String,
    pub most: u32,
    /// The same in figures: the first day of each seven, and their tickets.
    pub weeks: Vec<(NaiveDate, u32)>,
}

impl Chart {
    /// `daily` ends with `today`; `usual` are the lower and upper bound of the usual level a day.
    pub fn new(daily: &[u32], usual: (u32, u32), today: NaiveDate) -> Chart {
        let most = daily.iter().copied().max().unwrap_or(0);
        let top = most.max(usual.1).max(2).next_multiple_of(2);
        let tall = HEIGHT - BELOW - 8;
        let y = |value: u32| 8 + tall - value * tall / top;
        let day = |i: usize| today - Days::new((daily.len() - 1 - i) as u64);
        let bars = daily.iter().enumerate().filter(|(_, value)| **value > 0);
        let named = (0..daily.len()).filter(|i| day(*i).day() == 1 || *i == 0);
        let mut days: Vec<(u32, NaiveDate)> = Vec::new();
        for i in named.filter(|i| i + NAME_DAYS / 2 < daily.len()) {
            let x = LEFT + i as u32 * STEP;
            if days.last().is_none_or(|(before, _)| x - before >= NAME_DAYS as u32 * STEP / 2) {
                days.push((x, day(i)));
            }
        }
        Chart {
            width: LEFT + daily.len() as u32 * STEP,
            height: HEIGHT,
            left: LEFT,
            band: (y(usual.1), (y(usual.0) - y(usual.1)).max(2)),
            levels: [0, top / 2, top].map(|value| (y(value), value)).to_vec(),
            days,
            bars: bars
                .map(|(i, value)| show::bar(LEFT + i as u32 * STEP, y(*value), STEP - 2, y(0) - y(*value)))
                .collect(),
            most,
            weeks: daily.chunks(7).enumerate().map(|(week, days)| (day(week * 7), days.iter().sum())).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_without_tickets_has_no_bar_and_the_band_spans_the_usual_level() {
        let today: NaiveDate = "2026-03-12".parse().unwrap();
        let chart = Chart::new(&[0, 4, 0, 2, 1, 1, 0, 3], (1, 2), today);
        assert_eq!(chart.bars.matches('M').count(), 5);
        assert_eq!(chart.most, 4);
        let height_of = |value| chart.levels.iter().find(|(_, level)| *level == value).unwrap().0;
        assert_eq!(chart.band.0, height_of(2));
        assert_eq!(chart.weeks, [("2026-03-05".parse().unwrap(), 8), (today, 3)]);
    }

    #[test]
    fn nothing_yet_is_drawn_too() {
        let chart = Chart::new(&[], (0, 0), "2026-03-12".parse().unwrap());
        assert!(chart.bars.is_empty() && chart.weeks.is_empty());
    }
}
