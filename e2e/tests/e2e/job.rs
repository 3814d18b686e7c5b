//! The main job on four real validators, one of them killed in the middle.
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    time::Duration,
};

use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use cairn_app::{App, Block, Exported, Genesis, Settings};
use cairn_driver::{
    chain::Chain,
    digits,
    report::Report,
    run::{RunArgs, job, main_job},
};
use cairn_e2e::{Network, Options, evidence, program, questions, root};
use cairn_formats::{
    Answer, ItemKind, JobKind,
    export::Format,
    import::{Source, import},
};
use cairn_proto::cairn::annotation::v1::JobState;

/// Pictures of the job under test; the whole set is run by `make localnet`.
const PICTURES: usize = 600;

/// The digits as `make test` puts them into the cache.
fn csv() -> PathBuf {
    PathBuf::from(std::env::var("CAIRN_DIGITS").expect("CAIRN_DIGITS names digits.csv.gz; run the tests with 'make test'"))
}

#[test]
fn the_main_job_settles_although_a_validator_is_killed_in_the_middle() {
    let mut network = Network::start(&Options { validators: 4, pause: "200ms", gateway: true, ..Options::default() });
    network.import("buyer");
    let folder = network.path().join("digits");
    let mut set = digits::read(&csv()).unwrap();
    set.truncate(PICTURES);
    digits::write(&set, 20, 7, &folder).unwrap();
    std::fs::copy(root().join("localnet/digits/job.toml"), folder.join("job.toml")).unwrap();
    let args = RunArgs {
        nodes: (0..4).map(|n| network.rpc(n)).collect(),
        gateway: network.gateway(),
        accounts: network.path().join("accounts.json"),
        job: folder,
        home: network.client(),
        out: network.path().join("out"),
        cairnd: program("cairnd"),
        agent: Some(program("cairn-agent")),
        agent_metrics: None,
        resume: None,
        seed: 1,
    };
    let report = run(&mut network, args);
    print!("{}", report.table());
    let failed: Vec<_> = report.checks.iter().filter(|(_, held)| !held).collect();
    assert!(failed.is_empty(), "{failed:?}");
    let height = network.height(0);
    network.wait_for(3, height);
    assert_eq!(network.app_hash(3, height), network.app_hash(0, height));
    check_settlement(&network, report.job);
    check_exports(&network, report.job);
    crate::calls::are_sold(&network, &network.path().join("out"));
    assert!(network.stop_node(0), "SIGTERM must end a node well");
    let home = network.path().join("nodes/node0");
    let checked = network.cairnd(&["check", "--home", home.to_str().unwrap()]);
    assert!(checked.contains("every invariant of ") && checked.contains(" modules holds"), "{checked}");
    an_export_answers_alike(&home.join("data/state"));
}

/// A chain that starts from the exported state answers every query as the one that it was exported from, after the same block on both.
fn an_export_answers_alike(state: &Path) {
    let before = App::open(state, Settings::default()).unwrap();
    let Exported { block, params, app_state, .. } = before.export_at(None).unwrap();
    let genesis = Genesis {
        chain_id: block.chain_id,
        time: block.time,
        nanos: block.nanos,
        initial_height: block.height + 1,
        params,
        validators: vec![],
        app_state: app_state.to_string().into_bytes(),
    };
    let folder = tempfile::tempdir().unwrap();
    let after = App::open(folder.path(), Settings::default()).unwrap();
    let _hash = after.init_chain(&genesis).unwrap();
    let proposer = before.validators().unwrap().first().map(|elected| evidence::consensus_address(&elected.key)).unwrap();
    let next = Block { height: block.height + 1, time: block.time + 1, proposer, ..Block::default() };
    for app in [&before, &after] {
        let _finalized = app.finalize_block(&next).unwrap();
        app.commit().unwrap();
        app.check_invariants().unwrap();
    }
    let compared = questions::compare(&before, &after);
    println!("{} questions, {} queries with answers; without: {:#?}", compared.asked, compared.answered.len(), compared.silent);
    // Headers of blocks are no part of a genesis file, here as in the Cosmos SDK.
    let different: Vec<_> =
        compared.different.iter().filter(|question| !question.starts_with("/cosmos.staking.v1beta1.Query/HistoricalInfo")).collect();
    assert!(different.is_empty() && compared.asked > 400 && compared.answered.len() > 120, "{different:#?}");
}

