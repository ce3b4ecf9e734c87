//! Who writes to whom. Nobody is stored: a person, a domain or an address book entry is a function of its number,
//! so that a world of 50 M mails needs no more memory than one of 2,000.

use super::random::{Rng, Zipf, key, pair};

/// The large providers with their share of all recipients in permille (together 450).
pub(super) const PROVIDERS: [(&str, u64); 10] = [
    ("gmail.com", 110),
    ("qq.com", 90),
    ("163.com", 70),
    ("outlook.com", 45),
    ("yahoo.com", 35),
    ("hotmail.com", 30),
    ("126.com", 25),
    ("icloud.com", 18),
    ("yahoo.com.cn", 15),
    ("sina.com", 12),
];

const FIRST: [&str; 60] = [
    "adele", "boris", "carmen", "dmitri", "elena", "farid", "greta", "hassan", "ingrid", "jorge", "karin", "lukas",
    "miriam", "nikolai", "olga", "pablo", "quentin", "rosa", "stefan", "tamara", "ursula", "viktor", "wenjing",
    "xiaoming", "yusuf", "zofia", "amara", "bjorn", "chiara", "daisuke", "emeka", "fatima", "gustav", "hiroko",
    "isabel", "jakub", "kwame", "leila", "mateus", "nadia", "oscar", "priya", "rafael", "sunita", "tomasz", "ulrike",
    "valeria", "wilhelm", "xuemei", "yolanda", "zhiwei", "aisha", "bogdan", "cecilia", "dieter", "eszter", "florian",
    "gabor", "helmut", "irina",
];
const LAST: [&str; 60] = [
    "abbott",
    "barros",
    "chen",
    "dubois",
    "eriksen",
    "fischer",
    "garcia",
    "huang",
    "ivanov",
    "jansen",
    "kowalski",
    "larsen",
    "moreau",
    "nakamura",
    "okafor",
    "petrov",
    "quist",
    "rossi",
    "schmidt",
    "tanaka",
    "umarov",
    "vargas",
    "weber",
    "xu",
    "yilmaz",
    "zhang",
    "almeida",
    "bianchi",
    "castro",
    "dvorak",
    "engel",
    "ferrari",
    "gupta",
    "hoffman",
    "ibrahim",
    "jovanovic",
    "kaplan",
    "lindqvist",
    "mbeki",
    "novak",
    "ortega",
    "pereira",
    "ramirez",
    "sato",
    "torres",
    "ueda",
    "virtanen",
    "wagner",
    "yamada",
    "zimmer",
    "andrade",
    "becker",
    "cordova",
    "delgado",
    "fontaine",
    "gruber",
    "horvath",
    "keller",
    "lombard",
    "mertens",
];
const HEAD: [&str; 48] = [
    "harbor", "summit", "copper", "willow", "falcon", "granite", "meadow", "orchid", "pioneer", "quartz", "raven",
    "silver", "tundra", "velvet", "walnut", "zephyr", "amber", "bamboo", "cedar", "delta", "lantern", "fjord",
    "glacier", "hazel", "indigo", "jasmine", "kestrel", "lotus", "maple", "nimbus", "onyx", "sesame", "brook",
    "saffron", "tiger", "umbra", "violet", "winter", "mustard", "zenith", "anchor", "bishop", "cobalt", "dragon",
    "eagle", "forest", "golden", "horizon",
];
const TAIL: [&str; 40] = [
    "logistics",
    "textiles",
    "software",
    "clinic",
    "academy",
    "foods",
    "optics",
    "motors",
    "travel",
    "papers",
    "shipping",
    "studio",
    "energy",
    "metals",
    "insurance",
    "chemicals",
    "furniture",
    "telecom",
    "garden",
    "museum",
    "dental",
    "robotics",
    "lawfirm",
    "printing",
    "ceramics",
    "aviation",
    "brewery",
    "college",
    "estate",
    "finance",
    "glassworks",
    "hotels",
    "institute",
    "jewelry",
    "kitchens",
    "laboratory",
    "mining",
    "networks",
    "packaging",
    "research",
];
const THIRD: [&str; 16] = [
    "group", "asia", "global", "nord", "works", "trade", "union", "point", "house", "press", "bureau", "partners",
    "holding", "export", "direct", "systems",
];
const SUFFIX: [&str; 14] =
    ["com", "com", "com", "com", "cn", "com.cn", "net", "org", "de", "co.uk", "com.br", "fr", "co.jp", "ru"];
const OWN: [&str; 8] = [
    "brightwater.cn",
    "kangtai-trade.com",
    "lindenhof.de",
    "sevenoaks-college.org",
    "puertoazul.com",
    "mirai-denki.jp",
    "eastgate-media.net",
    "dalian-port.cn",
];

/// The sizes of a world; everything else follows from its seed.
#[derive(Debug)]
pub(super) struct World {
    pub(super) seed: u64,
    pub(super) records: u64,
    pub(super) senders: u64,
    pub(super) domains: u64,
    pub(super) zipf: Zipf,
    /// Permille of everyday mails to people who left, beside the usual refusals.
    pub(super) unknown: u64,
}

