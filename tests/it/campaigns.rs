//! The trial of the search for guessing, on one small world: every promise holds.

use crate::cli::{bouncewatch, stderr, stdout};

#[test]
fn a_small_world_keeps_every_promise() {
    let dir = tempfile::tempdir().unwrap();
    let output =
        bouncewatch(dir.path(), &["eval", "campaigns", "--seeds", "1", "--records", "6000", "--base-rate", "0.03"]);
    assert!(output.status.success(), "{}", stderr(&output));
    let text = stdout(&output);
    assert!(text.contains("every promise holds") && text.contains("slow "), "{text}");
}
