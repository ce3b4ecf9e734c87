//! A mistyped domain and what it was meant to be: candidates within two slips, weighed by the noisy channel against
//! the name being somebody's own.

use std::borrow::Cow;

use hashbrown::{HashMap, HashSet};

use super::{
    Candidate, Edit,
    census::Census,
    edit::{self, MAX_EDITS, changes},
    homes, homoglyph,
    index::{Index, Scratch},
    parameters::{Parameters, stem},
    popular::Popular,
    signs::{self, Signs},
    unlisted::{self, Unlisted},
    words,
};
use crate::address::domain_of;

/// Candidates below this are not told.
const FAINT: f64 = 0.001;
/// At most so many are told.
const MAX_TOLD: usize = 8;
/// Letters from which a name is its owner's under whatever suffix.
const OWN_STEM: usize = 7;
/// Mails that a domain took that make it one our users write to.
const OFTEN: u64 = 5;
/// The names that everybody's users write to, and letters from which theirs are no common words (`mail`, `live`).
const GIANTS: usize = 16;
const GIANT_STEM: usize = 5;
/// The longest domain DNS carries, in bytes; a longer one is nobody's.
const MAX_DOMAIN: usize = 253;

/// The names that may have been meant, each with its prior, and the model of those that nobody listed.
#[derive(Debug, Clone)]
pub(super) struct Domains {
    index: Index,
    priors: Vec<f64>,
    ranks: HashMap<Box<str>, u32>,
    /// Sorted: hash of the stem, name.
    stems: Vec<(u64, u32)>,
    /// Those whose stem, dead under another suffix, was meant to be theirs.
    whose_stem: HashSet<u32>,
    unlisted: Unlisted,
}

/// One candidate before normalisation.
struct Weighed {
    name: u32,
    changes: Vec<edit::Change>,
    weight: f64,
}

