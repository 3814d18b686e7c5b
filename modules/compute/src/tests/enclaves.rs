//! Attested jobs: with quotes of a maker of our own through the whole life of a job, and with Intel's own samples as far as these reach.
use std::{fs, path::PathBuf, process::Command, sync::LazyLock};

use cairn_auth::authority;
use cairn_kernel::{Address, Module, Result};
use cairn_proto::cairn::compute::v1::{
    EnclaveKind, Genesis, JobOutcome, JobState, MsgPostJob, MsgRegisterEnclave, MsgRetireEnclave, MsgServer, MsgSubmitResult,
    QueryEnclaveRequest, QueryEnclavesRequest, QueryServer, Trust, Verification,
};

use super::{
    genesis::copy,
    maker::{Made, NOW, root},
    world::{BOND, PRICE, World, owner, provider, refused, user},
};
use crate::{
    Compute, Error, Params, QuoteError, enclave_digest, main_params,
    quotes::{Expected, check},
    state::PARAMS,
    test_params,
};

const CODE: [u8; 32] = [7; 32];

fn params() -> Params {
    Params { enclave_root: root(), ..test_params() }
}

fn registration(registrar: Address, program_id: Vec<u8>) -> MsgRegisterEnclave {
    MsgRegisterEnclave { registrar: registrar.to_string(), program_id, kind: EnclaveKind::Sgx.into(), measurement: CODE.to_vec() }
}

impl World {
    fn attested() -> Self {
        let mut world = Self::new();
        world.chain.tx(|ctx| PARAMS.set(ctx, &params())).unwrap();
        world.register(world.registration(0, 0)).unwrap();
        world.chain.block.time = NOW;
        world
    }
    fn enclave(&mut self, m: MsgRegisterEnclave) -> Result<Vec<u8>> {
        self.chain.tx(|ctx| Compute.register_enclave(ctx, m)).map(|done| done.enclave_id)
    }
    fn retire_enclave(&mut self, registrar: Address, enclave_id: &[u8], program_id: &[u8]) -> Result<()> {
        let m = MsgRetireEnclave { registrar: registrar.to_string(), enclave_id: enclave_id.to_vec(), program_id: program_id.to_vec() };
        self.chain.tx(|ctx| Compute.retire_enclave(ctx, m)).map(drop)
    }
    /// The order of an attested job.
    fn ask_enclave(&self, enclave: &[u8]) -> MsgPostJob {
        MsgPostJob { verification: Verification::Tee.into(), keys: vec![enclave.to_vec()], ..self.order() }
    }
    /// A job that its provider has taken.
    fn runs(&mut self, enclave: &[u8]) -> u64 {
        let job = self.post(self.ask_enclave(enclave)).unwrap();
        self.accept(provider(), job).unwrap();
        job
    }
    /// The result of a job with a quote about it; `change` alters how the quote is made.
    fn quoted(&mut self, job_id: u64, by: Address, change: impl FnOnce(&mut Made)) -> MsgSubmitResult {
        let outputs = self.work.right.claim().outputs;
        let job = self.job(job_id);
        let digest = enclave_digest(&self.chain.block.chain_id, &job, &by, &outputs).unwrap();
        let mut made = Made::new(CODE, digest);
        change(&mut made);
        let (quote, collateral) = made.bytes();
        MsgSubmitResult { provider: by.to_string(), job_id, outputs, quote, collateral, ..MsgSubmitResult::default() }
    }
    fn refuses_quote(&mut self, m: MsgSubmitResult, fault: impl FnOnce(&QuoteError) -> bool, case: &str) {
        let found = self.submit(m).unwrap_err();
        assert_eq!((found.codespace, found.code), ("compute", 65), "{case}: {}", found.log);
        let all = [QuoteError::Size, QuoteError::Measurement, QuoteError::Configured, QuoteError::Digest];
        let exact = all.iter().find(|error| error.to_string() == found.log).cloned();
        assert!(fault(&exact.unwrap_or_else(|| QuoteError::Refused(found.log.clone()))), "{case}: {}", found.log);
    }
}

