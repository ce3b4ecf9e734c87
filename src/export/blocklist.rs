//! Lists a firewall or a mail server takes. Every line is made of an IP address, a time and a campaign's id: nothing in
//! them was written by a stranger.

use std::{fmt::Write as _, net::IpAddr};

use serde_json::json;

use super::{Wish, origins::Origin};

/// What a list is, on its first lines.
fn head(origins: &[Origin<'_>], wish: &Wish) -> String {
    format!(
        "# Origins of address guessing, {} of {}; made by bouncewatch, made anew each night.\n",
        origins.len(),
        wish.now
    )
}

/// Log lines for a jail with `maxretry = 1`.
pub(super) fn fail2ban(origins: &[Origin<'_>], wish: &Wish) -> String {
    let mut out = head(origins, wish) + "# failregex = ^\\s*bouncewatch\\[\\S+\\]: guessing from <HOST> until \n";
    for origin in origins {
        // Writing to a String cannot fail.
        let _ = writeln!(
            out,
            "{} bouncewatch[{}]: guessing from {} until {}",
            wish.now,
            origin.id(),
            origin.ip,
            origin.until
        );
    }
    out
}

/// JSON for `cscli decisions import`.
pub(super) fn crowdsec(origins: &[Origin<'_>], wish: &Wish) -> String {
    let decisions: Vec<_> = origins
        .iter()
        .map(|origin| {
            json!({
                "value": origin.ip.to_string(), "scope": "ip", "type": "ban",
                "duration": format!("{}s", origin.left(wish.now)), "reason": format!("bouncewatch {}", origin.id()),
            })
        })
        .collect();
    format!("{:#}\n", json!(decisions))
}

/// The same as CSV.
pub(super) fn crowdsec_csv(origins: &[Origin<'_>], wish: &Wish) -> String {
    let mut out = "value,scope,type,duration,reason\n".to_owned();
    for origin in origins {
        let _ = writeln!(out, "{},ip,ban,{}s,bouncewatch {}", origin.ip, origin.left(wish.now), origin.id());
    }
    out
}

/// For `check_client_access cidr:FILE`. A table has no expiry: what is over is left out the next night.
pub(super) fn postfix(origins: &[Origin<'_>], wish: &Wish) -> String {
    let mut out = head(origins, wish);
    for origin in origins {
        let _ = writeln!(out, "# {} until {}", origin.id(), origin.until);
        let _ = writeln!(out, "{} REJECT address guessing ({})", origin.ip, origin.id());
    }
    out
}

/// Sets `guessers4` and `guessers6` of `inet bouncewatch`, each element with its time.
pub(super) fn nftables(origins: &[Origin<'_>], wish: &Wish) -> String {
    let mut out = head(origins, wish);
    out += "add table inet bouncewatch\n";
    for (set, kind) in [("guessers4", "ipv4_addr"), ("guessers6", "ipv6_addr")] {
        let _ = writeln!(out, "add set inet bouncewatch {set} {{ type {kind}; flags timeout; }}");
        let _ = writeln!(out, "flush set inet bouncewatch {set}");
    }
    for origin in origins {
        let set = if matches!(origin.ip, IpAddr::V4(_)) { "guessers4" } else { "guessers6" };
        let _ = writeln!(out, "# {} until {}", origin.id(), origin.until);
        let _ = writeln!(
            out,
            "add element inet bouncewatch {set} {{ {} timeout {}s comment \"{}\" }}",
            origin.ip,
            origin.left(wish.now),
            origin.id()
        );
    }
    out
}
