//! Webhooks: generic, Slack, Mattermost, Teams.

use std::time::{Duration, Instant};

use bouncewatch::{alert::Post, store::Store};

use super::{
    DAY, FIRST, dead_port, findings,
    http::{Hook, Mood},
    night, night_as, redactor, sink,
};
use bouncewatch::moment::Timestamp;

const SECOND: Timestamp = Timestamp(FIRST.0 + DAY);

#[test]
fn each_alert_is_told_once_and_says_who_was_told() {
    let (hook, mut store) = (Hook::start(Mood::Says(200, "")), Store::in_memory().unwrap());
    let sinks = [sink(&format!("http://{}/in?token=SECRET", hook.at))];
    let mut found = findings();
    let first = night(&mut store, &sinks, &mut found, FIRST);
    assert_eq!((first.sent, first.failures.len()), (2, 0), "{first:?}");
    let told: Vec<_> = found.alerts.iter().map(|a| a.sent_to.clone()).collect();
    assert_eq!(told, vec![vec![format!("webhook:{}", hook.at)]; 2]);
    let asked = hook.asked();
    assert!(asked.iter().all(|a| a.head.starts_with("post /in?token=secret ")), "{asked:?}");
    let body = &asked[0].body;
    assert_eq!(
        (&body["severity"], &body["kind"], &body["event"]),
        (&"high".into(), &"squatting".into(), &"opened".into())
    );
    assert_eq!(body["id"], found.alerts[0].id);
    assert!(body["text"].as_str().unwrap().contains("yaho.com.cn can be registered by anyone"), "{body}");
    for one in &asked {
        let key = one.body["key"].as_str().unwrap();
        assert!(one.head.contains(&format!("idempotency-key: {key}\r\n")), "{}", one.head);
    }
    let again = night(&mut store, &sinks, &mut findings(), SECOND);
    assert_eq!((again.sent, hook.asked().len()), (0, 2), "a second night tells nothing twice");
}

/// The counterpart fails in each way it can; the night ends in bounded time, says so without the secret, and the next
/// night delivers exactly once.
#[test]
fn a_failing_hook_gets_it_once_when_it_is_back() {
    let cases = [
        (Mood::Says(500, "oops"), "500", 3),
        (Mood::Says(429, "slow down"), "429", 3),
        (Mood::Says(401, "who are you"), "401", 1),
        (Mood::Says(404, "no such hook"), "404", 1),
        (Mood::Says(200, "<!DOCTYPE html><title>Log in</title>"), "not as such a service", 1),
        (Mood::Redirects, "redirects", 1),
        (Mood::Garbage, "", 3),
        (Mood::Resets, "", 3),
        (Mood::Silent, "in time", 1),
        (Mood::Drips, "in time", 1),
        (Mood::Endless, "", 1),
    ];
    for (mood, says, tries) in cases {
        let (hook, mut store) = (Hook::start(mood.clone()), Store::in_memory().unwrap());
        let sinks = [sink(&format!("http://{}/SECRET", hook.at))];
        let mut found = findings();
        let started = Instant::now();
        let first = night(&mut store, &sinks, &mut found, FIRST);
        assert!(started.elapsed() < Duration::from_secs(8), "{mood:?} took {:?}", started.elapsed());
        assert_eq!((first.sent, first.failures.len()), (0, 1), "{mood:?}: {first:?}");
        assert!(first.failures[0].why.contains(says) && first.failures[0].waiting == 2, "{mood:?}: {first:?}");
        assert!(!format!("{first:?}").contains("SECRET"), "{first:?}");
        assert!(found.alerts.iter().all(|a| a.sent_to.is_empty()));
        // One message was tried so often; the other waited for a sink that is there.
        assert_eq!(hook.asked().len(), tries, "{mood:?}");
        hook.becomes(Mood::Says(200, ""));
        let mut found = findings();
        let second = night(&mut store, &sinks, &mut found, SECOND);
        assert_eq!((second.sent, second.failures.len(), hook.asked().len()), (2, 0, tries + 2), "{mood:?}: {second:?}");
        assert!(found.alerts.iter().all(|a| a.sent_to.len() == 1));
        assert_eq!(night(&mut store, &sinks, &mut findings(), SECOND).sent, 0, "{mood:?}");
    }
}

#[test]
fn a_moment_of_weakness_is_waited_out() {
    let (hook, mut store) = (Hook::start(Mood::Recovers(2)), Store::in_memory().unwrap());
    let delivery = night(&mut store, &[sink(&format!("http://{}/", hook.at))], &mut findings(), FIRST);
    assert_eq!((delivery.sent, delivery.failures.len(), hook.asked().len()), (2, 0, 4));
    let keys: Vec<_> = hook.asked().iter().map(|a| a.body["key"].clone()).collect();
    assert!(
        keys[0] == keys[1] && keys[1] == keys[2] && keys[2] != keys[3],
        "tries of one message have one key: {keys:?}"
    );
}

/// What one sink refuses for good does not keep the others, or what comes after it, waiting.
#[test]
fn a_refused_message_holds_up_nothing_else() {
    let (strict, kind) = (Hook::start(Mood::Says(400, "bad")), Hook::start(Mood::Says(204, "")));
    let mut store = Store::in_memory().unwrap();
    let sinks = [format!("http://{}/", strict.at), format!("http://{}/", kind.at)].map(|url| sink(&url));
    let delivery = night(&mut store, &sinks, &mut findings(), FIRST);
    assert_eq!((delivery.sent, delivery.failures.len()), (2, 1), "{delivery:?}");
    assert_eq!((strict.asked().len(), kind.asked().len()), (2, 2));
}

