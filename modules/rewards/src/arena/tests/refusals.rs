//! Each refusal by its code.
use cairn_kernel::{Address, BASE_DENOM, Coin};
use cairn_proto::cairn::rewards::v1::*;

use super::world::{ATOM, WEALTH, World, refused, rules, user};
use crate::{Error, Rewards, default_params, score_commitment};

#[test]
fn rules_have_bounds() {
    let rule = |name, least, most, found| Error::Rule { name, least, most, found };
    let max = u128::MAX;
    let cases = [
        (ArenaRules { admission: 0, ..rules() }, Error::Admission(0)),
        (ArenaRules { epoch_blocks: 9, ..rules() }, rule("epoch_blocks", 10, 1_000_000, 9)),
        (ArenaRules { epoch_blocks: 1_000_001, ..rules() }, rule("epoch_blocks", 10, 1_000_000, 1_000_001)),
        (ArenaRules { reveal_blocks: 1, ..rules() }, rule("reveal_blocks", 2, 5, 1)),
        (ArenaRules { reveal_blocks: 6, ..rules() }, rule("reveal_blocks", 2, 5, 6)),
        (ArenaRules { registration_price: "999".into(), ..rules() }, rule("registration_price", 1_000, max, 999)),
        (ArenaRules { registration_price: "-1".into(), ..rules() }, Error::Amount("registration_price")),
        (ArenaRules { max_participants: 0, ..rules() }, rule("max_participants", 1, 256, 0)),
        (ArenaRules { max_participants: 257, ..rules() }, rule("max_participants", 1, 256, 257)),
        (ArenaRules { max_scorers: 0, ..rules() }, rule("max_scorers", 1, 64, 0)),
        (ArenaRules { max_scorers: 65, ..rules() }, rule("max_scorers", 1, 64, 65)),
        (ArenaRules { immunity_epochs: 1_001, ..rules() }, rule("immunity_epochs", 0, 1_000, 1_001)),
        (ArenaRules { least_bond: "0".into(), ..rules() }, rule("least_bond", 1, max, 0)),
        (ArenaRules { least_bond: "x".into(), ..rules() }, Error::Amount("least_bond")),
        (ArenaRules { dividend_bps: 5_001, ..rules() }, rule("dividend_bps", 0, 5_000, 5_001)),
        (ArenaRules { payout_bps: 0, ..rules() }, rule("payout_bps", 1, 10_000, 0)),
        (ArenaRules { payout_bps: 10_001, ..rules() }, rule("payout_bps", 1, 10_000, 10_001)),
        (ArenaRules { no_reveal_bps: 1_001, ..rules() }, rule("no_reveal_bps", 0, 1_000, 1_001)),
        (ArenaRules { denoms: vec![BASE_DENOM.into()], ..rules() }, Error::Denoms(BASE_DENOM.into())),
        (ArenaRules { denoms: vec!["1".into()], ..rules() }, Error::Denoms("1".into())),
        (ArenaRules { denoms: vec![ATOM.into(); 2], ..rules() }, Error::Denoms("ibc/atom, ibc/atom".into())),
    ];
    let mut world = World::empty();
    for (rules, error) in cases {
        refused(world.create(rules), error);
    }
    let many = ArenaRules { denoms: (0..8).map(|n| format!("coin{n}")).collect(), ..rules() };
    assert_eq!(world.create(many).unwrap_err().code, 19);
    let most = ArenaRules {
        epoch_blocks: 1_000_000,
        reveal_blocks: 500_000,
        max_participants: 256,
        max_scorers: 64,
        immunity_epochs: 1_000,
        dividend_bps: 5_000,
        payout_bps: 10_000,
        no_reveal_bps: 1_000,
        denoms: (0..7).map(|n| format!("coin{n}")).collect(),
        ..rules()
    };
    world.create(most).unwrap();
}

#[test]
fn an_arena_needs_a_title_a_whole_hash_its_fee_and_rules() {
    let mut world = World::empty();
    let base = || MsgCreateArena { owner: user(1).to_string(), title: "t".into(), rules: Some(rules()), ..MsgCreateArena::default() };
    let mut create = |m: MsgCreateArena| world.chain.tx(|ctx| Rewards.create_arena(ctx, m));
    refused(create(MsgCreateArena { title: String::new(), ..base() }), Error::Text { field: "title", most: 128, found: 0 });
    refused(create(MsgCreateArena { title: "x".repeat(129), ..base() }), Error::Text { field: "title", most: 128, found: 129 });
    refused(create(MsgCreateArena { uri: "x".repeat(513), ..base() }), Error::Text { field: "uri", most: 512, found: 513 });
    refused(create(MsgCreateArena { sha256: vec![0; 31], ..base() }), Error::Bytes32 { field: "sha256", found: 31 });
    refused(create(MsgCreateArena { rules: None, ..base() }), Error::NoRules);
    assert_eq!(create(MsgCreateArena { owner: user(99).to_string(), ..base() }).unwrap_err().code, 5, "no money for the fee");
    assert_eq!(create(MsgCreateArena { owner: "x".into(), ..base() }).unwrap_err().code, 7);
    create(MsgCreateArena { title: "x".repeat(128), uri: "x".repeat(512), sha256: vec![0; 32], ..base() }).unwrap();
}

