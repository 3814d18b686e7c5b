//! Labels and gold answers from CSV files: names become numbers, every refusal names its line.

use std::{collections::BTreeMap, io::Read};

use cairn_truth::{MAX_CLASSES, MAX_TASKS, MAX_WORKERS};
use csv::{ReaderBuilder, StringRecord, Trim};

/// Largest file read.
pub const MAX_BYTES: u64 = 1 << 31;
/// Most labels read.
pub const MAX_LABELS: usize = 50_000_000;
/// Longest name, in bytes.
const MAX_NAME: usize = 256;

/// Why a file is refused. Lines count from 1, the heading being the first.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadInput {
    /// The heading is another one.
    #[error("{file}: the heading is '{found}', expected '{expected}'")]
    Heading {
        /// Which file.
        file: &'static str,
        /// The heading found, cut off after 100 characters.
        found: String,
        /// The heading expected.
        expected: String,
    },
    /// A line is not CSV, or not UTF-8, or has another number of fields.
    #[error("{file}, line {line}: {reason}")]
    Line {
        /// Which file.
        file: &'static str,
        /// The line.
        line: u64,
        /// What is wrong.
        reason: String,
    },
    /// A name is empty or too long.
    #[error("{file}, line {line}: a {what} name of {bytes} bytes, expected 1 to {MAX_NAME}")]
    Name {
        /// Which file.
        file: &'static str,
        /// The line.
        line: u64,
        /// Name of what.
        what: &'static str,
        /// Its length.
        bytes: usize,
    },
    /// A worker labelled a task twice.
    #[error("labels, line {line}: worker {worker} labelled task {task} already in line {first}")]
    Repeated {
        /// The line.
        line: u64,
        /// The line of the first label.
        first: u64,
        /// The worker.
        worker: String,
        /// The task.
        task: String,
    },
    /// A task has two gold answers.
    #[error("gold, line {line}: task {task} has a truth already")]
    RepeatedGold {
        /// The line.
        line: u64,
        /// The task.
        task: String,
    },
    /// A name should be a number.
    #[error("{what} '{name}' is not a number below {count}")]
    NotANumber {
        /// What is named.
        what: &'static str,
        /// The name.
        name: String,
        /// How many there are.
        count: u32,
    },
    /// Too much of something.
    #[error("{file}, line {line}: more than {most} {what}")]
    TooMany {
        /// Which file.
        file: &'static str,
        /// The line.
        line: u64,
        /// Of what.
        what: &'static str,
        /// Most allowed.
        most: u64,
    },
    /// There is nothing to infer.
    #[error("labels: there is no label")]
    Empty,
}

/// Names in the order in which they were met.
pub(super) type Met = BTreeMap<String, u32>;

/// What the files hold, by the order in which names were met.
#[derive(Default)]
pub(super) struct Gathered {
    pub(super) tasks: Met,
    pub(super) workers: Met,
    pub(super) classes: Met,
    /// Task, worker, line, class.
    labels: Vec<(u32, u32, u64, u32)>,
    truths: BTreeMap<u32, u32>,
}

impl Gathered {
    pub(super) fn read_labels(&mut self, source: impl Read) -> Result<(), BadInput> {
        let mut rows = Rows::open("labels", source, ["worker", "task", "label"])?;
        while let Some((line, [worker, task, label])) = rows.next()? {
            let worker = meet(&mut self.workers, worker, &rows.at(line, "workers", MAX_WORKERS.into()))?;
            let task = meet(&mut self.tasks, task, &rows.at(line, "tasks", MAX_TASKS.into()))?;
            let class = meet(&mut self.classes, label, &rows.at(line, "classes", MAX_CLASSES.into()))?;
            if self.labels.len() >= MAX_LABELS {
                return Err(BadInput::TooMany { file: "labels", line, what: "labels", most: 50_000_000 });
            }
            self.labels.push((task, worker, line, class));
        }
        if self.labels.is_empty() { Err(BadInput::Empty) } else { Ok(()) }
    }

    pub(super) fn read_gold(&mut self, source: impl Read) -> Result<(), BadInput> {
        let mut rows = Rows::open("gold", source, ["task", "truth"])?;
        while let Some((line, [task, truth])) = rows.next()? {
            let number = meet(&mut self.tasks, task.clone(), &rows.at(line, "tasks", MAX_TASKS.into()))?;
            let class = meet(&mut self.classes, truth, &rows.at(line, "classes", MAX_CLASSES.into()))?;
            if self.truths.insert(number, class).is_some() {
                return Err(BadInput::RepeatedGold { line, task });
            }
        }
        Ok(())
    }

    /// Refuses the first line on which a worker labels a task again.
    pub(super) fn refuse_repeated(&mut self) -> Result<(), BadInput> {
        self.labels.sort_unstable();
        let pairs = self.labels.iter().zip(self.labels.iter().skip(1)).filter(|(a, b)| (a.0, a.1) == (b.0, b.1));
        let Some((first, again)) = pairs.min_by_key(|(_, again)| again.2) else { return Ok(()) };
        let name = |met: &Met, number| met.iter().find(|(_, met)| **met == number).map_or_else(String::new, |(name, _)| name.clone());
        Err(BadInput::Repeated { line: again.2, first: first.2, worker: name(&self.workers, first.1), task: name(&self.tasks, first.0) })
    }

    /// The labels as (task, worker, class) by the numbers that the names have.
    pub(super) fn labels(&self, tasks: &Names, workers: &Names, classes: &Names) -> anyhow::Result<Vec<(u32, u32, u16)>> {
        self.labels
            .iter()
            .map(|&(task, worker, _, class)| Ok((tasks.of(task)?, workers.of(worker)?, u16::try_from(classes.of(class)?)?)))
            .collect()
    }

