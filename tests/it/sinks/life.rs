//! An alert's life: told, told again when it grew, told to be over, and back.

use std::time::Duration;

use bouncewatch::{
    alert::{self, Post, Sink},
    findings::Findings,
    moment::Timestamp,
    registrability::Status,
    store::{Missing, Store},
};

use super::{
    DAY, FIRST, campaign, findings,
    http::{Hook, Mood},
    night, sink,
};

fn on(day: i64) -> Timestamp {
    Timestamp(FIRST.0 + day * DAY)
}

/// Event and severity of what a hook was told since it had `seen` messages.
fn news(hook: &Hook, seen: &mut usize) -> Vec<String> {
    let asked = hook.asked();
    let new = asked[*seen..]
        .iter()
        .map(|a| format!("{} {}", a.body["event"].as_str().unwrap(), a.body["severity"].as_str().unwrap()));
    let new = new.collect();
    *seen = asked.len();
    new
}

fn start(options: &str) -> (Hook, [Sink; 1], Store) {
    let hook = Hook::start(Mood::Says(200, ""));
    let sinks = [sink(&format!("http://{}/#{options}", hook.at))];
    (hook, sinks, Store::in_memory().unwrap())
}

fn burst(confirmed: usize, guesses: u64, last: Timestamp) -> Findings {
    let mut one = campaign("mallory@evil.example", confirmed, guesses);
    one.last_seen = last;
    Findings { campaigns: vec![one], ..Findings::default() }
}

#[test]
fn growth_is_told_and_noise_is_not() {
    let (hook, sinks, mut store) = start("");
    let mut seen = 0;
    for (day, confirmed, guesses, told) in [
        (0, 0, 100, vec!["opened medium"]),
        (1, 0, 150, vec![]),
        (2, 1, 150, vec!["updated medium"]),
        (3, 3, 160, vec!["updated high"]),
        (4, 5, 170, vec![]),
        (5, 6, 300, vec!["updated high"]),
        (6, 6, 600, vec!["updated high"]),
    ] {
        night(&mut store, &sinks, &mut burst(confirmed, guesses, on(day)), on(day));
        assert_eq!(news(&hook, &mut seen), told, "day {day}");
    }
    let ids: Vec<_> = hook.asked().iter().map(|a| a.body["id"].clone()).collect();
    assert!(ids.iter().all(|id| *id == ids[0]), "one alert a finding: {ids:?}");
}

#[test]
fn a_cooldown_holds_growth_but_neither_a_raise_nor_the_end() {
    let (hook, sinks, mut store) = start("cooldown=3d");
    let mut seen = 0;
    for (day, confirmed, guesses, told) in [
        (0, 0, 100, vec!["opened medium"]),
        (1, 1, 100, vec![]),
        (2, 1, 400, vec![]),
        (3, 1, 400, vec!["updated medium"]),
        (4, 3, 400, vec!["updated high"]),
    ] {
        night(&mut store, &sinks, &mut burst(confirmed, guesses, on(day)), on(day));
        assert_eq!(news(&hook, &mut seen), told, "day {day}");
    }
    night(&mut store, &sinks, &mut Findings::default(), on(5));
    night(&mut store, &sinks, &mut Findings::default(), on(8));
    assert_eq!(news(&hook, &mut seen), ["closed high"]);
}

#[test]
fn what_is_over_for_three_nights_is_closed_once_and_may_come_back() {
    let (hook, sinks, mut store) = start("");
    let mut seen = 0;
    let ended = on(0);
    for day in 0..8 {
        // The report is of all the store holds: the campaign stays in it.
        night(&mut store, &sinks, &mut burst(0, 100, ended), on(day));
        let told = match day {
            0 => vec!["opened medium"],
            4 => vec!["closed medium"],
            _ => vec![],
        };
        assert_eq!(news(&hook, &mut seen), told, "day {day}");
    }
    night(&mut store, &sinks, &mut burst(0, 120, on(8)), on(8));
    assert_eq!(news(&hook, &mut seen), ["reopened medium"]);
}