fn is_refused(error: &QuoteError) -> bool {
    matches!(error, QuoteError::Refused(_))
}

#[test]
fn an_attested_result_is_paid_as_it_is_delivered() {
    let mut world = World::attested();
    let program = world.order().program_id;
    let enclave = world.enclave(registration(owner(), program)).unwrap();
    let job = world.runs(&enclave);
    assert_eq!((world.job(job).trust(), world.job(job).locked.unwrap().amount), (Trust::TestKey, PRICE.to_string()));
    let result = world.quoted(job, provider(), |_| ());
    assert_eq!(world.submit(result).unwrap(), 0);
    let closed = world.job(job);
    assert_eq!(
        (closed.state(), closed.outcome(), closed.outputs.len()),
        (JobState::Closed, JobOutcome::Paid, world.work.right.claim().outputs.len())
    );
    assert!(world.balance(provider()) > 0 && world.provider(provider()).bond.unwrap().amount == BOND.to_string());
    assert_eq!(world.provider(provider()).locked.unwrap().amount, "0");
}

#[test]
fn quotes_about_something_else_are_refused_and_the_job_runs_on() {
    let mut world = World::attested();
    let enclave = world.enclave(registration(authority(), vec![])).unwrap();
    let (first, second) = (world.runs(&enclave), world.runs(&enclave));
    let right = world.quoted(first, provider(), |_| ());
    let digest = |error: &QuoteError| *error == QuoteError::Digest;
    world.refuses_quote(MsgSubmitResult { job_id: second, ..right.clone() }, digest, "of another job");
    let quote = world.quoted(first, user(9), |_| ()).quote;
    world.refuses_quote(MsgSubmitResult { quote, ..right.clone() }, digest, "of another provider");
    let mut outputs = right.outputs.clone();
    outputs[0][0] ^= 1;
    world.refuses_quote(MsgSubmitResult { outputs, ..right.clone() }, digest, "of other outputs");
    let chain = std::mem::replace(&mut world.chain.block.chain_id, "another-1".to_owned());
    world.refuses_quote(right.clone(), digest, "of another chain");
    world.chain.block.chain_id = chain;
    let quoted = world.quoted(first, provider(), |made| made.data[63] = 1);
    world.refuses_quote(quoted, digest, "with more in it");
    let measurement = |error: &QuoteError| *error == QuoteError::Measurement;
    let quoted = world.quoted(first, provider(), |made| made.measurement[0] ^= 1);
    world.refuses_quote(quoted, measurement, "of other code");
    // The first and last byte of CONFIGID, and the last of CONFIGSVN.
    for at in [192, 255, 261] {
        let quoted = world.quoted(first, provider(), |made| made.configured = Some(at));
        world.refuses_quote(quoted, |error| *error == QuoteError::Configured, "of an enclave that its host configured");
    }
    let quoted = world.quoted(first, provider(), |made| made.debug = true);
    world.refuses_quote(quoted, is_refused, "of a debug enclave");
    let quoted = world.quoted(first, provider(), |made| made.stranger = true);
    world.refuses_quote(quoted, is_refused, "of another maker");
    for status in ["OutOfDate", "Revoked", "SWHardeningNeeded", "ConfigurationNeeded", "ConfigurationAndSWHardeningNeeded"] {
        let quoted = world.quoted(first, provider(), |made| made.status = status);
        world.refuses_quote(quoted, is_refused, status);
    }
    for (time, case) in [(NOW - 10_000_000, "before its collateral"), (NOW + 4_000_000, "after its collateral")] {
        world.chain.block.time = time;
        world.refuses_quote(right.clone(), is_refused, case);
    }
    world.chain.block.time = NOW;
    let size = |error: &QuoteError| *error == QuoteError::Size;
    for (quote, collateral) in [(0, 9), (9, 0), (8_193, 9), (9, 32_769)] {
        let m = MsgSubmitResult { quote: vec![0; quote], collateral: vec![0; collateral], ..right.clone() };
        world.refuses_quote(m, size, "of another size");
    }
    for m in [
        MsgSubmitResult { outputs: right.outputs[1..].to_vec(), ..right.clone() },
        MsgSubmitResult { nodes_roots: vec![vec![0; 32]], ..right.clone() },
        MsgSubmitResult { proofs: vec![vec![0; 128]], ..right.clone() },
    ] {
        refused(world.submit(m), &Error::Result);
    }
    assert_eq!(world.job(first).state(), JobState::Running, "what was refused cost nothing");
    world.submit(right).unwrap();
    assert_eq!(world.job(first).outcome(), JobOutcome::Paid);
}

