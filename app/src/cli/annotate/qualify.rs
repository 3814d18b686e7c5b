//! `cairnd annotate qualify`: proves a place on a job's list, takes its exam, and has the exam judged; run again it goes on where it
//! stands.
use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use cairn_annotation::formats;
use cairn_kernel::{Address, merkle};
use cairn_proto::{
    cairn::annotation::v1::{
        Candidate, Exam, ExamBatch, Job, MsgAnswerExam, MsgQualify, Qualification, QueryQualificationRequest, QueryQualificationResponse,
    },
    pack,
};
use clap::Args;
use serde::{Deserialize, Serialize};

use crate::cli::{
    home::{Home, random, read_secret_json, write_secret_json},
    job::Sender,
    rpc::{Refused, Rpc},
    sign::Signer,
};

/// Prove that this account may lease in a job: its place on the list, the answers of its exam. Run it again to go on.
#[derive(Debug, Args)]
pub(crate) struct QualifyArgs {
    /// The job.
    job: u64,
    #[command(flatten)]
    sender: Sender,
    /// The requester's list of accounts, one a line, where the chain knows only its root.
    #[arg(long, value_name = "FILE")]
    list: Option<PathBuf>,
    /// Answers of the exam's current batch: a table item,class with the name of a class for each item.
    #[arg(long, value_name = "FILE")]
    answers: Option<PathBuf>,
}

/// What opens the answers of an exam.
#[derive(Debug, Serialize, Deserialize)]
struct Opening {
    batch: u32,
    salt: String,
    answers: Vec<u16>,
}

impl QualifyArgs {
    /// Runs the command.
    pub(super) fn run(&self, rpc: &Rpc, home: &Home) -> Result<()> {
        let account = self.sender.entry(home)?.address;
        let query = QueryQualificationRequest { job: self.job, account };
        let found: QueryQualificationResponse = rpc.ask("/cairn.annotation.v1.Query/Qualification", &query)?;
        if found.qualified {
            println!("qualified: cairnd annotate claim {} --from {}", self.job, self.sender.name());
            return Ok(());
        }
        let job = super::job(rpc, self.job)?;
        let asked = job.qualification.clone().context("the job asks for nothing")?;
        match (&found.candidate, &found.batch) {
            (Some(_), Some(batch)) if !batch.truths.is_empty() && found.code == WAITING => self.answer(rpc, home),
            (Some(candidate), _) => bail!("{}", told(candidate, &found)),
            (None, batch) => self.qualify(rpc, home, &job, &asked, batch.as_ref(), &found.reason),
        }
    }

    /// Proves the account's place on the list and commits to the exam's answers, as far as the job asks for either.
    fn qualify(&self, rpc: &Rpc, home: &Home, job: &Job, asked: &Qualification, batch: Option<&ExamBatch>, reason: &str) -> Result<()> {
        let (key, options) = self.sender.open(home)?;
        let address = key.address();
        let mut message = MsgQualify { annotator: address.to_string(), job: job.id, ..MsgQualify::default() };
        let mut doing = Vec::new();
        if let (false, Some(list)) = (asked.allow_root.is_empty(), &self.list) {
            (message.index, message.path) = place(list, &address, asked)?;
            doing.push("proved the place on the list".to_owned());
        }
        let mut kept = None;
        if let (Some(exam), Some(table)) = (&asked.exam, &self.answers) {
            let batch = batch.context("all batches of the exam are used up")?.number;
            let opening = opening(table, job, exam, batch)?;
            let salt = secret(&opening.salt)?;
            let commitment = formats::exam_commitment(&rpc.chain_id()?, job.id, batch, &address, &salt, &opening.answers);
            (message.batch, message.commitment) = (batch, commitment.context("too many answers")?.to_vec());
            let path = self.path(home, rpc)?;
            write_secret_json(&path, &opening)?;
            kept = Some(path);
            doing.push(format!("committed to the answers of batch {batch}"));
        }
        if doing.is_empty() {
            bail!("{reason}; {}", hint(asked, batch));
        }
        let sent = Signer::new(rpc, &key)?.send(vec![pack(&message)], &options);
        if let (Some(path), Some(error)) = (&kept, sent.as_ref().err())
            && error.is::<Refused>()
        {
            fs::remove_file(path)?; // after any other error the commitment may still arrive, and only this file opens it
        }
        println!("{} in block {}", doing.join(", "), sent?.height);
        println!("next: cairnd annotate {}", if kept.is_some() { "qualify, when the exam is opened" } else { "claim" });
        Ok(())
    }

    /// Opens the answers that this home committed to.
    fn answer(&self, rpc: &Rpc, home: &Home) -> Result<()> {
        let (key, options) = self.sender.open(home)?;
        let path = self.path(home, rpc)?;
        let opening: Opening = read_secret_json(&path)?;
        let answers = opening.answers.iter().map(|class| u32::from(*class)).collect();
        let message = MsgAnswerExam {
            annotator: key.address().to_string(),
            job: self.job,
            salt: secret(&opening.salt)?.to_vec(),
            answers,
            ..MsgAnswerExam::default()
        };
        let done = Signer::new(rpc, &key)?.send(vec![pack(&message)], &options)?;
        println!("answers opened in block {}; what came of them: cairnd annotate qualify {}", done.height, self.job);
        Ok(())
    }

    fn path(&self, home: &Home, rpc: &Rpc) -> Result<PathBuf> {
        let name = format!("exam-{}-{}-{}.json", rpc.chain_id()?, self.job, self.sender.name());
        Ok(home.path().join("openings").join(name))
    }
}

/// The code of an exam that waits for its truths, or, once they are there, for the candidate's answers.
const WAITING: u32 = 124;