#[test]
fn only_the_owner_changes_an_arena() {
    let mut world = World::with(rules());
    let by = |n: u8| MsgUpdateArena { owner: user(n).to_string(), ..MsgUpdateArena::default() };
    refused(world.update(by(2)), Error::NotOwner { arena: 1, owner: user(1).to_string() });
    refused(world.update(MsgUpdateArena { uri: "x".repeat(513), ..by(1) }), Error::Text { field: "uri", most: 512, found: 513 });
    let many = vec![user(3).to_string(); 65];
    refused(world.update(MsgUpdateArena { admit: many.clone(), ..by(1) }), Error::Accounts { most: 64, found: 65 });
    refused(world.update(MsgUpdateArena { dismiss: many, ..by(1) }), Error::Accounts { most: 64, found: 65 });
    let bad = Some(ArenaRules { max_scorers: 0, ..rules() });
    refused(world.update(MsgUpdateArena { rules: bad, ..by(1) }), Error::Rule { name: "max_scorers", least: 1, most: 64, found: 0 });
    assert_eq!(world.update(MsgUpdateArena { new_owner: "x".into(), ..by(1) }).unwrap_err().code, 7);
    world.update(MsgUpdateArena { uri: "https://x".into(), sha256: vec![7; 32], new_owner: user(2).to_string(), ..by(1) }).unwrap();
    let arena = world.arena();
    assert_eq!((arena.owner, arena.uri, arena.sha256), (user(2).to_string(), "https://x".to_owned(), vec![7; 32]));
    refused(world.update(by(1)), Error::NotOwner { arena: 1, owner: user(2).to_string() });
    let missing = MsgUpdateArena { owner: user(1).to_string(), arena: 9, ..MsgUpdateArena::default() };
    refused(world.chain.tx(|ctx| Rewards.update_arena(ctx, missing)), Error::NoArena(9));
}

#[test]
fn bonds_are_positive_ucairn_of_the_least_size() {
    let mut world = World::with(rules());
    refused(world.bond(2, 0), Error::Bond("0ucairn".into()));
    let m = MsgBondToScorer { scorer: user(2).to_string(), arena: 1, amount: Some(Coin::new(ATOM, 500).into()) };
    refused(world.chain.tx(|ctx| Rewards.bond_to_scorer(ctx, m)), Error::Bond("500ibc/atom".into()));
    refused(world.bond(2, 99), Error::LeastBond { least: 100, found: 99 });
    assert_eq!(world.bond(2, WEALTH + 1).unwrap_err().codespace, "sdk");
    refused(world.unbond(2, 1), Error::NoScorer { account: user(2).to_string(), arena: 1 });
    world.bond(2, 100).unwrap();
    refused(world.unbond(2, 0), Error::Bond("0ucairn".into()));
    assert_eq!(world.register(99).unwrap_err().codespace, "sdk", "no money for the price");
    let m = MsgRegister { participant: user(3).to_string(), arena: 1, sha256: vec![1], ..MsgRegister::default() };
    refused(world.chain.tx(|ctx| Rewards.register(ctx, m)), Error::Bytes32 { field: "sha256", found: 1 });
}