#[test]
fn what_is_known_against_a_platform_is_tolerated_as_far_as_the_settings_say() {
    for (tolerance, status, taken) in [
        (0, "SWHardeningNeeded", false),
        (1, "SWHardeningNeeded", true),
        (1, "ConfigurationNeeded", false),
        (2, "ConfigurationAndSWHardeningNeeded", true),
        (2, "OutOfDate", false),
        (2, "Revoked", false),
    ] {
        let made = Made { status, ..Made::new(CODE, [1; 32]) };
        let (quote, collateral) = made.bytes();
        let expected = Expected { kind: EnclaveKind::Sgx, measurement: &CODE, digest: [1; 32] };
        let found = check(&Params { tcb_tolerance: tolerance, ..params() }, NOW, &quote, &collateral, &expected);
        assert_eq!(found.is_ok(), taken, "{tolerance} {status}: {found:?}");
    }
    let (quote, collateral) = Made::new(CODE, [1; 32]).bytes();
    let expected = Expected { kind: EnclaveKind::Sgx, measurement: &CODE, digest: [1; 32] };
    let of = |params: Params, expected: &Expected<'_>| check(&params, NOW, &quote, &collateral, expected);
    assert_eq!(of(Params { min_tcb_evaluation: 17, ..params() }, &expected), Ok(()));
    assert!(
        of(Params { min_tcb_evaluation: 18, ..params() }, &expected).is_err_and(|error| is_refused(&error)),
        "an older evaluation hides what was found"
    );
    assert!(of(test_params(), &expected).is_err_and(|error| is_refused(&error)), "Intel's root has signed nothing of this");
    assert_eq!(of(params(), &Expected { kind: EnclaveKind::Tdx, ..expected }), Err(QuoteError::Measurement));
}

