//! What `cairnd compute` signs and sends.
use std::{fs, io::Read, path::Path};

use anyhow::{Context, Result, bail};
use cairn_compute::{SealFile, seal_opening};
use cairn_kernel::Coin;
use cairn_proto::{
    Any,
    cairn::compute::v1::{
        MsgAcceptJob, MsgAcceptJobResponse, MsgBondProvider, MsgCancelJob, MsgChallenge, MsgChallengeResponse, MsgLeaveProvider,
        MsgLeaveProviderResponse, MsgPostJob, MsgPostJobResponse, MsgRegisterProgram, MsgRegisterProgramResponse, MsgSubmitResult,
        MsgSubmitResultResponse, SealOpening, Verification,
    },
    pack,
};
use prost::Message;
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{Hash, PostArgs, RegisterArgs, enclaves::QuoteArgs, show::ask_job};
use crate::cli::{
    gateway::Gateway,
    home::Home,
    job::Sender,
    keyring::AccountKey,
    output::Output,
    rpc::Rpc,
    sign::{Signer, answers},
};

/// The largest file that is read: more does not fit into a transaction.
const MAX_FILE: u64 = 1 << 20;

/// Sends one message of the sender's. Gives the height of its block and the answer.
pub(super) fn send<R: Message + Default>(rpc: &Rpc, home: &Home, sender: &Sender, message: impl FnOnce(String) -> Any) -> Result<(u64, R)> {
    let (key, options) = sender.open(home)?;
    let done = Signer::new(rpc, &key)?.send(vec![message(key.address().to_string())], &options)?;
    let answer = answers(&done)?.into_iter().next().context("the transaction answers nothing")?;
    Ok((done.height, R::decode(&*answer.value).context("the transaction's answer is damaged")?))
}

/// Prints what was done, and to people what comes next.
pub(super) fn told(output: Output, value: &Value, next: &str) -> Result<()> {
    output.value(value)?;
    if output == Output::Text && !next.is_empty() {
        eprintln!("next: {next}");
    }
    Ok(())
}

/// A file that may go into a transaction.
pub(super) fn read(path: &Path) -> Result<Vec<u8>> {
    let file = fs::File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
    let mut bytes = Vec::new();
    file.take(MAX_FILE.saturating_add(1)).read_to_end(&mut bytes).with_context(|| format!("cannot read {}", path.display()))?;
    if bytes.len() as u64 > MAX_FILE {
        bail!("{} has more than {MAX_FILE} bytes, which no transaction holds", path.display());
    }
    Ok(bytes)
}

/// Graph and weights' root of a program: from their own arguments, or from what was inspected.
fn what(args: &RegisterArgs) -> Result<(Vec<u8>, Vec<u8>)> {
    let Some(path) = &args.inspected else {
        let (graph, root) = (args.graph.as_ref().context("--graph or --inspected says what is registered")?, args.weights_root);
        return Ok((read(graph)?, root.context("--graph takes --weights-root beside it")?.to_vec()));
    };
    let shown: Value = serde_json::from_slice(&read(path)?).with_context(|| format!("{} is no JSON", path.display()))?;
    let bytes = |name: &str| {
        let found = shown.get(name).and_then(Value::as_str).and_then(|text| hex::decode(text).ok());
        found.with_context(|| format!("{} has no {name}: 'cairn-agent models inspect MODEL > FILE' writes one that does", path.display()))
    };
    Ok((bytes("graph")?, bytes("weights_root")?))
}

/// What proves that private weights are weights.
fn seal(path: &Path) -> Result<SealOpening> {
    let not = || format!("{} is no seal: 'cairn-agent models seal' writes one", path.display());
    let file: SealFile = serde_json::from_slice(&read(path)?).with_context(not)?;
    seal_opening(&file).with_context(not)
}

pub(super) fn register(rpc: &Rpc, home: &Home, args: RegisterArgs, output: Output) -> Result<()> {
    let (graph, weights_root) = what(&args)?;
    let seals = args.seals.iter().map(|path| seal(path)).collect::<Result<Vec<_>>>()?;
    let (height, done): (_, MsgRegisterProgramResponse) = send(rpc, home, &args.sender, |owner| {
        let asset_id = args.asset.unwrap_or(0);
        pack(&MsgRegisterProgram { owner, asset_id, model_bps: args.model_bps, graph, weights_root, uri: args.uri, seals })
    })?;
    let id = hex::encode(done.program_id);
    let next = format!("cairnd compute post --program {id} --input-root HEX --price AMOUNT --from NAME");
    told(output, &json!({ "program": id, "height": height }), &next)
}

pub(super) fn bond(rpc: &Rpc, home: &Home, amount: &Coin, sender: &Sender, output: Output) -> Result<()> {
    let message = |provider| pack(&MsgBondProvider { provider, bond: Some(amount.into()) });
    let (height, ()) = send(rpc, home, sender, message)?;
    told(output, &json!({ "added": amount.to_string(), "height": height }), "cairnd compute jobs --state open")
}

