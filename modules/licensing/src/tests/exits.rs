//! Whatever is bought, approved, granted, reported, opened and closed, in any order: everything ends by itself and nothing is lost.
use cairn_content::{ContentKey, PublicKey, public_key, wrap};
use cairn_proto::cairn::licensing::v1::{
    LicenseStatus, MsgApproveLicense, MsgCloseSession, MsgDepositKeyBond, MsgGrantKey, MsgGrantVersionKey, MsgOpenSession,
    MsgRejectLicense, MsgReportKeyFault, MsgReportRevenue, MsgTransferLicense, MsgWithdrawKeyBond, SessionStatus, SigningKey,
    SigningScheme,
};

use super::*;
use crate::state::{LICENSES, SESSIONS};

const ROOT: [u8; 32] = [7; 32];
const PRIVATE: [u8; 32] = [42; 32];
/// Everyone who holds coins in these worlds.
const PEOPLE: [u8; 5] = [OWNER, HOLDER, BUYER, 7, 8];

/// The key of a version, or another one, wrapped for the licensee.
fn wrapped(license: u64, good: bool) -> Vec<u8> {
    let to = PublicKey::parse(&public_key(&PRIVATE)).unwrap();
    wrap(&ContentKey::new([if good { 99 } else { 1 }; 32]), &ROOT, license, &to, [3; 32]).unwrap().to_vec()
}

struct World {
    chain: Chain,
    terms: Vec<String>,
    random: u64,
}

/// One more encrypted version, under the same key.
fn publish_sealed(chain: &mut Chain) {
    let key_commitment = ContentKey::new([99; 32]).commitment(&ROOT).to_vec();
    let encryption = Encryption::Envelope.into();
    let content = VersionContent { encryption, key_commitment, manifest_root: ROOT.to_vec(), ..version() };
    let m = asset_v1::MsgPublishVersion { owner: name(OWNER), asset_id: 1, content: Some(content) };
    chain.tx(|ctx| Asset.publish_version(ctx, m)).unwrap();
}

impl World {
    fn new(seed: u64) -> Self {
        let mut chain = chain();
        publish_sealed(&mut chain);
        publish_sealed(&mut chain);
        fund(&mut chain, OWNER, BASE_DENOM, 1_000_000_000);
        let sealed = TermsContent { versions: vec![2, 3], key_bond: Some(coin(BASE_DENOM, 150_000)), seats: 1, ..period() };
        let clear = |content: TermsContent| TermsContent { versions: vec![1], ..content };
        let offers = [
            sealed.clone(),
            TermsContent { title: "all, asked".into(), versions: vec![], needs_approval: true, ..sealed },
            clear(TermsContent { title: "asked".into(), needs_approval: true, ..period() }),
            clear(revenue_share()),
            clear(per_call()),
        ];
        let terms = offers.into_iter().map(|content| offer(&mut chain, OWNER, content).unwrap()).collect();
        Self { chain, terms, random: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1 }
    }
    fn below(&mut self, n: u64) -> u64 {
        self.random = self.random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.random >> 33) % n
    }
    fn buy(&mut self) {
        let kind = self.below(5) as usize;
        let key = k256::ecdsa::SigningKey::from_slice(&[1; 32]).unwrap().verifying_key().to_sec1_bytes().to_vec();
        let signing_key = (kind == 4).then(|| SigningKey { scheme: SigningScheme::Secp256k1.into(), key });
        let payment = (kind < 3).then(|| coin(BASE_DENOM, 200));
        let public_key = if kind < 2 { public_key(&PRIVATE).to_vec() } else { vec![] };
        let m = MsgBuyLicense { public_key, signing_key, ..purchase(&self.terms[kind], payment) };
        // Refused where the owner has no bond free.
        let _ = buy(&mut self.chain, m);
    }
    /// One step of anybody; most are refused, which must change nothing.
    fn step(&mut self) {
        let license_id = 1 + self.below(12);
        let (owner, licensee, amount) = (name(OWNER), name(BUYER), Some(coin(BASE_DENOM, 150_000)));
        let choice = self.below(18);
        let (good, version) = (self.below(2) == 0, 2 + self.below(3));
        let chain = &mut self.chain;
        let _ = match choice {
            0..=3 => return self.buy(),
            4 => chain.tx(|ctx| Licensing.approve_license(ctx, MsgApproveLicense { owner, license_id })).map(drop),
            5 => chain.tx(|ctx| Licensing.reject_license(ctx, MsgRejectLicense { owner, license_id })).map(drop),
            6 => {
                let m = MsgGrantKey { owner, license_id, wrapped_key: wrapped(license_id, good) };
                chain.tx(|ctx| Licensing.grant_key(ctx, m)).map(drop)
            }
            14..=16 => {
                let m = MsgGrantVersionKey { owner, license_id, version, wrapped_key: wrapped(license_id, good) };
                chain.tx(|ctx| Licensing.grant_version_key(ctx, m)).map(drop)
            }
            17 if license_id == 1 => {
                publish_sealed(chain);
                Ok(())
            }
            7 => {
                let m = MsgReportKeyFault { licensee, license_id, private_key: PRIVATE.to_vec(), version: if good { 0 } else { version } };
                chain.tx(|ctx| Licensing.report_key_fault(ctx, m)).map(drop)
            }
            8 => chain.tx(|ctx| Licensing.deposit_key_bond(ctx, MsgDepositKeyBond { owner, amount })).map(drop),
            9 if good => chain.tx(|ctx| Licensing.withdraw_key_bond(ctx, MsgWithdrawKeyBond { owner, amount })).map(drop),
            10 => {
                let m = MsgOpenSession { licensee, license_id, provider: name(8), deposit: Some(coin(BASE_DENOM, 70)), blocks: 50 };
                chain.tx(|ctx| Licensing.open_session(ctx, m)).map(drop)
            }
            11 => {
                let m = MsgCloseSession { signer: if good { licensee } else { name(8) }, session_id: license_id, voucher: None };
                chain.tx(|ctx| Licensing.close_session(ctx, m)).map(drop)
            }
            12 => {
                let m = MsgReportRevenue { licensee, license_id, revenue: Some(coin(BASE_DENOM, 1_000)) };
                chain.tx(|ctx| Licensing.report_revenue(ctx, m)).map(drop)
            }
            13 if good => {
                let public_key = if version == 2 { public_key(&[8; 32]).to_vec() } else { vec![] };
                let m = MsgTransferLicense { licensee, license_id, new_licensee: name(7), public_key, ..Default::default() };
                chain.tx(|ctx| Licensing.transfer_license(ctx, m)).map(drop)
            }
            _ => {
                let height = self.chain.block.height + self.below(25);
                end_block(&mut self.chain, height);
                Ok(())
            }
        };
    }
    /// Every ucairn that people, modules and deposits hold; what is burnt is counted by the supply.
    fn all_money_is_somewhere(&mut self) {
        let supply = self.chain.run(|ctx| bank::supply(ctx, BASE_DENOM)).unwrap();
        let people: u128 = PEOPLE.iter().map(|n| balance(&mut self.chain, *n, BASE_DENOM)).sum();
        let modules = [crate::ACCOUNT, cairn_rewards::ACCOUNT, cairn_asset::MINTER];
        let held: u128 = modules.iter().map(|m| self.chain.run(|ctx| bank::balance(ctx, &m.address(), BASE_DENOM)).unwrap()).sum();
        assert_eq!(people + held, supply);
    }
}

