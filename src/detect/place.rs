//! Which parts of a text name a place.
//!
//! Chinese place names end in what kind of place they are. The characters before such an ending are taken for a name; how
//! often a term stands there, over all tickets, tells how much of a place it is ([`super::lexicon`]), so that a name is
//! known where its ending is left out, and no boundary has to be guessed.

use std::cmp::Reverse;
use std::hash::Hasher;
use std::sync::OnceLock;

use rustc_hash::FxHasher;

use super::text::{folded_hash, is_word};

/// Characters of a name before its ending.
const NAME_CHARS: usize = 4;
/// Organisations' names are longer, and a place just as much: the grievance is with this one and no other.
const ORGANISATION_CHARS: usize = 8;
const ORGANISATIONS: [&str; 3] = ["有限公司", "有限责任公司", "股份有限公司"];
/// The endings of more than one character.
const ENDINGS: [&str; 46] = [
    "小区",
    "花园",
    "家园",
    "社区",
    "街道",
    "公寓",
    "广场",
    "大厦",
    "大道",
    "学校",
    "中学",
    "小学",
    "学院",
    "大学",
    "幼儿园",
    "医院",
    "公园",
    "市场",
    "山庄",
    "公馆",
    "华府",
    "新城",
    "国际",
    "安置区",
    "工业园",
    "产业园",
    "步行街",
    "地铁站",
    "车站",
    "号线",
    "楼盘",
    "项目",
    "中心",
    "胡同",
    "弄堂",
    "大院",
    "大桥",
    "一中",
    "二中",
    "三中",
    "四中",
    "五中",
    "六中",
    "七中",
    "八中",
    "九中",
];
/// The endings of one character.
const ENDING_CHARS: &str = "县区镇乡村组路街巷苑园城湾府庭郡里庄湖桥站栋期坪岭塘洲岛";

/// Characters before an ending of one character that make an ordinary word with it: `马路`, `夜里`, `网站` name nothing.
const WORD_BEFORE: [(char, &str); 22] = [
    ('县', "全本各该市区"),
    ('区', "地市辖景城军校选特产全矿分老本赛各防该教库片住宅务海"),
    ('镇', "乡城坐本全各该集"),
    ('乡', "城故家老下回同外本"),
    ('村', "农全本各邻咱该同进乡山"),
    ('组', "小重改党机编剧班分各本全"),
    ('路', "铁公道线思走出电水小行半退引套带拦让修绕拐弯岔迷沿顺马过问挡占堵一"),
    ('街', "逛沿小老上"),
    ('巷', "小"),
    ('园', "校乐果菜茶竹陵庭后墓"),
    ('城', "县全省名书进"),
    ('湾', "港"),
    ('府', "政官"),
    ('庭', "家法开前出"),
    ('里', "这那哪家手心嘴屋眼怀夜城院房公店肚厂棚省车班沟头部兜邻楼话水户桶池校区梯道"),
    ('庄', "村农"),
    ('湖', "江工"),
    ('桥', "交天行"),
    ('站', "网驿基总泵分交油电费圾转务生气作递"),
    ('栋', "整每这那几各楼"),
    ('岛', "全半孤"),
    ('期', "时长任早日初后周中预同短定前晚近为到过延学假工逾限末当每效结修保费"),
];
/// Characters after one that do: `路灯`, `城市`.
const WORD_AFTER: [(char, &str); 9] = [
    ('区', "域别"),
    ('组', "织成合建装件"),
    ('路', "灯面况费过线程障"),
    ('城', "市管乡"),
    ('庭', "审"),
    ('湖', "南北"),
    ('里', "面程"),
    ('站', "台点牌长岗"),
    ('期', "间限望待刊满末权"),
];

/// Characters of grammar, which names are not made of.
const NO_NAME: &str = "的了在到是被把我们你您他她没很就也都还跟让给";

/// The side of a cell of coordinates, in degrees: about 300 metres.
const CELL_DEGREES: f64 = 0.003;

/// The cells of two grids, one half a cell off the other, as terms: who is near shares one of them at least.
pub fn cells((latitude, longitude): (f64, f64)) -> [u32; 2] {
    [0.0, 0.5].map(|offset| {
        let cell = |degrees: f64| (degrees / CELL_DEGREES + offset).floor() as i64;
        let mut hasher = FxHasher::default();
        [(offset * 2.0) as i64, cell(latitude), cell(longitude)].into_iter().for_each(|part| hasher.write_i64(part));
        folded_hash(hasher.finish())
    })
}

/// By character of a folded text: whether it belongs to a place's name or ending.
pub fn mark(folded: &[char]) -> Vec<bool> {
    let mut marked = vec![false; folded.len()];
    let mut at = 0;
    while at < folded.len() {
        let Some(length) = ending(folded, at) else {
            at += 1;
            continue;
        };
        let most = if is_organisation(&folded[at..at + length]) { ORGANISATION_CHARS } else { NAME_CHARS };
        let name = folded[..at].iter().rev().take(most).take_while(|&&c| is_word(c)).count();
        if name > 0 {
            marked[at - name..at + length].fill(true);
        }
        at += length;
    }
    marked
}

