//! Upgrades of a running chain: the halt, the migration, and what happens when a node is killed between any two of their steps.
use std::path::Path;

use bytes::Bytes;
use cairn_app::{
    App, Block, Fault, Genesis, Settings, modules,
    upgrades::{Migration, Upgrade},
};
use cairn_kernel::{Address, Coin, Ctx, Module, Result, Router, Table, erase, sdk};
use cairn_proto::cosmos::{
    bank::v1beta1::{DenomUnit, Metadata, QueryDenomMetadataRequest, QueryDenomMetadataResponse},
    upgrade::v1beta1::{
        ModuleVersion, QueryAppliedPlanRequest, QueryAppliedPlanResponse, QueryCurrentPlanRequest, QueryCurrentPlanResponse,
        QueryModuleVersionsRequest, QueryModuleVersionsResponse,
    },
};
use serde_json::{Value, json};

use crate::support::*;

/// The height for which genesis plans the upgrade.
const AT: u64 = 4;
/// What the migration adds to the first wallet's account.
const GIFT: u128 = 77;

fn first_wallet() -> Address {
    Wallet::new(1).address
}

/// Moves coins and rewrites what bank says of the coin.
fn migrate_bank(ctx: &mut Ctx) -> Result<()> {
    cairn_bank::send(ctx, &Wallet::new(2).address, &first_wallet(), &[Coin::base(GIFT)])?;
    let unit = |denom: &str, exponent| DenomUnit { denom: denom.into(), exponent, aliases: vec![] };
    let described = Metadata {
        description: "after".into(),
        denom_units: vec![unit("ucairn", 0), unit("cairn", 6)],
        base: "ucairn".into(),
        display: "cairn".into(),
        name: "Cairn".into(),
        symbol: "CAIRN".into(),
        ..Metadata::default()
    };
    cairn_bank::set_metadata(ctx, &described)
}

fn fail(ctx: &mut Ctx) -> Result<()> {
    migrate_bank(ctx)?;
    Err(sdk::invalid_request("not today"))
}

fn panic(ctx: &mut Ctx) -> Result<()> {
    migrate_bank(ctx)?;
    panic!("not today")
}

/// The program that carries out "v2" by these steps.
fn v2(migrations: Vec<Migration>) -> Vec<Upgrade> {
    vec![Upgrade { name: "v2", migrations }]
}

fn good() -> Vec<Upgrade> {
    v2(vec![Migration { module: "bank", run: migrate_bank }])
}

fn program(folder: &Path, upgrades: Vec<Upgrade>) -> App {
    let upgrade_info = Some(folder.join("upgrade-info.json"));
    App::open(&folder.join("state"), Settings { beacon_keys: vrf_key(1).into(), upgrades, upgrade_info, ..Settings::default() }).unwrap()
}

fn planned() -> Genesis {
    let mut state: Value = serde_json::from_slice(&genesis().app_state).unwrap();
    state["upgrade"] = json!({ "plan": { "name": "v2", "height": AT.to_string(), "info": "see there" } });
    Genesis { app_state: state.to_string().into_bytes(), ..genesis() }
}

/// The block at `height`, as every node gets it.
fn block(app: &App, height: u64, txs: Vec<Bytes>) -> Block {
    let block = Block { height, time: 1_700_000_000 + height, proposer: consensus_address(1), txs, ..Block::default() };
    Block { txs: app.prepare_proposal(&block, MAX_BYTES).unwrap(), ..block }
}

fn run(app: &App, block: &Block) -> Vec<u8> {
    app.process_proposal(block).unwrap().expect("accepted");
    let hash = app.finalize_block(block).unwrap().app_hash;
    app.commit().unwrap();
    app.check_invariants().unwrap();
    hash
}

/// A chain that stands before the block of the plan, made by the old program.
fn before(folder: &Path) {
    let app = program(folder, vec![]);
    app.init_chain(&planned()).unwrap();
    (1..AT).for_each(|height| drop(run(&app, &block(&app, height, vec![]))));
}

fn ask<Q: prost::Message, R: prost::Message + Default>(app: &App, path: &str, query: &Q) -> R {
    use cairn_app::api::Chain;
    R::decode(&*app.query(path, &query.encode_to_vec(), None).unwrap().value).unwrap()
}

fn description(app: &App) -> String {
    let query = QueryDenomMetadataRequest { denom: "ucairn".into() };
    let found: QueryDenomMetadataResponse = ask(app, "/cosmos.bank.v1beta1.Query/DenomMetadata", &query);
    found.metadata.unwrap().description
}

fn version(app: &App, module: &str) -> Vec<ModuleVersion> {
    let query = QueryModuleVersionsRequest { module_name: module.into() };
    ask::<_, QueryModuleVersionsResponse>(app, "/cosmos.upgrade.v1beta1.Query/ModuleVersions", &query).module_versions
}

