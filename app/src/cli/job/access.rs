//! Who may lease a job and what is paid beside the price: the table `[access]` of a job description; and the exam, whose truths the
//! requester keeps in its home until it opens them.
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use cairn_annotation::{formats, rules};
use cairn_kernel::merkle;
use cairn_proto::{
    cairn::annotation::v1::{Exam, ExamBatch, MsgOpenExam, MsgPostJob, Qualification, QueryExamBatchesRequest, QueryExamBatchesResponse},
    pack,
};
use serde::{Deserialize, Serialize};

use super::{Sender, watch};
use crate::cli::{
    annotate::{read_accounts, read_classes},
    genesis::parse_coin,
    home::{Home, random, read_secret_json, write_secret_json},
    rpc::Rpc,
    sign::Signer,
};

/// The table `[access]`. Without it everybody may lease.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Access {
    /// A file of the accounts that alone may lease, one a line, relative to the description.
    list: Option<PathBuf>,
    /// A standing that is asked for.
    standing: Option<Standing>,
    /// An exam to be passed.
    exam: Option<ExamPlan>,
    /// Most of the seats that one account may hold, in basis points; 0 for the network's part.
    seats_bps: u32,
    /// Paid beside the price for a label, such as `500ibc/ABC`; empty for nothing.
    partner_reward: String,
    /// Who pays it; empty for the requester.
    partner: String,
}

/// A standing in a skill.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Standing {
    skill: String,
    #[serde(default)]
    labels: u64,
    /// In parts per million.
    #[serde(default)]
    mean_kappa_ppm: i64,
}

/// An exam: a table of truths, cut into batches.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct ExamPlan {
    /// CSV `item,class`, items from 0 on, relative to the description.
    truths: PathBuf,
    /// Items of a batch.
    items: u32,
    /// Right answers that pass.
    pass: u32,
    /// Where candidates find the items.
    address: String,
}

/// What opens an exam; `exams/<manifest root>.json` below the home.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ExamRecord {
    chain_id: String,
    manifest_root: String,
    seed: String,
    /// The truths of each batch.
    batches: Vec<Vec<u16>>,
}

impl Access {
    /// Puts what the table asks for into the message. `file` is the description's. Gives what opens the exam, to be kept before the job is
    /// posted.
    pub(crate) fn apply(&self, file: &Path, chain_id: &str, message: &mut MsgPostJob) -> Result<Option<ExamRecord>> {
        let folder = file.parent().unwrap_or(Path::new("."));
        let mut asked = Qualification::default();
        if let Some(list) = &self.list {
            let accounts = read_accounts(&folder.join(list))?;
            if accounts.len() <= rules::ALLOW_LIST_MAX {
                message.allow_list = accounts.iter().map(ToString::to_string).collect();
            } else {
                let leaves: Vec<merkle::Hash> = accounts.iter().map(formats::allow_leaf).collect();
                (asked.allowed, asked.allow_root) = (u32::try_from(leaves.len())?, merkle::root(&leaves).to_vec());
            }
        }
        if let Some(Standing { skill, labels, mean_kappa_ppm }) = &self.standing {
            (asked.standing_skill, asked.standing_labels, asked.standing_kappa_ppm) = (skill.clone(), *labels, *mean_kappa_ppm);
        }
        let mut record = None;
        if let Some(plan) = &self.exam {
            let made = plan.record(folder, &message.classes, chain_id, &message.manifest_root)?;
            let (root, batches) = (merkle::root(&made.leaves()?).to_vec(), u32::try_from(made.batches.len())?);
            asked.exam = Some(Exam { root, batches, items: plan.items, pass: plan.pass, content_address: plan.address.clone() });
            record = Some(made);
        }
        message.qualification = Some(asked).filter(|asked| *asked != Qualification::default());
        message.account_seats_bps = self.seats_bps;
        if !self.partner_reward.is_empty() {
            message.partner_reward = Some((&parse_coin(&self.partner_reward)?).into());
        }
        message.partner.clone_from(&self.partner);
        Ok(record)
    }
}

impl ExamPlan {
    fn record(&self, folder: &Path, classes: &[String], chain_id: &str, manifest_root: &[u8]) -> Result<ExamRecord> {
        let path = folder.join(&self.truths);
        let rows = csv::Reader::from_path(&path).with_context(|| format!("cannot read {}", path.display()))?.into_records().count();
        let size = usize::try_from(self.items)?;
        if size == 0 || rows == 0 || rows.checked_rem(size) != Some(0) {
            bail!("{} holds {rows} items; a whole number of batches of {size} is needed", path.display());
        }
        let truths = read_classes(&path, classes, 0, u32::try_from(rows)?)?;
        Ok(ExamRecord {
            chain_id: chain_id.to_owned(),
            manifest_root: hex::encode(manifest_root),
            seed: hex::encode(random()),
            batches: truths.chunks(size).map(<[u16]>::to_vec).collect(),
        })
    }
}

