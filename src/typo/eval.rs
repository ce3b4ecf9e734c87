//! How good the model is: (typed, meant) pairs made or given, against names that are nobody's typo, over the whole range of
//! thresholds. The made pairs follow no parameter of the model: every kind as often, every place and letter too.

use std::{collections::BTreeMap, fmt};

pub use super::made::{generate, limit, synthetic};
use super::{
    Edit, Explainer, THRESHOLD,
    domain::{clean_address, domain_or_all},
};

/// Longer stems are counted together.
const MAX_LENGTH: usize = 8;

/// A name, what was meant, and how it came about where that is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pair {
    /// As typed.
    pub typed: String,
    /// As meant.
    pub meant: String,
    /// In order; empty when not known.
    pub edits: Vec<Edit>,
}

/// Names of one sort that are nobody's typo.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unrelated {
    /// `real`, `short`, `synthetic`.
    pub sort: String,
    /// The names.
    pub names: Vec<String>,
}

/// What one threshold gives.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Point {
    /// The threshold.
    pub threshold: f64,
    /// Share of pairs of one edit, and of two, whose first candidate is the name meant.
    pub right: [f64; 2],
    /// Share of pairs explained by a wrong name.
    pub wrong: f64,
    /// Share explained, by sort of unrelated names.
    pub false_explanations: Vec<f64>,
}

/// The score of a model.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Evaluation {
    /// Pairs of one edit, and of two.
    pub pairs: [usize; 2],
    /// Pairs whose typed name is itself listed, or the very name meant.
    pub left_out: usize,
    /// Of rightly explained pairs with known edits: named rightly, all.
    pub kinds: (usize, usize),
    /// Kinds taken for another, most often first: the true one, the one named, how often.
    pub confused: Vec<(String, String, usize)>,
    /// Of pairs of one edit by the length of what stands before the first dot of the name meant (the last counts all
    /// longer ones): how many, how many right, and how many typed names lie one edit from a more popular name too,
    /// where no model that trusts popularity can be right.
    pub lengths: BTreeMap<usize, [usize; 3]>,
    /// The most of the pairs of one edit that any model could get right, where they were made ([`limit`]).
    pub limit: Option<f64>,
    /// Sorts of unrelated names, with how many there are.
    pub sorts: Vec<(String, usize)>,
    /// From lax to strict.
    pub curve: Vec<Point>,
}

/// Scores `explainer`. Pairs whose typed name is itself known are left out: nobody can call these typos.
pub fn evaluate(explainer: &Explainer<'_>, pairs: &[Pair], unrelated: &[Unrelated]) -> Evaluation {
    const THRESHOLDS: [f64; 14] = [0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.999];
    let mut evaluation = Evaluation::default();
    let mut confused = BTreeMap::new();
    // Per pair: one or two edits, right, probability.
    let mut outcomes: Vec<(usize, bool, f64)> = Vec::new();
    for pair in pairs {
        let [typed, meant] = [&pair.typed, &pair.meant].map(|name| clean_address(name));
        let [wrong, right] = [&typed, &meant].map(|name| domain_or_all(name));
        if typed == meant || (explainer.knows_domain(wrong) && wrong != right) {
            evaluation.left_out += 1;
            continue;
        }
        let twice =
            usize::from(if pair.edits.is_empty() { super::distance(&typed, &meant) > 1 } else { pair.edits.len() > 1 });
        evaluation.pairs[twice] += 1;
        let best = explainer.explain_address(&typed, None).into_iter().next();
        let found = best.as_ref().is_some_and(|b| clean_address(&b.intended) == meant);
        let sure = best.as_ref().filter(|b| b.probability >= THRESHOLD);
        if let Some(best) = sure.filter(|_| found && !pair.edits.is_empty()) {
            let same = same_kinds(&best.edits, &pair.edits);
            evaluation.kinds.0 += usize::from(same);
            evaluation.kinds.1 += 1;
            if !same {
                *confused.entry((names(&pair.edits), names(&best.edits))).or_insert(0) += 1;
            }
        }
        if twice == 0 {
            let row = evaluation.lengths.entry(right.find('.').unwrap_or(right.len()).min(MAX_LENGTH)).or_default();
            row[0] += 1;
            row[1] += usize::from(found && sure.is_some());
            row[2] += usize::from(explainer.domains.outranked(wrong, right));
        }
        outcomes.push((twice, found, best.map_or(0.0, |b| b.probability)));
    }
    evaluation.confused = confused.into_iter().map(|((a, b), n)| (a, b, n)).collect();
    evaluation.confused.sort_by(|x, y| y.2.cmp(&x.2).then_with(|| (&x.0, &x.1).cmp(&(&y.0, &y.1))));
    let explained: Vec<Vec<f64>> = unrelated
        .iter()
        .map(|u| {
            u.names.iter().map(|n| explainer.explain_address(n, None).first().map_or(0.0, |c| c.probability)).collect()
        })
        .collect();
    evaluation.sorts = unrelated.iter().map(|u| (u.sort.clone(), u.names.len())).collect();
    let share = |n: usize, of: usize| if of == 0 { 0.0 } else { n as f64 / of as f64 };
    evaluation.curve = THRESHOLDS
        .iter()
        .map(|&threshold| {
            let count = |keep: &dyn Fn(&(usize, bool, f64)) -> bool| {
                outcomes.iter().filter(|o| o.2 >= threshold && keep(o)).count()
            };
            Point {
                threshold,
                right: [0, 1].map(|t| share(count(&|o| o.0 == t && o.1), evaluation.pairs[t])),
                wrong: share(count(&|o| !o.1), outcomes.len()),
                false_explanations: explained
                    .iter()
                    .map(|e| share(e.iter().filter(|p| **p >= threshold).count(), e.len()))
                    .collect(),
            }
        })
        .collect();
    evaluation
}