#[test]
fn who_may_register_and_retire_code() {
    let mut world = World::attested();
    let program = world.order().program_id;
    let own = registration(owner(), program.clone());
    let long = |kind: EnclaveKind, bytes| MsgRegisterEnclave { kind: kind.into(), measurement: vec![1; bytes], ..own.clone() };
    for (m, error) in [
        (registration(user(9), program.clone()), Error::NotProgramOwner(user(9).to_string())),
        (registration(owner(), vec![]), Error::NotProgramOwner(owner().to_string())),
        (registration(owner(), vec![1; 32]), Error::NoProgram(hex::encode([1; 32]))),
        (registration(owner(), vec![1; 31]), Error::Hash(31)),
        (long(EnclaveKind::Sgx, 31), Error::Measurement(31)),
        (long(EnclaveKind::Sgx, 240), Error::Measurement(240)),
        (long(EnclaveKind::Tdx, 32), Error::Measurement(32)),
        (long(EnclaveKind::Unspecified, 32), Error::Measurement(32)),
        (MsgRegisterEnclave { kind: 9, ..own.clone() }, Error::Measurement(32)),
    ] {
        refused(world.enclave(m), &error);
    }
    let id = world.enclave(own.clone()).unwrap();
    refused(world.enclave(own.clone()), &Error::EnclaveRegistered(hex::encode(&id)));
    assert_eq!(world.enclave(registration(authority(), vec![])).unwrap(), id, "the same code for all programs has the same name");
    assert!(world.enclave(long(EnclaveKind::Tdx, 240)).is_ok());

    let query = |text: &str| QueryEnclaveRequest { enclave_id: hex::encode(&id), program_id: text.to_owned() };
    let found = world.chain.run(|ctx| Compute.enclave(ctx, query(&hex::encode(&program)))).unwrap().enclave.unwrap();
    assert_eq!((found.registrar, found.retired), (owner().to_string(), false));
    assert_eq!(world.chain.run(|ctx| Compute.enclaves(ctx, QueryEnclavesRequest::default())).unwrap().enclaves.len(), 3);
    let of = QueryEnclavesRequest { program_id: hex::encode(&program), ..QueryEnclavesRequest::default() };
    assert_eq!(world.chain.run(|ctx| Compute.enclaves(ctx, of)).unwrap().enclaves.len(), 2);
    let none = QueryEnclaveRequest { enclave_id: "zz".to_owned(), program_id: String::new() };
    refused(world.chain.run(|ctx| Compute.enclave(ctx, none)), &Error::NoEnclave("zz".to_owned()));

    refused(world.retire_enclave(user(9), &id, &program), &Error::NotRegistrar(user(9).to_string()));
    refused(world.retire_enclave(owner(), &[2; 32], &program), &Error::NoEnclave(hex::encode([2; 32])));
    let running = world.runs(&id);
    world.retire_enclave(owner(), &id, &program).unwrap();
    refused(world.retire_enclave(authority(), &id, &program), &Error::Retired(hex::encode(&id)));
    refused(world.post(world.ask_enclave(&id)), &Error::Retired(hex::encode(&id)));
    let result = world.quoted(running, provider(), |_| ());
    world.submit(result).unwrap();
    for (m, error) in [
        (world.ask_enclave(&[2; 32]), Error::NoEnclave(hex::encode([2; 32]))),
        (MsgPostJob { redundancy: 3, ..world.ask_enclave(&id) }, Error::Verification),
        (MsgPostJob { keys: vec![], ..world.ask_enclave(&id) }, Error::Keys { needed: 1, found: 0 }),
        (MsgPostJob { keys: vec![id.clone(), id.clone()], ..world.ask_enclave(&id) }, Error::Keys { needed: 1, found: 2 }),
    ] {
        refused(world.post(m), &error);
    }
}

#[test]
fn a_quote_with_another_kind_of_job_is_refused() {
    let mut world = World::attested();
    let job = world.post(world.order()).unwrap();
    world.accept(provider(), job).unwrap();
    let result = world.result(provider(), job, true);
    refused(world.submit(MsgSubmitResult { quote: vec![1], ..result.clone() }), &Error::Result);
    refused(world.submit(MsgSubmitResult { collateral: vec![1], ..result.clone() }), &Error::Result);
    assert!(world.submit(result).is_ok());
}

