//! Four operators make a network without trusting anybody with their keys. They propose an upgrade and vote for it, and the network goes through it under load, each node under a supervisor that does what
//! cosmovisor does; one is killed in the middle of the migration.
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use cairn_driver::{
    accounts::Account,
    chain::{Chain, Signer},
    run::PASSPHRASE,
};
use cairn_e2e::{Cosmovisor, Network, cosmovisor::install, program};
use cairn_kernel::Address;
use cairn_proto::cosmos::{
    auth::v1beta1::{QueryAccountInfoRequest, QueryAccountInfoResponse},
    bank::v1beta1::{MsgSend, QueryBalanceRequest, QueryBalanceResponse},
    base::v1beta1::Coin,
};
use serde_json::{Value, json};

/// So many blocks after the one before the proposal its plan is due: all blocks of the vote, were they as short as can be, and some more.
const AHEAD: u64 = 35;
/// How many denominations the migration rewrites.
const DENOMS: usize = 100;
/// What each transfer sends.
const AMOUNT: u128 = 3;

/// Votes of six seconds, deposits that operators can afford, and denominations to migrate.
fn agreed(genesis: &mut Value) {
    let state = &mut genesis["app_state"];
    let rules = &mut state["gov"]["params"];
    rules["voting_period"] = json!("6s");
    rules["expedited_voting_period"] = json!("3s");
    rules["min_deposit"] = json!([{ "denom": "ucairn", "amount": "5000000" }]);
    let described = |n| {
        let denom = format!("test/{n}");
        let units = json!([{ "denom": denom, "exponent": 0 }]);
        json!({ "description": "before", "denom_units": units, "base": denom, "display": denom, "name": denom, "symbol": denom })
    };
    state["bank"]["denom_metadata"].as_array_mut().unwrap().extend((0..DENOMS).map(described));
}

fn until<T>(what: &str, seconds: u64, done: impl FnMut() -> Option<T>) -> T {
    cairn_e2e::until(what, seconds, 20, done)
}

fn logged(network: &Network, node: usize, text: &str) -> bool {
    fs::read_to_string(network.log(&format!("node{node}"))).is_ok_and(|log| log.contains(text))
}

/// The processes that run CometBFT in `home`.
fn comets(home: &Path) -> usize {
    let home = home.display().to_string();
    let of = |entry: std::io::Result<fs::DirEntry>| {
        let line = fs::read(entry.ok()?.path().join("cmdline")).ok()?;
        let words: Vec<String> = line.split(|b| *b == 0).map(|word| String::from_utf8_lossy(word).into_owned()).collect();
        (words.first()?.ends_with("cometbft") && words.contains(&home)).then_some(())
    };
    fs::read_dir("/proc").unwrap().filter_map(of).count()
}

/// The operators propose the upgrade, share its deposit, and vote for it, each by a key and a node of its own. Gives the height of the plan.
fn propose_and_vote(network: &Network, homes: &[PathBuf]) -> u64 {
    let gov = |node: usize, args: &[&str]| {
        let mut command = Command::new(program("cairnd"));
        command.arg("gov").args(args).args(["--node", &network.rpc(node), "--home"]).arg(&homes[node]);
        let out = command.env("CAIRN_PASSPHRASE", PASSPHRASE).output().unwrap();
        assert!(out.status.success(), "{args:?}: {}", String::from_utf8_lossy(&out.stderr));
        String::from_utf8(out.stdout).unwrap()
    };
    let at = network.height(0) + AHEAD;
    let plan = json!({ "name": "V2", "height": at.to_string(), "info": "the next program" });
    let authority = Address::module("gov").to_string();
    let message = json!({ "@type": "/cosmos.upgrade.v1beta1.MsgSoftwareUpgrade", "authority": authority, "plan": plan });
    let proposal = json!({ "messages": [message], "deposit": "2000000ucairn", "title": "V2", "summary": "the next program" });
    let file = network.path().join("upgrade.json");
    fs::write(&file, proposal.to_string()).unwrap();
    let said = gov(0, &["submit", file.to_str().unwrap(), "--from", "operator"]);
    assert!(said.starts_with("proposal 1 stands since block "), "{said}");
    assert!(gov(1, &["deposit", "1", "3000000ucairn", "--from", "operator"]).contains("deposited in block"));
    std::thread::scope(|scope| {
        for node in 0..homes.len() {
            scope.spawn(move || assert!(gov(node, &["vote", "1", "yes", "--from", "operator"]).contains("voted in block")));
        }
    });
    let shown = || serde_json::from_str::<Value>(&gov(2, &["show", "1", "--output", "json"])).unwrap();
    let passed = || Some(shown()).filter(|shown| shown["status"] == "PROPOSAL_STATUS_PASSED");
    let ended = cairn_e2e::until("the proposal passes", 60, 200, passed);
    assert_eq!((&ended["turnout"], &ended["yes"]), (&json!("100.0 %"), &json!("40000000")), "{ended}");
    at
}

/// Transfers by `accounts` to one that nobody holds, each waiting for its block, until `stop`. Gives how many are known to be in a block.
async fn load(urls: Vec<String>, accounts: &[Account], to: &Address, stop: &AtomicBool) -> u64 {
    let chain = Chain::connect(&urls).await.unwrap();
    let mut done = 0;
    let signers: Vec<Signer> = accounts.iter().map(|a| Signer::new(chain.clone(), a.key().unwrap()).unwrap()).collect();
    while !stop.load(Ordering::Acquire) {
        let amount = vec![Coin { denom: "ucairn".into(), amount: AMOUNT.to_string() }];
        let send = |signer: &Signer| MsgSend { from_address: signer.address().into(), to_address: to.to_string(), amount: amount.clone() };
        for signer in &signers {
            match signer.send(&send(signer)).await {
                Ok(_) => done += 1,
                // Nobody answers while all programs are replaced; whether it came into a block is counted afterwards.
                Err(_) => tokio::time::sleep(Duration::from_millis(200)).await,
            }
        }
    }
    done
}

