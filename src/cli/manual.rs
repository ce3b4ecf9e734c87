//! `bouncewatch man`, `bouncewatch completions`: both from the one table of commands and options.

use std::{fs, path::PathBuf};

use clap::Args as ClapArgs;
use clap_complete::Shell;

use super::{Exit, lines::Out};
use crate::error::Error;

#[derive(Debug, ClapArgs)]
pub(super) struct Man {
    /// Folder for a page a command, bouncewatch.1, bouncewatch-run.1 … [default: the first page, to standard output]
    #[arg(value_name = "DIR")]
    folder: Option<PathBuf>,
}

#[derive(Debug, ClapArgs)]
pub(super) struct Completions {
    /// Whose: bash, elvish, fish, powershell, zsh
    #[arg(value_name = "SHELL")]
    shell: Shell,
}

pub(super) fn man(args: &Man) -> Result<Exit, Error> {
    if let Some(folder) = &args.folder {
        let failed = |cause| Error::Write { path: folder.clone(), cause };
        fs::create_dir_all(folder).map_err(failed)?;
        clap_mangen::generate_to(super::command(), folder).map_err(failed)?;
        return Ok(Exit::Done);
    }
    let mut page = Vec::new();
    let failed = |cause| Error::Write { path: "standard output".into(), cause };
    clap_mangen::Man::new(super::command().disable_help_subcommand(true)).render(&mut page).map_err(failed)?;
    print(&page)
}

pub(super) fn completions(args: &Completions) -> Result<Exit, Error> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut super::command(), "bouncewatch", &mut script);
    print(&script)
}

fn print(text: &[u8]) -> Result<Exit, Error> {
    let mut out = Out::open();
    out.text(&String::from_utf8_lossy(text))?;
    out.flush()?;
    Ok(Exit::Done)
}