#[test]
fn enclaves_and_their_jobs_outlive_an_export() {
    let mut world = World::attested();
    let program = world.order().program_id;
    let own = world.enclave(registration(owner(), program)).unwrap();
    let all = world.enclave(registration(authority(), vec![])).unwrap();
    world.runs(&own);
    world.runs(&all);
    let genesis = world.chain.run(|ctx| Compute.export(ctx)).unwrap();
    assert_eq!(genesis.enclaves.len(), 2);
    let mut starts = |genesis: Genesis| copy(&mut world, genesis).1;
    starts(genesis.clone()).unwrap();
    let mut changed = |change: &dyn Fn(&mut Genesis)| {
        let mut genesis = genesis.clone();
        change(&mut genesis);
        starts(genesis)
    };
    assert!(changed(&|genesis| genesis.enclaves[0].measurement[0] ^= 1).is_err(), "another name");
    assert!(changed(&|genesis| genesis.enclaves.push(genesis.enclaves[0].clone())).is_err(), "twice");
    assert!(changed(&|genesis| genesis.enclaves[0].registrar = owner().to_string()).is_err(), "for all, by somebody");
    let stranger = |genesis: &mut Genesis| genesis.enclaves.iter_mut().for_each(|one| one.registrar = user(9).to_string());
    assert!(changed(&stranger).is_err(), "for another's program");
    let governs = |genesis: &mut Genesis| genesis.enclaves.iter_mut().for_each(|one| one.registrar = authority().to_string());
    changed(&governs).unwrap();
    assert!(changed(&|genesis| genesis.jobs[0].set_trust(Trust::Enclave)).is_err(), "its quotes lead up to another root");
    assert!(changed(&|genesis| genesis.jobs[0].redundancy = 3).is_err(), "attested, not redundant");
    assert!(changed(&|genesis| genesis.enclaves.clear()).is_err(), "jobs name them");
    assert!(changed(&|genesis| genesis.params = Some(Params { enclave_root: root(), ..main_params() })).is_err(), "not on a main network");
    assert!(changed(&|genesis| genesis.params.as_mut().unwrap().enclave_root = vec![1; 4_097]).is_err(), "too large");
    assert!(changed(&|genesis| genesis.params.as_mut().unwrap().tcb_tolerance = 3).is_err());
}

/// Samples of the library: real quotes with their collateral.
static SAMPLES: LazyLock<PathBuf> = LazyLock::new(|| {
    let out = Command::new(env!("CARGO")).args(["metadata", "--format-version=1", "--offline", "--locked"]).output().unwrap();
    let found: serde_json::Value = serde_json::from_slice(&out.stdout).unwrap();
    let package = found["packages"].as_array().unwrap().iter().find(|package| package["name"] == "dcap-qvl").unwrap();
    PathBuf::from(package["manifest_path"].as_str().unwrap()).with_file_name("sample")
});

/// When the samples are valid.
const THEN: u64 = 1_751_000_000;

fn sample(name: &str) -> (Vec<u8>, Vec<u8>) {
    let read = |name: String| fs::read(SAMPLES.join(name)).unwrap();
    (read(name.to_owned()), read(format!("{name}_collateral.json")))
}

/// The code of the sample of SGX, and what it says.
fn hello() -> ([u8; 32], [u8; 32]) {
    let code = hex::decode("33d8736db756ed4997e04ba358d27833188f1932ff7b1d156904d3f560452fbb").unwrap().try_into().unwrap();
    let mut words = [0; 32];
    words[..13].copy_from_slice(b"Hello, world!");
    (code, words)
}

#[test]
fn intels_own_quotes_hold_at_their_time_and_at_no_other() {
    let ((code, digest), (quote, collateral)) = (hello(), sample("sgx_quote"));
    let expected = Expected { kind: EnclaveKind::Sgx, measurement: &code, digest };
    let lenient = Params { tcb_tolerance: 2, ..test_params() };
    assert_eq!(check(&lenient, THEN, &quote, &collateral, &expected), Ok(()));
    assert!(
        check(&Params { tcb_tolerance: 1, ..test_params() }, THEN, &quote, &collateral, &expected).is_err_and(|error| is_refused(&error))
    );
    assert_eq!(check(&lenient, THEN, &quote, &collateral, &Expected { digest: [0; 32], ..expected }), Err(QuoteError::Digest));
    assert_eq!(check(&lenient, THEN, &quote, &collateral, &Expected { measurement: &[0; 32], ..expected }), Err(QuoteError::Measurement));
    for now in [0, THEN - 3_000_000, THEN + 3_000_000, u64::MAX] {
        assert!(check(&lenient, now, &quote, &collateral, &expected).is_err_and(|error| is_refused(&error)), "{now}");
    }
    // A machine of TDX, up to date; what it says fills all 64 bytes, which our results never do.
    let (quote, collateral) = sample("tdx_quote");
    let registers = [&quote[48 + 136..48 + 184], &quote[48 + 328..48 + 520]].concat();
    let said = quote[48 + 520..48 + 552].try_into().unwrap();
    let expected = Expected { kind: EnclaveKind::Tdx, measurement: &registers, digest: said };
    assert_eq!(check(&test_params(), THEN, &quote, &collateral, &expected), Err(QuoteError::Digest));
    assert_eq!(
        check(&test_params(), THEN, &quote, &collateral, &Expected { measurement: &registers[1..], ..expected }),
        Err(QuoteError::Measurement)
    );
}