#[test]
fn nobody_listening_is_said_and_waits() {
    let mut store = Store::in_memory().unwrap();
    let delivery = night(&mut store, &[sink(&format!("http://127.0.0.1:{}/", dead_port()))], &mut findings(), FIRST);
    assert_eq!((delivery.sent, delivery.failures[0].waiting), (0, 2));
    assert!(delivery.failures[0].why.contains("refused"), "{delivery:?}");
}

#[test]
fn chat_services_get_their_own_form_and_must_answer_in_it() {
    let slack = Hook::start(Mood::Says(200, "ok"));
    let mattermost = Hook::start(Mood::Says(200, "ok"));
    let teams = Hook::start(Mood::Says(200, "1"));
    let sinks = [("slack", &slack), ("mattermost", &mattermost), ("teams", &teams)]
        .map(|(flavour, hook)| sink(&format!("{flavour}+http://{}/", hook.at)));
    let mut store = Store::in_memory().unwrap();
    assert_eq!(night(&mut store, &sinks, &mut findings(), FIRST).sent, 6);
    for hook in [&slack, &mattermost] {
        let text = hook.asked()[1].body["text"].as_str().unwrap().to_owned();
        assert!(
            text.starts_with("[medium] guessing_burst opened: `mallory@evil.example through 198.51.100.7 guessed 100"),
            "{text}"
        );
    }
    let card = teams.asked()[0].body["attachments"][0]["content"].clone();
    assert_eq!(card["body"][0]["inlines"][0]["type"], "TextRun", "{card}");

    slack.becomes(Mood::Says(200, "invalid_payload"));
    mattermost.becomes(Mood::Says(200, "<html>"));
    teams.becomes(Mood::Says(
        200,
        "Webhook message delivery failed with error: Microsoft Teams endpoint returned HTTP error 429",
    ));
    let mut store = Store::in_memory().unwrap();
    let lied = night(&mut store, &sinks, &mut findings(), FIRST);
    assert_eq!((lied.sent, lied.failures.len()), (0, 3), "{lied:?}");
}

#[test]
fn offline_sends_nothing_and_loses_nothing() {
    let (hook, mut store) = (Hook::start(Mood::Says(200, "")), Store::in_memory().unwrap());
    let sinks = [sink(&format!("http://{}/", hook.at))];
    let offline = Post { now: FIRST, offline: true, redact: None, once: Duration::from_millis(400) };
    let delivery = night_as(&mut store, &sinks, &mut findings(), &offline);
    assert_eq!((delivery.sent, delivery.held, delivery.failures.len(), hook.asked().len()), (0, 2, 0, 0));
    assert_eq!(night(&mut store, &sinks, &mut findings(), SECOND).sent, 2);
}

#[test]
fn redacted_alerts_name_nobody() {
    let (hook, mut store) = (Hook::start(Mood::Says(500, "")), Store::in_memory().unwrap());
    let sinks = [sink(&format!("http://{}/", hook.at))];
    let redactor = redactor();
    let post = Post { now: FIRST, offline: false, redact: Some(&redactor), once: Duration::from_millis(400) };
    let mut found = findings();
    night_as(&mut store, &sinks, &mut found, &post);
    hook.becomes(Mood::Says(200, ""));
    // Tonight's campaign with its sender, and later one that is no longer among the findings.
    night_as(&mut store, &sinks, &mut found, &Post { now: SECOND, ..post });
    let mut other = Store::in_memory().unwrap();
    hook.becomes(Mood::Says(500, ""));
    night_as(&mut other, &sinks, &mut found, &post);
    hook.becomes(Mood::Says(200, ""));
    let (mut empty, before) = (bouncewatch::findings::Findings::default(), hook.asked().len());
    night_as(&mut other, &sinks, &mut empty, &Post { now: SECOND, ..post });
    assert_eq!(hook.asked().len() - before, 2);
    for asked in hook.asked() {
        let body = asked.body.to_string();
        assert!(!body.contains("mallory") && !body.contains("198.51.100.7"), "{body}");
        assert!(!found.alerts.iter().any(|a| a.origins.contains(&"x".to_owned())));
        assert!(body.contains("yaho.com.cn") || body.contains("guess"), "{body}");
    }
    let burst = found.alerts.iter().find(|a| a.severity.name() == "medium").unwrap();
    assert!(!hook.asked().iter().any(|a| a.body["id"] == burst.id), "an id made of an address is hashed once more");
}

#[test]
fn a_quiet_night_leaves_a_heartbeat_where_one_is_wanted() {
    let hook = Hook::start(Mood::Says(200, ""));
    let mut store = Store::in_memory().unwrap();
    let sinks = [sink(&format!("http://{}/#heartbeat=true", hook.at))];
    for now in [FIRST, SECOND] {
        let quiet = night(&mut store, &sinks, &mut bouncewatch::findings::Findings::default(), now);
        assert_eq!((quiet.sent, quiet.failures.len()), (0, 0));
    }
    let events: Vec<_> = hook.asked().iter().map(|a| (a.body["event"].clone(), a.body["at"].clone())).collect();
    let beat = |at: Timestamp| ("heartbeat".into(), at.to_string().into());
    assert_eq!(events, [beat(FIRST), beat(SECOND)]);
    hook.becomes(Mood::Says(500, ""));
    assert_eq!(night(&mut store, &sinks, &mut Default::default(), SECOND).failures.len(), 1);
}
