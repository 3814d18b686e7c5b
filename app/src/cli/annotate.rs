//! `cairnd annotate`: a person's way through a lease without a browser.
mod qualify;

pub(crate) use qualify::{read_accounts, read_classes};

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    thread::sleep,
    time::Duration,
};

use anyhow::{Context, Result, bail};
use cairn_annotation::formats;
use cairn_kernel::merkle;
use cairn_proto::{
    cairn::annotation::v1::{
        Job, Label, Lease, LeaseState, MsgClaimTasks, MsgCommitLabels, MsgRevealLabels, QueryClaimRequest, QueryClaimResponse,
        QueryJobRequest, QueryJobResponse, QueryLeaseRequest, QueryLeaseResponse, QueryLeasesRequest, QueryLeasesResponse,
    },
    pack,
};
use clap::Subcommand;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{
    gateway::Gateway,
    home::{Home, random, read_secret_json, write_secret_json},
    job::Sender,
    keyring::AccountKey,
    output::Output,
    rpc::{Refused, Rpc},
    sign::Signer,
};

/// Work on a job as an annotator, step by step.
#[derive(Debug, Subcommand)]
pub(crate) enum AnnotateCommand {
    /// 0. Where a job asks for it: prove the place on its list, take its exam. Run it again to go on.
    Qualify(qualify::QualifyArgs),
    /// 1. Ask for a lease and wait until the chain has drawn it.
    Claim {
        /// The job.
        job: u64,
        #[command(flatten)]
        sender: Sender,
        /// Ask for a bond that the requester lends, for a first lease without money of one's own.
        #[arg(long)]
        lent_bond: bool,
    },
    /// 2. Fetch the items of a lease, check them against the chain, and write a table to fill in.
    Fetch {
        /// The lease.
        lease: u64,
        #[command(flatten)]
        sender: Sender,
        /// The folder to write: the items, and labels.csv.
        #[arg(long)]
        out: PathBuf,
        /// The gateway; without it, the first that the job names.
        #[arg(long, env = "CAIRN_GATEWAY")]
        gateway: Option<String>,
    },
    /// 3. Commit to the labels of the filled table. What opens the commitment is kept in the home; do not lose it.
    Commit {
        /// The lease.
        lease: u64,
        /// The table: task,class with the name of a class for each task; an empty class skips the task.
        labels: PathBuf,
        #[command(flatten)]
        sender: Sender,
    },
    /// 4. Wait until the bucket's reveals are open, and reveal. Not revealed in time, the bond is lost.
    Reveal {
        /// The lease.
        lease: u64,
        #[command(flatten)]
        sender: Sender,
    },
}

/// What opens a commitment.
#[derive(Debug, Serialize, Deserialize)]
struct Opening {
    salt: String,
    labels: Vec<(u32, u16)>,
}

impl AnnotateCommand {
    /// Runs the command.
    pub(crate) fn run(self, home: &Home, node: &str, output: Output) -> Result<()> {
        let rpc = Rpc::new(node);
        match self {
            Self::Qualify(args) => args.run(&rpc, home),
            Self::Claim { job, sender, lent_bond } => claim(&rpc, home, &sender, job, lent_bond, output),
            Self::Fetch { lease, sender, out, gateway } => fetch(&rpc, home, &sender, lease, &out, gateway),
            Self::Commit { lease, labels, sender } => commit(&rpc, home, &sender, lease, &labels),
            Self::Reveal { lease, sender } => reveal(&rpc, home, &sender, lease),
        }
    }
}

fn job(rpc: &Rpc, job: u64) -> Result<Job> {
    let answer: QueryJobResponse = rpc.ask("/cairn.annotation.v1.Query/Job", &QueryJobRequest { job })?;
    answer.job.context("the job is empty")
}

fn lease(rpc: &Rpc, lease: u64) -> Result<(Lease, Vec<u32>, u64)> {
    let answer: QueryLeaseResponse = rpc.ask("/cairn.annotation.v1.Query/Lease", &QueryLeaseRequest { lease })?;
    Ok((answer.lease.context("the lease is empty")?, answer.tasks, answer.commit_until))
}

