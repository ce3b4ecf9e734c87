//! The weights of [`Signs`] fitted to slips beside names that are somebody's own: a logistic regression, drawn towards
//! the weights before it as far as names held out demand.

use super::{
    Confirmed, Explainer,
    domain::{clean_address, domain_or_all},
    signs::{SIGNS, Signs, share},
};

/// How strongly the weights are held to those before, from loosely to firmly.
const HOLDS: [f64; 4] = [1.0, 10.0, 100.0, 1000.0];
/// Each part of the names is held out once.
const PARTS: u64 = 5;
/// Fewer slips, or fewer names that are none, teach nothing.
const FEW: usize = 20;
/// Newton's steps, and the gain below which they end.
const STEPS: usize = 60;
const STILL: f64 = 1e-9;
const HALVINGS: usize = 30;

/// What the weights were fitted to, and how well they serve names that they were not fitted to.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Judged {
    /// Slips rightly explained.
    pub slips: usize,
    /// Names that are no slip and lie near a known one.
    pub strangers: usize,
    /// Mean surprise (in nats, both sorts counting the same) on names held out, with the weights before and the fitted
    /// ones.
    pub held_out: [f64; 2],
}

/// One name with a known answer.
struct Row {
    signs: [f64; SIGNS],
    slip: bool,
    part: u64,
}

/// Fits the weights to domains with a known answer; those in use where these teach nothing or do not serve better.
/// Names are held out as a whole, with all their slips.
pub fn judge(confirmed: &[Confirmed], explainer: &Explainer<'_>) -> (Signs, Judged) {
    let before = explainer.channel.signs;
    let rows: Vec<Row> = confirmed.iter().filter_map(|pair| row(pair, explainer)).collect();
    let slips = rows.iter().filter(|r| r.slip).count();
    let mut judged = Judged { slips, strangers: rows.len() - slips, held_out: [0.0; 2] };
    if judged.slips.min(judged.strangers) < FEW {
        return (before, judged);
    }
    judged.held_out = [surprise(&rows, |_| before); 2];
    let mut best = None;
    for hold in HOLDS {
        let parts: Vec<Signs> =
            (0..PARTS).map(|out| fit(rows.iter().filter(|r| r.part != out), &before, hold)).collect();
        let surprised = surprise(&rows, |part| parts.get(part as usize).copied().unwrap_or(before));
        if surprised < judged.held_out[1] {
            (judged.held_out[1], best) = (surprised, Some(hold));
        }
    }
    (best.map_or(before, |hold| fit(rows.iter(), &before, hold)), judged)
}

/// `None` for what teaches nothing: wrong usernames, known names, names near none, and slips of another name than the
/// one that seems meant.
fn row(pair: &Confirmed, explainer: &Explainer<'_>) -> Option<Row> {
    let domain = |name: &str| domain_or_all(&clean_address(name)).to_owned();
    let (typed, meant) = (domain(&pair.typed), pair.meant.as_deref().map(domain));
    let (intended, signs) = explainer.domains.signs(&typed, &explainer.channel)?;
    let held = crate::hash::fnv1a(meant.as_deref().unwrap_or(&typed).as_bytes()) % PARTS;
    let slip = meant.is_some();
    (meant.as_deref().is_none_or(|meant| meant == intended && meant != typed)).then(|| Row {
        signs: signs.all(),
        slip,
        part: held,
    })
}

/// Mean negative logarithm of the probability given to the truth; each sort of names weighs half.
fn surprise(rows: &[Row], weights: impl Fn(u64) -> Signs) -> f64 {
    let mut sums = [(0.0, 0.0); 2];
    for row in rows {
        let odds = weights(row.part).weigh(&Signs::from_all(row.signs));
        let sum = &mut sums[usize::from(row.slip)];
        *sum = (sum.0 - share(if row.slip { odds } else { -odds }).max(f64::MIN_POSITIVE).ln(), sum.1 + 1.0);
    }
    sums.iter().map(|(sum, n)| 0.5 * sum / f64::max(*n, 1.0)).sum()
}

