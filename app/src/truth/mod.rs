//! `cairnd truth replay`: runs the consensus code for truth and pay over labels from a file, so that anybody can check a settlement.

mod read;
mod report;
#[cfg(test)]
mod tests;

use std::{
    fs::File,
    io::{BufReader, Read, Write},
    path::PathBuf,
};

use anyhow::{Context, Result, ensure};
use cairn_truth::{Gold, Memory, Params, add_all, infer, write_gold};

pub use read::{BadInput, MAX_BYTES, MAX_LABELS};
pub use report::{Fraction, Report, TaskRow, WorkerRow};

use read::{Gathered, Names};

/// What a replay runs under; the defaults are those of a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplayOptions {
    /// The price of one label, in any unit.
    pub price: u128,
    /// The kappa from which a worker is paid in full, in 1/10,000.
    pub target_bps: u32,
    /// A worker whose gold answers lie below this many bits is left out.
    pub gate_bits: i32,
    /// Gold was promised and not opened in time. No gold may be given then.
    pub unopened: bool,
    /// Tasks are named by their numbers, and there are so many.
    pub tasks: Option<u32>,
    /// Workers are named by their numbers, and there are so many.
    pub workers: Option<u32>,
    /// Classes are named by their numbers, and there are so many.
    pub classes: Option<u16>,
}

impl Default for ReplayOptions {
    fn default() -> Self {
        let Params { target_bps, gate_bits, .. } = Params::new(1, 2, 0, Gold::None);
        ReplayOptions { price: 1_000_000, target_bps, gate_bits, unopened: false, tasks: None, workers: None, classes: None }
    }
}

/// Infers the labels that a CSV `worker,task,label` holds, with the gold of a CSV `task,truth` where there is one. Tasks, workers and
/// classes are numbered by sorted name (of both files), unless the options say that they are named by their numbers. Without gold
/// there is no gate.
///
/// # Errors
/// [`BadInput`] names the file and line; parameters out of range.
pub fn replay(labels: impl Read, gold: Option<impl Read>, options: &ReplayOptions) -> Result<Report> {
    ensure!(!(options.unopened && gold.is_some()), "gold that was not opened cannot be given");
    let mut gathered = Gathered::default();
    gathered.read_labels(labels)?;
    let state = match gold {
        Some(gold) => {
            gathered.read_gold(gold)?;
            Gold::Opened
        }
        None if options.unopened => Gold::Unopened,
        None => Gold::None,
    };
    let tasks = Names::number("task", &gathered.tasks, options.tasks)?;
    let workers = Names::number("worker", &gathered.workers, options.workers)?;
    let classes = Names::number("label", &gathered.classes, options.classes.map(u32::from))?;
    let params = Params {
        tasks: tasks.count(),
        // Where all labels are alike there is still a class that nobody chose.
        classes: u16::try_from(classes.count().max(2)).unwrap_or(u16::MAX),
        workers: workers.count(),
        target_bps: options.target_bps,
        gate_bits: options.gate_bits,
        gold: state,
    };
    params.validate()?;
    let mut pages = Memory::default();
    gathered.refuse_repeated()?;
    add_all(&mut pages, params.tasks, params.classes, &gathered.labels(&tasks, &workers, &classes)?)?;
    let truths = gathered.truths(&tasks, &classes)?;
    for of_chunk in truths.chunk_by(|a, b| a.0 / cairn_truth::CHUNK == b.0 / cairn_truth::CHUNK) {
        if let Some((task, _)) = of_chunk.first() {
            write_gold(&mut pages, params.tasks, params.classes, task / cairn_truth::CHUNK, of_chunk)?;
        }
    }
    let outcome = infer(&mut pages, params)?;
    Report::new(&pages, &params, outcome, options.price, [&tasks, &workers, &classes])
}