/// Refuses a lease that another account holds.
fn own(granted: &Lease, key: &AccountKey, sender: &Sender) -> Result<()> {
    if granted.annotator != key.address().to_string() {
        bail!("lease {} is held by {}, not by {} ({})", granted.id, granted.annotator, sender.name(), key.address());
    }
    Ok(())
}

/// Tells of the leases in a job that wait for labels: a claim that was interrupted may have been granted meanwhile.
fn tell_standing(rpc: &Rpc, job: u64, annotator: &str) -> Result<()> {
    let request =
        QueryLeasesRequest { annotator: annotator.to_owned(), job, state: LeaseState::Live.into(), ..QueryLeasesRequest::default() };
    let standing: QueryLeasesResponse = rpc.ask("/cairn.annotation.v1.Query/Leases", &request)?;
    for lease in standing.leases {
        let number = lease.lease.map_or(0, |l| l.id);
        eprintln!("lease {number} waits for your labels until block {}: cairnd annotate fetch {number}", lease.commit_until);
    }
    Ok(())
}

fn claim(rpc: &Rpc, home: &Home, sender: &Sender, number: u64, lent_bond: bool, output: Output) -> Result<()> {
    let denom = job(rpc, number)?.price.map(|p| p.denom).unwrap_or_default();
    let (key, options) = sender.open(home)?;
    let annotator = key.address().to_string();
    let ask = || -> Result<QueryClaimResponse> {
        rpc.ask("/cairn.annotation.v1.Query/Claim", &QueryClaimRequest { job: number, annotator: annotator.clone() })
    };
    let before = ask()?;
    tell_standing(rpc, number, &annotator)?;
    if before.claim.is_none() {
        let nonce = before.nonce.saturating_add(1);
        let message = MsgClaimTasks { annotator: annotator.clone(), job: number, buckets: 1, nonce, lent_bond };
        let done = Signer::new(rpc, &key)?.send(vec![pack(&message)], &options)?;
        eprintln!("claimed in block {}; the chain draws seats two or more blocks later", done.height);
    }
    loop {
        let now = ask()?;
        if now.last_lease != before.last_lease {
            let (granted, tasks, until) = lease(rpc, now.last_lease)?;
            let bond = format!("{}{denom}", granted.bond);
            output.value(&json!({ "lease": granted.id, "tasks": tasks.len(), "commit_until_height": until, "bond": bond }))?;
            eprintln!("next: cairnd annotate fetch {} --from {} --out lease-{}", granted.id, sender.name(), granted.id);
            return Ok(());
        }
        if now.claim.is_none() {
            bail!("no seat was free within 60 blocks; the bond is yours again, claim later");
        }
        sleep(Duration::from_millis(500));
    }
}

fn fetch(rpc: &Rpc, home: &Home, sender: &Sender, number: u64, out: &Path, gateway: Option<String>) -> Result<()> {
    let (key, _) = sender.open(home)?;
    let (granted, tasks, until) = lease(rpc, number)?;
    own(&granted, &key, sender)?;
    let job = job(rpc, granted.job)?;
    let url = gateway.or_else(|| job.content_addresses.first().cloned()).context("the job names no gateway; give one with --gateway")?;
    let gateway = Gateway::sign_in(&url, &key)?;
    let root: merkle::Hash = job.manifest_root.as_slice().try_into().context("a manifest root has 32 bytes")?;
    fs::create_dir_all(out).with_context(|| format!("cannot create {}", out.display()))?;
    let extension = extension(&job.media_type);
    let mut table = String::from("task,class\n");
    for task in &tasks {
        let content = gateway.item(job.id, *task)?;
        let proof = gateway.get(&format!("/v1/jobs/{}/tasks/{task}/proof", job.id))?;
        check_item(&content, &proof, *task, job.tasks, &root)?;
        fs::write(out.join(format!("{task}.{extension}")), content)?;
        table.push_str(&format!("{task},\n"));
    }
    let path = out.join("labels.csv");
    if path.exists() {
        eprintln!("{} exists and is kept", path.display());
    } else {
        fs::write(&path, table)?;
    }
    println!("{} items checked against the chain, in {}", tasks.len(), out.display());
    println!("{}\nclasses: {}", job.description, job.classes.join(", "));
    println!("fill in {}; an empty class skips its task. Then, until block {until}:", path.display());
    println!("cairnd annotate commit {number} {} --from {}", path.display(), sender.name());
    Ok(())
}

