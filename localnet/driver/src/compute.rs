//! The main job goes on: a model is trained on the inferred labels, registered with the data set as its parent, and called; a provider that lies is caught.
//! What an interrupted run did of it is found on the chain and not done again.
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use anyhow::{Context, Result, bail};
use cairn_compute::{RecordFile, key_registration};
use cairn_kernel::BASE_DENOM;
use cairn_proto::cairn::{
    asset::v1::{AssetKind, MsgRegisterAsset, MsgRegisterAssetResponse, Parent, Relation},
    compute::v1::{
        Job, JobOutcome, JobState, MsgBondProvider, MsgRegisterProgram, Program, QueryCircuitRequest, QueryCircuitResponse,
        QueryJobRequest, QueryJobResponse, QueryProgramRequest, QueryProgramResponse, QueryProviderRequest, QueryProviderResponse,
    },
};
use cairn_proto::cosmos::base::v1beta1::Coin;
use prost::Message;
use serde::Deserialize;
use tokio::{process::Command, time::sleep};

use crate::{
    accounts::{self, Account, PROVIDERS},
    chain::{Chain, Refused, Signer},
    ledger, license,
    run::{RunArgs, say},
};

/// What a call of the model costs, in ucairn.
const PRICE: u128 = 1_000_000;
/// Bond of each provider.
const BOND: u128 = 20_000_000;
/// Part of what is left of a price that goes to the model, and of the model's income that goes to the data set.
const MODEL_BPS: u32 = 4_000;
const ROYALTY_BPS: u32 = 2_500;
/// Pictures of a call, and of each of its proofs.
const CALL: usize = 16;
const RUNS_A_PROOF: usize = 4;
/// Percent of pictures held out that the int8 model has to get right: having learnt from the whole set, and from fewer pictures.
const LEAST: u64 = 97;
const LEAST_OF_FEW: u64 = 93;
const WHOLE_SET: usize = 1_500;
/// The folder of proving keys.
const KEYS: &str = "keys";

/// Where things are.
pub struct Place<'a> {
    /// What the main job runs with.
    pub args: &'a RunArgs,
    /// The program `cairn-agent`; `cairn-liar` lies beside it.
    pub agent: &'a Path,
    /// The folder of the items.
    pub items: &'a Path,
    /// The folder with `labels.jsonl`, where models, homes and logs are kept.
    pub out: &'a Path,
    /// The data set.
    pub asset: u64,
    /// The right classes by item: for judging the model, never for training it.
    pub truths: &'a BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct Trained {
    program: String,
    held_out: HeldOut,
}
#[derive(Deserialize)]
struct HeldOut {
    floats: Part,
    integers: Part,
    items: Vec<String>,
}
#[derive(Deserialize)]
struct Part {
    right: u64,
    of: u64,
}
#[derive(Deserialize)]
struct Inputs {
    runs: u32,
    input_root: String,
}

/// An agent, stopped when this is dropped.
struct Running(tokio::process::Child);

/// Trains, registers, sells a call, catches a liar; the checks by name, and whether they held.
pub async fn go_on(place: &Place<'_>, chain: &Chain, accounts: &[Account]) -> Result<Vec<(String, bool)>> {
    say("a model is trained on the labels that the chain inferred, and brought to integers");
    let (model, trained) = train(place).await?;
    let (floats, integers) = (&trained.held_out.floats, &trained.held_out.integers);
    println!("  held out: {} of {} as the chain labelled them as floats, {} as int8", floats.right, floats.of, integers.right);
    let good = judge(place, &model, &trained.held_out.items).await?;
    println!("  {} of {} as they really are", good.right, good.of);
    let owner = Signer::new(chain.clone(), accounts::named(accounts, "requester")?.key()?)?;
    let program = register(place, chain, &owner, &model, &trained.program).await?;
    say(format_args!("model asset {} with data set {} as parent; program {}", program.asset_id, place.asset, trained.program));
    let key = key(place, chain, &owner, &model, &program).await?;
    println!("  its proving key lies in {}; the chain has the key that checks: {}", place.out.join(KEYS).display(), hex::encode(&key));
    for name in PROVIDERS {
        bond(chain, accounts, name).await?;
    }
    let paid = call(place, chain, accounts, &program, key).await?;
    let caught = lie(place, chain, accounts, &program).await?;
    let least = if place.truths.len() < WHOLE_SET { LEAST_OF_FEW } else { LEAST };
    let share = good.right.saturating_mul(100) >= good.of.saturating_mul(least);
    Ok(vec![
        (format!("the int8 model is at least {least} % right on pictures held out ({} of {})", good.right, good.of), share),
        paid,
        caught,
    ])
}

