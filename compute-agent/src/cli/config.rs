//! `agent.toml`: the settings of `run` as a file in the home. Its keys are the options of the command line, which come before it, as the environment does.
use std::{
    ffi::OsString,
    fs,
    io::{ErrorKind, Write},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use clap::{Arg, Args, Command, CommandFactory, parser::ValueSource};
use toml::{Table, Value};

use super::{
    Cli,
    files::{self, For},
    run::Run,
};

/// The file's name in the home.
pub(crate) const FILE: &str = "agent.toml";
/// The command that the file is of.
const RUN: &str = "run";
/// The option that says where the file lies.
const HOME: &str = "home";
/// The largest file.
const MAX_FILE: u64 = 1 << 20;

/// Write `agent.toml` with all settings of `run`, each with what it is for.
#[derive(Debug, Args)]
pub(crate) struct Init {
    /// Where journal and content will be kept.
    #[arg(long, value_name = "DIR")]
    home: PathBuf,
}

impl Init {
    pub(crate) fn run(self) -> Result<()> {
        let path = self.home.join(FILE);
        fs::create_dir_all(&self.home).with_context(|| format!("cannot write {}", self.home.display()))?;
        files::create(&path, For::Owner, |out: &mut dyn Write| Ok(out.write_all(template().as_bytes())?))?;
        println!("{} is written; fill in node and key, then 'cairn-agent doctor --home {}'", path.display(), self.home.display());
        Ok(())
    }
}

/// The options of `run`.
fn options() -> Vec<Arg> {
    Run::augment_args(Command::new(RUN)).get_arguments().filter(|option| option.get_id() != HOME).cloned().collect()
}

/// An option's name in the file.
fn key(option: &Arg) -> String {
    option.get_long().unwrap_or_default().replace('-', "_")
}

/// All settings, none of them set.
fn template() -> String {
    let mut text = String::from(
        "# Settings of 'cairn-agent run --home' this folder. Each is an option of the command line, which comes before the file, as does the environment.\n\
         # Lists are written [\"a\", \"b\"].\n",
    );
    for option in options() {
        let help = option.get_long_help().or(option.get_help()).map(ToString::to_string).unwrap_or_default();
        text.push('\n');
        for line in help.lines() {
            text.push_str(format!("# {line}").trim_end());
            text.push('\n');
        }
        if let Some(variable) = option.get_env() {
            text.push_str(&format!("# In the environment: {}\n", variable.to_string_lossy()));
        }
        let default = option.get_default_values().first().map(|value| value.to_string_lossy().into_owned());
        let value = match default {
            Some(value) if value.parse::<u64>().is_ok() || value.parse::<bool>().is_ok() => value,
            Some(value) => format!("\"{value}\""),
            None => format!("<{}>", option.get_value_names().and_then(|names| names.first()).map_or("VALUE", |name| name.as_str())),
        };
        text.push_str(&format!("# {} = {value}\n", key(&option)));
    }
    text
}

/// The words of the command line, with those of the file in the home of `run` that neither they nor the environment say already.
///
/// # Errors
/// A file that cannot be read, is no TOML, or has a key that is no setting.
pub(crate) fn completed(words: Vec<OsString>) -> Result<Vec<OsString>> {
    // Whatever is wrong with the words is told when they are read in earnest.
    let Ok(seen) = Cli::command().ignore_errors(true).try_get_matches_from(&words) else { return Ok(words) };
    let Some((RUN, given)) = seen.subcommand() else { return Ok(words) };
    let Ok(Some(home)) = given.try_get_one::<PathBuf>(HOME) else { return Ok(words) };
    let is_given = |option: &Arg| {
        let source = given.value_source(option.get_id().as_str());
        matches!(source, Some(ValueSource::CommandLine | ValueSource::EnvVariable))
    };
    let path = home.join(FILE);
    let mut all = words;
    for (name, value) in read(&path)? {
        let options = options();
        let Some(option) = options.iter().find(|option| key(option) == name) else {
            bail!("{}: there is no setting {name:?}; 'cairn-agent init' writes all that there are", path.display());
        };
        if is_given(option) {
            continue;
        }
        let long = option.get_long().unwrap_or_default();
        for value in texts(&value).with_context(|| format!("{}: {name}", path.display()))? {
            all.push(format!("--{long}={value}").into());
        }
    }
    Ok(all)
}

/// The file's table; an empty one where there is no file.
fn read(path: &Path) -> Result<Table> {
    let named = || format!("cannot read {}", path.display());
    match fs::metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Table::new()),
        found if found.as_ref().is_ok_and(|found| found.len() > MAX_FILE) => bail!("{} is larger than {MAX_FILE} bytes", path.display()),
        _ => (),
    }
    let text = fs::read_to_string(path).with_context(named)?;
    text.parse().with_context(|| path.display().to_string())
}