/// The ending of a file of this media type, by which other programs know it.
fn extension(media_type: &str) -> &str {
    match media_type {
        "text/plain" => "txt",
        "image/jpeg" => "jpg",
        "image/svg+xml" => "svg",
        "audio/mpeg" => "mp3",
        "audio/x-wav" | "audio/vnd.wave" => "wav",
        other => other.rsplit('/').next().filter(|e| !e.is_empty() && e.bytes().all(|b| b.is_ascii_alphanumeric())).unwrap_or("bin"),
    }
}

/// Refuses content that is not the item that the job committed to.
fn check_item(content: &[u8], proof: &Value, task: u32, tasks: u32, root: &merkle::Hash) -> Result<()> {
    let hash32 =
        |text: &str| -> Result<merkle::Hash> { hex::decode(text).ok().and_then(|b| b.try_into().ok()).context("the proof holds no hash") };
    let blind = hash32(proof.get("blind").and_then(Value::as_str).unwrap_or(""))?;
    let path = proof.get("path").and_then(Value::as_array).context("the proof has no path")?;
    let path = path.iter().map(|h| hash32(h.as_str().unwrap_or(""))).collect::<Result<Vec<_>>>()?;
    let leaf = formats::item_leaf(task, &Sha256::digest(content).into(), u64::try_from(content.len())?, &blind);
    if !merkle::verify(root, &leaf, task.into(), tasks.into(), &path) {
        bail!(
            "the gateway served something else than the item of task {task}; give the lease back with 'cairnd tx annotation skip-tasks --reason unavailable'"
        );
    }
    Ok(())
}

fn opening_path(home: &Home, chain_id: &str, lease: u64) -> PathBuf {
    home.path().join("openings").join(format!("{chain_id}-{lease}.json"))
}

fn commit(rpc: &Rpc, home: &Home, sender: &Sender, number: u64, table: &Path) -> Result<()> {
    let (key, options) = sender.open(home)?;
    let (granted, tasks, _) = lease(rpc, number)?;
    own(&granted, &key, sender)?;
    let job = job(rpc, granted.job)?;
    let chain_id = rpc.chain_id()?;
    // The folder that `fetch` made holds its table.
    let table = if table.is_dir() { table.join("labels.csv") } else { table.to_owned() };
    let labels = read_labels(&table, &tasks, &job.classes)?;
    let path = opening_path(home, &chain_id, number);
    if path.exists() {
        // A commitment that was sent before is final; an unsent one is opened by the same file.
        if granted.commitment.is_empty() {
            bail!(
                "{} holds labels that may be on their way to the chain; if they never arrive, delete it and commit again",
                path.display()
            );
        }
        bail!("lease {number} is committed, and that is final; next: cairnd annotate reveal {number} --from {}", sender.name());
    }
    let salt = random();
    let payloads: Vec<(u32, [u8; 2])> = labels.iter().map(|(t, c)| (*t, formats::class_payload(*c))).collect();
    let commitment = formats::label_commitment(&chain_id, job.id, number, &key.address(), &salt, &payloads).context("too many labels")?;
    write_secret_json(&path, &Opening { salt: hex::encode(salt), labels })?;
    let message =
        MsgCommitLabels { annotator: key.address().to_string(), lease: number, commitment: commitment.to_vec(), revealer: String::new() };
    let sent = Signer::new(rpc, &key)?.send(vec![pack(&message)], &options);
    if sent.as_ref().is_err_and(|e| e.is::<Refused>()) {
        // The labels may be mended and sent again. After any other error the commitment may still arrive, and only this file opens it.
        fs::remove_file(&path)?;
    }
    let skipped = payloads.iter().filter(|(_, p)| *p == formats::class_payload(formats::SKIPPED)).count();
    println!("committed {} labels, {skipped} tasks skipped, in block {}", payloads.len().saturating_sub(skipped), sent?.height);
    println!("next: cairnd annotate reveal {number} --from {}", sender.name());
    Ok(())
}

