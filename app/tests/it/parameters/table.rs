//! Which parameters are taken, and by which code others are refused.
use serde_json::{Value, json};

/// What becomes of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Taken,
    /// Refused by codespace and code.
    Refused(&'static str, u32),
}
use Fate::{Refused, Taken};

/// One module: the package of its `MsgUpdateParams`, what a message without parameters gets, and single changes.
pub(super) struct Rules {
    pub(super) package: &'static str,
    pub(super) missing: Fate,
    pub(super) changes: Vec<(&'static str, Value, Fate)>,
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

pub(super) fn base(amount: &str) -> Value {
    json!({ "denom": "ucairn", "amount": amount })
}

fn foreign() -> Value {
    json!({ "denom": "uother", "amount": "1" })
}

const ANY: u64 = u64::MAX;

/// Every module that has parameters.
pub(super) fn table() -> Vec<Rules> {
    vec![
        auth(),
        bank(),
        staking(),
        slashing(),
        distribution(),
        mint(),
        consensus(),
        asset(),
        rewards(),
        dispute(),
        licensing(),
        annotation(),
        compute(),
        gov(),
    ]
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

pub(super) fn consensus() -> Rules {
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

fn distribution() -> Rules {
    let refused = Refused("distribution", 60);
    let mut changes = part("/params/community_tax", refused);
    changes.push(("/params/withdraw_addr_enabled", json!(false), Taken));
    for retired in ["/params/base_proposer_reward", "/params/bonus_proposer_reward"] {
        changes.push((retired, json!("0.000000000000000001"), Refused("sdk", 18)));
    }
    Rules { package: "cosmos.distribution.v1beta1", missing: refused, changes }
}

/// From 7 to 20 % a year at first.
fn mint() -> Rules {
    let refused = Refused("mint", 60);
    let mut changes = bounds("/params/blocks_per_year", 1, ANY, refused);
    changes.extend(part("/params/inflation_rate_change", refused));
    for (path, text, fate) in [
        ("/params/inflation_max", "0.069999999999999999", refused),
        ("/params/inflation_max", "0.070000000000000000", Taken),
        ("/params/inflation_max", "1.000000000000000000", Taken),
        ("/params/inflation_max", "1.000000000000000001", refused),
        ("/params/inflation_min", "0.000000000000000000", Taken),
        ("/params/inflation_min", "0.200000000000000000", Taken),
        ("/params/inflation_min", "0.200000000000000001", refused),
    ] {
        changes.push((path, json!(text), fate));
    }
    changes.push(("/params/goal_bonded", json!("0.000000000000000000"), refused));
    changes.push(("/params/goal_bonded", json!("1.000000000000000000"), Taken));
    changes.push(("/params/goal_bonded", json!("1.000000000000000001"), refused));
    changes.push(("/params/mint_denom", json!("uother"), refused));
    changes.push(("/params/mint_denom", json!(""), Refused("sdk", 10)));
    Rules { package: "cosmos.mint.v1beta1", missing: refused, changes }
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
    changes.extend(bounds("/params/issuance_share_bps", 0, 10_000, rate));
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
        ("/params/clock_blocks", 20, 10_000_000),
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

fn compute() -> Rules {
    let limits = [
        ("/params/bond_multiple", 1, 1_000),
        ("/params/window_blocks", 1, 10_000_000),
        ("/params/unbonding_blocks", 1, 10_000_000),
        ("/params/fee_bps", 0, 2_000),
        ("/params/late_bps", 0, 10_000),
        ("/params/challenge_bps", 1, 10_000),
        ("/params/max_failures", 1, 100),
        ("/params/proof_bond_multiple", 1, 1_000),
        ("/params/tcb_tolerance", 0, 2),
        ("/params/bid_blocks", 1, 100_000),
        ("/params/open_blocks", 10, 100_000),
        ("/params/deposit_bps", 1, 10_000),
        ("/params/offer_fee_bps", 1, 1_000),
        ("/params/max_offers", 2, 4_096),
        ("/params/redundant_multiple", 1, 1_000),
        ("/params/audit_bps", 0, 10_000),
        ("/params/audit_blocks", 1, 10_000_000),
        ("/params/auditor_late_bps", 0, 10_000),
        ("/params/audit_fee_bps", 0, 1_000),
    ];
    let mut changes: Vec<_> =
        limits.into_iter().flat_map(|(path, least, most)| bounds(path, least, most, Refused("compute", 23))).collect();
    for path in ["/params/giga_mac_price", "/params/least_bond", "/params/circuit_fee"] {
        changes.push((path, json!(format!("1{}", "0".repeat(24))), Taken));
        changes.push((path, json!(format!("1{}1", "0".repeat(23))), Refused("compute", 24)));
        changes.push((path, json!("x"), Refused("compute", 24)));
    }
    changes.push(("/params/test_keys", json!(false), Refused("compute", 45)));
    changes.push(("/params/enclave_root", json!("AQ=="), Refused("compute", 45)));
    changes.push(("/params/min_tcb_evaluation", json!(4_000_000_000_u32), Taken));
    Rules { package: "cairn.compute.v1", missing: Refused("compute", 22), changes }
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
        ("/params/overlap_min", 1, 32),
        ("/params/overlap_max", 3, 32),
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
