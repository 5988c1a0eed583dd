//! An objection (职责异议) to a task: the levels that settle it, and which earlier rulings are like it.

use super::coded::coded;

coded! {
    /// Who settles it: the coordinator, else the units that keep the duty lists are consulted, else a leader designates.
    pub enum ObjectionLevel {
        Coordinator = "coordinator" "协调员裁定",
        Consultation = "consultation" "会商",
        Leader = "leader" "领导指定",
    }
}

impl ObjectionLevel {
    /// Working days it has at a level.
    pub fn days(self) -> i64 {
        match self {
            ObjectionLevel::Coordinator => 3,
            ObjectionLevel::Consultation | ObjectionLevel::Leader => 5,
        }
    }
}

/// From how alike on a ruling is worth showing, of 1.
const ALIKE_FROM: f64 = 0.5;

/// How alike two tasks' titles or two cited clauses are; `None` when neither is worth a look.
pub fn likeness(title: &str, clause: &str, other_title: &str, other_clause: &str) -> Option<f64> {
    let of_clauses = if clause.is_empty() { 0.0 } else { strsim::normalized_levenshtein(clause, other_clause) };
    let likeness = strsim::normalized_levenshtein(title, other_title).max(of_clauses);
    (likeness >= ALIKE_FROM).then_some(likeness)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_like_title_or_the_same_clause_makes_a_precedent() {
        let clause = "权责清单第12条";
        assert!(likeness("实验小学门口现场踏勘", "", "育才小学门口现场踏勘", clause).is_some());
        assert!(likeness("落实经费", clause, "施划即停即走区", clause).is_some());
        assert_eq!(likeness("落实经费", "", "施划即停即走区", clause), None);
    }
}