#[test]
fn changed_quotes_and_collateral_are_refused_and_nothing_panics() {
    let ((code, digest), (quote, collateral)) = (hello(), sample("sgx_quote"));
    let expected = Expected { kind: EnclaveKind::Sgx, measurement: &code, digest };
    let lenient = Params { tcb_tolerance: 2, ..test_params() };
    // The root's certificate at the end of each chain is not read: the root is what we trust already. Nor is the chain of the PCK list's issuer. And
    // nobody signs how long the chain in a quote is.
    let length = 1_048..1_052;
    let signed = |text: &[u8]| {
        let root = b"-----BEGIN CERTIFICATE-----";
        text.windows(root.len()).rposition(|window| window == root).unwrap()
    };
    for at in (0..quote.len()).step_by(131) {
        let mut changed = quote.clone();
        changed[at] ^= 0x11;
        let found = check(&lenient, THEN, &changed, &collateral, &expected);
        assert!(found.is_err() || at > signed(&quote) || length.contains(&at), "{at}");
        assert!(check(&lenient, THEN, &quote[..at], &collateral, &expected).is_err(), "{at}");
    }
    let whole: serde_json::Value = serde_json::from_slice(&collateral).unwrap();
    for at in (0..collateral.len()).step_by(257) {
        let mut changed = collateral.clone();
        changed[at] ^= 0x11;
        if check(&lenient, THEN, &quote, &changed, &expected).is_ok() {
            let found: serde_json::Value = serde_json::from_slice(&changed).unwrap();
            for (field, value) in whole.as_object().unwrap() {
                let text = |value: &serde_json::Value| value.as_str().unwrap().as_bytes().to_vec();
                let (before, after) = (text(value), text(&found[field]));
                let read = if field.ends_with("_chain") { signed(&before) } else { before.len() };
                assert!(field == "pck_crl_issuer_chain" || before[..read] == after[..read], "{at}: {field}");
            }
        }
        assert!(check(&lenient, THEN, &quote, &collateral[..at], &expected).is_err(), "{at}");
    }
    // More certificates than a chain has, wherever they are hidden.
    for field in ["tcb_info_issuer_chain", "qe_identity_issuer_chain", "pck_certificate_chain"] {
        let mut value = whole.clone();
        let one = format!("{}\n", whole["tcb_info_issuer_chain"].as_str().unwrap());
        value[field] = serde_json::Value::String(one.repeat(2));
        let long = serde_json::to_vec(&value).unwrap();
        assert!(matches!(check(&lenient, THEN, &quote, &long, &expected), Err(QuoteError::Collateral(_))), "{field}");
    }
    let deep = |field: &str| {
        let mut value: serde_json::Value = serde_json::from_slice(&collateral).unwrap();
        value[field] = serde_json::Value::String("[".repeat(20_000));
        let mut bytes = serde_json::to_vec(&value).unwrap();
        bytes.truncate(32_768);
        bytes
    };
    for hostile in [deep("tcb_info"), deep("qe_identity"), b"[".repeat(32_768), b"{}".to_vec(), b"null".to_vec(), vec![0xff; 32_768]] {
        assert!(check(&lenient, THEN, &quote, &hostile, &expected).is_err());
    }
    for length in [1, 47, 48, 431, 432, 436, 8_192] {
        for byte in [0, 3, 4, 255] {
            assert!(check(&lenient, THEN, &vec![byte; length], &collateral, &expected).is_err(), "{length} {byte}");
        }
    }
}
