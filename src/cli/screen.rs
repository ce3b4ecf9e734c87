//! What a person sees while a command works: stderr only, progress only on a terminal, nothing with `--quiet`.

use std::{
    io::{IsTerminal, Write, stderr},
    time::Duration,
};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::options::Color;
use crate::{address::printable, error::Error};

/// The talking side of a command.
#[derive(Debug, Clone, Copy)]
pub(super) struct Screen {
    quiet: bool,
    verbose: bool,
    colour: bool,
    terminal: bool,
}

impl Screen {
    pub(super) fn new(quiet: bool, verbose: bool, color: Color) -> Self {
        let terminal = stderr().is_terminal();
        let colour = match color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => terminal && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty()),
        };
        Screen { quiet, verbose, colour, terminal }
    }

    /// One line, unless quiet.
    pub(super) fn say(&self, text: &str) {
        if !self.quiet {
            line(text);
        }
    }

    /// One line, if verbose.
    pub(super) fn detail(&self, text: &str) {
        if self.verbose && !self.quiet {
            line(text);
        }
    }

    /// One line that should be seen first.
    pub(super) fn warn(&self, text: &str) {
        if self.quiet {
        } else if self.colour {
            line(&format!("\u{1b}[33mwarning:\u{1b}[0m {}", printable(text)));
        } else {
            line(&format!("warning: {text}"));
        }
    }

    /// A bar over `total` units (bytes when `bytes`), hidden where nobody looks.
    pub(super) fn bar(&self, total: u64, bytes: bool, what: &'static str) -> ProgressBar {
        if self.quiet || !self.terminal {
            return ProgressBar::hidden();
        }
        let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::stderr_with_hz(5));
        let shape = if bytes {
            "{msg} {wide_bar} {bytes}/{total_bytes} {bytes_per_sec} {eta}"
        } else {
            "{msg} {wide_bar} {pos}/{len} {eta}"
        };
        if let Ok(style) = ProgressStyle::with_template(shape) {
            bar.set_style(style);
        }
        bar.set_message(what);
        bar.enable_steady_tick(Duration::from_millis(200));
        bar
    }
}

/// The one line a failed command says.
pub(super) fn fail(error: &Error) {
    line(&format!("bouncewatch: {}", printable(&error.to_string())));
}

/// One line about what went wrong after the findings were safe.
pub(super) fn complain(text: &str) {
    line(&format!("bouncewatch: {}", printable(text)));
}

fn line(text: &str) {
    // Nobody is left to tell when stderr itself is gone.
    drop(writeln!(stderr(), "{text}"));
}