pub(super) fn leave(rpc: &Rpc, home: &Home, sender: &Sender, output: Output) -> Result<()> {
    let (height, done): (_, MsgLeaveProviderResponse) = send(rpc, home, sender, |provider| pack(&MsgLeaveProvider { provider }))?;
    told(output, &json!({ "height": height, "bond returns after block": done.leaves }), "")
}

pub(super) fn post(rpc: &Rpc, home: &Home, args: PostArgs, output: Output) -> Result<()> {
    let verification = match args.enclave {
        Some(_) => Verification::Tee,
        None if args.proven => Verification::Groth16,
        None => Verification::Unspecified,
    };
    let uri = match &args.inputs {
        Some(file) => put_inputs(file, args.public, &args.gateway, &args.sender.open(home)?.0)?,
        None => args.uri,
    };
    let (height, done): (_, MsgPostJobResponse) = send(rpc, home, &args.sender, |requester| {
        pack(&MsgPostJob {
            requester,
            program_id: args.program.to_vec(),
            input_root: args.input_root.to_vec(),
            runs: args.runs,
            uri,
            price: Some((&args.price).into()),
            accept_blocks: args.accept_blocks,
            run_blocks: args.run_blocks,
            class_id: args.class.unwrap_or(0),
            redundancy: args.redundancy.unwrap_or(0),
            verification: verification.into(),
            keys: args.keys.iter().chain(&args.enclave).map(|key| key.to_vec()).collect(),
        })
    })?;
    told(output, &json!({ "job": done.job_id, "height": height }), &format!("cairnd compute watch {}", done.job_id))
}

/// Puts a file of inputs on a gateway, and gives the URI by which a job names it.
fn put_inputs(file: &Path, public: bool, gateway: &str, key: &AccountKey) -> Result<String> {
    let content = fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
    let sha256 = hex::encode(Sha256::digest(&content));
    Gateway::sign_in(gateway, key)?.put_item(&sha256, &content).with_context(|| format!("uploading {}", file.display()))?;
    Ok(format!("cairn:content/{sha256}{}", if public { "?public" } else { "" }))
}

pub(super) fn cancel(rpc: &Rpc, home: &Home, job_id: u64, sender: &Sender, output: Output) -> Result<()> {
    let (height, ()) = send(rpc, home, sender, |requester| pack(&MsgCancelJob { requester, job_id }))?;
    told(output, &json!({ "job": job_id, "height": height }), "")
}

pub(super) fn accept(rpc: &Rpc, home: &Home, job_id: u64, sender: &Sender, output: Output) -> Result<()> {
    let (height, done): (_, MsgAcceptJobResponse) = send(rpc, home, sender, |provider| pack(&MsgAcceptJob { provider, job_id }))?;
    if ask_job(rpc, job_id)?.redundancy > 0 {
        let next = format!("cairnd compute seal-root {job_id} --root HEX --from {}, once all its providers have taken it", sender.name());
        return told(output, &json!({ "job": job_id, "height": height }), &next);
    }
    let next = format!("cairnd compute submit {job_id} --claim FILE --from {}, by block {}", sender.name(), done.due);
    told(output, &json!({ "job": job_id, "height": height, "deliver until block": done.due }), &next)
}

/// The result of a job as a file holds it.
#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct ClaimFile {
    /// Root over the nodes of each run, in hexadecimal; none where proofs check the result.
    #[serde(default)]
    nodes_roots: Vec<String>,
    /// Output of each run, in hexadecimal.
    outputs: Vec<String>,
    /// Where proofs check the result: the commitment to the input of each run, in hexadecimal.
    #[serde(default)]
    inputs: Vec<String>,
    /// The proofs, in hexadecimal; one for as many runs as the job's key takes.
    #[serde(default)]
    proofs: Vec<String>,
}

impl ClaimFile {
    fn message(&self, provider: String, job_id: u64, attested: bool) -> Result<MsgSubmitResult> {
        let bytes = |texts: &[String], name: &str| -> Result<Vec<Vec<u8>>> {
            texts.iter().map(|text| hex::decode(text).with_context(|| format!("{name} holds what is not hexadecimal"))).collect()
        };
        let (nodes_roots, outputs) = (bytes(&self.nodes_roots, "nodes_roots")?, bytes(&self.outputs, "outputs")?);
        let (inputs, proofs) = (bytes(&self.inputs, "inputs")?, bytes(&self.proofs, "proofs")?);
        let (name, each, other) =
            if proofs.is_empty() { ("nodes_roots", &nodes_roots, &inputs) } else { ("inputs", &inputs, &nodes_roots) };
        if attested && !(each.is_empty() && other.is_empty()) {
            bail!("of an attested job the claim has outputs alone");
        }
        if !attested && each.len() != outputs.len() {
            bail!("{name} has {} entries and outputs {}; each run has one in both", each.len(), outputs.len());
        }
        if !other.is_empty() {
            bail!("a result has nodes_roots, or inputs and proofs, not both");
        }
        Ok(MsgSubmitResult { provider, job_id, nodes_roots, outputs, inputs, proofs, ..MsgSubmitResult::default() })
    }
}

