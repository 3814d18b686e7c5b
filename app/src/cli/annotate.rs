//! `cairnd annotate`: a person's way through a lease without a browser.
mod qualify;
pub(crate) mod shown;
pub(crate) mod table;
mod work;

pub(crate) use qualify::{read_accounts, read_classes};
pub(crate) use shown::{fetch_item, write_draft, write_item};

use std::{
    fs,
    path::{Path, PathBuf},
    thread::sleep,
    time::Duration,
};

use anyhow::{Context, Result, bail};
use cairn_annotation::formats;
use cairn_proto::{
    cairn::annotation::v1::{
        Job, JobState, Lease, LeaseState, MsgClaimTasks, MsgCommitLabels, MsgRevealLabels, QueryClaimRequest, QueryClaimResponse,
        QueryJobRequest, QueryJobResponse, QueryLeaseRequest, QueryLeaseResponse, QueryLeasesRequest, QueryLeasesResponse,
    },
    pack,
};
use clap::Subcommand;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{
    gateway::Gateway,
    home::{Home, random, read_secret_json, write_secret_json},
    job::Sender,
    keyring::AccountKey,
    output::Output,
    reply::{Reply, kind_of},
    rpc::{Refused, Rpc},
    sign::Signer,
};
use table::Said;
use work::{Work, fetch};

