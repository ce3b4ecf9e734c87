//! Numbers of things, in words.

/// `1 mail`, `2 mails`, `2 addresses`.
pub fn many(n: u64, thing: &str) -> String {
    format!("{n} {}", of_many(n, thing))
}

/// `mail` where there is one, else `mails`.
pub fn of_many(n: u64, thing: &str) -> String {
    let ending = match n {
        1 => "",
        _ if thing.ends_with('s') => "es",
        _ => "s",
    };
    format!("{thing}{ending}")
}

/// `1,234,567`
pub fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(c);
    }
    out
}