/// A claim, and what an enclave says of it.
type Files<'a> = (&'a Path, &'a QuoteArgs);

pub(super) fn submit(rpc: &Rpc, home: &Home, job: u64, (claim, quote): Files<'_>, sender: &Sender, output: Output) -> Result<()> {
    let expected =
        r#"a claim is JSON such as {"nodes_roots": ["00ff.."], "outputs": ["01.."]} or {"inputs": [..], "outputs": [..], "proofs": [..]}"#;
    let claim: ClaimFile = serde_json::from_slice(&read(claim)?).context(expected)?;
    let (quote, collateral) = quote.bytes()?;
    let claim = claim.message(sender.entry(home)?.address.to_string(), job, !quote.is_empty())?;
    let message = MsgSubmitResult { quote, collateral, ..claim };
    let (height, done): (_, MsgSubmitResultResponse) = send(rpc, home, sender, |_| pack(&message))?;
    if done.contest_until == 0 {
        return told(output, &json!({ "job": job, "height": height, "paid": true }), &format!("cairnd compute job {job}"));
    }
    let (root, until) = (hex::encode(done.trace_root), done.contest_until);
    let shown = json!({ "job": job, "height": height, "root of the trace": root, "may be contested until block": until });
    told(output, &shown, &format!("cairnd compute watch {job}; a contested result must be defended in time"))
}

pub(super) fn challenge(rpc: &Rpc, home: &Home, job_id: u64, root: &Hash, sender: &Sender, output: Output) -> Result<()> {
    let message = |challenger| pack(&MsgChallenge { challenger, job_id, root: root.to_vec() });
    let (height, done): (_, MsgChallengeResponse) = send(rpc, home, sender, message)?;
    let next = format!("cairnd dispute show {}; move for your root in time", done.case_id);
    told(output, &json!({ "job": job_id, "height": height, "case": done.case_id }), &next)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claim(text: &str) -> Result<MsgSubmitResult> {
        serde_json::from_str::<ClaimFile>(text)?.message("cairn1p".into(), 4, false)
    }

    #[test]
    fn the_claim_of_an_attested_job_has_outputs_alone() {
        let claim = |text: &str| serde_json::from_str::<ClaimFile>(text).unwrap().message("cairn1p".into(), 4, true);
        assert_eq!(claim(r#"{"outputs": ["0102"]}"#).unwrap().outputs, [[1, 2]]);
        assert!(claim(r#"{"outputs": ["0102"], "nodes_roots": ["00"]}"#).is_err());
        assert!(claim(r#"{"outputs": ["0102"], "proofs": ["00"], "inputs": ["00"]}"#).is_err());
    }

    #[test]
    fn a_claim_has_a_root_and_an_output_a_run() {
        let found = claim(r#"{"nodes_roots": ["00ff"], "outputs": ["01"]}"#).unwrap();
        assert_eq!((found.job_id, found.nodes_roots, found.outputs), (4, vec![vec![0, 255]], vec![vec![1]]));
        for bad in [
            r#"{"nodes_roots": ["00"], "outputs": []}"#,
            r#"{"nodes_roots": ["0"], "outputs": ["00"]}"#,
            r#"{"nodes_roots": ["00"], "outputs": ["zz"]}"#,
            r#"{"nodes_roots": ["00"]}"#,
            r#"{"nodes_roots": ["00"], "outputs": ["00"], "more": 1}"#,
        ] {
            assert!(claim(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_proven_claim_has_a_commitment_and_an_output_a_run() {
        let found = claim(r#"{"inputs": ["00", "01"], "outputs": ["02", "03"], "proofs": ["04"]}"#).unwrap();
        assert_eq!((found.inputs, found.proofs, found.nodes_roots), (vec![vec![0], vec![1]], vec![vec![4]], vec![]));
        for bad in [
            r#"{"inputs": ["00"], "outputs": ["02", "03"], "proofs": ["04"]}"#,
            r#"{"inputs": ["00"], "outputs": ["02"]}"#,
            r#"{"inputs": ["00"], "nodes_roots": ["00"], "outputs": ["02"]}"#,
            r#"{"inputs": ["00"], "nodes_roots": ["00"], "outputs": ["02"], "proofs": ["04"]}"#,
            r#"{"inputs": ["00"], "outputs": ["02"], "proofs": ["0"]}"#,
        ] {
            assert!(claim(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn files_that_no_transaction_holds_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("graph");
        fs::write(&path, vec![0; 1 << 20]).unwrap();
        assert_eq!(read(&path).unwrap().len(), 1 << 20);
        fs::write(&path, vec![0; (1 << 20) + 1]).unwrap();
        assert!(read(&path).is_err() && read(&folder.path().join("none")).is_err());
    }
}