impl Domains {
    pub(super) fn new(census: &Census<'_>, popular: &Popular, channel: &Parameters) -> Self {
        let own = census.domains();
        let (total, own_weight) =
            (census.mails() as f64, census.mails() as f64 / (census.mails() as f64 + channel.own_half));
        let weight = |rank: usize| (rank as f64 + 1.0 + channel.rank_offset).powf(-channel.rank_exponent);
        let all: f64 = (0..popular.names().len()).map(weight).sum();
        // Known names are read as typed ones are: a listed `xn--…` too is what its letters are.
        let mut priors: HashMap<Cow<'_, str>, f64> = HashMap::new();
        for (rank, name) in popular.names().enumerate() {
            *priors.entry(clean(name)).or_default() += (1.0 - own_weight) * weight(rank) / all;
        }
        for (name, mails) in &own {
            *priors.entry(clean(name)).or_default() += own_weight * *mails as f64 / total.max(1.0);
        }
        let mut sorted: Vec<(Cow<'_, str>, f64)> = priors.into_iter().filter(|(n, _)| n.len() <= MAX_DOMAIN).collect();
        sorted.sort_unstable_by(|a, b| b.1.total_cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        let index = Index::new(sorted.iter().map(|(n, _)| &**n));
        let mut stems: Vec<(u64, u32)> =
            sorted.iter().enumerate().map(|(i, (n, _))| (crate::hash::fnv1a(stem(n).as_bytes()), i as u32)).collect();
        stems.sort_unstable();
        let ranks: HashMap<Box<str>, u32> =
            sorted.iter().enumerate().map(|(i, (n, _))| (Box::from(&**n), i as u32)).collect();
        let long = |name: &str, least| unlisted::stem_length(name) >= least;
        let partners =
            own.iter().filter(|(name, mails)| *mails >= OFTEN && long(name, OWN_STEM)).map(|(name, _)| *name);
        let giants = popular.names().take(GIANTS).filter(|name| long(name, GIANT_STEM));
        Domains {
            whose_stem: partners.chain(giants).filter_map(|name| ranks.get(&*clean(name)).copied()).collect(),
            ranks,
            priors: sorted.iter().map(|(_, p)| *p).collect(),
            unlisted: Unlisted::learn(sorted.iter().map(|(n, _)| &**n), channel.strangers),
            index,
            stems,
        }
    }

    pub(super) fn knows(&self, name: &str) -> bool {
        self.ranks.contains_key(name)
    }

    /// Whether `typed` lies one edit from a name with a higher prior than `meant`.
    pub(super) fn outranked(&self, typed: &str, meant: &str) -> bool {
        let prior = |name: u32| self.priors[name as usize];
        let Some(meant) = self.ranks.get(meant).copied() else {
            return false;
        };
        self.index.near(typed, 1, &mut Scratch::default()).iter().any(|h| prior(h.name) > prior(meant))
    }

    /// The names that may have been meant by `typed`, whatever it is, with their ranks.
    pub(super) fn around(&self, typed: &str) -> Vec<(u32, &str)> {
        self.candidates(typed).into_iter().map(|n| (n, self.index.name(n))).collect()
    }

    /// What `typed` may have been meant to be. `dead`: how much likelier a slip's name is to be refused as it was than
    /// somebody's own is (1 when nothing is known).
    pub(super) fn explain(&self, typed: &str, dead: f64, channel: &Parameters) -> Vec<Candidate> {
        let typed = clean(typed);
        if typed.is_empty() || typed.len() > MAX_DOMAIN || self.knows(&typed) {
            return Vec::new();
        }
        let told = self.weigh(&typed, dead, channel, "");
        if !told.is_empty() {
            return told;
        }
        // `mail.gmial.com`: the slip is in the domain that somebody could register, not in the host before it.
        let mut rest = &*typed;
        while let Some((_, parent)) = rest.split_once('.') {
            if !parent.contains('.') || edit::tail_start(parent) == 0 || self.knows(parent) || homes::is_suffix(parent)
            {
                break;
            }
            let mut told = self.weigh(parent, dead, channel, &typed[..typed.len() - parent.len()]);
            // Under another's suffix (`somebody.github.io`) stands another's host.
            told.retain(|c| !c.edits.contains(&Edit::Tld) || !homes::exists(parent));
            if told.first().is_some_and(|c| c.probability >= 0.5) {
                return told;
            }
            rest = parent;
        }
        Vec::new()
    }

    fn weigh(&self, typed: &str, dead: f64, channel: &Parameters, before: &str) -> Vec<Candidate> {
        let weighed = self.weighed(typed, dead, channel);
        let Some(best) = weighed.first() else {
            return Vec::new();
        };
        let all: f64 = weighed.iter().map(|w| w.weight).sum();
        let odds = channel.signs.weigh(&self.signs_of(typed, best, best.weight / all));
        let slip = signs::share(odds + (dead * channel.slip / channel.unlisted).ln());
        let told = weighed.iter().take(MAX_TOLD).filter(|w| slip * w.weight / all >= FAINT);
        told.map(|w| {
            let (meant, shown) = (format!("{before}{}", self.index.name(w.name)), format!("{before}{typed}"));
            Candidate {
                words: words::tell(&shown, &meant, &w.changes),
                edits: w.changes.iter().map(|c| c.told()).collect(),
                probability: slip * w.weight / all,
                intended: written(meant),
            }
        })
        .collect()
    }

    /// The name that `typed` was most likely meant to be, and the signs that it was a slip at all.
    pub(super) fn signs(&self, typed: &str, channel: &Parameters) -> Option<(&str, Signs)> {
        let typed = clean(typed);
        if typed.is_empty() || typed.len() > MAX_DOMAIN || self.knows(&typed) {
            return None;
        }
        let weighed = self.weighed(&typed, 1.0, channel);
        let (best, all) = (weighed.first()?, weighed.iter().map(|w| w.weight).sum::<f64>());
        Some((self.index.name(best.name), self.signs_of(&typed, best, best.weight / all)))
    }

    fn signs_of(&self, typed: &str, best: &Weighed, share: f64) -> Signs {
        let meant = self.index.name(best.name);
        let (letters, tail) = self.unlisted.ln_parts(typed, meant);
        let (meant_letters, meant_tail) = self.unlisted.ln_parts(meant, meant);
        let digit = |c: &edit::Change| c.edit != Edit::Homoglyph && c.edit != Edit::Tld && c.has_digit();
        let prior = self.priors[best.name as usize];
        Signs {
            base: 1.0,
            meant: prior.ln(),
            slips: (best.weight / prior).ln(),
            letters,
            tail,
            meant_letters,
            meant_tail,
            alone: share.ln(),
            twice: flag(best.changes.len() > 1),
            digits: flag(best.changes.iter().any(digit)),
            length: unlisted::stem_length(typed).min(signs::MAX_LENGTH) as f64,
        }
    }

    /// The names that may have been meant, the likeliest first; `dead` as in [`Domains::explain`].
    fn weighed(&self, typed: &str, dead: f64, channel: &Parameters) -> Vec<Weighed> {
        let (mut weighed, mut elsewhere, mut one_slip): (Vec<Weighed>, Vec<usize>, bool) = Default::default();
        for name in self.candidates(typed) {
            let intended = self.index.name(name);
            let Some(found) = changes(intended, typed, channel).filter(|c| !c.is_empty()) else {
                continue;
            };
            let chars: Vec<char> = intended.chars().collect();
            let likelihood = channel.likelihood(&chars, &found);
            let other_suffix = found.len() == 1 && found[0].edit == Edit::Tld;
            if other_suffix && dead > 1.0 && self.whose_stem.contains(&name) {
                elsewhere.push(weighed.len());
            }
            one_slip |= found.len() == 1 && likelihood > 0.0;
            weighed.push(Weighed { name, changes: found, weight: self.priors[name as usize] * likelihood });
        }
        // Another suffix is another house, unless nobody lives there, our people write to this one, and no slip of one
        // letter explains it as well.
        for at in elsewhere.into_iter().filter(|_| !one_slip) {
            let one = &mut weighed[at];
            one.weight = one.weight.max(self.priors[one.name as usize] * channel.another_suffix());
        }
        weighed.retain(|one| one.weight > 0.0);
        weighed.sort_by(|a, b| b.weight.total_cmp(&a.weight).then(a.name.cmp(&b.name)));
        weighed
    }

    /// The numbers of the names that `typed` may come from, in order.
    fn candidates(&self, typed: &str) -> Vec<u32> {
        let mut scratch = Scratch::default();
        let mut found: Vec<u32> = self.index.near(typed, MAX_EDITS, &mut scratch).iter().map(|h| h.name).collect();
        for reading in homoglyph::readings(typed) {
            found.extend(self.ranks.get(&*reading));
            found.extend(self.index.near(&reading, 1, &mut scratch).iter().map(|h| h.name));
        }
        let key = crate::hash::fnv1a(stem(typed).as_bytes());
        let at = self.stems.partition_point(|(h, _)| *h < key);
        found.extend(self.stems[at..].iter().take_while(|(h, _)| *h == key).take(64).map(|(_, n)| n));
        // `yaho.cn`: a slip beside a country's second level left out.
        if let Some((head, country)) = typed.rsplit_once('.').filter(|(_, c)| c.len() == 2) {
            found.extend(self.index.near(&format!("{head}.com.{country}"), 1, &mut scratch).iter().map(|h| h.name));
        }
        found.sort_unstable();
        found.dedup();
        found
    }
}

/// A domain as mail writes it: the reverse of [`clean`].
fn written(shown: String) -> String {
    if shown.is_ascii() { shown } else { idna::domain_to_ascii(&shown).unwrap_or(shown) }
}

fn flag(yes: bool) -> f64 {
    f64::from(u8::from(yes))
}

/// The domain of an address; a text without `@` is one itself.
pub(super) fn domain_or_all(text: &str) -> &str {
    if text.contains('@') { domain_of(text) } else { text }
}

/// An address, or a domain, with its domain as people see it.
pub(super) fn clean_address(text: &str) -> String {
    let folded = crate::address::fold(text);
    let domain = domain_or_all(&folded);
    format!("{}{}", &folded[..folded.len() - domain.len()], clean(domain))
}

/// A domain as people see it: folded, without dots at its ends, punycode shown as letters.
pub(super) fn clean(domain: &str) -> Cow<'_, str> {
    let folded = crate::address::fold(domain);
    let folded = match folded {
        Cow::Borrowed(d) => Cow::Borrowed(d.trim_matches('.')),
        Cow::Owned(d) => Cow::Owned(d.trim_matches('.').to_owned()),
    };
    if folded.split('.').any(|label| label.starts_with("xn--")) {
        let (shown, sound) = idna::domain_to_unicode(&folded);
        if sound.is_ok() {
            return Cow::Owned(shown);
        }
    }
    folded
}
