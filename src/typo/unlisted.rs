//! How likely a name is as somebody's own: a three-letter model of names, learned from the known ones. Short and
//! pronounceable names are likely to be real, `gmail.con` and `hotmzil.com` are not.

/// a–z, digits, dot, hyphen, anything else, end.
const KINDS: usize = 40;
const END: usize = 39;
/// A context speaks for itself when it was seen about this often.
const HALF: f32 = 2.0;

/// The model: natural logarithms by the two letters before and the letter.
#[derive(Debug, Clone)]
pub struct Unlisted {
    log: Vec<f32>,
}

impl Unlisted {
    /// Learns how names look. Every name counts the same, however popular.
    pub fn learn<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        let mut three = vec![0f32; KINDS * KINDS * KINDS];
        let mut two = vec![0f32; KINDS * KINDS];
        let mut one = vec![0f32; KINDS];
        for name in names {
            let mut context = (END, END);
            for k in kinds(name) {
                three[(context.0 * KINDS + context.1) * KINDS + k] += 1.0;
                two[context.1 * KINDS + k] += 1.0;
                one[k] += 1.0;
                context = (context.1, k);
            }
        }
        let all: f32 = one.iter().sum();
        let single = |k: usize| (one[k] + 0.5) / (all + 0.5 * KINDS as f32);
        let sums2: Vec<f32> = two.chunks(KINDS).map(|c| c.iter().sum()).collect();
        let double = |b: usize, k: usize| (two[b * KINDS + k] + 2.0 * HALF * single(k)) / (sums2[b] + 2.0 * HALF);
        let mut log = vec![0f32; three.len()];
        for ab in 0..KINDS * KINDS {
            let row = &three[ab * KINDS..(ab + 1) * KINDS];
            let sum: f32 = row.iter().sum();
            for k in 0..KINDS {
                log[ab * KINDS + k] = ((row[k] + HALF * double(ab % KINDS, k)) / (sum + HALF)).ln();
            }
        }
        Unlisted { log }
    }

    /// P(name | somebody's own).
    pub fn probability(&self, name: &str) -> f64 {
        let mut context = (END, END);
        let mut sum = 0f32;
        for k in kinds(name) {
            sum += self.log[(context.0 * KINDS + context.1) * KINDS + k];
            context = (context.1, k);
        }
        f64::from(sum).exp()
    }
}

fn kinds(name: &str) -> impl Iterator<Item = usize> + '_ {
    let kind = |b: u8| match b {
        b'a'..=b'z' => usize::from(b - b'a'),
        b'0'..=b'9' => 26 + usize::from(b - b'0'),
        b'.' => 36,
        b'-' => 37,
        _ => 38,
    };
    name.bytes().map(kind).chain([END])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_and_spoken_names_are_likelier() {
        let model = Unlisted::learn(super::super::popular::Popular::shipped().names());
        let p = |n: &str| model.probability(n);
        assert!(p("tma.com") > 100.0 * p("gmzil.com"));
        assert!(p("marino.com") > 100.0 * p("xqzkvj.com"));
        assert!(p("gmail.com") > 50.0 * p("gmail.con"));
        let two: f64 = (b'a'..=b'z').map(|c| p(&format!("{}.com", c as char))).sum();
        assert!(two < 1.0);
    }
}