#[test]
fn a_name_somebody_took_is_over_and_one_nobody_answered_about_is_not() {
    let (hook, sinks, mut store) = start("");
    let mut seen = 0;
    let with = |status| {
        let mut found = Findings { campaigns: vec![], ..findings() };
        found.domains[0].registrability.status = status;
        found
    };
    night(&mut store, &sinks, &mut with(Status::Registrable), on(0));
    assert_eq!(news(&hook, &mut seen), ["opened high"]);
    for day in 1..9 {
        night(&mut store, &sinks, &mut with(Status::Unknown), on(day));
    }
    assert_eq!(news(&hook, &mut seen), [""; 0]);
    for day in 9..13 {
        night(&mut store, &sinks, &mut with(Status::Registered), on(day));
    }
    assert_eq!(news(&hook, &mut seen), ["closed high"]);
    // A report of a part of the mail ends nothing and brings nothing back.
    store.raise(&mut [], on(30), Missing::Nothing).unwrap();
    night(&mut store, &sinks, &mut with(Status::Registrable), on(13));
    assert_eq!(news(&hook, &mut seen), ["reopened high"]);
}

#[test]
fn a_campaign_that_others_joined_is_the_same_alert() {
    let (hook, sinks, mut store) = start("");
    let mut seen = 0;
    let mut first = burst(0, 100, on(0));
    night(&mut store, &sinks, &mut first, on(0));
    let mut joined = burst(0, 110, on(1));
    joined.campaigns[0].id = "another".into();
    joined.campaigns[0].senders.push("second@evil.example".into());
    night(&mut store, &sinks, &mut joined, on(1));
    assert_eq!(news(&hook, &mut seen), ["opened medium"]);
    assert_eq!(joined.alerts[0].id, first.alerts[0].id);
    assert_eq!(joined.alerts[0].raised_at, on(0));
    // Over, it stays so under an id of its own, until it goes on.
    for day in 2..6 {
        night(&mut store, &sinks, &mut burst(0, 110, on(1)), on(day));
    }
    assert_eq!(news(&hook, &mut seen), ["closed medium"]);
    let mut again = burst(0, 110, on(1));
    again.campaigns[0].id = "a third".into();
    night(&mut store, &sinks, &mut again, on(6));
    assert_eq!((news(&hook, &mut seen), &again.alerts[0].id), (vec![], &first.alerts[0].id));
}

#[test]
fn campaigns_side_by_side_are_two_alerts() {
    let (hook, sinks, mut store) = start("");
    let mut seen = 0;
    night(&mut store, &sinks, &mut burst(0, 100, on(0)), on(0));
    assert_eq!(news(&hook, &mut seen), ["opened medium"]);
    let mut apart = burst(0, 110, on(2));
    apart.campaigns.push(campaign("third@evil.example", 0, 50));
    night(&mut store, &sinks, &mut apart, on(2));
    assert_eq!(news(&hook, &mut seen), ["opened medium"]);
}

#[test]
fn a_threshold_holds_and_what_rose_above_it_is_told_to_the_end() {
    let (hook, sinks, mut store) = start("severity=high");
    let mut seen = 0;
    night(&mut store, &sinks, &mut burst(0, 100, on(0)), on(0));
    assert_eq!(news(&hook, &mut seen), [""; 0]);
    night(&mut store, &sinks, &mut burst(3, 100, on(1)), on(1));
    assert_eq!(news(&hook, &mut seen), ["opened high"]);
    night(&mut store, &sinks, &mut Findings::default(), on(2));
    night(&mut store, &sinks, &mut Findings::default(), on(5));
    assert_eq!(news(&hook, &mut seen), ["closed high"]);
}

/// A sink that was down all the while is told once how it ended; one that was not asked for then is told what is open.
#[test]
fn old_news_is_told_as_it_stands() {
    let (hook, sinks, mut store) = start("");
    hook.becomes(Mood::Says(404, ""));
    for day in 0..8 {
        night(&mut store, &sinks, &mut burst(0, 100 << day.min(2), on(0)), on(day));
    }
    let (mut seen, late) = (hook.asked().len(), Hook::start(Mood::Says(200, "")));
    hook.becomes(Mood::Says(200, ""));
    let both = [sinks[0].clone(), sink(&format!("http://{}/", late.at))];
    night(&mut store, &both, &mut Findings::default(), on(9));
    assert_eq!(news(&hook, &mut seen), ["closed medium"]);
    assert_eq!(late.asked().len(), 0);
    let once = Duration::from_millis(400);
    let mut found = findings();
    store.raise(&mut alert::deserved(&found), on(9), Missing::Nothing).unwrap();
    alert::deliver(&mut found, &both, &mut store, &Post { now: on(9), offline: false, redact: None, once }).unwrap();
    assert_eq!(late.asked().len(), 1, "the name is open, the campaign of before is over");
}
