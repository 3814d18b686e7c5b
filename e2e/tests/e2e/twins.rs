//! The same lives of stakes on our chain and on an unmodified `simd`: after every step all queries give the same numbers.
use cairn_beacon::{possession, vrf};
use cairn_e2e::{
    evidence,
    twins::{CAST, Pair, Side},
};
use cairn_proto::{
    Any,
    cairn::beacon::v1::MsgRegisterBeaconKey,
    cosmos::{
        bank::v1beta1::MsgSend,
        base::v1beta1::Coin,
        crypto::ed25519::PubKey,
        distribution::v1beta1::{
            MsgDepositValidatorRewardsPool, MsgFundCommunityPool, MsgSetWithdrawAddress, MsgWithdrawDelegatorReward,
            MsgWithdrawValidatorCommission,
        },
        gov::v1::{MsgSubmitProposal, MsgVote, MsgVoteWeighted, VoteOption, WeightedVoteOption},
        slashing::v1beta1::MsgUnjail,
        staking::v1beta1::{
            CommissionRates, Description, MsgBeginRedelegate, MsgCancelUnbondingDelegation, MsgCreateValidator, MsgDelegate,
            MsgEditValidator, MsgUndelegate,
        },
    },
    pack,
};
use ed25519_consensus::SigningKey;
use serde_json::{Value, json};

/// What is compared after every step. `{val}` stands for each of the validators, `{acc}` for everybody.
const VIEWS: [&str; 14] = [
    "/cosmos/staking/v1beta1/validators?pagination.limit=100",
    "/cosmos/staking/v1beta1/pool",
    "/cosmos/staking/v1beta1/validators/{val}/delegations?pagination.limit=100",
    "/cosmos/staking/v1beta1/validators/{val}/unbonding_delegations?pagination.limit=100",
    "/cosmos/staking/v1beta1/delegators/{acc}/redelegations?pagination.limit=100",
    "/cosmos/staking/v1beta1/delegations/{acc}?pagination.limit=100",
    "/cosmos/distribution/v1beta1/params",
    "/cosmos/distribution/v1beta1/community_pool",
    "/cosmos/distribution/v1beta1/validators/{val}/outstanding_rewards",
    "/cosmos/distribution/v1beta1/validators/{val}/commission",
    "/cosmos/distribution/v1beta1/validators/{val}/slashes?ending_height=1000000&pagination.limit=100",
    "/cosmos/distribution/v1beta1/delegators/{acc}/rewards",
    "/cosmos/distribution/v1beta1/delegators/{acc}/withdraw_address",
    "/cosmos/bank/v1beta1/balances/{acc}/by_denom?denom=ucairn",
];

/// Who operates a validator at some time. Only the first one's runs.
const OPERATORS: [&str; 3] = ["requester", "buyer", "copier-b"];

/// A validator that does not run is jailed after 40 blocks. No entry matures meanwhile.
fn rules(state: &mut Value) {
    let slashing = &mut state["slashing"]["params"];
    slashing["signed_blocks_window"] = json!("40");
    slashing["min_signed_per_window"] = json!("0.500000000000000000");
    slashing["downtime_jail_duration"] = json!("0.1s");
    slashing["slash_fraction_downtime"] = json!("0.013700000000000000");
    slashing["slash_fraction_double_sign"] = json!("0.070000000000000000");
    let staking = &mut state["staking"]["params"];
    staking["unbonding_time"] = json!("3600s");
    staking["max_entries"] = json!(3);
    // A vote that does not end meanwhile.
    let gov = &mut state["gov"]["params"];
    gov["min_deposit"] = json!([{ "denom": "ucairn", "amount": "1000000" }]);
    gov["expedited_min_deposit"] = json!([{ "denom": "ucairn", "amount": "5000000" }]);
    gov["voting_period"] = json!("7200s");
    gov["expedited_voting_period"] = json!("3600s");
    gov["max_deposit_period"] = json!("7200s");
}

fn coin(amount: u64) -> Option<Coin> {
    Some(Coin { denom: "ucairn".into(), amount: amount.to_string() })
}

