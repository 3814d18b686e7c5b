//! What the modules of the Cosmos SDK hold: proposals in every status, stakes on their way, grants, allowances and vesting accounts.
use cairn_app::{Block, Genesis, api::Chain};
use cairn_auth::authority;
use cairn_beacon::possession;
use cairn_kernel::{Address, Infraction};
use cairn_proto::{
    Any, Duration, Timestamp,
    cairn::beacon::v1::MsgRegisterBeaconKey,
    cosmos::{
        authz::v1beta1::{GenericAuthorization, Grant, MsgGrant},
        bank::v1beta1::{MsgSend, SendAuthorization},
        distribution::v1beta1::{MsgFundCommunityPool, MsgSetWithdrawAddress},
        feegrant::v1beta1::{AllowedMsgAllowance, BasicAllowance, MsgGrantAllowance, PeriodicAllowance},
        gov::{
            v1::{
                MsgCancelProposal, MsgDeposit, MsgSubmitProposal, MsgVote, MsgVoteWeighted, ProposalStatus, QueryProposalsRequest,
                QueryProposalsResponse, VoteOption, WeightedVoteOption,
            },
            v1beta1::{MsgSubmitProposal as MsgSubmitText, TextProposal},
        },
        staking::v1beta1::{MsgBeginRedelegate, MsgDelegate, MsgUndelegate},
        upgrade::v1beta1::{MsgSoftwareUpgrade, Plan},
        vesting::v1beta1::{MsgCreatePeriodicVestingAccount, MsgCreatePermanentLockedAccount, MsgCreateVestingAccount, Period},
    },
    pack,
};
use prost::Name;
use serde_json::{Value, json};

use super::{act, rest};
use crate::support::*;

/// Long after the last block of the scene.
const LATER: i64 = 1_800_000_000;

/// Two validators, inflation, a denomination that wallets know, and votes of twenty seconds.
fn start() -> Net {
    let genesis = genesis_of(2);
    let mut state: Value = serde_json::from_slice(&genesis.app_state).unwrap();
    state["mint"] = mint("0.130000000000000000");
    state["bank"]["denom_metadata"] = json!([{
        "description": "what this chain pays with", "base": "ucairn", "display": "cairn", "name": "Cairn", "symbol": "CAIRN",
        "denom_units": [{ "denom": "ucairn" }, { "denom": "cairn", "exponent": 6 }],
    }]);
    let coins = |amount: &str| json!([{ "denom": "ucairn", "amount": amount }]);
    state["gov"] = json!({
        "starting_proposal_id": "1",
        "params": {
            "min_deposit": coins("10000000"), "expedited_min_deposit": coins("50000000"), "max_deposit_period": "20s",
            "voting_period": "20s", "expedited_voting_period": "15s", "quorum": "0.334", "threshold": "0.5",
            "expedited_threshold": "0.667", "veto_threshold": "0.334", "min_initial_deposit_ratio": "0", "proposal_cancel_ratio": "0.5",
            "burn_vote_veto": true, "min_deposit_ratio": "0.01",
        },
    });
    Net::with(&Genesis { app_state: state.to_string().into_bytes(), ..genesis })
}

fn name(net: &Net, n: usize) -> String {
    net.wallets[n].address.to_string()
}

fn validator(n: u8) -> String {
    Address::new(&consensus_address(n)).unwrap().to_bech32("cairnvaloper")
}

/// A coin and a stake of two wallets, one of them on its way to nobody and to the other validator.
fn stake(net: &mut Net) {
    for (n, of, amount) in [(0, 1, 100_000_000), (0, 2, 20_000_000), (1, 1, 30_000_000)] {
        let delegator_address = name(net, n);
        act(net, n, pack(&MsgDelegate { delegator_address, validator_address: validator(of), amount: Some(coin(amount)) }));
    }
    for amount in [1_000_000, 2_000_000] {
        let delegator_address = name(net, 0);
        act(net, 0, pack(&MsgUndelegate { delegator_address, validator_address: validator(1), amount: Some(coin(amount)) }));
    }
    let (validator_src_address, validator_dst_address) = (validator(1), validator(2));
    let moved =
        MsgBeginRedelegate { delegator_address: name(net, 1), validator_src_address, validator_dst_address, amount: Some(coin(5_000_000)) };
    act(net, 1, pack(&moved));
    let (delegator_address, withdraw_address) = (name(net, 1), name(net, 2));
    act(net, 1, pack(&MsgSetWithdrawAddress { delegator_address, withdraw_address }));
    let depositor = name(net, 2);
    act(net, 2, pack(&MsgFundCommunityPool { amount: vec![coin(12_345)], depositor }));
}