/// A value as the command line says it; a list says it several times.
fn texts(value: &Value) -> Result<Vec<String>> {
    Ok(match value {
        Value::String(text) => vec![text.clone()],
        Value::Integer(number) => vec![number.to_string()],
        Value::Boolean(is) => vec![is.to_string()],
        Value::Array(values) => values.iter().map(texts).collect::<Result<Vec<_>>>()?.concat(),
        other => bail!("expected a text, a whole number, true, false or a list, found a {}", other.type_str()),
    })
}

#[cfg(test)]
mod tests {
    use clap::{FromArgMatches, Parser};

    use super::*;

    fn words(text: &str) -> Vec<OsString> {
        text.split(' ').map(OsString::from).collect()
    }

    /// The settings that a command line gives with a file in its home.
    fn run(file: &str, more: &str) -> Result<Run> {
        let home = tempfile::tempdir().unwrap();
        fs::write(home.path().join(FILE), file).unwrap();
        let line = format!("cairn-agent run --home {}{more}", home.path().display());
        let matches = Cli::command().try_get_matches_from(completed(words(&line))?)?;
        Ok(Run::from_arg_matches(matches.subcommand().unwrap().1)?)
    }

    const LEAST: &str = "node = 'http://a'\nkey = 'k'\n";

    #[test]
    fn the_template_has_every_setting_and_sets_none() {
        let text = template();
        assert_eq!(text.parse::<Table>().unwrap(), Table::new());
        for option in options() {
            assert!(text.contains(&format!("\n# {} = ", key(&option))), "{}", key(&option));
        }
        assert!(text.contains("\n# jobs = 4\n") && text.contains("\n# device = \"flex\"\n") && text.contains("CAIRN_NODE"));
    }

    #[test]
    fn the_command_line_comes_before_the_file() {
        let file = format!("{LEAST}jobs = 7\nno_watch = true\nsample_bps = 5\ntrust = ['all']\ngateway = 'http://g'\n");
        let told = format!("{:?}", run(&file, "").unwrap());
        for expected in ["jobs: 7", "no_watch: true", "sample_bps: 5", "trust: [\"all\"]", "no_jobs: false", "content_mib: 256"] {
            assert!(told.contains(expected), "{expected}: {told}");
        }
        let told = format!("{:?}", run(&file, " --jobs 2 --no-watch=false --no-jobs").unwrap());
        for expected in ["jobs: 2", "no_watch: false", "sample_bps: 5", "no_jobs: true"] {
            assert!(told.contains(expected), "{expected}: {told}");
        }
    }

    #[test]
    fn what_is_no_setting_is_named() {
        for (file, named) in [
            ("jbos = 3\n", "\"jbos\""),
            ("home = '/x'\n", "\"home\""),
            ("jobs = 'many'\n", "--jobs"),
            ("sample_bps = 10001\n", "--sample-bps"),
            ("jobs = 1.5\n", "jobs"),
            ("class = 1\n", "--ask"),
            ("jobs = \n", "agent.toml"),
            ("[run]\njobs = 3\n", "\"run\""),
        ] {
            let error = run(&format!("{LEAST}{file}"), "").unwrap_err();
            assert!(format!("{error:#}").contains(named), "{file}: {error:#}");
        }
        assert!(format!("{:#}", run("", "").unwrap_err()).contains("--node"));
    }

    #[test]
    fn other_commands_and_homes_without_a_file_are_left_alone() {
        for line in
            ["cairn-agent doctor --seeds 3", "cairn-agent run --node a --key b --home /nowhere/at/all", "cairn-agent run --nonsense"]
        {
            assert_eq!(completed(words(line)).unwrap(), words(line));
        }
        assert!(Cli::try_parse_from(words("cairn-agent run --node a --key b --home c --class 1 --ask 1 --ceiling 2")).is_ok());
    }
}