/// What the recipient got, and how many transactions the senders signed.
async fn account_for(urls: Vec<String>, accounts: &[Account], to: &Address) -> (u128, u64) {
    let chain = Chain::connect(&urls).await.unwrap();
    let balance = QueryBalanceRequest { address: to.to_string(), denom: "ucairn".into() };
    let found: QueryBalanceResponse = chain.query("/cosmos.bank.v1beta1.Query/Balance", &balance).await.unwrap();
    let mut signed = 0;
    for account in accounts {
        let info = QueryAccountInfoRequest { address: account.address.clone() };
        let info: QueryAccountInfoResponse = chain.query("/cosmos.auth.v1beta1.Query/AccountInfo", &info).await.unwrap();
        signed += info.info.unwrap().sequence;
    }
    (found.balance.unwrap().amount.parse().unwrap(), signed)
}

#[test]
fn a_network_of_four_goes_through_an_upgrade_under_load() {
    let network = Network::by_operators(4, agreed);
    let homes: Vec<_> = (0..4).map(|node| network.home(node)).collect();
    for home in &homes {
        install(home, None, &program("cairnd"));
        install(home, Some("v2"), &program("cairnd-next"));
    }
    let early = Command::new(program("cairnd-next")).args(["pre-upgrade", "--home"]).arg(&homes[0]).output().unwrap();
    assert_eq!(early.status.code(), Some(30), "there is nothing to upgrade");
    let supervise = |node: usize| Cosmovisor::start(&homes[node], &network.log(&format!("node{node}")));
    let mut supervisors: Vec<_> = (0..4).map(supervise).collect();
    network.wait_for(0, 2);
    let urls: Vec<_> = (0..4).map(|node| network.rpc(node)).collect();
    let (senders, to, stop) = (&network.accounts()[..3], Address::module("nobody"), AtomicBool::new(false));
    let runtime = tokio::runtime::Runtime::new().unwrap();

    let (done, at) = std::thread::scope(|scope| {
        let loading = scope.spawn(|| runtime.block_on(load(urls.clone(), senders, &to, &stop)));
        let at = propose_and_vote(&network, &homes);
        let begun = format!("applying upgrade \"V2\" at height: {at}");
        until("node 3 begins the migration", 120, || logged(&network, 3, &begun).then_some(()));
        let victim = supervisors[3].program();
        assert!(Command::new("kill").args(["-KILL", &victim.to_string()]).status().unwrap().success());
        assert!(!logged(&network, 3, "upgrade \"V2\" is applied"), "it was killed in the middle");
        assert!(supervisors[3].wait().contains("signal"), "cosmovisor ends with a program that ended by itself");
        until("its CometBFT is gone", 10, || (comets(&homes[3]) == 0).then_some(()));
        supervisors[3] = supervise(3);
        (0..4).for_each(|node| network.wait_for(node, at + 4));
        stop.store(true, Ordering::Release);
        (loading.join().unwrap(), at)
    });

    for (node, supervisor) in supervisors.iter().enumerate() {
        assert!(logged(&network, node, &format!("UPGRADE \"V2\" NEEDED at height: {at}: the next program")), "node {node}");
        assert_eq!(supervisor.current(), Path::new("upgrades/v2"));
        assert_eq!(comets(&homes[node]), 1, "node {node}");
        let told: Value = serde_json::from_slice(&fs::read(homes[node].join("data/upgrade-info.json")).unwrap()).unwrap();
        assert_eq!(told, json!({ "name": "V2", "height": at, "info": "the next program" }));
    }
    let expected: &[&str] = &["run", "kill", "pre-upgrade 0", "run"];
    (0..3).for_each(|node| assert_eq!(supervisors[node].history(), expected, "node {node}"));
    let height = network.height(0);
    (1..4).for_each(|node| network.wait_for(node, height));
    for h in 1..=height {
        let hashes: Vec<_> = (0..4).map(|node| network.app_hash(node, h).unwrap()).collect();
        assert!(hashes.windows(2).all(|w| w[0] == w[1]), "block {h}: {hashes:?}");
    }
    let (received, signed) = runtime.block_on(account_for(urls, senders, &to));
    assert_eq!(received, u128::from(signed) * AMOUNT, "whatever was signed in a block was paid, once");
    assert!(signed >= done && done > 3, "{done} of {signed} transfers were seen in their blocks");

    let ask = |args: &[&str]| network.cairnd_at(3, &[args, &["--output", "json"]].concat());
    assert!(ask(&["query", "upgrade", "applied-plan", "V2"]).contains(&format!("\"{at}\"")));
    assert!(ask(&["query", "upgrade", "module-versions", "--module-name", "bank"]).contains("\"2\""));
    for denom in ["test/0", "test/99"] {
        let metadata: Value = serde_json::from_str(&ask(&["query", "bank", "denom-metadata", denom])).unwrap();
        assert_eq!(metadata["metadata"]["description"].as_str().unwrap().len(), 64, "{denom} is migrated");
    }
    drop(supervisors.pop());
    let old = Command::new(program("cairnd")).args(["start", "--home"]).arg(&homes[3]).output().unwrap();
    let said = String::from_utf8_lossy(&old.stderr).into_owned();
    assert_eq!(old.status.code(), Some(20), "{said}");
    assert!(said.contains("the chain went through upgrade V2, which this program does not know"), "{said}");
}