/// Insertion and repetition are one where a letter is doubled (INTERFACE.md).
fn same_kinds(a: &[Edit], b: &[Edit]) -> bool {
    let fold = |edits: &[Edit]| {
        let mut folded: Vec<Edit> =
            edits.iter().map(|e| if *e == Edit::Repetition { Edit::Insertion } else { *e }).collect();
        folded.sort_unstable();
        folded
    };
    fold(a) == fold(b)
}

fn names(edits: &[Edit]) -> String {
    edits.iter().map(|e| e.name()).collect::<Vec<_>>().join("+")
}

impl fmt::Display for Evaluation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [one, two] = self.pairs;
        writeln!(f, "pairs: {one} of one edit, {two} of two; left out, listed names: {}", self.left_out)?;
        let (right, all) = self.kinds;
        writeln!(f, "edit kinds named rightly: {right} of {all} ({:.2} %)", 100.0 * right as f64 / all.max(1) as f64)?;
        for (truth, named, n) in self.confused.iter().take(8) {
            writeln!(f, "  {truth} called {named}: {n}")?;
        }
        let all = self.lengths.values().fold([0; 3], |sum, row| [0, 1, 2].map(|i| sum[i] + row[i]));
        writeln!(f, "one edit, by letters before the first dot (at {THRESHOLD}):")?;
        writeln!(f, "  letters   pairs   right  also one edit from a more popular name")?;
        let rows = self.lengths.iter().map(|(length, row)| {
            let more = if *length == MAX_LENGTH { "+" } else { " " };
            (format!("{length}{more}"), *row)
        });
        for (length, [n, right, outranked]) in rows.chain([("all ".to_owned(), all)]) {
            let share = |of: usize| 100.0 * of as f64 / n.max(1) as f64;
            writeln!(f, "  {length:>7}  {n:6}  {:5.1}%  {:5.1}%", share(right), share(outranked))?;
        }
        if let Some(limit) = self.limit {
            writeln!(
                f,
                "one edit, the most any model could get right that knew how they were made: {:.2}%",
                100.0 * limit
            )?;
        }
        write!(f, "threshold  one edit  two edits  wrong name")?;
        for (sort, n) in &self.sorts {
            write!(f, "  {sort} ({n})")?;
        }
        writeln!(f)?;
        for p in &self.curve {
            write!(
                f,
                "{:9.3}  {:7.2}%  {:8.2}%  {:9.2}%",
                p.threshold,
                100.0 * p.right[0],
                100.0 * p.right[1],
                100.0 * p.wrong
            )?;
            for (share, (sort, n)) in p.false_explanations.iter().zip(&self.sorts) {
                let width = sort.len() + n.to_string().len() + 4;
                write!(f, "{:>w$}", format!("{:.2}%", 100.0 * share), w = width + 1)?;
            }
            writeln!(f)?;
        }
        Ok(())
    }
}
