//! How SQLite goes about every statement of this folder: none walks a table whose rows it names.

use super::Store;

/// All the text that holds SQL; read as text, so that no statement can be forgotten here.
const SOURCES: &[&str] = &[
    include_str!("alerts.rs"),
    include_str!("disclosures.rs"),
    include_str!("history.rs"),
    include_str!("lookups.rs"),
    include_str!("nights.rs"),
    include_str!("templates.rs"),
];

/// Statements that pick rows and may walk a table all the same, by how they begin, each with its reason.
const MAY_SCAN: &[(&str, &str)] = &[
    ("SELECT id, text FROM founders WHERE type", "the table is bounded, and asked once a night"),
    ("SELECT a.id, a.revision", "alerts are pruned when they are over"),
    ("SELECT kind, severity, count(*)", "alerts are pruned when they are over"),
    ("SELECT id FROM alerts WHERE closed_at IS NULL", "alerts are pruned when they are over"),
    ("DELETE FROM nights WHERE at NOT IN", "two rows"),
];

/// String literals of Rust code that are whole statements.
fn statements(code: &str) -> Vec<String> {
    let code = code.split("#[cfg(test)]").next().unwrap_or_default().replace("\\\"", "\u{1}");
    let lines: Vec<&str> = code.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
    let code = lines.join("\n");
    let literals = code.split('"').skip(1).step_by(2).map(|text| text.replace('\u{1}', "\""));
    let begins = |text: &str| ["SELECT ", "INSERT ", "UPDATE ", "DELETE "].iter().any(|verb| text.starts_with(verb));
    literals.filter(|text| begins(text) && !text.contains('{')).collect()
}

#[test]
fn what_names_its_rows_finds_them_by_an_index() {
    let store = Store::in_memory().unwrap();
    let (mut seen, mut walked) = (0, Vec::new());
    for sql in SOURCES.iter().flat_map(|code| statements(code)) {
        for one in sql.split("; ") {
            seen += 1;
            let mut explain = store.db.prepare(&format!("EXPLAIN QUERY PLAN {one}")).unwrap();
            let steps =
                explain.raw_query().mapped(|row| row.get::<_, String>(3)).collect::<Result<Vec<_>, _>>().unwrap();
            let picks = one.contains(" WHERE ");
            if picks && steps.iter().any(|step| step.starts_with("SCAN")) {
                walked.push(one.to_owned());
            }
        }
    }
    assert!(seen > 40, "only {seen} statements were found");
    walked.retain(|sql| !MAY_SCAN.iter().any(|(start, _)| sql.starts_with(start)));
    assert_eq!(walked, [""; 0], "these walk a whole table");
}