/// Infer the truth and the pay from labels in a file, with the code that runs in consensus.
///
/// Reads a CSV 'worker,task,label'. Prints 'task,label,posterior', 'worker,labels,kappa,pay' and the digest, with a blank line
/// between. A settled job's digest is found again from its labels (cairnd job export --format labels) and its gold, if --tasks,
/// --workers and --classes are given and --target and --gate are those of the job.
#[derive(Debug, clap::Args)]
pub struct ReplayArgs {
    /// The labels, with the heading 'worker,task,label'; '-' for standard input.
    labels: PathBuf,
    /// Gold answers, with the heading 'task,truth'.
    #[arg(long)]
    gold: Option<PathBuf>,
    /// The gold was promised and not opened in time.
    #[arg(long, conflicts_with = "gold")]
    unopened: bool,
    /// The price of one label, in any unit.
    #[arg(long, default_value_t = ReplayOptions::default().price)]
    price: u128,
    /// The kappa from which a worker is paid in full: 0.4 to 0.8.
    #[arg(long, default_value = "0.6", value_parser = parse_target)]
    target: u32,
    /// A worker whose gold answers lie below this many bits is left out: -64 to 0.
    #[arg(long, default_value_t = ReplayOptions::default().gate_bits, allow_negative_numbers = true)]
    gate: i32,
    /// Tasks are named by their numbers from 0, and there are so many.
    #[arg(long)]
    tasks: Option<u32>,
    /// Workers are named by their numbers from 0, and there are so many.
    #[arg(long)]
    workers: Option<u32>,
    /// Classes are named by their numbers from 0, and there are so many.
    #[arg(long)]
    classes: Option<u16>,
    /// Fail unless the digest is this one (64 hexadecimal digits).
    #[arg(long, value_parser = parse_digest)]
    digest: Option<[u8; 32]>,
}

impl ReplayArgs {
    /// Runs the replay and prints the report to `sink`, as JSON or as CSV.
    ///
    /// # Errors
    /// Unreadable files, bad input, a digest other than the one expected (after the report is printed).
    pub fn run(self, json: bool, mut sink: impl Write) -> Result<()> {
        let options = ReplayOptions {
            price: self.price,
            target_bps: self.target,
            gate_bits: self.gate,
            unopened: self.unopened,
            tasks: self.tasks,
            workers: self.workers,
            classes: self.classes,
        };
        let gold = self.gold.as_ref().map(open).transpose()?;
        let report = if self.labels.as_os_str() == "-" {
            replay(std::io::stdin().lock(), gold, &options)?
        } else {
            replay(open(&self.labels)?, gold, &options)?
        };
        if json {
            report.write_json(&mut sink)?
        } else {
            report.write_csv(&mut sink)?
        }
        sink.flush()?;
        if let Some(expected) = self.digest {
            let found = report.outcome.digest;
            ensure!(found == expected, "the digest is {}, expected {}", hex::encode(found), hex::encode(expected));
            eprintln!("the digest is the one expected");
        }
        Ok(())
    }
}

fn open(path: &PathBuf) -> Result<BufReader<File>> {
    Ok(BufReader::new(File::open(path).with_context(|| format!("cannot read {}", path.display()))?))
}

/// A decimal fraction with at most four digits after the point, in 1/10,000.
fn parse_target(text: &str) -> Result<u32, String> {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let parsed = (digits(whole) && digits(part) && whole.len() == 1 && part.len() <= 4).then(|| format!("{whole}{part:0<4}"));
    let target = parsed.and_then(|digits| digits.parse().ok()).filter(|target| (4_000..=8_000).contains(target));
    target.ok_or_else(|| format!("{text} is not a fraction from 0.4 to 0.8 with at most four decimals"))
}

fn parse_digest(text: &str) -> Result<[u8; 32], String> {
    let mut digest = [0; 32];
    hex::decode_to_slice(text, &mut digest)
        .map_err(|_| format!("expected 64 hexadecimal digits, found {} characters", text.chars().count()))?;
    Ok(digest)
}