/// The consensus key of a validator that does not run.
fn consensus_key(operator: &str) -> SigningKey {
    let seed = OPERATORS.iter().position(|o| *o == operator).unwrap();
    SigningKey::from([u8::try_from(seed).unwrap(); 32])
}

fn delegate(side: &Side, from: &str, to: &str, amount: u64) -> Any {
    pack(&MsgDelegate { delegator_address: side.acc(from), validator_address: side.val(to), amount: coin(amount) })
}

fn undelegate(side: &Side, from: &str, of: &str, amount: u64) -> Any {
    pack(&MsgUndelegate { delegator_address: side.acc(from), validator_address: side.val(of), amount: coin(amount) })
}

fn redelegate(side: &Side, who: &str, [from, to]: [&str; 2], amount: u64) -> Any {
    pack(&MsgBeginRedelegate {
        delegator_address: side.acc(who),
        validator_src_address: side.val(from),
        validator_dst_address: side.val(to),
        amount: coin(amount),
    })
}

/// Takes the oldest entry back in part.
fn cancel(side: &Side, who: &str, of: &str, amount: u64) -> Any {
    let entries = side.ask(&format!("/cosmos/staking/v1beta1/validators/{{val:{of}}}/delegations/{{acc:{who}}}/unbonding_delegation"));
    let height = entries["unbond"]["entries"][0]["creation_height"].as_str().and_then(|h| h.parse().ok()).unwrap_or(1);
    let (delegator_address, validator_address) = (side.acc(who), side.val(of));
    pack(&MsgCancelUnbondingDelegation { delegator_address, validator_address, amount: coin(amount), creation_height: height })
}

/// On our chain the beacon's key of a validator to come; on the other something that costs as much.
fn register(side: &Side, operator: &str) -> Any {
    if !side.is_ours() {
        return pack(&MsgSend { from_address: side.acc(operator), to_address: side.acc(operator), amount: coin(1).into_iter().collect() });
    }
    let key = vrf::SecretKey::from_seed(&consensus_key(operator).to_bytes());
    let public = key.public().as_bytes();
    let proof = key.prove(&possession(&side.chain_id, &side.address(operator), &[], public)).unwrap().to_vec();
    pack(&MsgRegisterBeaconKey { operator: side.acc(operator), vrf_key: public.to_vec(), proof })
}

fn create(side: &Side, operator: &str, amount: u64) -> Any {
    let rate = |percent: u64| format!("{}0000000000000000", percent);
    pack(&MsgCreateValidator {
        description: Some(Description { moniker: operator.to_owned(), ..Description::default() }),
        commission: Some(CommissionRates { rate: rate(7), max_rate: rate(30), max_change_rate: rate(2) }),
        min_self_delegation: "1000000".into(),
        validator_address: side.val(operator),
        pubkey: Some(pack(&PubKey { key: consensus_key(operator).verification_key().to_bytes().to_vec() })),
        value: coin(amount),
        ..MsgCreateValidator::default()
    })
}

fn edit(side: &Side, operator: &str) -> Any {
    let same = "[do-not-modify]".to_owned();
    let description = Description {
        moniker: "renamed".into(),
        identity: same.clone(),
        website: same.clone(),
        security_contact: same,
        details: "x".into(),
    };
    pack(&MsgEditValidator { description: Some(description), validator_address: side.val(operator), ..MsgEditValidator::default() })
}

/// A pair of chains whose every step is compared.
struct Lives(Pair);