fn is(name: &str, version: u64) -> Vec<ModuleVersion> {
    vec![ModuleVersion { name: name.into(), version }]
}

#[test]
fn a_program_without_the_upgrade_stops_before_its_block_and_writes_it_down() {
    let folder = tempfile::tempdir().unwrap();
    before(folder.path());
    let info = folder.path().join("upgrade-info.json");
    for _ in 0..2 {
        let app = program(folder.path(), vec![]);
        app.ready().expect("it may start, and stops when consensus has decided the block");
        assert!(matches!(app.rehearse_upgrade(), Err(Fault::UpgradeNeeded { .. })));
        assert!(!info.exists(), "nothing is written before");
        let fault = app.finalize_block(&block(&app, AT, vec![])).unwrap_err();
        assert_eq!(fault.to_string(), "UPGRADE \"v2\" NEEDED at height: 4: see there");
        assert!(matches!(app.commit(), Err(Fault::NothingToCommit)));
        assert_eq!(app.latest().unwrap().height, AT - 1);
        let told: Value = serde_json::from_slice(&std::fs::read(&info).unwrap()).unwrap();
        assert_eq!(told, json!({ "name": "v2", "height": 4, "info": "see there" }));
        std::fs::remove_file(&info).unwrap();
    }
}

#[test]
fn the_program_with_the_upgrade_migrates_once_and_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    before(folder.path());
    let app = program(folder.path(), good());
    assert_eq!(version(&app, "bank"), is("bank", 1));
    app.ready().unwrap();
    assert_eq!(app.rehearse_upgrade().unwrap().as_deref(), Some("v2"));
    assert_ne!(version(&app, "bank"), is("bank", 2), "a rehearsal leaves no trace");
    let mut wallet = Wallet { number: 1, ..Wallet::new(1) };
    run(&app, &block(&app, AT, vec![transfer(&mut wallet, &Address::module("x"), 5)]));
    assert_eq!(description(&app), "after");
    assert_eq!((version(&app, "bank"), version(&app, "auth")), (is("bank", 2), is("auth", 1)));
    let applied = |app: &App, name: &str| {
        let query = QueryAppliedPlanRequest { name: name.into() };
        ask::<_, QueryAppliedPlanResponse>(app, "/cosmos.upgrade.v1beta1.Query/AppliedPlan", &query).height
    };
    assert_eq!((applied(&app, "v2"), applied(&app, "v3")), (4, 0));
    let plan: QueryCurrentPlanResponse = ask(&app, "/cosmos.upgrade.v1beta1.Query/CurrentPlan", &QueryCurrentPlanRequest {});
    assert_eq!(plan.plan, None);
    drop(app);
    let app = program(folder.path(), good());
    app.ready().unwrap();
    assert_eq!(app.rehearse_upgrade().unwrap(), None);
    (AT + 1..AT + 3).for_each(|height| drop(run(&app, &block(&app, height, vec![]))));
    assert!(!folder.path().join("upgrade-info.json").exists());
    drop(app);
    let old = program(folder.path(), vec![]);
    assert!(matches!(old.ready(), Err(Fault::OtherProgram(text)) if text.contains("upgrade v2")), "the old program may not go on");
}

#[test]
fn a_node_killed_in_the_middle_of_the_migration_does_it_again_to_the_same_hash() {
    let [one, other] = [(); 2].map(|()| tempfile::tempdir().unwrap());
    [&one, &other].iter().for_each(|folder| before(folder.path()));
    let app = program(one.path(), good());
    let decided = block(&app, AT, vec![]);
    let hash = run(&app, &decided);
    for _ in 0..2 {
        let app = program(other.path(), good());
        assert_eq!(app.finalize_block(&decided).unwrap().app_hash, hash);
        drop(app); // as when it is killed after the migration, before its one write
        let state = program(other.path(), good());
        assert_eq!((state.latest().unwrap().height, version(&state, "bank")), (AT - 1, is("bank", 1)));
    }
    assert_eq!(run(&program(other.path(), good()), &decided), hash);
}

#[test]
fn a_migration_that_fails_or_panics_stops_the_node_with_the_state_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    before(folder.path());
    let steps: [fn(&mut Ctx) -> Result<()>; 2] = [fail, panic];
    for run in steps {
        let app = program(folder.path(), v2(vec![Migration { module: "bank", run }]));
        assert!(matches!(app.rehearse_upgrade(), Err(Fault::Migration { .. })));
        let fault = app.finalize_block(&block(&app, AT, vec![])).unwrap_err();
        assert!(fault.to_string().starts_with("upgrade v2: the migration of bank failed: "), "{fault}");
        assert!(fault.to_string().contains("not today"), "{fault}");
        assert!(matches!(app.commit(), Err(Fault::NothingToCommit)));
    }
    let app = program(folder.path(), good());
    run(&app, &block(&app, AT, vec![]));
    assert_eq!(description(&app), "after", "a mended program carries it out");
}

