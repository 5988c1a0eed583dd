//! Where the graph is drawn: left to right by layer, a lane a unit, edges in tracks of their own between the columns.

use super::graph::Plan;
use std::collections::{BTreeMap, HashMap};

pub const CARD_WIDTH: i32 = 152;
pub const CARD_HEIGHT: i32 = 56;
/// The lane's name stands above its first row of cards.
const LANE_TITLE: i32 = 24;
const ROW_GAP: i32 = 12;
const MARGIN: i32 = 16;
const GUTTER_MIN: i32 = 26;
/// Between two edges that run side by side, down a gutter and along a passage.
const TRACK: i32 = 6;
const PASSAGE_TRACK: i32 = 4;
const CORNER: i32 = 6;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lane {
    pub unit_id: String,
    pub y: i32,
    pub height: i32,
}

/// A task's card by its top left corner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Card {
    pub task_id: String,
    pub x: i32,
    pub y: i32,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    pub dependency_id: String,
    pub predecessor: String,
    pub successor: String,
    /// The corners, horizontal and vertical by turns.
    pub points: Vec<(i32, i32)>,
    /// The same as an SVG path with rounded corners.
    pub path: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    pub width: i32,
    pub height: i32,
    pub lanes: Vec<Lane>,
    pub cards: Vec<Card>,
    pub routes: Vec<Route>,
}

/// A card's place in the grid: its layer, and its row counted over all lanes.
#[derive(Clone, Copy)]
struct Cell {
    layer: usize,
    row: usize,
}

pub fn layout(plan: &Plan) -> Layout {
    let layers = layers(plan);
    let (lanes_of_rows, cells) = place(plan, &layers);
    let routing = Routing::plan(plan, &cells, lanes_of_rows.iter().map(|(_, rows)| rows).sum());
    let (lanes, row_y, height) = lane_boxes(&lanes_of_rows, &routing.passages);
    let column_x = routing.column_x(&cells);
    let cards = plan
        .tasks()
        .map(|task| {
            let cell = cells[&task.id];
            Card { task_id: task.id.clone(), x: column_x[cell.layer], y: row_y[cell.row] }
        })
        .collect();
    let routes = routing.routes(plan, &cells, &column_x, &row_y);
    let width = column_x.last().map_or(0, |x| x + CARD_WIDTH) + MARGIN;
    Layout { width, height, lanes, cards, routes }
}

/// The longest way to each task, in edges.
fn layers(plan: &Plan) -> HashMap<String, usize> {
    let mut layers: HashMap<String, usize> = HashMap::new();
    for task in plan.tasks() {
        let layer = plan.before(&task.id).iter().map(|(_, before)| layers[&before.id] + 1).max().unwrap_or(0);
        layers.insert(task.id.clone(), layer);
    }
    layers
}

/// Rows by lane (unit, rows in it), lanes in the order their units first act, and every task's cell.
fn place(plan: &Plan, layers: &HashMap<String, usize>) -> (Vec<(String, usize)>, HashMap<String, Cell>) {
    let mut tasks: Vec<_> = plan.tasks().collect();
    tasks.sort_by_key(|task| (layers[&task.id], task.no));
    let mut lanes: Vec<(String, usize)> = Vec::new();
    let mut stacked: HashMap<(String, usize), usize> = HashMap::new();
    let mut rows: Vec<(String, String, usize, usize)> = Vec::new();
    for task in tasks {
        let layer = layers[&task.id];
        let row = stacked.entry((task.unit_id.clone(), layer)).or_default();
        match lanes.iter_mut().find(|(unit, _)| *unit == task.unit_id) {
            Some((_, count)) => *count = (*count).max(*row + 1),
            None => lanes.push((task.unit_id.clone(), 1)),
        }
        rows.push((task.id.clone(), task.unit_id.clone(), layer, *row));
        *row += 1;
    }
    let mut first_row: HashMap<&str, usize> = HashMap::new();
    let mut next = 0;
    for (unit, count) in &lanes {
        first_row.insert(unit, next);
        next += count;
    }
    let cells = rows
        .iter()
        .map(|(id, unit, layer, row)| (id.clone(), Cell { layer: *layer, row: first_row[unit.as_str()] + row }));
    let cells = cells.collect();
    (lanes, cells)
}

/// Lanes, the top of every row, and the height of all; under a row there is room for the edges of its passage.
fn lane_boxes(lanes_of_rows: &[(String, usize)], passages: &[Passage]) -> (Vec<Lane>, Vec<i32>, i32) {
    let mut lanes = Vec::new();
    let mut row_y = Vec::new();
    let mut y = 0;
    for (unit_id, count) in lanes_of_rows {
        let top = y;
        y += LANE_TITLE;
        for _ in 0..*count {
            let tracks = passages[row_y.len()].tracks.len() as i32;
            row_y.push(y);
            y += CARD_HEIGHT + ROW_GAP.max((tracks + 1) * PASSAGE_TRACK);
        }
        lanes.push(Lane { unit_id: unit_id.clone(), y: top, height: y - top });
    }
    (lanes, row_y, y)
}