/// Trains the model, unless it is there.
async fn train(place: &Place<'_>) -> Result<(PathBuf, Trained)> {
    let (model, report) = (place.out.join("digits.safetensors"), place.out.join("training.json"));
    if !report.exists() {
        let _ = std::fs::remove_file(&model); // of a run that was interrupted
        let labels = place.out.join("labels.jsonl");
        let mut command = Command::new(place.agent);
        command.args(["models", "train", "--kind", "mlp", "--name", "digits", "--license", "Apache-2.0"]);
        command.arg("--items").arg(place.items).arg("--labels").arg(labels).arg("--out").arg(&model);
        std::fs::write(&report, output(command).await?)?;
    }
    Ok((model, serde_json::from_slice(&std::fs::read(&report)?)?))
}

/// How often the int8 model is right on pictures that it never saw, by the truth.
async fn judge(place: &Place<'_>, model: &Path, items: &[String]) -> Result<Part> {
    let labels = place.out.join("held-out.jsonl");
    let line = |item: &String| place.truths.get(item).map(|class| format!("{}\n", serde_json::json!({ "item": item, "class": class })));
    std::fs::write(&labels, items.iter().filter_map(line).collect::<String>())?;
    let mut command = Command::new(place.agent);
    command.args(["models", "accuracy"]).arg(model).arg("--items").arg(place.items).arg("--labels").arg(labels);
    Ok(serde_json::from_slice(&output(command).await?)?)
}

/// What a program prints; its errors are shown as they come.
async fn output(mut command: Command) -> Result<Vec<u8>> {
    let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::inherit()).spawn().context("cannot run cairn-agent")?;
    let out = child.wait_with_output().await?;
    if out.status.success() { Ok(out.stdout) } else { bail!("cairn-agent ended with {}", out.status) }
}

fn coin(amount: u128) -> Option<Coin> {
    Some(Coin { denom: BASE_DENOM.to_owned(), amount: amount.to_string() })
}

/// Registers the model as an asset and as a program, unless the program is there.
async fn register(place: &Place<'_>, chain: &Chain, owner: &Signer, model: &Path, id: &str) -> Result<Program> {
    if let Some(found) = program(chain, id).await? {
        return Ok(found);
    }
    let parent = Parent { asset_id: place.asset, relation: Relation::TrainedOn.into(), royalty_bps: ROYALTY_BPS, ..Parent::default() };
    let asset = MsgRegisterAsset {
        owner: owner.address().to_owned(),
        kind: AssetKind::Model.into(),
        title: "Digits, as the chain labelled them".to_owned(),
        parents: vec![parent],
        ..MsgRegisterAsset::default()
    };
    let asset_id = MsgRegisterAssetResponse::decode(&*owner.send(&asset).await?.response)?.asset_id;
    let mut command = Command::new(place.agent);
    command.args(["models", "inspect"]).arg(model);
    let shown: serde_json::Value = serde_json::from_slice(&output(command).await?)?;
    let hex_of = |name: &str| shown.get(name).and_then(serde_json::Value::as_str).and_then(|text| hex::decode(text).ok());
    let message = MsgRegisterProgram {
        owner: owner.address().to_owned(),
        asset_id,
        model_bps: MODEL_BPS,
        graph: hex_of("graph").context("the model has no graph")?,
        weights_root: hex_of("weights_root").context("the model has no root of its weights")?,
        uri: format!("file://{}", std::fs::canonicalize(model)?.display()),
        ..MsgRegisterProgram::default()
    };
    owner.send(&message).await?;
    program(chain, id).await?.context("the program is not there")
}

async fn program(chain: &Chain, id: &str) -> Result<Option<Program>> {
    let request = QueryProgramRequest { program_id: id.to_owned() };
    match chain.query::<QueryProgramResponse>("/cairn.compute.v1.Query/Program", &request).await {
        Ok(found) => Ok(found.program),
        Err(error) if error.is::<Refused>() => Ok(None),
        Err(error) => Err(error),
    }
}

/// Makes a key for proofs of the model's answers and registers it, unless that was done.
async fn key(place: &Place<'_>, chain: &Chain, owner: &Signer, model: &Path, program: &Program) -> Result<Vec<u8>> {
    let (folder, record) = (place.out.join(KEYS), place.out.join("digits.record.json"));
    if !record.exists() {
        let _ = std::fs::remove_dir_all(&folder); // of a run that was interrupted
        std::fs::create_dir_all(&folder)?;
        let mut command = Command::new(place.agent);
        command.args(["ceremony", "alone", "--runs", &RUNS_A_PROOF.to_string()]).arg("--model").arg(model);
        command.arg("--key").arg(folder.join("digits")).arg("--record").arg(&record);
        print!("{}", String::from_utf8(output(command).await?)?);
    }
    let file: RecordFile = serde_json::from_slice(&std::fs::read(&record)?)?;
    let request = QueryCircuitRequest { key_id: file.id.clone(), program_id: hex::encode(&program.id) };
    match chain.query::<QueryCircuitResponse>("/cairn.compute.v1.Query/Circuit", &request).await {
        Err(error) if error.is::<Refused>() => {
            owner.send(&key_registration(&file, owner.address().to_owned())?).await?;
        }
        found => drop(found?),
    }
    Ok(hex::decode(&file.id)?)
}

