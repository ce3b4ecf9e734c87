//! Which keys lie beside each other, on the keyboards of `data/keyboards.toml` together.

use std::sync::OnceLock;

use serde::Deserialize;

/// Bit `b - 32` is set for every printable ASCII neighbour `b` of a key, one entry a key.
struct Neighbours([u128; 128]);

#[derive(Deserialize)]
struct Layout {
    rows: Vec<String>,
    offsets: Vec<f64>,
}

/// Whether a finger may take one for the other, on any layout.
pub(super) fn neighbours(a: char, b: char) -> bool {
    let (Ok(a), Ok(b)) = (u8::try_from(a), u8::try_from(b)) else {
        return false;
    };
    a < 128 && b < 128 && table().0[usize::from(a)] >> b & 1 == 1
}

/// How many neighbours a key has; at least one, so that one may divide by it.
pub(super) fn degree(a: char) -> f64 {
    let n = u8::try_from(a).ok().filter(|a| *a < 128).map_or(0, |a| table().0[usize::from(a)].count_ones());
    f64::from(n.max(1))
}

fn table() -> &'static Neighbours {
    static TABLE: OnceLock<Neighbours> = OnceLock::new();
    TABLE.get_or_init(|| {
        let layouts: std::collections::BTreeMap<String, Layout> =
            toml::from_str(include_str!("../../data/keyboards.toml")).unwrap_or_default();
        let mut table = Neighbours([0; 128]);
        for layout in layouts.values() {
            table.take(layout);
        }
        table
    })
}

impl Neighbours {
    fn take(&mut self, layout: &Layout) {
        let keys: Vec<(u8, f64, f64)> = layout
            .rows
            .iter()
            .zip(&layout.offsets)
            .enumerate()
            .flat_map(|(y, (row, offset))| {
                row.bytes()
                    .enumerate()
                    .filter(|(_, b)| *b != b' ' && *b < 128)
                    .map(move |(x, b)| (b, x as f64 + offset, y as f64))
            })
            .collect();
        for &(a, ax, ay) in &keys {
            for &(b, bx, by) in &keys {
                if a != b && (ax - bx).abs() <= 1.0 && (ay - by).abs() <= 1.0 {
                    self.0[usize::from(a)] |= 1 << b;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fingers_slip_to_what_touches() {
        for (a, b, yes) in [
            ('a', 's', true),
            ('i', 'o', true),
            ('m', 'n', true),
            ('l', 'm', true),
            ('a', 'c', false),
            ('q', 'p', false),
            ('y', 'z', false),
            ('é', 'e', false),
        ] {
            assert_eq!(neighbours(a, b), yes, "{a}{b}");
            assert_eq!(neighbours(b, a), yes, "{b}{a}");
        }
        assert!(degree('g') > 4.0 && degree('é') == 1.0);
    }
}