/// Newton's method; each sort of names weighs the same, however many of it there are.
fn fit<'r>(rows: impl Iterator<Item = &'r Row>, before: &Signs, hold: f64) -> Signs {
    let rows: Vec<&Row> = rows.collect();
    let slips = rows.iter().filter(|r| r.slip).count();
    let worth = [rows.len() - slips, slips].map(|n| 0.5 * rows.len() as f64 / n.max(1) as f64);
    let first = before.all();
    // A sign that varies much is held by its weight's worth, not by its size.
    let scale: [f64; SIGNS] = std::array::from_fn(|i| {
        let mean = |of: &dyn Fn(&Row) -> f64| rows.iter().map(|r| of(r)).sum::<f64>() / rows.len().max(1) as f64;
        let middle = mean(&|r| r.signs[i]);
        mean(&|r| (r.signs[i] - middle).powi(2)).max(1e-6)
    });
    let loss = |weights: &[f64; SIGNS]| {
        let held: f64 = (0..SIGNS).map(|i| hold * scale[i] * (first[i] - weights[i]).powi(2)).sum();
        let weights = Signs::from_all(*weights);
        let each = rows.iter().map(|row| {
            let odds = weights.weigh(&Signs::from_all(row.signs));
            worth[usize::from(row.slip)] * softplus(if row.slip { -odds } else { odds })
        });
        held / 2.0 + each.sum::<f64>()
    };
    let (mut weights, mut least) = (first, loss(&first));
    for _ in 0..STEPS {
        let mut slope: [f64; SIGNS] = std::array::from_fn(|i| hold * scale[i] * (first[i] - weights[i]));
        let mut bend = [[0.0; SIGNS]; SIGNS];
        for (i, row) in bend.iter_mut().enumerate() {
            row[i] = hold * scale[i];
        }
        for row in &rows {
            let p = share(Signs::from_all(weights).weigh(&Signs::from_all(row.signs)));
            let worth = worth[usize::from(row.slip)];
            let (miss, weight) = (worth * (f64::from(u8::from(row.slip)) - p), worth * p * (1.0 - p));
            for (i, bent) in bend.iter_mut().enumerate() {
                slope[i] += miss * row.signs[i];
                bent.iter_mut().zip(row.signs).for_each(|(to, sign)| *to += weight * row.signs[i] * sign);
            }
        }
        let mut step = solve(bend, slope);
        // A step too far is halved until it helps.
        let better = (0..HALVINGS).find_map(|_| {
            let there = std::array::from_fn(|i| weights[i] + step[i]);
            step.iter_mut().for_each(|s| *s /= 2.0);
            Some((there, loss(&there))).filter(|(_, found)| *found < least)
        });
        let Some((there, found)) = better else {
            break;
        };
        let still = least - found < STILL * least;
        (weights, least) = (there, found);
        if still {
            break;
        }
    }
    Signs::from_all(weights)
}

/// ln(1 + e^x), however large x is.
fn softplus(x: f64) -> f64 {
    x.max(0.0) + (-x.abs()).exp().ln_1p()
}

/// x of `a x = b`, by elimination; `a` is symmetric and positive.
fn solve(mut a: [[f64; SIGNS]; SIGNS], mut b: [f64; SIGNS]) -> [f64; SIGNS] {
    for k in 0..SIGNS {
        let (row, value) = (a[k], b[k]);
        for i in k + 1..SIGNS {
            let factor = a[i][k] / row[k];
            a[i].iter_mut().zip(row).for_each(|(to, from)| *to -= factor * from);
            b[i] -= factor * value;
        }
    }
    for k in (0..SIGNS).rev() {
        let known: f64 = (k + 1..SIGNS).map(|j| a[k][j] * b[j]).sum();
        b[k] = (b[k] - known) / a[k][k];
    }
    b
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_known_curve_is_found_again() {
        let mut state = 3u64;
        let mut below = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as f64 / (1u64 << 31) as f64
        };
        let truth = Signs { base: 0.5, slips: 1.5, letters: -0.5, ..Signs::default() };
        let rows: Vec<Row> = (0..20_000)
            .map(|n| {
                let signs = Signs { base: 1.0, slips: 4.0 * below() - 2.0, letters: 6.0 * below() - 3.0, ..truth };
                let signs = Signs { meant: 0.0, ..signs };
                Row { signs: signs.all(), slip: below() < share(truth.weigh(&signs)), part: n % PARTS }
            })
            .collect();
        let found = fit(rows.iter(), &Signs::default(), 1.0);
        assert!((found.slips - truth.slips).abs() < 0.1 && (found.letters - truth.letters).abs() < 0.05, "{found:?}");
        // The fuller sort weighs no more than the other: the base is that of even odds.
        assert!(found.base.abs() < truth.base && surprise(&rows, |_| found) < surprise(&rows, |_| Signs::default()));
        let held = fit(rows.iter(), &truth, 1e9);
        assert!((held.slips - truth.slips).abs() < 1e-3, "{held:?}");
    }

    #[test]
    fn equations_are_solved() {
        let mut a = [[0.5; SIGNS]; SIGNS];
        (0..SIGNS).for_each(|i| a[i][i] = 2.0 + i as f64);
        let x: [f64; SIGNS] = std::array::from_fn(|i| i as f64 - 3.0);
        let b: [f64; SIGNS] = std::array::from_fn(|i| (0..SIGNS).map(|j| a[i][j] * x[j]).sum());
        assert!(solve(a, b).iter().zip(x).all(|(found, x)| (found - x).abs() < 1e-9));
    }
}