fn time(seconds: i64) -> Option<Timestamp> {
    Some(Timestamp { seconds, nanos: 0 })
}

fn grant(net: &mut Net) {
    let (granter, expiration) = (name(net, 2), time(LATER));
    let spend_limit = vec![coin(1_000)];
    let sends = SendAuthorization { spend_limit, allow_list: vec![name(net, 4)] };
    for (to, authorization) in [(0, pack(&GenericAuthorization { msg: MsgSend::type_url() })), (1, pack(&sends))] {
        let grant = Some(Grant { authorization: Some(authorization), expiration: if to == 0 { None } else { expiration } });
        let grantee = name(net, to);
        act(net, 2, pack(&MsgGrant { granter: granter.clone(), grantee, grant }));
    }
    let basic = BasicAllowance { spend_limit: vec![coin(3_000)], expiration };
    let periodic = PeriodicAllowance {
        basic: Some(basic.clone()),
        period: Some(Duration { seconds: 3_600, nanos: 0 }),
        period_spend_limit: vec![coin(100)],
        period_can_spend: vec![coin(100)],
        period_reset: time(LATER),
    };
    let named = AllowedMsgAllowance { allowance: Some(pack(&periodic)), allowed_messages: vec![MsgSend::type_url()] };
    for (to, allowance) in [(0, pack(&basic)), (1, pack(&periodic)), (3, pack(&named))] {
        let grantee = name(net, to);
        act(net, 2, pack(&MsgGrantAllowance { granter: granter.clone(), grantee, allowance: Some(allowance) }));
    }
}

/// One account of each kind, and one that delegates what is locked.
fn vest(net: &mut Net) {
    let from_address = name(net, 3);
    let to = |n: u8| Wallet::new(60 + n).address.to_string();
    let amount = vec![coin(1_000_000)];
    for (n, delayed) in [(0, true), (1, false)] {
        let opened = MsgCreateVestingAccount {
            from_address: from_address.clone(),
            to_address: to(n),
            amount: amount.clone(),
            end_time: LATER,
            delayed,
        };
        act(net, 3, pack(&opened));
    }
    act(net, 3, pack(&MsgCreatePermanentLockedAccount { from_address: from_address.clone(), to_address: to(2), amount: amount.clone() }));
    let period = |length| Period { length, amount: amount.clone() };
    let vesting_periods = vec![period(5), period(1_000_000)];
    act(net, 3, pack(&MsgCreatePeriodicVestingAccount { from_address, to_address: to(3), start_time: 1_700_000_000, vesting_periods }));
}

fn proposal(net: &Net, title: &str, messages: Vec<Any>) -> MsgSubmitProposal {
    MsgSubmitProposal {
        messages,
        initial_deposit: vec![coin(10_000_000)],
        proposer: name(net, 0),
        metadata: "https://example.org".into(),
        title: title.into(),
        summary: "what it is about".into(),
        ..MsgSubmitProposal::default()
    }
}

fn vote(net: &mut Net, proposal_id: u64, option: VoteOption) {
    let voter = name(net, 0);
    act(net, 0, pack(&MsgVote { proposal_id, voter, option: option.into(), metadata: "why".into() }));
}

