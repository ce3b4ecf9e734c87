//! How somebody's own names look, fitted to names held out: the parameters under which names that the letters were not
//! counted from are least surprising.

use super::{parameters::Strangers, unlisted::Unlisted};

/// Of the names one in so many is asked about and not counted; another one in so many tells how well that went.
const PARTS: u64 = 5;
/// At most so many are asked about.
const MAX_ASKED: usize = 4_000;
/// Fewer known names teach nothing.
const FEW: usize = 500;
/// Each parameter is tried this much larger and smaller, in turn, as long as it helps.
const STRIDES: [f64; 3] = [2.0, 1.3, 1.1];
/// A gain of so many nats a name is worth another round.
const GAIN: f64 = 1e-4;
const MAX_ROUNDS: usize = 20;

/// The parameters that names can tell.
const FITTED: [fn(&mut Strangers) -> &mut f64; 6] = [
    |s| &mut s.joined,
    |s| &mut s.ends,
    |s| &mut s.initials,
    |s| &mut s.short_half,
    |s| &mut s.long_half,
    |s| &mut s.tail_half,
];

/// Fitted parameters, and the mean surprise (nats a name) at names that had no part in it, before and after; `base` where
/// the names are too few or it does not serve better.
pub fn fit_strangers(names: &[&str], base: Strangers) -> (Strangers, [f64; 2]) {
    if names.len() < FEW {
        return (base, [0.0; 2]);
    }
    let part = |name: &&&str| crate::hash::fnv1a(name.as_bytes()) % PARTS;
    let asked = |of: u64| names.iter().filter(|n| part(n) == of).take(MAX_ASKED).copied().collect::<Vec<_>>();
    let (chosen_by, told_by) = (asked(0), asked(1));
    let counted: Vec<&str> = names.iter().filter(|n| part(n) > 1).copied().collect();
    let surprise = |with: Strangers, at: &[&str]| {
        let model = Unlisted::learn(counted.iter().copied(), with);
        let each = at.iter().map(|name| {
            let (letters, tail) = model.ln_parts(name, "");
            -letters - tail
        });
        each.sum::<f64>() / at.len().max(1) as f64
    };
    let (mut best, mut least) = (base, surprise(base, &chosen_by));
    for stride in STRIDES {
        for _ in 0..MAX_ROUNDS {
            let before = least;
            for place in FITTED {
                for factor in [stride, 1.0 / stride] {
                    let mut other = best;
                    *place(&mut other) *= factor;
                    if !other.is_sound() {
                        continue;
                    }
                    let surprised = surprise(other, &chosen_by);
                    if surprised < least {
                        (best, least) = (other, surprised);
                        break;
                    }
                }
            }
            if before - least < GAIN {
                break;
            }
        }
    }
    let told = [surprise(base, &told_by), surprise(best, &told_by)];
    if told[1] < told[0] { (best, told) } else { (base, [told[0]; 2]) }
}

#[cfg(test)]
mod tests {
    use super::{
        super::{Parameters, Popular},
        *,
    };

    #[test]
    fn wrong_parameters_are_mended() {
        let (shipped, popular) = (Parameters::shipped().unwrap().strangers, Popular::shipped());
        let names: Vec<&str> = popular.names().take(800).collect();
        let wrong = Strangers { initials: 0.9, short_half: 400.0, ..shipped };
        let (mended, told) = fit_strangers(&names, wrong);
        assert!(told[1] < told[0] - 0.2, "{told:?}");
        assert!(mended.initials < 0.6 && mended.short_half < 100.0, "{mended:?}");
        assert_eq!(fit_strangers(&names[..100], wrong).0, wrong);
    }
}