#[test]
fn every_state_ends_by_itself_in_any_order() {
    let mut seen = std::collections::BTreeSet::new();
    for seed in 1..=12 {
        let mut world = World::new(seed);
        for _ in 0..150 {
            world.step();
            assert_invariants(&mut world.chain);
        }
        world.all_money_is_somewhere();
        // Nobody does anything any more: approval, key, fault window, session and closing window follow each other.
        for _ in 0..6 {
            let height = world.chain.block.height + 110;
            end_block(&mut world.chain, height);
            assert_invariants(&mut world.chain);
        }
        let licenses =
            world.chain.run(|ctx| LICENSES.range(ctx, &[]).map(|entry| entry.map(|(_, l)| l)).collect::<cairn_kernel::Result<Vec<_>>>());
        for license in licenses.unwrap() {
            assert!(matches!(license.status(), LicenseStatus::Final | LicenseStatus::Refunded), "seed {seed}: {license:?}");
            assert!(license.deadline == 0 && license.escrow.is_none(), "seed {seed}");
            seen.insert(license.status().as_str_name());
        }
        let sessions =
            world.chain.run(|ctx| SESSIONS.range(ctx, &[]).map(|entry| entry.map(|(_, s)| s)).collect::<cairn_kernel::Result<Vec<_>>>());
        assert!(sessions.unwrap().iter().all(|session| session.status() == SessionStatus::Closed), "seed {seed}");
        // What is left with the module is the owner's deposit, and it can take all of it back.
        let rest = world.chain.run(|ctx| bank::balance(ctx, &crate::ACCOUNT.address(), BASE_DENOM)).unwrap();
        if rest > 0 {
            let m = MsgWithdrawKeyBond { owner: name(OWNER), amount: Some(coin(BASE_DENOM, rest)) };
            world.chain.tx(|ctx| Licensing.withdraw_key_bond(ctx, m)).unwrap();
        }
        world.all_money_is_somewhere();
    }
    assert_eq!(seen.len(), 2, "worlds in which sales succeed, and others in which they come to nothing");
}