/// Proposals that passed, were rejected, failed, are voted on, wait for deposits, and one that its proposer took back.
fn govern(net: &mut Net) {
    let authority = authority().to_string();
    // As clients in Go write no time.
    let time = Some(Timestamp { seconds: -62_135_596_800, nanos: 0 });
    #[allow(deprecated, reason = "it says that there is none")]
    let plan = Plan { name: "next".into(), time, height: 100_000, info: "a later program".into(), upgraded_client_state: None };
    let upgrade = pack(&MsgSoftwareUpgrade { authority: authority.clone(), plan: Some(plan) });
    let too_much = MsgSend { from_address: authority, to_address: name(net, 1), amount: vec![coin(u128::from(u64::MAX))] };
    for (title, messages) in [("passes", vec![upgrade]), ("rejected", vec![]), ("fails", vec![pack(&too_much)])] {
        let submitted = proposal(net, title, messages);
        act(net, 0, pack(&submitted));
    }
    for (id, option) in [(1, VoteOption::Yes), (2, VoteOption::No), (3, VoteOption::Yes)] {
        vote(net, id, option);
    }
    rest(net, 25);
    let submitted = proposal(net, "taken back", vec![]);
    act(net, 0, pack(&submitted));
    let proposer = name(net, 0);
    act(net, 0, pack(&MsgCancelProposal { proposal_id: 4, proposer }));
    let submitted = proposal(net, "voted on", vec![]);
    act(net, 0, pack(&submitted));
    vote(net, 5, VoteOption::Abstain);
    let half = |option: VoteOption| WeightedVoteOption { option: option.into(), weight: "0.500000000000000000".into() };
    let (voter, options) = (name(net, 1), vec![half(VoteOption::Yes), half(VoteOption::NoWithVeto)]);
    act(net, 1, pack(&MsgVoteWeighted { proposal_id: 5, voter, options, metadata: String::new() }));
    let waiting = MsgSubmitProposal { initial_deposit: vec![coin(1_000_000)], ..proposal(net, "waits", vec![]) };
    act(net, 0, pack(&waiting));
    let depositor = name(net, 1);
    act(net, 1, pack(&MsgDeposit { proposal_id: 6, depositor, amount: vec![coin(500_000)] }));
    let expedited = MsgSubmitProposal { expedited: true, initial_deposit: vec![coin(50_000_000)], ..proposal(net, "in a hurry", vec![]) };
    act(net, 0, pack(&expedited));
    let text = TextProposal { title: "text".into(), description: "as clients of old send it".into() };
    let proposer = name(net, 1);
    act(net, 1, pack(&MsgSubmitText { content: Some(pack(&text)), initial_deposit: vec![coin(10_000_000)], proposer }));
    let found: QueryProposalsResponse = net.ask("/cosmos.gov.v1.Query/Proposals", &QueryProposalsRequest::default());
    let status = |status: ProposalStatus| i32::from(status);
    let statuses: Vec<_> = found.proposals.iter().map(|p| (p.id, p.status)).collect();
    let voting = status(ProposalStatus::VotingPeriod);
    let ended = [status(ProposalStatus::Passed), status(ProposalStatus::Rejected), status(ProposalStatus::Failed)];
    let waits = status(ProposalStatus::DepositPeriod);
    assert_eq!(statuses, [(1, ended[0]), (2, ended[1]), (3, ended[2]), (5, voting), (6, waits), (7, voting), (8, voting)]);
}

/// The key of a validator to come.
fn register(net: &mut Net) {
    let (operator, key) = (net.wallets[4].address, vrf_key(9));
    let vrf_key = key.public().as_bytes().to_vec();
    let shown = possession(CHAIN_ID, &operator, &[], key.public().as_bytes());
    let proof = key.prove(&shown).unwrap().to_vec();
    act(net, 4, pack(&MsgRegisterBeaconKey { operator: operator.to_string(), vrf_key, proof }));
}

/// The second validator is caught in signing twice.
fn punish(net: &mut Net) {
    let height = net.app.height();
    let infraction = Infraction { validator: consensus_address(2), power: 10, height, time: 1_700_000_000 + height, nanos: 5 };
    let block = Block { misbehavior: vec![infraction], ..net.propose(vec![]) };
    let _slashed = net.apply(&block);
}

/// All of it on one chain.
pub(super) fn scene() -> Net {
    let mut net = start();
    register(&mut net);
    stake(&mut net);
    grant(&mut net);
    vest(&mut net);
    govern(&mut net);
    punish(&mut net);
    net
}