/// Work on a job as an annotator, step by step.
#[derive(Debug, Subcommand)]
pub(crate) enum AnnotateCommand {
    /// 0. Where a job asks for it: prove the place on its list, take its exam. Run it again to go on.
    Qualify(qualify::QualifyArgs),
    /// 1. Ask for a lease and wait until the chain has drawn it.
    ///
    /// The drafts of a job are verified in a job of their own, which 'job status' names.
    Claim {
        /// The job.
        job: u64,
        #[command(flatten)]
        sender: Sender,
        /// Ask for a bond that the requester lends, for a first lease without money of one's own.
        #[arg(long)]
        lent_bond: bool,
        /// Fetch its items at once into this folder.
        #[arg(long, value_name = "FOLDER")]
        out: Option<PathBuf>,
        /// The gateway for --out; without it, the first that the job names.
        #[arg(long, env = "CAIRN_GATEWAY")]
        gateway: Option<String>,
    },
    /// 2. Fetch the items of a lease, check them against the chain, and write a file to fill in.
    ///
    /// Items are files named by their tasks (4.png; of a pair 4.left.png and 4.right.png). Where drafts are verified, the draft lies
    /// beside: 4.draft.txt, 4.draft.wav, or shapes as 4.draft.json with 4.draft.svg (drawn over the picture) or 4.draft.txt (passages).
    /// The file is labels.csv (task,class) for answers of one class, and labels.jsonl, one JSON object a task, for all others.
    Fetch {
        /// The lease.
        lease: u64,
        #[command(flatten)]
        sender: Sender,
        /// The folder to write.
        #[arg(long)]
        out: PathBuf,
        /// The gateway; without it, the first that the job names.
        #[arg(long, env = "CAIRN_GATEWAY")]
        gateway: Option<String>,
    },
    /// 3. Commit to the labels of the filled file. What opens the commitment is kept in the home; do not lose it.
    ///
    /// A line for each task of the lease; one without an answer skips its task. By type of job:
    ///
    /// classify, verify, pairwise: labels.csv with task,class (pairwise: left, right, tie; verify: reject, accept)
    ///
    /// multi-label: {"task":4,"classes":["cat","dog"]}, [] where none holds
    ///
    /// box: {"task":4,"boxes":[{"class":"cat","x":3,"y":4,"width":10,"height":20}]}, pixels from the upper left corner
    ///
    /// polygon: {"task":4,"polygons":[{"class":"cat","points":[[0,0],[9,0],[9,9]]}]}
    ///
    /// span: {"task":4,"spans":[{"class":"PER","start":0,"end":4}]}, characters from 0, end outside
    ///
    /// text: {"task":4,"transcript":"what is said"} or {"task":4,"file":"4-draft.txt"}; audio: {"task":4,"file":"4-draft.wav"}.
    /// Files lie beside the table; drafts are handed to the gateway before the commitment.
    ///
    /// All of it is checked before anything is sent, shapes also against the items beside the file.
    #[command(verbatim_doc_comment)]
    Commit {
        /// The lease.
        lease: u64,
        /// The file, or the folder that 'fetch' made.
        labels: PathBuf,
        #[command(flatten)]
        sender: Sender,
        /// The gateway that takes drafts of text and audio jobs; without it, the first that the job names.
        #[arg(long, env = "CAIRN_GATEWAY")]
        gateway: Option<String>,
        /// Stay, and reveal when the time comes.
        #[arg(long)]
        reveal: bool,
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
    /// What is said of each task, ascending; nothing for a skipped one.
    labels: Vec<(u32, Option<Reply>)>,
}

impl AnnotateCommand {
    /// Runs the command.
    pub(crate) fn run(self, home: &Home, node: &str, output: Output) -> Result<()> {
        let rpc = Rpc::new(node);
        match self {
            Self::Qualify(args) => args.run(&rpc, home),
            Self::Claim { job, sender, lent_bond, out, gateway } => {
                let lease = claim(&rpc, home, &sender, job, lent_bond, output)?;
                match out {
                    Some(out) => fetch(&rpc, home, &sender, lease, &out, gateway),
                    None => {
                        eprintln!("next: cairnd annotate fetch {lease} --from {} --out lease-{lease}", sender.name());
                        Ok(())
                    }
                }
            }
            Self::Fetch { lease, sender, out, gateway } => fetch(&rpc, home, &sender, lease, &out, gateway),
            Self::Commit { lease, labels, sender, gateway, reveal } => {
                commit(&rpc, home, &sender, lease, (&labels, gateway))?;
                if reveal {
                    return self::reveal(&rpc, home, &sender, lease);
                }
                println!("next: cairnd annotate reveal {lease} --from {}", sender.name());
                Ok(())
            }
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

/// Gives the lease that was drawn.
fn claim(rpc: &Rpc, home: &Home, sender: &Sender, number: u64, lent_bond: bool, output: Output) -> Result<u64> {
    let asked: QueryJobResponse = rpc.ask("/cairn.annotation.v1.Query/Job", &QueryJobRequest { job: number })?;
    let stage = asked.status.filter(|status| status.state() == JobState::Verifying).map_or(0, |status| status.stage);
    if stage > 0 {
        bail!(
            "the drafts of job {number} are in; they are verified in job {stage}: cairnd annotate claim {stage} --from {}",
            sender.name()
        );
    }
    let denom = asked.job.and_then(|job| job.price).map(|p| p.denom).unwrap_or_default();
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
            return Ok(granted.id);
        }
        if now.claim.is_none() {
            bail!("no seat was free within 60 blocks; the bond is yours again, claim later");
        }
        sleep(Duration::from_millis(500));
    }
}

fn opening_path(home: &Home, chain_id: &str, lease: u64) -> PathBuf {
    home.path().join("openings").join(format!("{chain_id}-{lease}.json"))
}

/// The file that a person filled in; the folder that `fetch` made holds it.
fn filled(path: &Path) -> PathBuf {
    let inside = ["labels.csv", "labels.jsonl"].iter().map(|name| path.join(name)).find(|file| file.is_file());
    inside.unwrap_or_else(|| path.to_owned())
}

fn commit(rpc: &Rpc, home: &Home, sender: &Sender, number: u64, (labels, gateway): (&Path, Option<String>)) -> Result<()> {
    let (key, options) = sender.open(home)?;
    let Work { lease: granted, tasks, job, .. } = Work::load(rpc, number)?;
    own(&granted, &key, sender)?;
    let chain_id = rpc.chain_id()?;
    let kind = kind_of(job.r#type())?;
    let said = table::read_all(&filled(labels), &tasks, kind, &job.classes)?;
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
    let labels = upload(said, &job, &key, gateway)?;
    let skipped = labels.iter().filter(|(_, reply)| reply.is_none()).count();
    let salt = random();
    let payload = |(task, reply): &(u32, Option<Reply>)| Ok((*task, table::payload(reply.as_ref(), kind, job.classes.len())?));
    let payloads = labels.iter().map(payload).collect::<Result<Vec<_>>>()?;
    let commitment = formats::label_commitment(&chain_id, job.id, number, &key.address(), &salt, &payloads).context("too many labels")?;
    write_secret_json(&path, &Opening { salt: hex::encode(salt), labels })?;
    let message =
        MsgCommitLabels { annotator: key.address().to_string(), lease: number, commitment: commitment.to_vec(), revealer: String::new() };
    let sent = Signer::new(rpc, &key)?.send(vec![pack(&message)], &options);
    if sent.as_ref().is_err_and(|e| e.is::<Refused>()) {
        // The labels may be mended and sent again. After any other error the commitment may still arrive, and only this file opens it.
        fs::remove_file(&path)?;
    }
    println!("committed {} labels, {skipped} tasks skipped, in block {}", payloads.len().saturating_sub(skipped), sent?.height);
    Ok(())
}

/// What the chain is told; contents of drafts are handed in first, so that nothing is committed that nobody can have.
fn upload(said: Vec<(u32, Said)>, job: &Job, key: &AccountKey, gateway: Option<String>) -> Result<Vec<(u32, Option<Reply>)>> {
    let mut signed_in: Option<Gateway> = None;
    let mut labels = Vec::with_capacity(said.len());
    for (task, said) in said {
        let (reply, content) = said.told(&key.address())?;
        if let (Some(Reply::Draft(hash)), Some(content)) = (&reply, content) {
            let gateway = match signed_in.take() {
                Some(gateway) => gateway,
                None => {
                    let url = gateway.clone().or_else(|| job.content_addresses.first().cloned());
                    Gateway::sign_in(&url.context("the job names no gateway; give one with --gateway")?, key)?
                }
            };
            gateway.put_item(&hex::encode(hash), &content).with_context(|| format!("uploading the draft of task {task}"))?;
            signed_in = Some(gateway);
        }
        labels.push((task, reply));
    }
    Ok(labels)
}

fn reveal(rpc: &Rpc, home: &Home, sender: &Sender, number: u64) -> Result<()> {
    let (key, options) = sender.open(home)?;
    let path = opening_path(home, &rpc.chain_id()?, number);
    if !path.exists() {
        bail!("{} is not there: only the home that committed lease {number} can reveal it", path.display());
    }
    let opening: Opening = read_secret_json(&path)?;
    let rpc = &rpc.patient();
    let job = job(rpc, lease(rpc, number)?.0.job)?;
    let (kind, classes) = (kind_of(job.r#type())?, job.classes.len());
    let mut told = false;
    loop {
        let (now, ..) = lease(rpc, number)?;
        match now.state() {
            LeaseState::Committed if now.reveal_from > 0 => break,
            LeaseState::Committed => {
                if !told {
                    let last = job.commit_deadline;
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
        labels: opening.labels.iter().map(|(task, reply)| table::label(*task, reply.as_ref(), kind, classes)).collect::<Result<_>>()?,
    };
    let done = Signer::new(rpc, &key)?.send(vec![pack(&message)], &options)?;
    println!("revealed in block {}; your bond is back, and the pay comes when the job is settled:", done.height);
    println!("cairnd tx annotation withdraw-earnings --from {}", sender.name());
    Ok(())
}
