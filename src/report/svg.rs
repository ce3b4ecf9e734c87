//! Charts as inline SVG: numbers in, text out. No script, no colour alone: every series has its own fill pattern or dash.
//!
//! Colours and sizes are classes of `page.html`, so a chart follows light, dark and print.

use std::fmt::Write;

use crate::plural::grouped;

/// Bars or points drawn at most; more are summed up by neighbours so that a year still fits a phone.
pub(super) const MAX_POINTS: usize = 60;

const WIDTH: f64 = 480.0;
const HEIGHT: f64 = 230.0;
const LEFT: f64 = 52.0;
const RIGHT: f64 = 14.0;
const TOP: f64 = 10.0;
const BOTTOM: f64 = 34.0;
/// Width of a day under a chart, in the phone's larger letters.
const LABEL: f64 = 90.0;
/// Height of one row of [`bars`] and [`gantt`].
const ROW: f64 = 34.0;

/// What a chart is called and tells: read out by screen readers, never drawn.
#[derive(Debug, Clone, Copy)]
pub(super) struct About<'a> {
    /// Unique in the page; becomes part of element ids.
    pub(super) id: &'a str,
    /// One line.
    pub(super) title: &'a str,
    /// What a sighted reader would see.
    pub(super) text: &'a str,
}

/// One span of [`gantt`].
#[derive(Debug, Clone)]
pub(super) struct Span {
    /// Who.
    pub(super) label: String,
    /// First moment, seconds.
    pub(super) from: i64,
    /// Last moment, seconds.
    pub(super) to: i64,
    /// Written beside the label.
    pub(super) note: String,
}

/// Bars of stacked series, the first one at the bottom. `classes` name the fill of each series.
pub(super) fn stacked(about: About<'_>, points: &[(String, Vec<u64>)], classes: &[&str]) -> String {
    let points = thinned(points);
    let most = points.iter().map(|(_, v)| v.iter().sum::<u64>()).max().unwrap_or(0);
    let mut svg = open(about, HEIGHT);
    let top = axis(&mut svg, most);
    let step = (WIDTH - LEFT - RIGHT) / points.len().max(1) as f64;
    let width = (step * 0.78).min(56.0);
    for (i, (label, values)) in points.iter().enumerate() {
        let x = LEFT + step * i as f64 + (step - width) / 2.0;
        let mut y = HEIGHT - BOTTOM;
        for (value, class) in values.iter().zip(classes) {
            let h = *value as f64 / top * (HEIGHT - BOTTOM - TOP);
            y -= h;
            if h > 0.0 {
                let _ = write!(
                    svg,
                    r#"<rect class="{class}" x="{x:.1}" y="{y:.1}" width="{width:.1}" height="{h:.1}"><title>{}: {}</title></rect>"#,
                    escaped(label),
                    grouped(*value)
                );
            }
        }
    }
    ticks(&mut svg, &points, |i| LEFT + step * (i as f64 + 0.5));
    svg + "</svg>"
}