/// The edges along one row, in as few tracks as keep them apart.
#[derive(Default, Clone)]
struct Passage {
    /// By track: from which gutter to which, and out of which task.
    tracks: Vec<Vec<(usize, usize, String)>>,
}

impl Passage {
    /// The first track that is free between two gutters, or used there by edges out of the same task only.
    fn take(&mut self, from: usize, to: usize, task_id: &str) -> usize {
        let is_free = |used: &[(usize, usize, String)]| {
            used.iter().all(|(begin, end, task)| task == task_id || *end < from || to < *begin)
        };
        let track = self.tracks.iter().position(|used| is_free(used)).unwrap_or(self.tracks.len());
        if track == self.tracks.len() {
            self.tracks.push(Vec::new());
        }
        self.tracks[track].push((from, to, task_id.to_owned()));
        track
    }
}

/// Which track of which gutter and which passage every edge uses. Gutter `g` lies left of column `g`; passage `r` runs
/// just under the cards of row `r`.
struct Routing {
    /// Tracks used in each gutter.
    gutters: Vec<usize>,
    /// One under each row.
    passages: Vec<Passage>,
    /// (dependency, its way) in a stable order.
    ways: Vec<(String, String, String, Way)>,
}

enum Way {
    /// Neighbouring columns, same row: straight across.
    Straight,
    /// One vertical in the gutter before the successor.
    Step { track: usize },
    /// Down or up beside the predecessor, along the passage under a row, and again beside the successor.
    Passage { out_track: usize, row: usize, track: usize, in_track: usize },
}

impl Routing {
    fn plan(plan: &Plan, cells: &HashMap<String, Cell>, rows: usize) -> Routing {
        let columns = cells.values().map(|cell| cell.layer + 1).max().unwrap_or(0);
        let mut gutters = vec![0usize; columns + 1];
        let mut passages = vec![Passage::default(); rows];
        // Edges out of one task share a track, and so do edges into one task: they are one stroke there.
        let mut out_tracks: BTreeMap<(usize, usize), usize> = BTreeMap::new();
        let mut in_tracks: BTreeMap<(usize, usize), usize> = BTreeMap::new();
        let mut ways = Vec::new();
        let take =
            |gutters: &mut Vec<usize>, tracks: &mut BTreeMap<(usize, usize), usize>, gutter: usize, row: usize| {
                *tracks.entry((gutter, row)).or_insert_with(|| {
                    gutters[gutter] += 1;
                    gutters[gutter] - 1
                })
            };
        for edge in plan.dependencies() {
            let (from, to) = (cells[&edge.predecessor], cells[&edge.successor]);
            let way = if to.layer == from.layer + 1 && to.row == from.row {
                Way::Straight
            } else if to.layer == from.layer + 1 {
                Way::Step { track: take(&mut gutters, &mut out_tracks, to.layer, from.row) }
            } else {
                let row = from.row.min(to.row).max(from.row.max(to.row).saturating_sub(1));
                Way::Passage {
                    out_track: take(&mut gutters, &mut out_tracks, from.layer + 1, from.row),
                    row,
                    track: passages[row].take(from.layer + 1, to.layer, &edge.predecessor),
                    in_track: take(&mut gutters, &mut in_tracks, to.layer, to.row),
                }
            };
            ways.push((edge.id.clone(), edge.predecessor.clone(), edge.successor.clone(), way));
        }
        Routing { gutters, passages, ways }
    }

    fn column_x(&self, cells: &HashMap<String, Cell>) -> Vec<i32> {
        let columns = cells.values().map(|cell| cell.layer + 1).max().unwrap_or(0);
        let mut x = MARGIN;
        let mut columns_x = Vec::with_capacity(columns);
        for column in 0..columns {
            if column > 0 {
                x += self.gutter_width(column);
            }
            columns_x.push(x);
            x += CARD_WIDTH;
        }
        columns_x
    }

    fn gutter_width(&self, gutter: usize) -> i32 {
        GUTTER_MIN.max((self.gutters[gutter] as i32 + 1) * TRACK + 12)
    }

    fn track_x(&self, column_x: &[i32], gutter: usize, track: usize) -> i32 {
        let used = (self.gutters[gutter] as i32 - 1) * TRACK;
        column_x[gutter] - (self.gutter_width(gutter) + used) / 2 + track as i32 * TRACK
    }

