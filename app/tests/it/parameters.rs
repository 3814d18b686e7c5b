//! The parameters of every module: at their bounds, beyond them, and through a proposal that passes.
mod table;

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
use table::{
    Fate::{self, Refused, Taken},
    Rules, base, consensus, table,
};

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
        // Gov has a code of its own for that.
        let expected = if rules.package == "cosmos.gov.v1" { Refused("gov", 13) } else { Refused("sdk", 4) };
        assert_eq!(fate(outcome.result.map(drop)), expected, "{}", rules.package);
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
        ("cosmos.distribution.v1beta1", "/params/community_tax", json!("0.030000000000000000")),
        ("cosmos.mint.v1beta1", "/params/blocks_per_year", json!("2000")),
        ("cairn.asset.v1", "/params/max_parents", json!(9)),
        ("cairn.rewards.v1", "/params/epoch_blocks", json!("200")),
        ("cairn.dispute.v1", "/params/commit_blocks", json!("70")),
        ("cairn.licensing.v1", "/params/fee_bps", json!(150)),
        ("cairn.annotation.v1", "/params/longest_job", json!("5000")),
        ("cairn.compute.v1", "/params/window_blocks", json!("70")),
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
