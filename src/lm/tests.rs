#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "a test may fail loudly, and says what it measured")]
use super::*;

#[test]
fn experiment() {
    let Some(dir) = std::env::var_os("BOUNCEWATCH_LM_MODEL") else {
        eprintln!("skipped: no model");
        return;
    };
    let dir = Path::new(&dir);
    let examples = ndr::expand("t", ndr::TRAINING).unwrap();
    let t = std::time::Instant::now();
    let verdicts = ndr::held_out(&examples, 4).unwrap();
    eprintln!("held_out {:?}", t.elapsed());
    let fold = |e: &Example| crate::hash::stable_hash(&e.family.to_le_bytes()) % 4;
    let masks = Classifier::shipped().unwrap();
    let mut rows = Vec::new();
    for out in 0..4 {
        let seen: Vec<Example> = examples.iter().filter(|e| fold(e) != out).cloned().collect();
        let t = std::time::Instant::now();
        let p = Proposer::with_examples(dir, &seen).unwrap();
        eprintln!("{} exemplars {:?}", p.exemplars.len(), t.elapsed());
        let open: Vec<&Example> = examples
            .iter()
            .zip(&verdicts)
            .filter(|(e, v)| fold(e) == out && v.kind == BounceType::Other)
            .map(|(e, _)| e)
            .collect();
        let texts: Vec<String> = open.iter().map(|e| plain(masks.mask(&e.text).text())).collect();
        let vs = p.model.embed(&texts).unwrap();
        for ((e, t), v) in open.iter().zip(texts).zip(&vs) {
            rows.push((e.kind, vec![], t, p.nearest(v), e.family));
        }
    }
    table("grammar", &rows);
    let p = Proposer::open(dir).unwrap();
    let text = std::fs::read_to_string("/work/shared/corpora/ndr/dev.jsonl").unwrap();
    let dev = ndr::read_labelled("d", &text).unwrap();
    let open: Vec<_> = dev.iter().filter(|r| masks.classify(&r.text).kind == BounceType::Other).collect();
    let texts: Vec<String> = open.iter().map(|e| plain(masks.mask(&e.text).text())).collect();
    let vs = p.model.embed(&texts).unwrap();
    let rows: Vec<_> =
        open.iter().zip(texts).zip(&vs).map(|((e, t), v)| (e.label, e.alt.clone(), t, p.nearest(v), 0)).collect();
    table("dev", &rows);
}

fn table(name: &str, rows: &[(BounceType, Vec<BounceType>, String, [f32; 16], u32)]) {
    eprintln!(
        "{name}: {} rows, {} truly other, {} T8",
        rows.len(),
        rows.iter().filter(|r| r.0 == BounceType::Other).count(),
        rows.iter().filter(|r| r.0 == BounceType::UserUnknown).count()
    );
    for margin in [0.0, 0.05, 0.1, 0.15] {
        for close in [0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9] {
            let (mut right, mut wrong, mut wrong8, mut right8, mut other) = (0, 0, 0, 0, 0);
            for (label, alt, text, near, _) in rows {
                let mut ranked: Vec<(f32, BounceType)> = near.iter().copied().zip(BounceType::ALL).collect();
                ranked.sort_by(|a, b| b.0.total_cmp(&a.0));
                let k = ranked[0].1;
                if ranked[0].0 < close
                    || ranked[0].0 - ranked[1].0 < margin
                    || k == BounceType::Other
                    || text.split(' ').count() < 3
                {
                    continue;
                }
                let ok = k == *label || alt.contains(&k);
                let e8 = k == BounceType::UserUnknown;
                if e8 {
                    if ok { right8 += 1 } else { wrong8 += 1 }
                }
                if ok {
                    right += 1
                } else {
                    wrong += 1;
                    if *label == BounceType::Other {
                        other += 1
                    }
                }
            }
            eprintln!(
                "margin {margin:.2} close {close:.2}: right {right} wrong {wrong} (truly other {other}); T8 right {right8} wrong {wrong8}"
            );
        }
    }
    if name == "dev" {
        for (label, alt, text, near, _) in rows {
            let mut ranked: Vec<(f32, BounceType)> = near.iter().copied().zip(BounceType::ALL).collect();
            ranked.sort_by(|a, b| b.0.total_cmp(&a.0));
            if ranked[0].0 > 0.75 && ranked[0].1 != BounceType::Other {
                eprintln!("{label:?} {alt:?} -> {:?} {:.2} {:.2} {text}", ranked[0].1, ranked[0].0, ranked[1].0);
            }
        }
    }
}