/// Where each place's name ends, one past its ending.
pub fn ends(folded: &[char]) -> Vec<usize> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < folded.len() {
        let length = ending(folded, at);
        at += length.unwrap_or(1);
        found.extend(length.map(|_| at));
    }
    found
}

/// Whether a name may be made of it.
pub fn is_of_name(c: char) -> bool {
    is_word(c) && !NO_NAME.contains(c)
}

fn is_organisation(ending: &[char]) -> bool {
    ORGANISATIONS.iter().any(|organisation| organisation.chars().eq(ending.iter().copied()))
}

/// The length of the ending that begins there, the longest one.
fn ending(text: &[char], at: usize) -> Option<usize> {
    let Endings { of, begun } = endings();
    let by = of[(text[at] as usize).checked_sub(FIRST as usize).filter(|at| *at < of.len())?];
    let begun = &begun[usize::from(by.checked_sub(1)?)];
    let rest = &text[at + 1..];
    let follows = |ending: &&Vec<char>| ending.len() <= rest.len() && ending.iter().zip(rest).all(|(a, b)| a == b);
    let longer = begun.longer.iter().find(follows);
    longer.map(|ending| 1 + ending.len()).or_else(|| begun.is_one(text, at).then_some(1))
}

const FIRST: char = '\u{4E00}';
const LAST: char = '\u{9FFF}';

/// The endings by their first character. The question is asked of every character of a text and mostly answered no: a
/// byte each, from [`FIRST`] on, stays in the cache.
struct Endings {
    /// Which of `begun`, and one.
    of: Vec<u8>,
    begun: Vec<Begun>,
}

/// What a character begins.
#[derive(Default)]
struct Begun {
    /// What follows it in the endings of more than one character, the longest first.
    longer: Vec<Vec<char>>,
    /// It is an ending by itself,
    alone: bool,
    /// but not after or before these, with which it makes an ordinary word.
    word_before: Vec<char>,
    word_after: Vec<char>,
}

impl Begun {
    fn is_one(&self, text: &[char], at: usize) -> bool {
        let before = text[..at].last().is_some_and(|before| self.word_before.contains(before));
        self.alone && !before && text.get(at + 1).is_none_or(|after| !self.word_after.contains(after))
    }
}

fn endings() -> &'static Endings {
    static ENDINGS_BEGUN: OnceLock<Endings> = OnceLock::new();
    ENDINGS_BEGUN.get_or_init(|| {
        let mut table = Endings { of: vec![0; LAST as usize - FIRST as usize + 1], begun: Vec::new() };
        for ending in ENDINGS.iter().chain(&ORGANISATIONS) {
            let mut ending = ending.chars();
            if let Some(first) = ending.next() {
                table.begun_by(first).longer.push(ending.collect());
            }
        }
        for ending in ENDING_CHARS.chars() {
            let with = |words: &[(char, &'static str)]| {
                words.iter().find(|(of, _)| *of == ending).map_or("", |(_, with)| with).chars()
            };
            let begun = table.begun_by(ending);
            begun.alone = true;
            begun.word_before = with(&WORD_BEFORE).chain(NO_NAME.chars()).collect();
            begun.word_after = with(&WORD_AFTER).collect();
        }
        table.begun.iter_mut().for_each(|begun| begun.longer.sort_by_key(|ending| Reverse(ending.len())));
        table
    })
}

impl Endings {
    fn begun_by(&mut self, first: char) -> &mut Begun {
        let by = &mut self.of[first as usize - FIRST as usize];
        if *by == 0 {
            self.begun.push(Begun::default());
            *by = self.begun.len() as u8;
        }
        &mut self.begun[usize::from(*by) - 1]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detect::text::fold;

    fn marked(text: &str) -> String {
        let folded = fold(text);
        folded.iter().zip(mark(&folded)).filter(|(_, marked)| *marked).map(|(c, _)| c).collect()
    }

    #[test]
    fn who_is_near_shares_a_cell() {
        let at = |latitude, longitude| cells((latitude, longitude));
        let share = |one: [u32; 2], other: [u32; 2]| one.iter().any(|cell| other.contains(cell));
        for step in 0..40 {
            let here = 31.2 + f64::from(step) * CELL_DEGREES / 20.0;
            assert!(share(at(here, 121.47), at(here + CELL_DEGREES / 3.0, 121.47)), "a hundred metres, at {here}");
            assert!(!share(at(here, 121.47), at(here + CELL_DEGREES * 1.5, 121.47)), "half a kilometre, at {here}");
        }
    }

    #[test]
    fn what_stands_before_an_ending_is_a_name() {
        assert_eq!(marked("投诉，清水湾小区噪音"), "清水湾小区");
        assert_eq!(marked("晚上施工，桃园路太吵"), "桃园路");
        assert_eq!(marked("路太吵"), "", "an ending alone names nothing");
        assert_eq!(marked("补贴何时发放"), "");
        assert_eq!(marked("夜里马路上快递驿站门口路灯不亮"), "", "words that end like places");
        assert_eq!(marked("清水湾小区的路太窄，韶山路路灯不亮"), "清水湾小区韶山路");
        assert_eq!(marked("反映，云杉精密机械有限公司欠薪"), "云杉精密机械有限公司", "an organisation is a place too");
    }
}