impl Lives {
    /// Sends the same to both, which must take it, and compares everything.
    fn step(&self, name: &str, message: impl Fn(&Side) -> Any + Sync) {
        assert_eq!(self.0.tx(name, message).1, 0, "refused to {name}");
        self.compare();
    }
    /// As [`Lives::step`], but both must refuse it, with the same code.
    fn refused(&self, name: &str, message: impl Fn(&Side) -> Any + Sync) {
        assert_ne!(self.0.tx(name, message).1, 0, "not refused to {name}");
        self.compare();
    }
    fn compare(&self) {
        for view in VIEWS {
            let (names, hole): (&[&str], _) = if view.contains("{val}") { (&OPERATORS, "val") } else { (&CAST, "acc") };
            for name in names {
                // Of who does not validate yet both say so, each in its words.
                if view.starts_with("/cosmos/distribution") && hole == "val" && !self.validates(name) {
                    continue;
                }
                self.0.same(&view.replace(&format!("{{{hole}}}"), &format!("{{{hole}:{name}}}")));
                if !view.contains('{') {
                    break;
                }
            }
        }
    }
    fn validates(&self, operator: &str) -> bool {
        let path = format!("/cosmos/staking/v1beta1/validators/{{val:{operator}}}");
        self.0.each(|side| side.ask(&path)["validator"].is_object()) == [true; 2]
    }
    fn validator(&self, operator: &str) -> Value {
        self.0.same(&format!("/cosmos/staking/v1beta1/validators/{{val:{operator}}}"))["validator"].clone()
    }
    fn jailed(&self, operator: &str) {
        let path = format!("/cosmos/staking/v1beta1/validators/{{val:{operator}}}");
        self.0.until("a validator is jailed", |side| side.ask(&path)["validator"]["jailed"] == true);
        // The set of the block after it.
        self.0.each(|side| {
            let height = side.height();
            side.until("two blocks more", || side.height() >= height + 2);
        });
        self.compare();
    }
}

#[test]
fn stakes_slashes_and_rewards_are_those_of_the_sdk() {
    let lives = Lives(Pair::start(rules));
    lives.compare();
    // The one that runs must hold two thirds.
    lives.step("faucet", |s| delegate(s, "faucet", "requester", 100_000_000_000));
    downtime(&lives);
    double_sign(&lives);
    odd_shares(&lives);
    broken_promise(&lives);
    rewards(&lives);
    tally(&lives);
}

/// A validator that never runs is slashed and jailed, and let out again.
fn downtime(lives: &Lives) {
    lives.step("buyer", |s| register(s, "buyer"));
    lives.step("buyer", |s| create(s, "buyer", 33_333_333));
    lives.step("lazy", |s| delegate(s, "lazy", "buyer", 3_333_333));
    lives.step("copier-a", |s| delegate(s, "copier-a", "buyer", 1_000_001));
    assert_eq!(lives.validator("buyer")["tokens"], "37666667");
    lives.jailed("buyer");
    // 37 units of power pay 1.37 %.
    assert_eq!(lives.validator("buyer")["tokens"], "37159767");
    lives.step("buyer", |s| pack(&MsgUnjail { validator_addr: s.val("buyer") }));
    assert_eq!(lives.validator("buyer")["status"], "BOND_STATUS_BONDED");
}

/// It is proven to have voted twice before some left: it pays, and so do they, wherever their stake is now.
fn double_sign(lives: &Lives) {
    let fault = lives.0.each(Side::height);
    lives.step("lazy", |s| undelegate(s, "lazy", "buyer", 1_234_567));
    lives.step("copier-a", |s| redelegate(s, "copier-a", ["buyer", "requester"], 500_001));
    lives.step("copier-a", |s| undelegate(s, "copier-a", "requester", 250_000));
    let before = lives.validator("buyer");
    lives.0.each(|side| {
        let answer = evidence::broadcast(side, &consensus_key("buyer"), fault[usize::from(!side.is_ours())]);
        assert!(answer["result"]["hash"].is_string(), "{}: {answer}", side.name);
    });
    lives.jailed("buyer");
    assert_ne!(lives.validator("buyer")["tokens"], before["tokens"]);
    lives.refused("buyer", |s| pack(&MsgUnjail { validator_addr: s.val("buyer") }));
}

/// A share is worth less than a token now, and the validator is on its way out.
fn odd_shares(lives: &Lives) {
    lives.step("random", |s| delegate(s, "random", "buyer", 1_000_003));
    lives.step("lazy", |s| undelegate(s, "lazy", "buyer", 777_777));
    lives.step("lazy", |s| redelegate(s, "lazy", ["buyer", "requester"], 333_331));
    lives.refused("copier-a", |s| redelegate(s, "copier-a", ["requester", "buyer"], 1));
    lives.refused("copier-b", |s| undelegate(s, "copier-b", "buyer", 1));
    lives.refused("lazy", |s| cancel(s, "lazy", "buyer", 1));
    lives.step("random", |s| delegate(s, "random", "requester", 2_500_000));
    lives.step("random", |s| undelegate(s, "random", "requester", 1_500_000));
    lives.step("random", |s| cancel(s, "random", "requester", 400_000));
}