/// What the chain says of a candidate.
fn told(candidate: &Candidate, found: &QueryQualificationResponse) -> String {
    format!("batch {}: {}", candidate.batch, found.reason)
}

fn hint(asked: &Qualification, batch: Option<&ExamBatch>) -> String {
    match (&asked.exam, batch) {
        (Some(exam), Some(batch)) => {
            let first = batch.number.saturating_mul(exam.items);
            let last = first.saturating_add(exam.items).saturating_sub(1);
            format!("answer items {first} to {last} of {} in a table item,class and give it with --answers", exam.content_address)
        }
        _ if !asked.allow_root.is_empty() => "give the requester's list with --list".to_owned(),
        _ => "no message can change that".to_owned(),
    }
}

/// The account's index and path in the tree of the list.
fn place(list: &Path, account: &Address, asked: &Qualification) -> Result<(u32, Vec<Vec<u8>>)> {
    let accounts = read_accounts(list)?;
    let leaves: Vec<merkle::Hash> = accounts.iter().map(formats::allow_leaf).collect();
    if merkle::root(&leaves)[..] != asked.allow_root[..] {
        bail!("{} is not the list that the job was posted with", list.display());
    }
    let index = accounts.iter().position(|listed| listed == account).with_context(|| format!("{account} is not on the list"))?;
    let path = merkle::path(&leaves, index).context("the list is empty")?;
    Ok((u32::try_from(index)?, path.into_iter().map(|hash| hash.to_vec()).collect()))
}

/// The accounts of a list, one a line; empty lines and what follows `#` are left out.
pub(crate) fn read_accounts(list: &Path) -> Result<Vec<Address>> {
    let text = fs::read_to_string(list).with_context(|| format!("cannot read {}", list.display()))?;
    let lines = text.lines().map(|line| line.split('#').next().unwrap_or("").trim());
    let read =
        |(line, text): (usize, &str)| Address::parse(text).map_err(|error| anyhow::anyhow!("{} line {line}: {error}", list.display()));
    (1_usize..).zip(lines).filter(|(_, text)| !text.is_empty()).map(read).collect()
}

/// One class for each item of the batch, under a fresh salt.
fn opening(table: &Path, job: &Job, exam: &Exam, batch: u32) -> Result<Opening> {
    let first = batch.saturating_mul(exam.items);
    let answers = read_classes(table, &job.classes, first, exam.items)?;
    Ok(Opening { batch, salt: hex::encode(random()), answers })
}

/// A table item,class with exactly the items from `first` on, in their order.
pub(crate) fn read_classes(table: &Path, classes: &[String], first: u32, items: u32) -> Result<Vec<u16>> {
    let mut reader = csv::Reader::from_path(table).with_context(|| format!("cannot read {}", table.display()))?;
    let mut out = Vec::new();
    for (item, row) in (first..).zip(reader.records()) {
        let row = row.with_context(|| format!("{} at item {item}", table.display()))?;
        let (found, name) = (row.get(0).unwrap_or("").trim(), row.get(1).unwrap_or("").trim());
        if found != item.to_string() {
            bail!("{}: the next item is {item}, found {found:?}", table.display());
        }
        let class = classes.iter().position(|class| class == name);
        let class = class.with_context(|| format!("{} at item {item}: {name:?} is none of {}", table.display(), classes.join(", ")))?;
        out.push(u16::try_from(class)?);
    }
    if out.len() != usize::try_from(items)? {
        bail!("{} must hold items {first} to {}", table.display(), first.saturating_add(items).saturating_sub(1));
    }
    Ok(out)
}

/// 32 bytes of a file of the home.
fn secret(text: &str) -> Result<merkle::Hash> {
    hex::decode(text).ok().and_then(|bytes| bytes.try_into().ok()).context("the opening holds no valid salt")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(text: &str) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), text).unwrap();
        file
    }

    #[test]
    fn answers_are_of_exactly_the_items_of_the_batch() {
        let classes = ["cat".to_owned(), "dog".to_owned()];
        let read = |text: &str| read_classes(file(text).path(), &classes, 4, 2).map_err(|error| format!("{error:#}"));
        assert_eq!(read("item,class\n4,dog\n5,cat\n").unwrap(), [1, 0]);
        assert!(read("item,class\n5,dog\n4,cat\n").unwrap_err().contains("the next item is 4"));
        assert!(read("item,class\n4,dog\n").unwrap_err().contains("items 4 to 5"));
        assert!(read("item,class\n4,dog\n5,cat\n6,cat\n").unwrap_err().contains("items 4 to 5"));
        assert!(read("item,class\n4,cow\n5,cat\n").unwrap_err().contains("none of cat, dog"));
    }

    #[test]
    fn a_place_on_the_list_leads_to_the_root() {
        let accounts: Vec<Address> = (1..=5).map(|n| Address::new(&[n; 20]).unwrap()).collect();
        let text: String = accounts.iter().map(|account| format!("{account} # one\n\n")).collect();
        let list = file(&text);
        let leaves: Vec<merkle::Hash> = accounts.iter().map(formats::allow_leaf).collect();
        let mut asked = Qualification { allowed: 5, allow_root: merkle::root(&leaves).to_vec(), ..Qualification::default() };
        let (index, path) = place(list.path(), &accounts[3], &asked).unwrap();
        let path = merkle::read_path(&path).unwrap();
        assert!(merkle::verify(&merkle::root(&leaves), &leaves[3], index.into(), 5, &path));
        assert!(place(list.path(), &Address::new(&[9; 20]).unwrap(), &asked).is_err());
        asked.allow_root[0] ^= 1;
        assert!(place(list.path(), &accounts[3], &asked).unwrap_err().to_string().contains("not the list"));
        assert!(read_accounts(file("cairn1nobody\n").path()).unwrap_err().to_string().contains("line 1"));
    }
}
