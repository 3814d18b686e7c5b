//! An arena with participants, scorers and what they earned, in the middle of an epoch.
use cairn_app::api::Chain;
use cairn_proto::{
    cairn::rewards::v1::{
        ArenaRules, MsgBondToScorer, MsgCommitScores, MsgCreateArena, MsgFundArena, MsgRegister, MsgRevealScores, MsgUnbondFromScorer,
        QueryArenaRequest, QueryArenaResponse, Score, ScorerAdmission,
    },
    pack,
};
use cairn_rewards::score_commitment;

use super::{act, rest};
use crate::support::*;

const OWNER: usize = 0;
const SCORERS: [usize; 2] = [1, 2];
const PARTICIPANTS: [usize; 2] = [3, 4];
const SCORES: [(u64, u16); 2] = [(1, 60_000), (2, 5_000)];
const SALT: [u8; 32] = [6; 32];

fn rules() -> ArenaRules {
    ArenaRules {
        admission: ScorerAdmission::Open.into(),
        epoch_blocks: 20,
        reveal_blocks: 8,
        registration_price: "1000".into(),
        max_participants: 4,
        max_scorers: 3,
        immunity_epochs: 1,
        least_bond: "100".into(),
        dividend_bps: 5_000,
        payout_bps: 5_000,
        no_reveal_bps: 100,
        denoms: vec![],
    }
}

fn name(net: &Net, n: usize) -> String {
    net.wallets[n].address.to_string()
}

fn commit(net: &mut Net, n: usize, epoch: u64) {
    let hash = score_commitment(CHAIN_ID, 1, epoch, &net.wallets[n].address, &SCORES, &SALT).unwrap();
    let message = MsgCommitScores { scorer: name(net, n), arena: 1, epoch, commitment: hash.to_vec() };
    act(net, n, pack(&message));
}

fn reveal(net: &mut Net, n: usize) {
    let scores = SCORES.iter().map(|(registration, score)| Score { registration: *registration, score: (*score).into() }).collect();
    let message = MsgRevealScores { sender: name(net, n), arena: 1, scorer: name(net, n), scores, salt: SALT.to_vec() };
    act(net, n, pack(&message));
}

/// One epoch is scored and paid, in the next one scorer has committed and revealed, the other not yet, and a part of a bond is on its way out.
pub(super) fn scene() -> Net {
    let mut net = Net::new();
    let owner = name(&net, OWNER);
    act(&mut net, OWNER, pack(&MsgCreateArena { owner, title: "digits".into(), rules: Some(rules()), ..MsgCreateArena::default() }));
    for n in PARTICIPANTS {
        let participant = name(&net, n);
        act(&mut net, n, pack(&MsgRegister { participant, arena: 1, ..MsgRegister::default() }));
    }
    for n in SCORERS {
        let scorer = name(&net, n);
        act(&mut net, n, pack(&MsgBondToScorer { scorer, arena: 1, amount: Some(coin(1_000_000)) }));
    }
    let funder = name(&net, OWNER);
    act(&mut net, OWNER, pack(&MsgFundArena { funder, arena: 1, amount: vec![coin(1_000_000)] }));
    for _ in 0..2 {
        let (epoch, _, ends) = times(&net);
        let left = ends + 1 - net.app.height();
        rest(&mut net, left);
        assert_eq!(times(&net).0, epoch + 1);
        let scorer = name(&net, SCORERS[1]);
        act(&mut net, SCORERS[1], pack(&MsgUnbondFromScorer { scorer, arena: 1, amount: Some(coin(1_000)) }));
        SCORERS.iter().for_each(|n| commit(&mut net, *n, epoch + 1));
        let left = times(&net).1 + 1 - net.app.height();
        rest(&mut net, left);
        reveal(&mut net, SCORERS[0]);
    }
    net
}

/// The epoch that runs, the last height at which it takes commitments, and its own last one.
fn times(net: &Net) -> (u64, u64, u64) {
    let found: QueryArenaResponse = net.ask("/cairn.rewards.v1.Query/Arena", &QueryArenaRequest { arena: 1 });
    let arena = found.arena.unwrap();
    (arena.epoch, arena.commit_until, arena.ends)
}
