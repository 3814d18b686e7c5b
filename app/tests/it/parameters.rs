//! The parameters of every module: at their bounds, beyond them, and through a proposal that passes.
use std::collections::BTreeSet;

use cairn_app::{Genesis, Outcome, api::json::Dialect};
use cairn_auth::authority;
use cairn_kernel::{Address, BlockInfo, Ctx, Error, Gas, MemStore, Overlay};
use cairn_proto::{
    Any,
    cosmos::{
        consensus::v1::{QueryParamsRequest as ConsensusQuery, QueryParamsResponse as ConsensusParams},
        gov::v1::{MsgSubmitProposal, MsgVote, Proposal, ProposalStatus, QueryProposalRequest, QueryProposalResponse, VoteOption},
        staking::v1beta1::MsgDelegate,
    },
    pack,
};
use serde_json::{Value, json};

use crate::support::*;

/// What becomes of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Taken,
    /// Refused by codespace and code.
    Refused(&'static str, u32),
}
use Fate::{Refused, Taken};

/// One module: the package of its `MsgUpdateParams`, what a message without parameters gets, and single changes.
struct Rules {
    package: &'static str,
    missing: Fate,
    changes: Vec<(&'static str, Value, Fate)>,
}

/// A place and the values on both sides of its bounds: `least..=most` is taken.
fn bounds(path: &'static str, least: u64, most: u64, refused: Fate) -> Vec<(&'static str, Value, Fate)> {
    let below = least.checked_sub(1).map(|n| (path, json!(n.to_string()), refused));
    let above = most.checked_add(1).map(|n| (path, json!(n.to_string()), refused));
    let within = [least, most].map(|n| (path, json!(n.to_string()), Taken));
    within.into_iter().chain(below).chain(above).collect()
}

/// A decimal of the SDK from 0 to 1.
fn part(path: &'static str, refused: Fate) -> Vec<(&'static str, Value, Fate)> {
    [("0.000000000000000000", Taken), ("1.000000000000000000", Taken), ("1.000000000000000001", refused)]
        .map(|(text, fate)| (path, json!(text), fate))
        .to_vec()
}

fn base(amount: &str) -> Value {
    json!({ "denom": "ucairn", "amount": amount })
}

fn foreign() -> Value {
    json!({ "denom": "uother", "amount": "1" })
}

const ANY: u64 = u64::MAX;

/// Every module that has parameters.
fn table() -> Vec<Rules> {
    vec![auth(), bank(), staking(), slashing(), consensus(), asset(), rewards(), dispute(), licensing(), annotation(), gov()]
}

fn auth() -> Rules {
    let refused = Refused("auth", 2);
    let paths = [
        "/params/max_memo_characters",
        "/params/tx_sig_limit",
        "/params/tx_size_cost_per_byte",
        "/params/sig_verify_cost_ed25519",
        "/params/sig_verify_cost_secp256k1",
    ];
    let changes = paths.into_iter().flat_map(|path| bounds(path, 1, ANY, refused)).collect();
    Rules { package: "cosmos.auth.v1beta1", missing: Refused("auth", 3), changes }
}

fn bank() -> Rules {
    let retired = json!([{ "denom": "ucairn", "enabled": true }]);
    let changes = vec![("/params/default_send_enabled", json!(false), Taken), ("/params/send_enabled", retired, Refused("bank", 15))];
    Rules { package: "cosmos.bank.v1beta1", missing: Refused("bank", 15), changes }
}

fn staking() -> Rules {
    let refused = Refused("staking", 60);
    let mut changes = vec![
        ("/params/unbonding_time", json!("0s"), refused),
        ("/params/unbonding_time", json!("0.000000001s"), Taken),
        ("/params/unbonding_time", json!("-1s"), refused),
        ("/params/max_validators", json!(0), refused),
        ("/params/max_validators", json!(1), Taken),
        ("/params/max_entries", json!(0), refused),
        ("/params/max_entries", json!(1), Taken),
        ("/params/bond_denom", json!("uother"), refused),
        ("/params/bond_denom", json!(""), Refused("sdk", 10)),
    ];
    changes.extend(part("/params/min_commission_rate", refused));
    Rules { package: "cosmos.staking.v1beta1", missing: refused, changes }
}

fn slashing() -> Rules {
    let refused = Refused("slashing", 60);
    let mut changes = bounds("/params/signed_blocks_window", 1, 10_000_000, refused);
    changes.push(("/params/signed_blocks_window", json!("-1"), refused));
    changes.push(("/params/downtime_jail_duration", json!("0s"), refused));
    changes.push(("/params/downtime_jail_duration", json!("1s"), Taken));
    for path in ["/params/min_signed_per_window", "/params/slash_fraction_double_sign", "/params/slash_fraction_downtime"] {
        changes.extend(part(path, refused));
    }
    Rules { package: "cosmos.slashing.v1beta1", missing: refused, changes }
}

fn consensus() -> Rules {
    let refused = Refused("sdk", 18);
    let mut changes: Vec<_> = [
        ("/block/max_bytes", "-2", refused),
        ("/block/max_bytes", "-1", Taken),
        ("/block/max_bytes", "0", refused),
        ("/block/max_bytes", "1310719", refused),
        ("/block/max_bytes", "1310720", Taken),
        ("/block/max_bytes", "104857600", Taken),
        ("/block/max_bytes", "104857601", refused),
        ("/block/max_gas", "-2", refused),
        ("/block/max_gas", "-1", Taken),
        ("/block/max_gas", "9999999", refused),
        ("/block/max_gas", "10000000", Taken),
        ("/evidence/max_age_num_blocks", "0", refused),
        ("/evidence/max_age_num_blocks", "1", Taken),
        ("/evidence/max_age_duration", "0s", refused),
        ("/evidence/max_age_duration", "9300000000s", refused),
        ("/evidence/max_bytes", "-1", refused),
        ("/evidence/max_bytes", "3932160", Taken),
        ("/evidence/max_bytes", "3932161", refused),
    ]
    .map(|(path, text, fate)| (path, json!(text), fate))
    .to_vec();
    changes.push(("/validator/pub_key_types", json!([]), refused));
    changes.push(("/validator/pub_key_types", json!(["secp256k1"]), refused));
    // A height at which votes are to be extended has stopped chains whose application extends none.
    for height in ["-1", "1", "2", "1000000"] {
        changes.push(("/abci", json!({ "vote_extensions_enable_height": height }), refused));
    }
    changes.push(("/abci", json!({ "vote_extensions_enable_height": "0" }), Taken));
    changes.push(("/block", Value::Null, refused));
    changes.push(("/evidence", Value::Null, refused));
    Rules { package: "cosmos.consensus.v1", missing: refused, changes }
}

fn asset() -> Rules {
    let limits = [
        ("/params/max_parents", 1, 64),
        ("/params/max_stack", 1, 256),
        ("/params/max_royalty_bps", 0, 9_000),
        ("/params/max_income_denoms", 1, 16),
        ("/params/max_inline_holders", 1, 2_000),
    ];
    let changes = limits.into_iter().flat_map(|(path, least, most)| bounds(path, least, most, Refused("asset", 41))).collect();
    Rules { package: "cairn.asset.v1", missing: Refused("asset", 42), changes }
}

fn rewards() -> Rules {
    let rate = Refused("rewards", 6);
    let mut changes = bounds("/params/epoch_blocks", 1, 10_000_000, Refused("rewards", 7));
    changes.extend(bounds("/params/unbonding_blocks", 0, 10_000_000, Refused("rewards", 16)));
    changes.extend(bounds("/params/fee_burnt_bps", 0, 10_000, rate));
    changes.extend(bounds("/params/issuance_cap_bps", 0, 8_000, rate));
    for path in ["/params/issuance", "/params/pool_spend", "/params/arena_issuance", "/params/arena_fee", "/params/arena_price"] {
        changes.push((path, json!("0"), Taken));
        changes.push((path, json!("-1"), Refused("rewards", 8)));
    }
    Rules { package: "cairn.rewards.v1", missing: Refused("rewards", 9), changes }
}

fn dispute() -> Rules {
    let limits = [
        ("/params/commit_blocks", 1, 10_000_000),
        ("/params/reveal_blocks", 1, 10_000_000),
        ("/params/appeal_blocks", 1, 10_000_000),
        ("/params/quorum", 1, 5),
        ("/params/jury_size", 3, 11),
        ("/params/second_size", 5, 101),
        ("/params/absence_bps", 0, 10_000),
        ("/params/min_kappa_ppm", 0, 1_000_000),
        ("/params/max_open", 1, 1_000),
    ];
    let mut changes: Vec<_> =
        limits.into_iter().flat_map(|(path, least, most)| bounds(path, least, most, Refused("dispute", 26))).collect();
    for path in ["/params/juror_bond", "/params/fee", "/params/appeal_bond"] {
        changes.push((path, json!(format!("1{}", "0".repeat(30))), Taken));
        changes.push((path, json!(format!("1{}1", "0".repeat(29))), Refused("dispute", 27)));
        changes.push((path, json!("x"), Refused("dispute", 27)));
    }
    Rules { package: "cairn.dispute.v1", missing: Refused("dispute", 25), changes }
}

fn licensing() -> Rules {
    let mut changes = bounds("/params/fee_bps", 0, 2_000, Refused("licensing", 30));
    for path in
        ["/params/approval_blocks", "/params/grant_blocks", "/params/fault_blocks", "/params/closing_blocks", "/params/session_blocks"]
    {
        changes.extend(bounds(path, 1, 10_000_000, Refused("licensing", 36)));
    }
    for path in ["/params/least_key_bond", "/params/complaint_bond"] {
        changes.push((path, base("0"), Taken));
        changes.push((path, foreign(), Refused("licensing", 64)));
        changes.push((path, base("-1"), Refused("sdk", 10)));
    }
    Rules { package: "cairn.licensing.v1", missing: Refused("licensing", 31), changes }
}

fn annotation() -> Rules {
    let refused = Refused("annotation", 74);
    let limits = [
        ("/params/rules/lease_blocks", 1, 10_000_000),
        ("/params/rules/reveal_window", 1, 10_000_000),
        ("/params/rules/late_waves", 0, 8),
        ("/params/rules/fee_bps", 0, 10_000),
        ("/params/rules/account_seats_bps", 1, 10_000),
        ("/params/longest_job", 1, 10_000_000),
        ("/params/overlap_max", 1, 32),
        ("/params/open_jobs_max", 1, 10_000),
        ("/params/expiries_per_block", 1, 100_000),
        ("/params/draws_per_block", 1, 100_000),
        ("/params/label_visits_per_block", 1, 1_000_000_000),
        ("/params/claims_waiting_max", 1, 1_000_000),
    ];
    let mut changes: Vec<_> = limits.into_iter().flat_map(|(path, least, most)| bounds(path, least, most, refused)).collect();
    changes.push(("/params/rules", Value::Null, Refused("annotation", 2)));
    changes.push(("/params/posting_fee", foreign(), Refused("annotation", 28)));
    changes.push(("/params/identity_price", foreign(), Refused("annotation", 28)));
    changes.push(("/params/exempt_funders", json!(["nobody"]), Refused("sdk", 7)));
    Rules { package: "cairn.annotation.v1", missing: Refused("annotation", 2), changes }
}

fn gov() -> Rules {
    let refused = Refused("sdk", 18);
    let mut changes = vec![
        ("/params/min_deposit", json!([]), refused),
        ("/params/min_deposit", json!([base("50000000")]), refused),
        ("/params/min_deposit", json!([base("49999999")]), Taken),
        ("/params/min_deposit", json!([base("0")]), Refused("sdk", 10)),
        ("/params/expedited_min_deposit", json!([]), refused),
        ("/params/max_deposit_period", json!("0s"), refused),
        ("/params/max_deposit_period", json!("0.000000001s"), Taken),
        ("/params/voting_period", json!("86400s"), refused),
        ("/params/voting_period", json!("86401s"), Taken),
        ("/params/expedited_voting_period", json!("0s"), refused),
        ("/params/expedited_voting_period", json!("1s"), Taken),
        ("/params/threshold", json!("0.667000000000000000"), refused),
        ("/params/threshold", json!("0"), refused),
        ("/params/expedited_threshold", json!("1"), Taken),
        ("/params/expedited_threshold", json!("0.5"), refused),
        ("/params/veto_threshold", json!("0"), refused),
        ("/params/veto_threshold", json!("1"), Taken),
        ("/params/quorum", json!("-0.1"), refused),
        ("/params/quorum", json!("x"), refused),
        ("/params/proposal_cancel_dest", json!("nobody"), Refused("sdk", 7)),
    ];
    for path in ["/params/quorum", "/params/min_initial_deposit_ratio", "/params/proposal_cancel_ratio", "/params/min_deposit_ratio"] {
        changes.extend(part(path, refused));
    }
    Rules { package: "cosmos.gov.v1", missing: refused, changes }
}

impl Rules {
    fn name(&self) -> String {
        format!("{}.MsgUpdateParams", self.package)
    }
    /// The message as it changes nothing.
    fn base(&self, net: &Net) -> Value {
        let name = self.package.split('.').nth(1);
        let mut message = match net.app.modules().iter().find(|m| Some(m.name()) == name) {
            Some(module) => {
                let genesis = Dialect::cairn().encode_bytes(&module.genesis_type(), &module.default_genesis()).unwrap();
                json!({ "params": genesis["params"] })
            }
            None => consensus_params(),
        };
        message["authority"] = json!(authority().to_string());
        message
    }
    /// That message with one change.
    fn changed(&self, net: &Net, path: &str, value: &Value) -> Value {
        let mut message = self.base(net);
        match message.pointer_mut(path) {
            Some(place) => *place = value.clone(),
            // Absent parts of a message are left out.
            None => message[path.trim_start_matches('/')] = value.clone(),
        }
        message
    }
    fn bytes(&self, message: &Value) -> Vec<u8> {
        Dialect::cairn().decode_bytes(&self.name(), message).unwrap_or_else(|e| panic!("{}: {e}: {message}", self.package))
    }
}

/// What a chain of `cairnd testnet` has.
fn consensus_params() -> Value {
    json!({
        "block": { "max_bytes": "4194304", "max_gas": "500000000" },
        "evidence": { "max_age_num_blocks": "302400", "max_age_duration": "604800s", "max_bytes": "1048576" },
        "validator": { "pub_key_types": ["ed25519"] },
    })
}

/// Runs a message of governance on a new state, which is dropped.
fn run(net: &Net, url: &str, bytes: &[u8]) -> Result<(), Error> {
    let (base, gas, block) = (MemStore::default(), Gas::unlimited(), BlockInfo { height: 1, ..BlockInfo::default() });
    let mut overlay = Overlay::new(&base);
    let mut ctx = Ctx::new(&mut overlay, &block, &gas, net.app.router());
    for module in net.app.modules() {
        module.init(&mut ctx, &module.default_genesis()).unwrap();
    }
    ctx.execute(&authority(), url, bytes).map(drop)
}

fn fate(result: Result<(), Error>) -> Fate {
    result.map_or_else(|e| Refused(e.codespace, e.code), |()| Taken)
}

#[test]
fn every_message_of_parameters_is_in_the_table() {
    let net = Net::new();
    let urls = net.app.router().msg_urls().filter(|url| url.ends_with(".MsgUpdateParams"));
    let served: BTreeSet<_> = urls.map(|url| url.trim_start_matches('/').to_owned()).collect();
    let known: BTreeSet<_> = table().iter().map(Rules::name).collect();
    assert_eq!(served, known);
}

#[test]
fn parameters_beyond_their_bounds_are_refused_by_their_code() {
    let net = Net::new();
    for rules in table() {
        let url = format!("/{}", rules.name());
        let check = |what: &str, message: &Value, expected: Fate| {
            let found = fate(run(&net, &url, &rules.bytes(message)));
            assert_eq!(found, expected, "{}: {what}", rules.package);
        };
        check("unchanged", &rules.base(&net), Taken);
        check("no parameters", &json!({ "authority": authority().to_string() }), rules.missing);
        for (path, value, expected) in &rules.changes {
            check(&format!("{path} = {value}"), &rules.changed(&net, path, value), *expected);
        }
    }
}

#[test]
fn nobody_but_governance_changes_parameters() {
    let mut net = Net::new();
    for rules in table() {
        let mut message = rules.base(&net);
        message["authority"] = json!(net.wallets[0].address.to_string());
        let any = Any { type_url: format!("/{}", rules.name()), value: rules.bytes(&message) };
        let tx = Draft::of(vec![any]).gas(1_000_000).sign(&[&net.wallets[0]]);
        net.wallets[0].sequence += 1;
        let outcome = net.run(vec![tx]).remove(0);
        assert_eq!(fate(outcome.result.map(drop)), Refused("sdk", 4), "{}", rules.package);
    }
}

/// A chain on which the first wallet holds nearly all of what is staked, and votes last ten seconds.
fn governed() -> Net {
    let mut state = app_state();
    state["gov"] = json!({
        "starting_proposal_id": "1",
        "params": {
            "min_deposit": [base("10000000")], "expedited_min_deposit": [base("50000000")], "max_deposit_period": "10s",
            "voting_period": "10s", "expedited_voting_period": "5s", "quorum": "0.334", "threshold": "0.5",
            "expedited_threshold": "0.667", "veto_threshold": "0.334", "min_initial_deposit_ratio": "0", "proposal_cancel_ratio": "0.5",
            "burn_vote_veto": true, "min_deposit_ratio": "0.01",
        },
    });
    let mut net = Net::with(&Genesis { app_state: state.to_string().into_bytes(), ..genesis() });
    let validator = Address::new(&consensus_address(1)).unwrap().to_bech32("cairnvaloper");
    let stake = MsgDelegate {
        delegator_address: net.wallets[0].address.to_string(),
        validator_address: validator,
        amount: Some(coin(100_000_000)),
    };
    assert_eq!(net.say(pack(&stake)).code(), 0);
    net
}

impl Net {
    /// One message of the first wallet in a block of its own.
    fn say(&mut self, message: Any) -> Outcome {
        let tx = Draft::of(vec![message]).gas(5_000_000).sign(&[&self.wallets[0]]);
        self.wallets[0].sequence += 1;
        self.run(vec![tx]).remove(0)
    }
    /// Proposes `messages`, votes for them, and waits until the vote is over.
    fn pass(&mut self, id: u64, messages: Vec<Any>) -> Proposal {
        let me = self.wallets[0].address.to_string();
        let proposal = MsgSubmitProposal {
            messages,
            initial_deposit: vec![coin(10_000_000)],
            proposer: me.clone(),
            title: "parameters".into(),
            summary: "parameters".into(),
            ..MsgSubmitProposal::default()
        };
        let outcome = self.say(pack(&proposal));
        assert_eq!(outcome.code(), 0, "{:?}", outcome.result);
        let vote = MsgVote { proposal_id: id, voter: me, option: VoteOption::Yes.into(), metadata: String::new() };
        assert_eq!(self.say(pack(&vote)).code(), 0);
        for _ in 0..10 {
            self.run(vec![]);
        }
        let found: QueryProposalResponse = self.ask("/cosmos.gov.v1.Query/Proposal", &QueryProposalRequest { proposal_id: id });
        found.proposal.unwrap()
    }
    /// The parameters of a module as its genesis would have them.
    fn params(&self, package: &str) -> Value {
        let export = self.app.export().unwrap();
        let module = package.split('.').nth(1).unwrap();
        export[module]["params"].clone()
    }
}

/// For each module one change that is taken and seen afterwards.
fn changes() -> Vec<(&'static str, &'static str, Value)> {
    vec![
        ("cosmos.auth.v1beta1", "/params/max_memo_characters", json!("300")),
        ("cosmos.bank.v1beta1", "/params/default_send_enabled", json!(false)),
        ("cosmos.staking.v1beta1", "/params/max_entries", json!(9)),
        ("cosmos.slashing.v1beta1", "/params/signed_blocks_window", json!("777")),
        ("cairn.asset.v1", "/params/max_parents", json!(9)),
        ("cairn.rewards.v1", "/params/epoch_blocks", json!("200")),
        ("cairn.dispute.v1", "/params/commit_blocks", json!("70")),
        ("cairn.licensing.v1", "/params/fee_bps", json!(150)),
        ("cairn.annotation.v1", "/params/longest_job", json!("5000")),
        ("cosmos.gov.v1", "/params/quorum", json!("0.250000000000000000")),
    ]
}

#[test]
fn a_proposal_that_passes_changes_the_parameters_of_every_module() {
    let mut net = governed();
    let table = table();
    let rules = |package: &str| table.iter().find(|rules| rules.package == package).unwrap();
    let message = |net: &Net, package: &str, path: &str, value: &Value| {
        let rules = rules(package);
        Any { type_url: format!("/{}", rules.name()), value: rules.bytes(&rules.changed(net, path, value)) }
    };
    assert_eq!(changes().len() + 1, table.len(), "a change for every module, consensus by itself");
    let messages: Vec<_> = changes().iter().map(|(package, path, value)| message(&net, package, path, value)).collect();

    // One part that is refused: none of it is done.
    let bad = message(&net, "cosmos.auth.v1beta1", "/params/tx_sig_limit", &json!("0"));
    let before = net.params("cairn.asset.v1");
    let failed = net.pass(1, messages.iter().cloned().chain([bad]).collect());
    assert_eq!(failed.status, i32::from(ProposalStatus::Failed));
    assert!(failed.failed_reason.contains("tx signature limit"), "{}", failed.failed_reason);
    assert_eq!(net.params("cairn.asset.v1"), before);

    let passed = net.pass(2, messages);
    assert_eq!(passed.status, i32::from(ProposalStatus::Passed), "{}", passed.failed_reason);
    for (package, path, value) in changes() {
        let found = json!({ "params": net.params(package) });
        assert_eq!(found.pointer(path), Some(&value), "{package}");
    }
}

#[test]
fn consensus_is_told_its_new_parameters_and_blocks_follow_them() {
    let mut net = governed();
    let rules = consensus();
    let smaller = rules.bytes(&rules.changed(&net, "/block/max_gas", &json!("10000000")));
    let proposal = MsgSubmitProposal {
        messages: vec![Any { type_url: format!("/{}", rules.name()), value: smaller }],
        initial_deposit: vec![coin(10_000_000)],
        proposer: net.wallets[0].address.to_string(),
        title: "smaller blocks".into(),
        summary: "smaller blocks".into(),
        ..MsgSubmitProposal::default()
    };
    assert_eq!(net.say(pack(&proposal)).code(), 0);
    let voter = net.wallets[0].address.to_string();
    assert_eq!(net.say(pack(&MsgVote { proposal_id: 1, voter, option: VoteOption::Yes.into(), metadata: String::new() })).code(), 0);

    let told: Vec<_> = (0..12).map(|_| net.decide(&net.propose(vec![])).params).collect();
    let updates: Vec<_> = told.into_iter().flatten().collect();
    assert_eq!(updates.len(), 1, "said once, in the block that changed them");
    let block = updates[0].block.unwrap();
    assert_eq!((block.max_bytes, block.max_gas), (4_194_304, 10_000_000));
    let found: ConsensusParams = net.ask("/cosmos.consensus.v1.Query/Params", &ConsensusQuery {});
    assert_eq!(found.params.unwrap().block, Some(block));

    let (to, from) = (net.wallets[1].address, net.wallets[0].clone());
    let of = |gas| Draft::of(vec![send(&from, &to, 1)]).gas(gas).sign(&[&from]);
    let refused = net.app.check_tx(&of(10_000_001)).unwrap();
    assert!(refused.result.unwrap_err().log.contains("exceeds block max gas 10000000"));
    assert_eq!(net.app.check_tx(&of(10_000_000)).unwrap().code(), 0);

    // The same after a restart.
    let net = net.restart();
    assert_ne!(net.app.check_tx(&of(10_000_001)).unwrap().code(), 0);
}

#[test]
fn a_genesis_that_extends_votes_is_refused() {
    let mut genesis = genesis();
    genesis.params.abci = Some(cairn_proto::tendermint::types::AbciParams { vote_extensions_enable_height: 1 });
    let folder = tempfile::tempdir().unwrap();
    let refused = open(folder.path(), 1).init_chain(&genesis).unwrap_err().to_string();
    assert!(refused.contains("vote_extensions_enable_height"), "{refused}");
}