#[test]
fn a_program_that_knows_the_upgrade_too_early_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let app = program(folder.path(), vec![]);
    app.init_chain(&planned()).unwrap();
    run(&app, &block(&app, 1, vec![]));
    drop(app);
    let early = program(folder.path(), good());
    let text = "BINARY UPDATED BEFORE TRIGGER! UPGRADE \"v2\" - in binary but not executed on chain. Downgrade your binary";
    assert_eq!(early.ready().unwrap_err().to_string(), text);
    assert_eq!(early.finalize_block(&block(&early, 2, vec![])).unwrap_err().to_string(), text);
    drop(early);
    let unplanned = program(folder.path(), vec![Upgrade { name: "v9", migrations: vec![Migration { module: "bank", run: migrate_bank }] }]);
    assert!(matches!(unplanned.ready(), Err(Fault::OtherProgram(_))), "its bank is of version 2, the state's of 1");
    drop(unplanned);
    let app = program(folder.path(), vec![Upgrade { name: "v9", migrations: vec![] }]);
    app.ready().expect("nothing it changes in state");
    run(&app, &block(&app, 2, vec![]));
}

#[test]
fn an_operator_may_skip_an_upgrade() {
    let folder = tempfile::tempdir().unwrap();
    before(folder.path());
    let skip = |heights: &[u64]| Settings {
        beacon_keys: vrf_key(1).into(),
        skip_upgrades: heights.iter().copied().collect(),
        upgrade_info: Some(folder.path().join("upgrade-info.json")),
        ..Settings::default()
    };
    let app = App::open(&folder.path().join("state"), skip(&[AT + 1])).unwrap();
    assert!(matches!(app.finalize_block(&block(&app, AT, vec![])), Err(Fault::UpgradeNeeded { .. })), "another height's skip");
    drop(app);
    std::fs::remove_file(folder.path().join("upgrade-info.json")).unwrap();
    let app = App::open(&folder.path().join("state"), skip(&[9, AT])).unwrap();
    app.ready().unwrap();
    run(&app, &block(&app, AT, vec![]));
    assert_eq!(version(&app, "bank"), is("bank", 1));
    let plan: QueryCurrentPlanResponse = ask(&app, "/cosmos.upgrade.v1beta1.Query/CurrentPlan", &QueryCurrentPlanRequest {});
    assert_eq!(plan.plan, None);
    assert!(!folder.path().join("upgrade-info.json").exists());
}

/// A module that the chain did not begin with.
struct Late;

const FILLED: cairn_kernel::Item<u64> = cairn_kernel::Item::new(b"late/1/");

impl Module for Late {
    const NAME: &'static str = "late";
    const TABLES: &'static [Table] = &[];
    type Genesis = cairn_proto::cosmos::base::v1beta1::Coin;

    fn routes(self: &std::sync::Arc<Self>, _: &mut Router) {}
    fn init(&self, ctx: &mut Ctx, _: Self::Genesis) -> Result<()> {
        FILLED.set(ctx, &7)
    }
    fn export(&self, _: &Ctx) -> Result<Self::Genesis> {
        Ok(Self::Genesis::default())
    }
    fn invariants(&self) -> Vec<cairn_kernel::Invariant> {
        vec![("it began", |ctx| if FILLED.get(ctx) == Ok(Some(7)) { Ok(()) } else { Err("it did not".into()) })]
    }
}

#[test]
fn a_new_module_begins_with_the_upgrade_that_brings_it() {
    let folder = tempfile::tempdir().unwrap();
    before(folder.path());
    let late = || -> Vec<_> { modules::all().into_iter().chain([erase(Late)]).collect() };
    let twice = v2(vec![Migration { module: "bank", run: migrate_bank }, Migration { module: "bank", run: |_| Ok(()) }]);
    let settings = Settings { beacon_keys: vrf_key(1).into(), upgrades: twice, ..Settings::default() };
    let app = App::with(late(), &folder.path().join("state"), settings).unwrap();
    app.ready().unwrap();
    run(&app, &block(&app, AT, vec![]));
    assert_eq!((version(&app, "late"), version(&app, "bank")), (is("late", 1), is("bank", 3)));
}

#[test]
fn an_exported_state_starts_only_with_a_program_of_its_versions() {
    let folder = tempfile::tempdir().unwrap();
    before(folder.path());
    let app = program(folder.path(), good());
    run(&app, &block(&app, AT, vec![]));
    let exported = app.export().unwrap().to_string().into_bytes();
    let next = Genesis { app_state: exported, initial_height: AT + 1, time: 1_700_000_000 + AT, ..genesis() };
    let [old, new] = [(); 2].map(|()| tempfile::tempdir().unwrap());
    let refused = program(old.path(), vec![]).init_chain(&next).unwrap_err().to_string();
    assert!(refused.contains("module bank is of version 2 in the file and 1 in this program"), "{refused}");
    program(new.path(), good()).init_chain(&next).unwrap();
}