    /// The gold answers as (task, truth), ascending.
    pub(super) fn truths(&self, tasks: &Names, classes: &Names) -> anyhow::Result<Vec<(u32, u16)>> {
        let truths = self.truths.iter().map(|(&task, &class)| Ok((tasks.of(task)?, u16::try_from(classes.of(class)?)?)));
        let mut truths: Vec<_> = truths.collect::<anyhow::Result<_>>()?;
        truths.sort_unstable();
        Ok(truths)
    }
}

/// Numbers of names.
pub(super) struct Names {
    /// By the order in which the names were met.
    numbers: Vec<u32>,
    /// By number; empty where the names are the numbers.
    names: Vec<String>,
    count: u32,
}

impl Names {
    /// Numbers names by their order as bytes; or takes names for numbers, of which there are `count`.
    pub(super) fn number(what: &'static str, met: &Met, count: Option<u32>) -> Result<Names, BadInput> {
        let mut numbers = vec![0; met.len()];
        for ((name, &place), sorted) in met.iter().zip(0u32..) {
            let number = match count {
                None => sorted,
                Some(count) => {
                    let digits = name.bytes().all(|byte| byte.is_ascii_digit());
                    let number = name.parse().ok().filter(|number| digits && *number < count);
                    number.ok_or_else(|| BadInput::NotANumber { what, name: name.clone(), count })?
                }
            };
            if let Some(slot) = usize::try_from(place).ok().and_then(|place| numbers.get_mut(place)) {
                *slot = number;
            }
        }
        let names = if count.is_some() { vec![] } else { met.keys().cloned().collect() };
        let met = u32::try_from(met.len()).unwrap_or(u32::MAX);
        Ok(Names { numbers, names, count: count.unwrap_or(met) })
    }

    pub(super) fn count(&self) -> u32 {
        self.count
    }

    fn of(&self, met: u32) -> anyhow::Result<u32> {
        let number = self.numbers.get(usize::try_from(met)?).copied();
        number.ok_or_else(|| anyhow::anyhow!("a name without a number"))
    }

    /// The name of a number; the number itself where there is none.
    pub(super) fn name(&self, number: u32) -> String {
        let name = usize::try_from(number).ok().and_then(|number| self.names.get(number));
        name.cloned().unwrap_or_else(|| number.to_string())
    }
}

/// Where a name stands, and how many of its kind there may be.
struct Place {
    file: &'static str,
    line: u64,
    what: &'static str,
    most: u64,
}

/// The number of a name, a new one where it is met for the first time.
fn meet(met: &mut Met, name: String, place: &Place) -> Result<u32, BadInput> {
    if let Some(number) = met.get(&name) {
        return Ok(*number);
    }
    let too_many = BadInput::TooMany { file: place.file, line: place.line, what: place.what, most: place.most };
    let number = u32::try_from(met.len()).ok().filter(|number| u64::from(*number) < place.most).ok_or(too_many)?;
    met.insert(name, number);
    Ok(number)
}

/// The rows of a CSV file with a heading of N names.
struct Rows<R, const N: usize> {
    file: &'static str,
    columns: [&'static str; N],
    reader: csv::Reader<std::io::Take<R>>,
    record: StringRecord,
}

impl<R: Read, const N: usize> Rows<R, N> {
    fn open(file: &'static str, source: R, columns: [&'static str; N]) -> Result<Self, BadInput> {
        // One byte more than allowed shows that there is more.
        let source = source.take(MAX_BYTES.saturating_add(1));
        let reader = ReaderBuilder::new().trim(Trim::All).from_reader(source);
        let mut rows = Rows { file, columns, reader, record: StringRecord::new() };
        let heading = rows.reader.headers().map_err(|error| bad_line(file, &error))?;
        if !heading.iter().eq(columns) {
            let found = heading.iter().collect::<Vec<_>>().join(",").chars().take(100).collect();
            return Err(BadInput::Heading { file, found, expected: columns.join(",") });
        }
        Ok(rows)
    }

    /// The next row and its line.
    fn next(&mut self) -> Result<Option<(u64, [String; N])>, BadInput> {
        let more = self.reader.read_record(&mut self.record).map_err(|error| bad_line(self.file, &error))?;
        let end = self.reader.position();
        if end.byte() > MAX_BYTES {
            return Err(BadInput::TooMany { file: self.file, line: end.line(), what: "bytes", most: MAX_BYTES });
        }
        if !more {
            return Ok(None);
        }
        let line = self.record.position().map_or(0, csv::Position::line);
        let mut fields = self.columns.map(|_| String::new());
        for ((field, name), what) in fields.iter_mut().zip(&self.record).zip(self.columns) {
            if name.is_empty() || name.len() > MAX_NAME {
                return Err(BadInput::Name { file: self.file, line, what, bytes: name.len() });
            }
            name.clone_into(field);
        }
        Ok(Some((line, fields)))
    }

    fn at(&self, line: u64, what: &'static str, most: u64) -> Place {
        Place { file: self.file, line, what, most }
    }
}

fn bad_line(file: &'static str, error: &csv::Error) -> BadInput {
    let line = error.position().map_or(0, csv::Position::line);
    let reason = match error.kind() {
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => format!("{len} fields, expected {expected_len}"),
        csv::ErrorKind::Utf8 { .. } => "not UTF-8".to_owned(),
        _ => error.to_string(),
    };
    BadInput::Line { file, line, reason }
}