#[test]
fn commitments_count_once_in_their_window_and_epoch() {
    let mut world = World::started(rules(), 1, &[500]);
    let window = |what, from, until, height| Error::Window { what, from, until, height };
    let other = world.commitment(2, 3, &[(1, 1)]);
    refused(world.chain.tx(|ctx| Rewards.commit_scores(ctx, other)), Error::WrongEpoch { arena: 1, running: 2, named: 3 });
    let short = MsgCommitScores { commitment: vec![1; 31], ..world.commitment(2, 2, &[]) };
    refused(world.chain.tx(|ctx| Rewards.commit_scores(ctx, short)), Error::Bytes32 { field: "commitment", found: 31 });
    refused(world.commit(9, &[]), Error::NoScorer { account: user(9).to_string(), arena: 1 });
    refused(world.reveal(2, &[]), Error::NotCommitted(user(2).to_string()));
    world.go_to(17);
    world.commit(2, &[(1, 1)]).unwrap();
    refused(world.commit(2, &[(1, 1)]), Error::Committed(user(2).to_string()));
    refused(world.reveal(2, &[(1, 1)]), window("reveals", 18, 21, 17));
    world.go_to(18);
    for wrong in [&[(1, 2)][..], &[], &[(2, 1)]] {
        refused(world.reveal(2, wrong), Error::Opening);
    }
    let salt = MsgRevealScores { salt: vec![9; 32], ..World::opening(2, &[(1, 1)]) };
    refused(world.chain.tx(|ctx| Rewards.reveal_scores(ctx, salt)), Error::Opening);
    let salt = MsgRevealScores { salt: vec![2; 31], ..World::opening(2, &[(1, 1)]) };
    refused(world.chain.tx(|ctx| Rewards.reveal_scores(ctx, salt)), Error::Bytes32 { field: "salt", found: 31 });
    refused(world.reveal(2, &[(2, 1), (1, 1)]), Error::Scores);
    refused(world.reveal(2, &[(1, 1), (1, 1)]), Error::Scores);
    refused(world.reveal(2, &(1..=257).map(|r| (r, 1)).collect::<Vec<_>>()), Error::Scores);
    let mut large = World::opening(2, &[(1, 1)]);
    large.scores[0].score = 65_536;
    refused(world.chain.tx(|ctx| Rewards.reveal_scores(ctx, large)), Error::Scores);
    // Anybody who holds the opening may reveal, to the last height.
    world.go_to(21);
    let by_other = MsgRevealScores { sender: user(9).to_string(), ..World::opening(2, &[(1, 1)]) };
    world.chain.tx(|ctx| Rewards.reveal_scores(ctx, by_other)).unwrap();
    refused(world.reveal(2, &[(1, 1)]), Error::Revealed(user(2).to_string()));
    world.go_to(27);
    world.commit(2, &[]).unwrap();
    world.go_to(28);
    refused(world.commit(2, &[]), Error::Committed(user(2).to_string()));
}

#[test]
fn a_late_commitment_and_a_late_reveal_are_refused() {
    let mut world = World::started(rules(), 1, &[500, 500]);
    world.commit(3, &[(1, 1)]).unwrap();
    world.go_to(18);
    refused(world.commit(2, &[]), Error::Window { what: "commitments", from: 12, until: 17, height: 18 });
    world.go_to(22);
    refused(world.reveal(3, &[(1, 1)]), Error::NotCommitted(user(3).to_string()));
}

#[test]
fn what_is_not_there_is_not_found() {
    let mut world = World::empty();
    refused(world.register(11), Error::NoArena(1));
    refused(world.bond(2, 500), Error::NoArena(1));
    refused(world.fund(1, &[Coin::base(1)]), Error::NoArena(1));
    refused(world.claim(1), Error::NoArenaReward { account: user(1).to_string(), arena: 1 });
    world.create(rules()).unwrap();
    let q = QueryParticipantRequest { arena: 1, registration: 1 };
    refused(world.chain.run(|ctx| Rewards.participant(ctx, q)), Error::NoParticipant { arena: 1, registration: 1 });
    refused(world.commit(2, &[]), Error::Dormant(1));
    let params = Params { unbonding_blocks: 10_000_001, ..default_params() };
    let m = MsgUpdateParams { authority: cairn_auth::authority().to_string(), params: Some(params) };
    let error = Error::Rule { name: "unbonding_blocks", least: 0, most: 10_000_000, found: 10_000_001 };
    refused(world.chain.tx(|ctx| Rewards.update_params(ctx, m)), error);
}

#[test]
fn a_commitment_binds_chain_arena_epoch_scorer_scores_and_salt() {
    let base = |chain: &str, arena, epoch, scorer: &Address, scores: &[(u64, u16)], salt: u8| {
        score_commitment(chain, arena, epoch, scorer, scores, &[salt; 32]).unwrap()
    };
    let first = base("a", 1, 1, &user(1), &[(1, 1)], 1);
    let hex: String = first.iter().map(|b| format!("{b:02x}")).collect();
    assert_eq!(hex, "0a1db5229f598172a152b72077f62d85fb26ee0efedddab1afd9a403e242c1c1");
    let others = [
        base("b", 1, 1, &user(1), &[(1, 1)], 1),
        base("a", 2, 1, &user(1), &[(1, 1)], 1),
        base("a", 1, 2, &user(1), &[(1, 1)], 1),
        base("a", 1, 1, &user(2), &[(1, 1)], 1),
        base("a", 1, 1, &user(1), &[(2, 1)], 1),
        base("a", 1, 1, &user(1), &[(1, 2)], 1),
        base("a", 1, 1, &user(1), &[(1, 1)], 2),
    ];
    assert!(others.iter().all(|other| *other != first));
    assert_eq!(score_commitment("a", 1, 1 << 32, &user(1), &[], &[0; 32]), None);
}
