//! The `bouncewatch` command: parse, run, exit status.

use std::process::ExitCode;

fn main() -> ExitCode {
    bouncewatch::cli::main(std::env::args_os()).into()
}