/// Several lines over the same points, the last [`MAX_POINTS`]: distinct senders of two weeks do not add up.
pub(super) fn lines(about: About<'_>, points: &[(String, Vec<u64>)], classes: &[&str]) -> String {
    let points = &points[points.len().saturating_sub(MAX_POINTS)..];
    let most = points.iter().flat_map(|(_, v)| v).copied().max().unwrap_or(0);
    let mut svg = open(about, HEIGHT);
    let top = axis(&mut svg, most);
    let step = (WIDTH - LEFT - RIGHT - 24.0) / (points.len().max(2) - 1) as f64;
    let x = |i: usize| {
        if points.len() == 1 { (WIDTH + LEFT) / 2.0 } else { LEFT + 12.0 + step * i as f64 }
    };
    let y = |v: u64| HEIGHT - BOTTOM - v as f64 / top * (HEIGHT - BOTTOM - TOP);
    for (s, class) in classes.iter().enumerate() {
        let values = points.iter().map(|(_, v)| v.get(s).copied().unwrap_or(0));
        let path: Vec<String> = values.clone().enumerate().map(|(i, v)| format!("{:.1},{:.1}", x(i), y(v))).collect();
        let _ = write!(svg, r#"<polyline class="{class}" points="{}"/>"#, path.join(" "));
        for (i, v) in values.enumerate() {
            let (cx, cy) = (x(i), y(v));
            let shape = if s == 0 {
                format!(r#"<circle class="dot {class}" cx="{cx:.1}" cy="{cy:.1}" r="3.5">"#)
            } else {
                format!(r#"<rect class="dot {class}" x="{:.1}" y="{:.1}" width="7" height="7">"#, cx - 3.5, cy - 3.5)
            };
            let end = if s == 0 { "circle" } else { "rect" };
            let label = points.get(i).map_or("", |p| &p.0);
            let _ = write!(svg, "{shape}<title>{}: {}</title></{end}>", escaped(label), grouped(v));
        }
    }
    ticks(&mut svg, points, x);
    svg + "</svg>"
}

/// Horizontal bars with their label above and number at the end; each of two parts, the first one solid.
pub(super) fn bars(about: About<'_>, rows: &[(String, [u64; 2])]) -> String {
    let height = ROW * rows.len() as f64 + 6.0;
    let most = rows.iter().map(|(_, v)| v[0] + v[1]).max().unwrap_or(0).max(1) as f64;
    let mut svg = open(about, height);
    for (i, (label, [first, second])) in rows.iter().enumerate() {
        let y = ROW * i as f64;
        let (a, b) = (*first as f64 / most * (WIDTH - 4.0), *second as f64 / most * (WIDTH - 4.0));
        let _ = write!(
            svg,
            r#"<text class="row" x="0" y="{:.1}">{}</text><text class="row num" x="{}" y="{:.1}">{}</text>"#,
            y + 15.0,
            escaped(label),
            WIDTH,
            y + 15.0,
            grouped(first + second)
        );
        let _ = write!(svg, r#"<rect class="track" x="0" y="{:.1}" width="{WIDTH}" height="9" rx="2"/>"#, y + 20.0);
        let _ = write!(
            svg,
            r#"<rect class="hard" x="0" y="{:.1}" width="{a:.1}" height="9"/><rect class="soft" x="{a:.1}" y="{:.1}" width="{b:.1}" height="9"/>"#,
            y + 20.0,
            y + 20.0
        );
    }
    svg + "</svg>"
}

/// Who was active when: one row a span, the first and last day below.
pub(super) fn gantt(about: About<'_>, spans: &[Span]) -> String {
    let height = ROW * spans.len() as f64 + 26.0;
    let first = spans.iter().map(|s| s.from).min().unwrap_or(0);
    let last = spans.iter().map(|s| s.to).max().unwrap_or(0);
    let whole = (last.saturating_sub(first)).max(1) as f64;
    let mut svg = open(about, height);
    for (i, span) in spans.iter().enumerate() {
        let y = ROW * i as f64;
        let x = span.from.saturating_sub(first) as f64 / whole * (WIDTH - 8.0);
        let w = (span.to.saturating_sub(span.from) as f64 / whole * (WIDTH - 8.0)).max(8.0);
        let _ = write!(
            svg,
            r#"<text class="row" x="0" y="{:.1}">{}</text><text class="row num" x="{WIDTH}" y="{:.1}">{}</text>"#,
            y + 15.0,
            escaped(&span.label),
            y + 15.0,
            escaped(&span.note)
        );
        let _ = write!(
            svg,
            r#"<rect class="track" x="0" y="{:.1}" width="{WIDTH}" height="9" rx="2"/><rect class="guess" x="{x:.1}" y="{:.1}" width="{w:.1}" height="9" rx="2"/>"#,
            y + 20.0,
            y + 20.0
        );
    }
    if !spans.is_empty() {
        let day = |t: i64| crate::moment::Timestamp(t).day().to_string();
        let y = height - 6.0;
        let _ = write!(
            svg,
            r#"<text class="tick" x="0" y="{y:.1}">{}</text><text class="tick end" x="{WIDTH}" y="{y:.1}">{}</text>"#,
            day(first),
            day(last)
        );
    }
    svg + "</svg>"
}

/// Text inside SVG.
pub(super) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

fn open(about: About<'_>, height: f64) -> String {
    let About { id, title, text } = about;
    format!(
        r#"<svg class="chart" role="img" viewBox="0 0 {WIDTH} {height:.0}" aria-labelledby="{id}-t {id}-d"><title id="{id}-t">{}</title><desc id="{id}-d">{}</desc>"#,
        escaped(title),
        escaped(text)
    )
}

/// Grid lines with their numbers; returns the value at the top.
fn axis(svg: &mut String, most: u64) -> f64 {
    let step = nice_step(most);
    let lines = most.div_ceil(step).max(1);
    let top = lines.saturating_mul(step) as f64;
    for i in 0..=lines {
        let y = HEIGHT - BOTTOM - i.saturating_mul(step) as f64 / top * (HEIGHT - BOTTOM - TOP);
        let _ = write!(
            svg,
            r#"<line class="grid" x1="{LEFT}" x2="{:.0}" y1="{y:.1}" y2="{y:.1}"/><text class="tick end" x="{:.0}" y="{:.1}">{}</text>"#,
            WIDTH - RIGHT,
            LEFT - 6.0,
            y + 4.0,
            short(i.saturating_mul(step))
        );
    }
    top
}

/// 1, 2 or 5 times a power of ten, so that about four lines carry the largest value.
fn nice_step(most: u64) -> u64 {
    let mut unit = 1u64;
    loop {
        for factor in [1, 2, 5] {
            let step = unit.saturating_mul(factor);
            if most.div_ceil(step) <= 4 {
                return step;
            }
        }
        unit = unit.saturating_mul(10);
    }
}

/// `1.5 M` where seven digits would not fit beside the axis.
fn short(n: u64) -> String {
    let scaled = |unit: f64, name: &str| {
        let x = n as f64 / unit;
        if x.fract() < 0.05 { format!("{x:.0} {name}") } else { format!("{x:.1} {name}") }
    };
    match n {
        0..10_000 => grouped(n),
        10_000..1_000_000 => scaled(1e3, "k"),
        1_000_000..1_000_000_000 => scaled(1e6, "M"),
        _ => scaled(1e9, "G"),
    }
}

/// First, last and one label between them.
fn ticks(svg: &mut String, points: &[(String, Vec<u64>)], x: impl Fn(usize) -> f64) {
    let n = points.len();
    let at: Vec<usize> = if n <= 4 { (0..n).collect() } else { vec![0, n / 2, n - 1] };
    for i in at {
        // A label in the middle of its point would leave the picture at its ends.
        let (x, anchor) = match x(i) {
            x if n > 1 && x < LEFT + LABEL / 2.0 => (LEFT, "start"),
            x if n > 1 && x > WIDTH - LABEL / 2.0 => (WIDTH, "end"),
            x => (x, "mid"),
        };
        if let Some((label, _)) = points.get(i) {
            let _ = write!(
                svg,
                r#"<text class="tick {anchor}" x="{x:.1}" y="{:.0}">{}</text>"#,
                HEIGHT - BOTTOM + 20.0,
                escaped(label)
            );
        }
    }
}

/// At most [`MAX_POINTS`] points: neighbours summed up under the first one's label.
fn thinned(points: &[(String, Vec<u64>)]) -> Vec<(String, Vec<u64>)> {
    let by = points.len().div_ceil(MAX_POINTS).max(1);
    points
        .chunks(by)
        .filter_map(|chunk| {
            let (label, first) = chunk.first()?;
            let sums = (0..first.len()).map(|s| chunk.iter().filter_map(|(_, v)| v.get(s)).sum()).collect();
            Some((label.clone(), sums))
        })
        .collect()
}
