//! Look-alikes from outside, in the Postfix logs only: many who ask for one, or for names they did not choose.

use super::{
    dialects::mx_of,
    people::{World, own_address, own_domains, person},
    random::Rng,
    script::{Benign, DAY, Script, Visit},
    traffic::mx_ip,
};

/// Plants them.
pub(super) fn plant(world: &World, script: &mut Script) {
    regulars(world, script);
    crowds(world, script);
}

/// A forwarder, a newsletter, a monitor.
fn regulars(world: &World, script: &mut Script) {
    let mut rng = Rng::new(world.seed, "benign inbound");
    let forwarder = "198.18.130.25".to_owned();
    let mails = (world.records / 20).clamp(60, 3000);
    for i in 0..mails {
        let domain = world.any_domain(&mut rng);
        let from = person(&domain, rng.below(world.pool(&domain)));
        let at = script.start + rng.between(0, script.days * DAY - 7200);
        let (taken, refused) = if i % 25 == 0 {
            (vec![], vec![nobody(world, &mut rng)])
        } else {
            (vec![own_address(rng.below(world.senders))], vec![])
        };
        script.visits.push(Visit {
            at,
            client: forwarder.clone(),
            host: "forward.alumni-mail.example.org".into(),
            from,
            taken,
            refused,
        });
    }
    script.benign.push(Benign {
        sender: None,
        ip: Some(forwarder),
        kind: "forwarder",
        reason: "a university forwarder: many senders, 4 % of their addresses out of date",
    });

    let list = "198.18.131.7".to_owned();
    let first = script.office_hour(script.days / 3, &mut rng);
    for i in 0..(world.records / 40).clamp(40, 1500) as i64 {
        let (taken, refused) = if rng.permille(60) {
            (vec![], vec![nobody(world, &mut rng)])
        } else {
            (vec![own_address(rng.below(world.senders))], vec![])
        };
        script.visits.push(Visit {
            at: first + i * 5,
            client: list.clone(),
            host: "out.gazette.example.com".into(),
            from: "news@gazette.example.com".into(),
            taken,
            refused,
        });
    }
    script.benign.push(Benign {
        sender: Some("news@gazette.example.com".into()),
        ip: Some(list),
        kind: "inbound_list",
        reason: "a newsletter with 6 % of our users who left",
    });

    let (at0, probed) = (script.start + 600, format!("healthcheck@{}", own_domains()[4]));
    for i in 0..script.days * 4 {
        let at = at0 + i * DAY / 4;
        script.visits.push(Visit {
            at,
            client: "198.18.132.1".into(),
            host: "monitor.uptime.example.net".into(),
            from: "probe@uptime.example.net".into(),
            taken: vec![],
            refused: vec![probed.clone()],
        });
    }
    script.benign.push(Benign {
        sender: Some("probe@uptime.example.net".into()),
        ip: Some("198.18.132.1".into()),
        kind: "inbound_probe",
        reason: "a monitor asks for one unknown address six-hourly",
    });
}

/// Many outsiders who ask for one, or for names they did not choose.
fn crowds(world: &World, script: &mut Script) {
    let mut rng = Rng::new(world.seed, "inbound crowds");
    let visit = |script: &mut Script, at, from: String, refused: String, rng: &mut Rng| {
        let domain = world.any_domain(rng);
        let (client, host) = (mx_ip(&domain, rng.below(2)), mx_of(&domain));
        let from = if from.is_empty() { person(&domain, rng.below(world.pool(&domain))) } else { from };
        script.visits.push(Visit {
            at,
            client,
            host,
            from: if from == "<>" { String::new() } else { from },
            taken: vec![],
            refused: vec![refused],
        });
    };
    let forged = script.office_hour(script.days * 2 / 3, &mut rng);
    for i in 0..(world.records / 25).clamp(50, 400) as i64 {
        let to = nobody(world, &mut rng);
        visit(script, forged + i * 11, "<>".into(), to, &mut rng);
    }
    let left = own_address(world.senders + 90_000);
    for _ in 0..40 {
        let at = script.office_hour(script.day_in(0, 100, &mut rng), &mut rng);
        visit(script, at, String::new(), left.clone(), &mut rng);
    }
    let noon = script.start + script.days / 4 * DAY + 12 * 3600;
    for _ in 0..(world.records / 200).clamp(10, 200) {
        let us = own_address(rng.below(world.senders));
        visit(script, noon + rng.between(0, 1200), String::new(), us, &mut rng);
    }
    for (kind, reason) in [
        (
            "inbound_backscatter",
            "bounces (null sender) of a spam run that forged our domains: the names were forged, not guessed",
        ),
        ("inbound_ex_employee", "40 outsiders write to one of us who left"),
        ("inbound_outage", "for 20 minutes our own directory called everybody unknown"),
    ] {
        script.benign.push(Benign { sender: None, ip: None, kind, reason });
    }
    for domain in ["gmail.com", "qq.com"] {
        for ip in [mx_ip(domain, 0), mx_ip(domain, 1)] {
            script.benign.push(Benign {
                sender: None,
                ip: Some(ip),
                kind: "large_provider",
                reason: "a large provider's server: much good mail, and its users' slips",
            });
        }
    }
}

/// An address at our own domains that nobody has.
pub(super) fn nobody(world: &World, rng: &mut Rng) -> String {
    own_address(world.senders + 100_000 + rng.below(world.senders))
}
