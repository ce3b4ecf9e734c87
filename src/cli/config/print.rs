//! Settings → TOML that can be read again, with where each value is from.

use std::{any::TypeId, env, fs, path::Path};

use clap::{Arg, ArgAction, ArgMatches, Command, parser::ValueSource};
use serde_json::json;
use toml::{Table, Value};

use crate::{
    address::printable,
    cli::{
        lines::{self, Shape},
        settings::{Settings, tables},
    },
    error::Error,
};

/// A key and what it is set to.
struct Set {
    value: Option<Value>,
    /// `default`, `file`, `environment`, `command line`
    source: &'static str,
    /// Which file, which variable.
    place: String,
}

/// The configuration as it holds for every command, a line a key.
pub(super) fn lines(settings: &Settings, file: Option<&Path>, matches: &ArgMatches) -> Result<Vec<String>, Error> {
    let shape = lines::shape(settings)?;
    let text = file.and_then(|path| fs::read_to_string(path).ok()).unwrap_or_default();
    let keys: Table = text.parse().unwrap_or_default();
    let place = file.map_or_else(String::new, |path| path.display().to_string());
    let command = crate::cli::command();
    let mut out = Vec::new();
    for arg in command.get_arguments() {
        let Some(name) = arg.get_long().filter(|name| !matches!(*name, "help" | "version" | "config")) else {
            continue;
        };
        let mut set = flag(arg, matches).unwrap_or_else(|| stored(arg, keys.get(name), &place));
        if name == "alert-sink" {
            set.value = None;
            let names: Vec<&str> = settings.sinks.iter().map(|sink| sink.name.as_str()).collect();
            out.push(sinks(&names, &set, shape));
            continue;
        }
        out.push(line("", name, &set, arg, shape));
    }
    for (table, names) in tables() {
        if matches!(shape, Shape::Text) {
            out.push(format!("\n[{table}]"));
        }
        let inside = keys.get(table).and_then(Value::as_table);
        for name in names {
            let Some(arg) = option(&command, table, &name) else { continue };
            let of_file = stored(arg, inside.and_then(|keys| keys.get(&name)), &place);
            out.push(line(table, &name, &variable(arg).unwrap_or(of_file), arg, shape));
        }
    }
    Ok(out)
}

/// The option of a command, or of one of the commands under it, that a key stands for.
fn option<'c>(command: &'c Command, table: &str, name: &str) -> Option<&'c Arg> {
    let of = command.find_subcommand(table)?;
    let all = || std::iter::once(of).chain(of.get_subcommands()).flat_map(Command::get_arguments);
    all().find(|arg| arg.get_long() == Some(name) || (arg.is_positional() && arg.get_id().as_str() == name))
}

/// Given on the command line, or by the environment.
fn flag(arg: &Arg, matches: &ArgMatches) -> Option<Set> {
    let id = arg.get_id().as_str();
    let (source, place) = match matches.value_source(id)? {
        ValueSource::CommandLine => ("command line", String::new()),
        ValueSource::EnvVariable => ("environment", arg.get_env()?.to_string_lossy().into_owned()),
        _ => return None,
    };
    let value = if matches!(arg.get_action(), ArgAction::SetTrue) {
        Value::Boolean(matches.get_flag(id))
    } else {
        let texts: Vec<String> = matches.get_raw(id)?.map(|raw| raw.to_string_lossy().into_owned()).collect();
        typed(arg, texts)
    };
    Some(Set { value: Some(value), source, place })
}

/// Of a command's own option only the environment is known here.
fn variable(arg: &Arg) -> Option<Set> {
    let name = arg.get_env()?;
    let value = env::var_os(name)?.to_string_lossy().into_owned();
    Some(Set {
        value: Some(typed(arg, vec![value])),
        source: "environment",
        place: name.to_string_lossy().into_owned(),
    })
}

fn stored(arg: &Arg, value: Option<&Value>, place: &str) -> Set {
    match value {
        Some(value) => Set { value: Some(value.clone()), source: "file", place: place.to_owned() },
        None if matches!(arg.get_action(), ArgAction::SetTrue) => {
            Set { value: Some(Value::Boolean(false)), source: "default", place: String::new() }
        }
        None => Set { value: None, source: "default", place: String::new() },
    }
}

/// A value in the type its key has.
fn typed(arg: &Arg, texts: Vec<String>) -> Value {
    let one = |text: String| {
        let kind = arg.get_value_parser().type_id();
        let whole = [TypeId::of::<usize>(), TypeId::of::<i32>(), TypeId::of::<i64>()].iter().any(|id| kind == *id);
        match (text.parse::<i64>(), text.parse::<f64>()) {
            (Ok(n), _) if whole => Value::Integer(n),
            (_, Ok(x)) if kind == TypeId::of::<f64>() => Value::Float(x),
            _ => Value::String(text),
        }
    };
    let mut values = texts.into_iter().map(one);
    match arg.get_action() {
        ArgAction::Append => Value::Array(values.collect()),
        _ => values.next().unwrap_or(Value::Boolean(true)),
    }
}

/// `name = value  # source`; a default that no key can say stands in a comment.
fn line(table: &str, name: &str, set: &Set, arg: &Arg, shape: Shape) -> String {
    let words = arg.get_help().map(ToString::to_string).unwrap_or_default();
    let usual = words.rsplit_once("[default: ").and_then(|(_, rest)| rest.split(']').next()).unwrap_or("not set");
    let from = if set.place.is_empty() { set.source.to_owned() } else { format!("{} {}", set.source, set.place) };
    match (shape, &set.value) {
        (Shape::Json, value) => {
            let key = if table.is_empty() { name.to_owned() } else { format!("{table}.{name}") };
            let default = value.is_none().then_some(usual);
            json!({ "key": key, "value": value, "default": default, "source": set.source, "place": set.place })
                .to_string()
        }
        (Shape::Text, Some(value)) => printable(&format!("{:<40} # {from}", format!("{name} = {value}"))).into_owned(),
        (Shape::Text, None) => format!("{:<40} # {from}", format!("# {name}: {usual}")),
    }
}

/// Sinks by name: what they are reached by holds passwords and tokens.
fn sinks(names: &[&str], set: &Set, shape: Shape) -> String {
    let from = if set.place.is_empty() { set.source.to_owned() } else { format!("{} {}", set.source, set.place) };
    match shape {
        Shape::Json => {
            json!({ "key": "alert-sink", "names": names, "source": set.source, "place": set.place }).to_string()
        }
        Shape::Text if names.is_empty() => format!("{:<40} # {from}", "# alert-sink: none"),
        Shape::Text => printable(&format!(
            "{:<40} # {from}; their secrets are not shown",
            format!("# alert-sink: {}", names.join(", "))
        ))
        .into_owned(),
    }
}