/// Puts up a provider's bond, unless it has one.
async fn bond(chain: &Chain, accounts: &[Account], name: &str) -> Result<()> {
    let signer = Signer::new(chain.clone(), accounts::named(accounts, name)?.key()?)?;
    let request = QueryProviderRequest { account: signer.address().to_owned() };
    if chain.query::<QueryProviderResponse>("/cairn.compute.v1.Query/Provider", &request).await.is_err() {
        signer.send(&MsgBondProvider { provider: signer.address().to_owned(), bond: coin(BOND) }).await?;
    }
    Ok(())
}

/// The buyer's job over some pictures; proven under a key, where there is one.
async fn post(place: &Place<'_>, chain: &Chain, program: &Program, from: usize, key: Option<Vec<u8>>) -> Result<u64> {
    let mut names: Vec<PathBuf> = std::fs::read_dir(place.items)?.map(|entry| Ok(entry?.path())).collect::<Result<_>>()?;
    names.sort();
    let out = place.out.join(format!("call-{from}-{}.safetensors", chain.height().await?));
    let mut command = Command::new(place.agent);
    command.args(["models", "inputs"]).arg(place.out.join("digits.safetensors")).args(names.iter().skip(from).take(CALL));
    command.arg("--out").arg(&out).args(key.is_some().then_some("--salted"));
    let inputs: Inputs = serde_json::from_slice(&output(command).await?)?;
    let (runs, price, key) = (inputs.runs.to_string(), format!("{PRICE}{BASE_DENOM}"), key.map(hex::encode));
    let (id, file) = (hex::encode(&program.id), out.to_str().context("a path is not UTF-8")?.to_owned());
    let mut order = vec!["compute", "post", "--program", &id, "--input-root", &inputs.input_root, "--runs", &runs, "--price", &price];
    order.extend(["--inputs", &file, "--gateway", &place.args.gateway, "--accept-blocks", "1000", "--run-blocks", "200"]);
    match &key {
        Some(key) => order.extend(["--proven", "--key", key]),
        None => order.push("--public"), // whoever watches runs it again
    }
    order.extend(["--from", "buyer", "--output", "json"]);
    let posted: serde_json::Value = serde_json::from_str(&place.args.cairnd(&order).await?)?;
    posted.get("job").and_then(serde_json::Value::as_u64).context("'cairnd compute post' names no job")
}

/// Starts an agent with a home of its own.
fn start(place: &Place<'_>, accounts: &[Account], name: &str, program: &str, args: &[&str]) -> Result<Running> {
    use std::os::unix::fs::PermissionsExt;
    let home = place.out.join(name);
    std::fs::create_dir_all(&home)?;
    let key = home.join("key");
    std::fs::write(&key, &accounts::named(accounts, name)?.mnemonic)?;
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600))?;
    let log = std::fs::OpenOptions::new().create(true).append(true).open(home.join("log"))?;
    let mut command = Command::new(place.agent.with_file_name(program));
    command
        .args(args)
        .args(["--node", &place.args.nodes.join(","), "--files", "--device", "flex", "--gateway", &place.args.gateway, "--trust", "all"])
        .arg("--key")
        .arg(&key)
        .arg("--home")
        .arg(&home);
    if let Some(listen) = place.args.agent_metrics.filter(|_| name == "provider") {
        command.args(["--metrics", &listen.to_string()]);
    }
    let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).kill_on_drop(true).spawn();
    Ok(Running(child.with_context(|| format!("cannot run {program}"))?))
}

/// Waits until a job is as it should be.
async fn until(chain: &Chain, job_id: u64, agents: &mut [&mut Running], done: impl Fn(&Job) -> bool) -> Result<Job> {
    loop {
        let found: Result<QueryJobResponse> = chain.query("/cairn.compute.v1.Query/Job", &QueryJobRequest { job_id }).await;
        if let Some(job) = found.ok().and_then(|found| found.job).filter(&done) {
            return Ok(job);
        }
        for Running(agent) in &mut *agents {
            if let Some(status) = agent.try_wait()? {
                bail!("an agent ended with {status}; its log is in the folder of the run");
            }
        }
        sleep(Duration::from_millis(300)).await;
    }
}

