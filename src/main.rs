//! The `bouncewatch` command: parse, run, exit status.

use std::process::ExitCode;

fn main() -> ExitCode {
    give_memory_back();
    bouncewatch::cli::main(std::env::args_os()).into()
}

/// glibc keeps the memory of large tables for later ones, a twentieth of all that a large `run` takes, unless its
/// environment says otherwise from the start: so `run` starts itself once more, as the same process. Where that cannot
/// be, all is as it was.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
fn give_memory_back() {
    use std::{env, os::unix::process::CommandExt, process::Command};
    const TOLD: &str = "MALLOC_MMAP_THRESHOLD_";
    let mut args = env::args_os();
    let name = args.next();
    let is_run = args.next().is_some_and(|command| command == "run");
    if let (true, None, Some(name), Ok(program)) = (is_run, env::var_os(TOLD), name, env::current_exe()) {
        let _ = Command::new(program).arg0(name).args(env::args_os().skip(1)).env(TOLD, "1048576").exec();
    }
}

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
fn give_memory_back() {}