/// Runs the job; validator 3 is killed as soon as a third of the labels is in, and started again ten blocks later.
fn run(network: &mut Network, args: RunArgs) -> Report {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let nodes = args.nodes.clone();
    let running = runtime.spawn(async move { main_job(&args).await });
    runtime.block_on(async {
        let chain = Chain::connect(&nodes).await.unwrap();
        until(&chain, |labels, _| labels >= 1_000).await;
    });
    network.kill_node(3);
    let height = network.height(0);
    network.wait_for(0, height + 10);
    network.start_node(3);
    runtime.block_on(running).unwrap().unwrap()
}

/// Waits until `enough` holds of the accepted labels and the state of job 1.
async fn until(chain: &Chain, enough: impl Fn(u64, JobState) -> bool) {
    loop {
        if let Ok((_, status)) = job(chain, 1).await
            && enough(status.labels, status.state())
        {
            return;
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

/// Anybody can check the settlement: the same labels, replayed off the chain, give the same digest.
fn check_settlement(network: &Network, number: u64) {
    let labels = network.path().join("labels.csv");
    let gold = network.path().join("gold.csv");
    let (labels, gold) = (labels.to_str().unwrap(), gold.to_str().unwrap());
    let number = number.to_string();
    let _written = network.cairnd(&["job", "export", &number, "--format", "labels", "--out", labels]);
    let _written = network.cairnd(&["job", "export", &number, "--format", "gold", "--out", gold]);
    let status: serde_json::Value = serde_json::from_str(&network.cairnd(&["job", "status", &number, "--output", "json"])).unwrap();
    let at = |path: &str| status.pointer(path).unwrap_or_else(|| panic!("{path} is not in {status}"));
    let digest = hex::encode(BASE64.decode(at("/job/status/settlement/digest").as_str().unwrap()).unwrap());
    let (tasks, workers) = (at("/job/job/tasks").to_string(), at("/job/status/workers").to_string());
    let size = ["--tasks", &tasks, "--workers", &workers, "--classes", "10"];
    let replay = |digest: &str| network.cairnd(&[&["truth", "replay", labels, "--gold", gold, "--digest", digest], &size[..]].concat());
    assert!(!replay(&digest).is_empty());
}

/// Every format that holds the job is written from the chain; those that are lists of items too are read again and agree.
fn check_exports(network: &Network, number: u64) {
    let (items, number) = (network.path().join("digits/items"), number.to_string());
    let licence = "https://creativecommons.org/publicdomain/zero/1.0/";
    let mut answers: Vec<BTreeMap<Box<str>, Option<Box<Answer>>>> = Vec::new();
    for format in Format::ALL.into_iter().filter(|f| f.holds(JobKind::Classify, ItemKind::Image)) {
        let ending = match format {
            Format::Jsonl => ".jsonl",
            Format::Csv => ".csv",
            Format::LabelStudio | Format::Coco => ".json",
            _ => "",
        };
        let out = network.path().join(format!("{format}{ending}"));
        let paths = ["--out", out.to_str().unwrap(), "--items", items.to_str().unwrap()];
        let _told = network.cairnd(&[&["job", "export", &number, "--format", format.name(), "--licence", licence], &paths[..]].concat());
        assert!(out.exists(), "{format}");
        if !ending.is_empty() {
            answers.push(read_again(&items, &out));
        }
    }
    assert_eq!(answers.len(), 4);
    assert_eq!(answers[0].len(), PICTURES);
    assert!(answers.iter().all(|one| *one == answers[0]));
}

/// The answers by item that an import of a list finds.
fn read_again(folder: &Path, list: &Path) -> BTreeMap<Box<str>, Option<Box<Answer>>> {
    let classes: Vec<String> = (0..10).map(|n| n.to_string()).collect();
    let (item_kind, job_kind, list) = (ItemKind::Image, JobKind::Classify, Some(list));
    let source = Source { folder, list, apart: &[], item_kind, job_kind, classes: &classes, item_bytes: 1 << 20 };
    let found = import(&source, &mut |_| {}).unwrap();
    found.items.into_iter().map(|item| (item.name, item.answer)).collect()
}