/// Someone who sends through us.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Sender {
    pub(super) address: String,
    pub(super) client: String,
    /// The account it logs in to.
    pub(super) login: String,
}

impl World {
    pub(super) fn new(seed: u64, records: u64) -> Self {
        let senders = (records / 40).clamp(40, 70_000);
        let domains = (records / 30).clamp(60, 200_000);
        World { seed, records, senders, domains, zipf: Zipf::new(domains.max(senders) as usize), unknown: 0 }
    }

    /// Sender number `s`; an office of five shares one address to the outside.
    pub(super) fn sender(&self, s: u64) -> Sender {
        let office = s / 5 + 1;
        let client = format!("198.18.{}.{}", office / 250 % 100, office % 250 + 1);
        Sender { address: own_address(s), client, login: own_address(s) }
    }

    /// Entry `k` of a sender's address book, where nothing ever goes wrong with the address itself.
    pub(super) fn contact(&self, s: u64, k: u64) -> String {
        let mut rng = Rng::from_key(pair(pair(self.seed, s), k));
        let domain = self.any_domain(&mut rng);
        let pool = self.pool(&domain);
        let n = self.zipf.sample(&mut rng, pool);
        person(&domain, n)
    }

    /// How many correspondents a sender has: those who write more know more people.
    pub(super) fn book(&self, s: u64) -> u64 {
        6 + pair(self.seed, s) % 12 + (self.zipf.expected(s, self.senders, self.records) / 3).min(4000)
    }

    /// A recipient domain as mail is spread: the large ones 45 %, then a long tail.
    pub(super) fn any_domain(&self, rng: &mut Rng) -> String {
        if rng.permille(450) {
            PROVIDERS[rng.weighted(PROVIDERS.iter().map(|p| p.1))].0.to_owned()
        } else {
            domain(self.zipf.sample(rng, self.domains))
        }
    }

    /// How many people have a mailbox there; numbers from there on are people who left or never were.
    pub(super) fn pool(&self, domain: &str) -> u64 {
        if is_provider(domain) { (self.records / 8).max(200) } else { 12 + key(domain) % 60 }
    }

    /// Somebody who has no mailbox there (any more).
    pub(super) fn departed(&self, domain: &str, rng: &mut Rng) -> String {
        let pool = self.pool(domain);
        person(domain, pool + rng.below(pool))
    }
}

/// The made-up domain of rank `i`; `special` ones (see [`special_domain`]) come after all ranks.
pub(super) fn domain(i: u64) -> String {
    let (h, q) = (i % 48, i / 48);
    let t = (q + i) % 40;
    let r = q / 40;
    let mut name = format!(
        "{}{}{}",
        HEAD[h as usize],
        if key(&i.to_string()).is_multiple_of(3) { "-" } else { "" },
        TAIL[t as usize]
    );
    if r > 0 {
        name.push_str(THIRD[(r % 16) as usize]);
    }
    if r > 16 {
        name.push_str(&(r / 16).to_string());
    }
    format!("{name}.{}", SUFFIX[(pair(77, i) % 14) as usize])
}

/// A domain only one planted story uses.
pub(super) fn special_domain(world: &World, n: u64) -> String {
    domain(world.domains + 7 + n * 3)
}

/// The address of person `n` at `domain`. Different numbers are different addresses (a test holds it).
pub(super) fn person(domain: &str, n: u64) -> String {
    format!("{}@{domain}", local(domain, n))
}

/// First and last name of person `n` at `domain`.
pub(super) fn names(domain: &str, n: u64) -> (&'static str, &'static str) {
    let k = key(domain);
    let (a, q) = (n % 60, n / 60 % 60);
    (FIRST[((a + k) % 60) as usize], LAST[((q + a * 7 + k / 60) % 60) as usize])
}

/// The address of our own user number `s`.
pub(super) fn own_address(s: u64) -> String {
    person(OWN[(s % 8) as usize], s / 8)
}

/// The customers' domains.
pub(super) fn own_domains() -> &'static [&'static str] {
    &OWN
}

pub(super) fn is_provider(domain: &str) -> bool {
    PROVIDERS.iter().any(|p| p.0 == domain)
}

fn local(domain: &str, n: u64) -> String {
    let (first, last) = names(domain, n);
    let round = n / 3600;
    if is_provider(domain) {
        let sep = ["", ".", "_"][(n % 3) as usize];
        return format!("{first}{sep}{last}{}", 60 + n / 3 % 40 + round * 100);
    }
    let stem = match key(domain) / 7 % 4 {
        0 => format!("{first}.{last}"),
        1 => format!("{first}_{last}"),
        2 => format!("{last}.{first}"),
        _ => format!("{first}{last}"),
    };
    if round == 0 { stem } else { format!("{stem}{round}") }
}