/// An operator goes below what it promised to stake itself: its validator is jailed.
fn broken_promise(lives: &Lives) {
    lives.step("copier-b", |s| register(s, "copier-b"));
    lives.step("copier-b", |s| create(s, "copier-b", 7_700_001));
    lives.step("copier-b", |s| edit(s, "copier-b"));
    lives.step("random", |s| redelegate(s, "random", ["buyer", "copier-b"], 600_000));
    lives.step("copier-b", |s| undelegate(s, "copier-b", "copier-b", 7_000_000));
    assert_eq!(lives.validator("copier-b")["jailed"], true);
}

fn withdraw(side: &Side, who: &str, of: &str) -> Any {
    pack(&MsgWithdrawDelegatorReward { delegator_address: side.acc(who), validator_address: side.val(of) })
}

/// What all those fees brought is taken out, by some of them elsewhere.
fn rewards(lives: &Lives) {
    lives.step("faucet", |s| {
        let (depositor, validator_address) = (s.acc("faucet"), s.val("requester"));
        pack(&MsgDepositValidatorRewardsPool { depositor, validator_address, amount: coin(7_777_777).into_iter().collect() })
    });
    lives.step("faucet", |s| pack(&MsgFundCommunityPool { depositor: s.acc("faucet"), amount: coin(1_001).into_iter().collect() }));
    lives.step("copier-a", |s| pack(&MsgSetWithdrawAddress { delegator_address: s.acc("copier-a"), withdraw_address: s.acc("buyer") }));
    lives.step("copier-a", |s| withdraw(s, "copier-a", "requester"));
    lives.step("random", |s| withdraw(s, "random", "requester"));
    lives.step("random", |s| withdraw(s, "random", "copier-b"));
    lives.step("requester", |s| withdraw(s, "requester", "requester"));
    lives.step("requester", |s| pack(&MsgWithdrawValidatorCommission { validator_address: s.val("requester") }));
    lives.step("buyer", |s| withdraw(s, "buyer", "buyer"));
}

/// The validator votes for those who say nothing; who votes takes its own part out, also where its shares are odd or its votes several.
fn tally(lives: &Lives) {
    let vote = |s: &Side, name: &str, option: VoteOption| {
        pack(&MsgVote { proposal_id: 1, voter: s.acc(name), option: option.into(), metadata: String::new() })
    };
    let propose = |s: &Side| MsgSubmitProposal {
        initial_deposit: coin(1_000_000).into_iter().collect(),
        proposer: s.acc("requester"),
        metadata: "a text".into(),
        title: "title".into(),
        summary: "summary".into(),
        ..MsgSubmitProposal::default()
    };
    lives.refused("requester", |s| vote(s, "requester", VoteOption::Yes));
    lives.step("requester", |s| pack(&propose(s)));
    let counted = || {
        lives.0.same("/cosmos/gov/v1/proposals/1/votes?pagination.limit=100");
        lives.0.same("/cosmos/gov/v1beta1/proposals/1/tally");
        lives.0.same("/cosmos/gov/v1/proposals/1/tally")["tally"].clone()
    };
    lives.step("requester", |s| vote(s, "requester", VoteOption::Yes));
    assert_ne!(counted()["yes_count"], "0");
    lives.step("random", |s| vote(s, "random", VoteOption::NoWithVeto));
    counted();
    lives.step("copier-a", |s| {
        let part = |option: VoteOption, weight: &str| WeightedVoteOption { option: option.into(), weight: weight.into() };
        let options = vec![part(VoteOption::No, "0.7"), part(VoteOption::Abstain, "0.3")];
        pack(&MsgVoteWeighted { proposal_id: 1, voter: s.acc("copier-a"), options, metadata: String::new() })
    });
    counted();
    // Its validator is jailed: its vote counts for nothing.
    lives.step("copier-b", |s| vote(s, "copier-b", VoteOption::No));
    counted();
}
