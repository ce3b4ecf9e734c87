//! The training grammar: lines of `label<TAB>text`, where `{a|b|}` is a choice and `$a` a made-up value.
//!
//! `$a` address, `$l` local part, `$h` host, `$D` domain, `$i` IP address, `$n` number, `$d` id, `$u` link.
//! A line that starts with `#` is a comment. A text is expanded to a number of variants that grows with its choices.

use super::random::Random;
use crate::{bounce::BounceType, error::Error, hash::stable_hash};

/// Most variants of one line.
const MOST: usize = 40;

/// One line of the grammar and what it was expanded to.
#[derive(Debug, Clone)]
pub struct Example {
    /// What it means.
    pub kind: BounceType,
    /// One reply.
    pub text: String,
    /// The line it came from: variants of one line belong to one fold when the model is measured.
    pub family: u64,
}

/// Expands a training file. The same text gives the same examples.
pub fn expand(name: &str, file: &str) -> Result<Vec<Example>, Error> {
    let mut examples = Vec::new();
    for (number, line) in file.lines().enumerate() {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let bad = |cause: &str| Error::Data { name: name.into(), cause: format!("line {}: {cause}", number + 1) };
        let (label, text) = line.split_once('\t').ok_or_else(|| bad("no tab between label and text"))?;
        let kind = BounceType::parse(label).ok_or_else(|| bad("no such type"))?;
        // From the line alone: a line put in or taken out changes no other line's variants.
        let family = stable_hash(line.as_bytes());
        let mut random = Random::new(family);
        let wanted = (choices(text).min(MOST as u64) as usize).max(2);
        let mut variants = Vec::with_capacity(wanted);
        for _ in 0..wanted * 2 {
            let mut out = String::new();
            choose(text.as_bytes(), &mut random, &mut out, 0).ok_or_else(|| bad("unbalanced braces"))?;
            if !variants.contains(&out) {
                variants.push(out);
            }
            if variants.len() == wanted {
                break;
            }
        }
        examples.extend(variants.into_iter().map(|text| Example { kind, text, family }));
    }
    Ok(examples)
}

/// Roughly how many variants a line has.
fn choices(text: &str) -> u64 {
    let mut n = 1_u64;
    let mut depth: u32 = 0;
    let mut here = 1_u64;
    for c in text.bytes() {
        match c {
            b'{' => {
                depth += 1;
                here = if depth == 1 { 1 } else { here };
            }
            b'|' if depth > 0 => here += 1,
            b'}' => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    n = n.saturating_mul(here);
                }
            }
            _ => {}
        }
    }
    n
}

fn choose(b: &[u8], random: &mut Random, out: &mut String, depth: u32) -> Option<()> {
    if depth > 8 {
        return None;
    }
    let mut i = 0;
    let mut plain = Vec::new();
    while i < b.len() {
        match b[i] {
            b'{' => {
                out.push_str(std::str::from_utf8(&plain).ok()?);
                plain.clear();
                let end = i + closing(&b[i..])?;
                let options = split_options(&b[i + 1..end]);
                let pick = options.get(random.below(options.len()))?;
                choose(pick, random, out, depth + 1)?;
                i = end + 1;
            }
            b'}' => return None,
            b'$' if b.get(i + 1).is_some_and(|c| b"alhDindu".contains(c)) => {
                out.push_str(std::str::from_utf8(&plain).ok()?);
                plain.clear();
                fill(b[i + 1], random, out);
                i += 2;
            }
            b'\\' if b.get(i + 1) == Some(&b'n') => {
                plain.extend(b"\r\n");
                i += 2;
            }
            c => {
                plain.push(c);
                i += 1;
            }
        }
    }
    out.push_str(std::str::from_utf8(&plain).ok()?);
    Some(())
}

fn closing(b: &[u8]) -> Option<usize> {
    let mut depth = 0;
    for (i, c) in b.iter().enumerate() {
        match c {
            b'{' => depth += 1,
            b'}' => {
                depth -= 1;
                if depth == 0 {
                    return Some(i);
                }
            }
            _ => {}
        }
    }
    None
}

fn split_options(b: &[u8]) -> Vec<&[u8]> {
    let (mut depth, mut from, mut out) = (0, 0, Vec::new());
    for (i, c) in b.iter().enumerate() {
        match c {
            b'{' => depth += 1,
            b'}' => depth -= 1,
            b'|' if depth == 0 => {
                out.push(&b[from..i]);
                from = i + 1;
            }
            _ => {}
        }
    }
    out.push(&b[from..]);
    out
}

fn fill(slot: u8, r: &mut Random, out: &mut String) {
    const NAMES: [&str; 8] = ["maria.k", "j.ortega", "info", "li.wei", "anna_b", "sales", "p-novak", "tomas77"];
    const DOMAINS: [&str; 6] =
        ["example.com", "example.net", "example.org", "mail.example.cn", "firma.example.de", "example.co.jp"];
    const HOSTS: [&str; 6] = [
        "mx1.example.com",
        "mail.example.net",
        "mx-in.example.org",
        "smtp2.example.co.jp",
        "mta7.example.com",
        "gw.example.de",
    ];
    match slot {
        b'a' => {
            out.push_str(NAMES[r.below(8)]);
            out.push('@');
            out.push_str(DOMAINS[r.below(6)]);
        }
        b'l' => out.push_str(NAMES[r.below(8)]),
        b'h' => out.push_str(HOSTS[r.below(6)]),
        b'D' => out.push_str(DOMAINS[r.below(6)]),
        b'i' if r.below(8) == 0 => out.push_str("2001:db8::25:1"),
        b'i' => out.push_str(&format!("192.0.2.{}", r.below(255))),
        b'n' => out.push_str(&(600 + r.below(90_000)).to_string()),
        b'd' => out.push_str(&format!("{:x}si{}abc.{}", r.below(4000), 100_000 + r.below(800_000), r.below(600))),
        _ => out.push_str(&format!("https://help.example.com/smtp/{}", r.below(900))),
    }
}