/// A call of the model: the provider takes it, delivers with proofs, and is paid in the same block; where each unit of the price went.
async fn call(place: &Place<'_>, chain: &Chain, accounts: &[Account], program: &Program, key: Vec<u8>) -> Result<(String, bool)> {
    let (from, before) = (chain.height().await?, Standing::read(chain, place.asset, program.asset_id).await?);
    let job = post(place, chain, program, 0, Some(key)).await?;
    say(format_args!("a call of {CALL} pictures for {PRICE} ucairn (job {job} of compute), to be proven: an agent takes it"));
    let keys = place.out.join(KEYS).display().to_string();
    let mut agent = start(place, accounts, "provider", "cairn-agent", &["run", "--keys", &keys])?;
    let closed = until(chain, job, &mut [&mut agent], |job| job.state() == JobState::Closed).await?;
    drop(agent);
    let (answers, proofs) = (closed.outputs.len(), closed.outputs.len().div_ceil(RUNS_A_PROOF));
    let trust = closed.trust().as_str_name().trim_start_matches("TRUST_").to_lowercase().replace('_', " ");
    println!(
        "  {answers} answers with {proofs} proofs of 128 bytes, which the chain checked before it paid; the pictures are not on the chain"
    );
    println!("  whom one has to trust: {trust}, who made the key");
    let span = (from, chain.height().await?);
    let provider = ledger::told(chain, span, "cairn.compute.v1.EventJobClosed", ("job_id", &job.to_string()), "paid").await?;
    let paid = Standing::read(chain, place.asset, program.asset_id).await?.since(&before)?;
    let fee = PRICE.checked_sub(provider).and_then(|left| left.checked_sub(paid.model)).context("more was paid than the price")?;
    let owner = paid.model.checked_sub(paid.data).context("more was passed on than the model was paid")?;
    println!("  of {PRICE:>8} ucairn");
    for (amount, whom) in [
        (fee, "protocol fee: burnt, the pool, the fund of audits"),
        (provider, "the provider"),
        (owner, "the model's owner"),
        (paid.data, "the data set that it was trained on, and so its requester and annotators:"),
    ] {
        println!("     {amount:>8} {whom}");
    }
    license::withdraw(chain, accounts, place.asset).await?;
    let held = closed.outcome() == JobOutcome::Paid && provider > 0 && paid.data > 0;
    Ok((
        format!(
            "an agent answered a call with {proofs} proofs and was paid; {} of {PRICE} ucairn reached those who made the data set (job {job})",
            paid.data
        ),
        held,
    ))
}

/// What a call moves.
struct Standing {
    /// What the model's asset was paid.
    model: u128,
    /// What the data set received as royalties.
    data: u128,
}

impl Standing {
    async fn read(chain: &Chain, data: u64, model: u64) -> Result<Self> {
        let (model, data) = (license::totals(chain, model).await, license::totals(chain, data).await?);
        // An asset that was never paid has no totals.
        let model = model.map_or(Ok(0), |totals| totals.paid.parse())?;
        Ok(Self { model, data: data.royalties.parse()? })
    }
    fn since(&self, before: &Self) -> Result<Self> {
        let more = |now: u128, then: u128| now.checked_sub(then).context("an amount fell while nobody spent it");
        Ok(Self { model: more(self.model, before.model)?, data: more(self.data, before.data)? })
    }
}

/// A provider that lies takes a call; the honest one runs it again, contests it, and wins.
async fn lie(place: &Place<'_>, chain: &Chain, accounts: &[Account], program: &Program) -> Result<(String, bool)> {
    let job = post(place, chain, program, CALL, None).await?;
    say(format_args!("another call (job {job} of compute): its provider falsifies one number; an honest agent runs it again"));
    let mut liar = start(place, accounts, "liar", "cairn-liar", &["--no-watch", "--node-number", "2"])?;
    let mut honest = start(place, accounts, "provider", "cairn-agent", &["run", "--no-jobs"])?;
    let mut agents = [&mut liar, &mut honest];
    let contested = until(chain, job, &mut agents, |job| matches!(job.state(), JobState::Contested | JobState::Closed)).await?;
    println!("  contested: case {}; the two go down the trees of their traces to one chunk, which the chain computes", contested.case_id);
    let closed = until(chain, job, &mut agents, |job| job.state() == JobState::Closed).await?;
    let request = QueryProviderRequest { account: accounts::named(accounts, "liar")?.address.clone() };
    let found: QueryProviderResponse = chain.query("/cairn.compute.v1.Query/Provider", &request).await?;
    let left: u128 = found.provider.and_then(|p| p.bond).map_or(Ok(0), |bond| bond.amount.parse())?;
    println!("  the liar's bond {BOND} -> {left} ucairn; the buyer has its price back");
    Ok((
        format!("a provider that lied lost its bond's share (job {job}, case {})", closed.case_id),
        closed.outcome() == JobOutcome::Wrong && left < BOND,
    ))
}