    fn routes(&self, plan: &Plan, cells: &HashMap<String, Cell>, column_x: &[i32], row_y: &[i32]) -> Vec<Route> {
        debug_assert_eq!(plan.dependencies().count(), self.ways.len());
        self.ways
            .iter()
            .map(|(id, predecessor, successor, way)| {
                let (from, to) = (cells[predecessor], cells[successor]);
                let start = (column_x[from.layer] + CARD_WIDTH, row_y[from.row] + CARD_HEIGHT / 2);
                let end = (column_x[to.layer], row_y[to.row] + CARD_HEIGHT / 2);
                let points = match *way {
                    Way::Straight => vec![start, end],
                    Way::Step { track } => {
                        let x = self.track_x(column_x, to.layer, track);
                        vec![start, (x, start.1), (x, end.1), end]
                    }
                    Way::Passage { out_track, row, track, in_track } => {
                        let x1 = self.track_x(column_x, from.layer + 1, out_track);
                        let x2 = self.track_x(column_x, to.layer, in_track);
                        let y = row_y[row] + CARD_HEIGHT + (track as i32 + 1) * PASSAGE_TRACK;
                        vec![start, (x1, start.1), (x1, y), (x2, y), (x2, end.1), end]
                    }
                };
                Route {
                    dependency_id: id.clone(),
                    predecessor: predecessor.clone(),
                    successor: successor.clone(),
                    path: rounded(&points),
                    points,
                }
            })
            .collect()
    }
}

/// An SVG path through the points with rounded corners.
pub(super) fn rounded(points: &[(i32, i32)]) -> String {
    let mut path = String::new();
    for (i, point) in points.iter().enumerate() {
        if i == 0 {
            path.push_str(&format!("M{} {}", point.0, point.1));
            continue;
        }
        let Some(next) = points.get(i + 1) else {
            path.push_str(&format!("L{} {}", point.0, point.1));
            continue;
        };
        let before = points[i - 1];
        let reach = |a: (i32, i32), b: (i32, i32)| ((a.0 - b.0).abs() + (a.1 - b.1).abs()) / 2;
        let radius = CORNER.min(reach(before, *point)).min(reach(*point, *next));
        let toward = |other: (i32, i32)| {
            (point.0 + (other.0 - point.0).signum() * radius, point.1 + (other.1 - point.1).signum() * radius)
        };
        let (enter, leave) = (toward(before), toward(*next));
        path.push_str(&format!("L{} {}Q{} {} {} {}", enter.0, enter.1, point.0, point.1, leave.0, leave.1));
    }
    path
}

#[cfg(test)]
mod tests {
    use super::super::graph::tests::{any_plan, edge, task};
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_predecessor_stands_left_of_its_successor_in_its_own_lane() {
        let plan =
            Plan::build((1..=4).map(task).collect(), vec![edge(1, 2), edge(1, 3), edge(2, 4), edge(1, 4)]).unwrap();
        let drawn = layout(&plan);
        let card = |id: &str| drawn.cards.iter().find(|card| card.task_id == id).unwrap();
        assert!(card("1").x + CARD_WIDTH < card("2").x && card("2").x + CARD_WIDTH < card("4").x);
        assert_eq!(drawn.lanes.len(), 3);
        assert_eq!(card("1").y, card("4").y, "both belong to unit u1");
    }

    proptest! {
        #[test]
        fn edges_of_different_tasks_never_share_a_line_across(plan in any_plan(24)) {
            let drawn = layout(&plan);
            let across: Vec<_> = drawn.routes.iter().filter(|route| route.points.len() == 6).collect();
            for (i, a) in across.iter().enumerate() {
                for b in &across[..i] {
                    let is_apart = a.points[2].1 != b.points[2].1
                        || a.points[3].0 < b.points[2].0
                        || b.points[3].0 < a.points[2].0;
                    prop_assert!(is_apart || a.predecessor == b.predecessor, "{:?} {:?}", a, b);
                }
            }
        }

        #[test]
        fn cards_do_not_overlap_and_no_edge_runs_through_a_card(plan in any_plan(24)) {
            let drawn = layout(&plan);
            for (i, a) in drawn.cards.iter().enumerate() {
                for b in &drawn.cards[..i] {
                    let apart = (a.x - b.x).abs() >= CARD_WIDTH || (a.y - b.y).abs() >= CARD_HEIGHT;
                    prop_assert!(apart, "{:?} {:?}", a, b);
                }
                for route in &drawn.routes {
                    for step in route.points.windows(2) {
                        let (x1, x2) = (step[0].0.min(step[1].0), step[0].0.max(step[1].0));
                        let (y1, y2) = (step[0].1.min(step[1].1), step[0].1.max(step[1].1));
                        let inside = x1 < a.x + CARD_WIDTH && x2 > a.x && y1 < a.y + CARD_HEIGHT && y2 > a.y;
                        prop_assert!(!inside, "{:?} through {:?}", route, a);
                    }
                }
            }
        }
    }
}