impl ExamRecord {
    fn path(home: &Home, manifest_root: &str) -> PathBuf {
        home.path().join("exams").join(format!("{manifest_root}.json"))
    }
    /// Keeps it, readable by its owner only.
    pub(crate) fn save(&self, home: &Home) -> Result<()> {
        write_secret_json(&Self::path(home, &self.manifest_root), self)
    }
    fn load(home: &Home, manifest_root: &[u8]) -> Result<Self> {
        read_secret_json(&Self::path(home, &hex::encode(manifest_root)))
    }
    fn hash(text: &str) -> Result<merkle::Hash> {
        hex::decode(text).ok().and_then(|bytes| bytes.try_into().ok()).context("the exam's record holds no valid hash")
    }
    fn leaves(&self) -> Result<Vec<merkle::Hash>> {
        let (chain, root, seed) = (formats::chain32(&self.chain_id), Self::hash(&self.manifest_root)?, Self::hash(&self.seed)?);
        let leaf = |(batch, truths): (u32, &Vec<u16>)| {
            formats::exam_leaf(&chain, &root, batch, truths, &formats::exam_salt(&seed, batch)).context("too many truths")
        };
        (0_u32..).zip(&self.batches).map(leaf).collect()
    }
    fn opening(&self, sender: String, job: u64, batch: u32) -> Result<MsgOpenExam> {
        let index = usize::try_from(batch)?;
        let truths = self.batches.get(index).context("the exam has no such batch")?.iter().map(|class| u32::from(*class)).collect();
        let path = merkle::path(&self.leaves()?, index).context("the exam has no such batch")?;
        let salt = formats::exam_salt(&Self::hash(&self.seed)?, batch).to_vec();
        Ok(MsgOpenExam {
            sender,
            job,
            batch,
            salt,
            truths,
            path: path.into_iter().map(|hash| hash.to_vec()).collect(),
            ..MsgOpenExam::default()
        })
    }
}

/// Opens every batch of a job's exam that can be opened now.
pub(crate) fn open_exam(rpc: &Rpc, home: &Home, sender: &Sender, job: u64) -> Result<()> {
    let record = ExamRecord::load(home, &watch::job(rpc, job)?.0.manifest_root)?;
    let found: QueryExamBatchesResponse =
        rpc.ask("/cairn.annotation.v1.Query/ExamBatches", &QueryExamBatchesRequest { job, pagination: None })?;
    let height = rpc.height()?;
    let (key, options) = sender.open(home)?;
    let mut opened = 0_u32;
    for batch in found.batches {
        let ExamBatch { number, closes, opens_until, candidates, ref truths, .. } = batch;
        let closed = height > closes || candidates >= rules::EXAM_CANDIDATES_MAX;
        if !truths.is_empty() || !closed || height > opens_until {
            continue;
        }
        let message = record.opening(key.address().to_string(), job, number)?;
        let done = Signer::new(rpc, &key)?.send(vec![pack(&message)], &options)?;
        println!("opened batch {number} with {candidates} candidates in block {}", done.height);
        opened = opened.saturating_add(1);
    }
    if opened == 0 {
        println!("no batch waits to be opened at height {height}");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn message() -> MsgPostJob {
        MsgPostJob { classes: vec!["cat".into(), "dog".into()], manifest_root: vec![3; 32], ..MsgPostJob::default() }
    }

    #[test]
    fn a_table_becomes_what_the_chain_asks_of_annotators() {
        let folder = tempfile::tempdir().unwrap();
        let account = cairn_kernel::Address::new(&[7; 20]).unwrap();
        fs::write(folder.path().join("people.txt"), format!("{account}\n")).unwrap();
        fs::write(folder.path().join("exam.csv"), "item,class\n0,cat\n1,dog\n2,dog\n3,dog\n").unwrap();
        let text = "list = 'people.txt'\nseats_bps = 500\npartner_reward = '500ibc/ABC'\n[standing]\nskill = 'digits'\nlabels = 100\n\
                    [exam]\ntruths = 'exam.csv'\nitems = 2\npass = 2\naddress = 'https://exam.example/'\n";
        let access: Access = toml::from_str(text).unwrap();
        let mut made = message();
        let record = access.apply(&folder.path().join("job.toml"), "cairn-local-1", &mut made).unwrap().unwrap();
        assert_eq!(made.allow_list, [account.to_string()]);
        assert_eq!((made.account_seats_bps, made.partner_reward.unwrap().denom.as_str()), (500, "ibc/ABC"));
        let asked = made.qualification.unwrap();
        let exam = asked.exam.unwrap();
        assert_eq!((asked.standing_labels, exam.batches, exam.items, exam.pass), (100, 2, 2, 2));
        let opening = record.opening(account.to_string(), 1, 1).unwrap();
        assert_eq!(opening.truths, [1, 1]);
        let path = merkle::read_path(&opening.path).unwrap();
        let root: merkle::Hash = exam.root.try_into().unwrap();
        assert!(merkle::verify(&root, &record.leaves().unwrap()[1], 1, 2, &path));
    }

    #[test]
    fn without_a_table_everybody_may_lease() {
        let mut made = message();
        assert!(Access::default().apply(Path::new("job.toml"), "cairn-local-1", &mut made).unwrap().is_none());
        assert_eq!(made, message());
    }

    #[test]
    fn an_exam_is_of_whole_batches() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("exam.csv"), "item,class\n0,cat\n1,dog\n2,dog\n").unwrap();
        let text = "[exam]\ntruths = 'exam.csv'\nitems = 2\npass = 2\naddress = 'x'\n";
        let access: Access = toml::from_str(text).unwrap();
        let error = access.apply(&folder.path().join("job.toml"), "cairn-local-1", &mut message()).unwrap_err();
        assert!(error.to_string().contains("whole number of batches"));
    }
}