fn read_labels(table: &Path, tasks: &[u32], classes: &[String]) -> Result<Vec<(u32, u16)>> {
    let mut given: BTreeMap<u32, u16> = BTreeMap::new();
    let mut reader = csv::Reader::from_path(table).with_context(|| format!("cannot read {}", table.display()))?;
    for (line, row) in (2_u64..).zip(reader.records()) {
        let row = row.with_context(|| format!("{} line {line}", table.display()))?;
        let task: u32 =
            row.get(0).unwrap_or("").trim().parse().with_context(|| format!("{} line {line}: no task number", table.display()))?;
        let name = row.get(1).unwrap_or("").trim();
        let class = match classes.iter().position(|c| c == name) {
            Some(i) => u16::try_from(i)?,
            None if name.is_empty() => formats::SKIPPED,
            None => bail!("{} line {line}: {name:?} is none of {}", table.display(), classes.join(", ")),
        };
        if !tasks.contains(&task) || given.insert(task, class).is_some() {
            bail!("{} line {line}: task {task} is not in this lease, or stands there twice", table.display());
        }
    }
    if let Some(missing) = tasks.iter().find(|t| !given.contains_key(t)) {
        bail!("{} has no line for task {missing}; leave the class empty to skip it", table.display());
    }
    if given.values().all(|c| *c == formats::SKIPPED) {
        bail!("{} has no label; to give the lease back with its bond, use 'cairnd tx annotation skip-tasks'", table.display());
    }
    Ok(given.into_iter().collect())
}

fn reveal(rpc: &Rpc, home: &Home, sender: &Sender, number: u64) -> Result<()> {
    let (key, options) = sender.open(home)?;
    let path = opening_path(home, &rpc.chain_id()?, number);
    if !path.exists() {
        bail!("{} is not there: only the home that committed lease {number} can reveal it", path.display());
    }
    let opening: Opening = read_secret_json(&path)?;
    let rpc = &rpc.patient();
    let mut told = false;
    loop {
        let (now, ..) = lease(rpc, number)?;
        match now.state() {
            LeaseState::Committed if now.reveal_from > 0 => break,
            LeaseState::Committed => {
                if !told {
                    let last = job(rpc, now.job)?.commit_deadline;
                    eprintln!(
                        "waiting until every seat of the bucket is committed or its time is over, at the latest after block {last} ..."
                    );
                    told = true;
                }
                sleep(Duration::from_secs(1));
            }
            other => bail!(
                "lease {number} is {}; there is nothing to reveal",
                other.as_str_name().trim_start_matches("LEASE_STATE_").to_lowercase()
            ),
        }
    }
    let message = MsgRevealLabels {
        sender: key.address().to_string(),
        lease: number,
        salt: hex::decode(&opening.salt)?,
        labels: opening.labels.iter().map(|(task, class)| Label { task: *task, class: u32::from(*class), ..Label::default() }).collect(),
    };
    let done = Signer::new(rpc, &key)?.send(vec![pack(&message)], &options)?;
    println!("revealed in block {}; your bond is back, and the pay comes when the job is settled:", done.height);
    println!("cairnd tx annotation withdraw-earnings --from {}", sender.name());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_must_answer_exactly_the_tasks_of_the_lease() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let classes = ["cat".to_owned(), "dog".to_owned()];
        let read = |text: &str| {
            fs::write(file.path(), text).unwrap();
            read_labels(file.path(), &[4, 7], &classes).map_err(|e| format!("{e:#}"))
        };
        assert_eq!(read("task,class\n7,dog\n4,\n").unwrap(), [(4, formats::SKIPPED), (7, 1)]);
        assert!(read("task,class\n7,\n4,\n").unwrap_err().contains("has no label"));
        assert!(read("task,class\n7,dog\n").unwrap_err().contains("no line for task 4"));
        assert!(read("task,class\n7,cow\n").unwrap_err().contains("none of cat, dog"));
        assert!(read("task,class\n7,dog\n7,cat\n4,cat\n").unwrap_err().contains("twice"));
        assert!(read("task,class\n5,dog\n").unwrap_err().contains("not in this lease"));
    }

    #[test]
    fn files_end_as_other_programs_expect() {
        for (media_type, expected) in [("text/plain", "txt"), ("image/png", "png"), ("image/jpeg", "jpg"), ("a/b+c", "bin"), ("", "bin")] {
            assert_eq!(extension(media_type), expected, "{media_type}");
        }
    }
}
