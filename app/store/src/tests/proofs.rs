//! ICS-23 proofs through both levels.
use ics23::{
    CommitmentProof, ExistenceProof, HostFunctionsManager, commitment_proof::Proof as Kind, verify_membership, verify_non_membership,
};
use prost::Message;
use rand::Rng;

use super::{
    chain::{Chain, STORES, applied, writes},
    reference::{Model, Reference},
};
use crate::{Error, Proof, Pruning, STORE_OP, TOP_OP, keys, specs, value, verify};

fn steps(proof: &Proof) -> Vec<CommitmentProof> {
    proof.ops.iter().map(|op| CommitmentProof::decode(op.data().as_slice()).unwrap()).collect()
}

fn holds(proof: &Proof, key: &[u8]) -> bool {
    verify(&proof.app_hash, key, proof.value.as_deref(), &steps(proof))
}

/// The proof as a light client of another chain checks it: spec by spec, root by root.
fn stock_verifier_accepts(proof: &Proof, key: &[u8]) -> bool {
    let (store, inner) = keys::split(key).unwrap();
    let ([tree, top], ops) = (specs(), steps(proof));
    let Some(Kind::Exist(ExistenceProof { value: root, .. })) = &ops[1].proof else { return false };
    let inside = match &proof.value {
        Some(value) => verify_membership::<HostFunctionsManager>(&ops[0], &tree, root, inner, &value::committed(value)),
        None => verify_non_membership::<HostFunctionsManager>(&ops[0], &tree, root, inner),
    };
    inside && verify_membership::<HostFunctionsManager>(&ops[1], &top, &proof.app_hash.to_vec(), store.as_bytes(), root)
}

#[test]
fn every_key_and_every_gap_verifies_at_every_height() {
    let mut chain = Chain::new(21, 1, Pruning::Nothing);
    chain.random_blocks(15);
    for height in chain.start..=chain.height() {
        let absent: Vec<_> = (0..30).map(|_| chain.random_key()).collect();
        let view = chain.store.view_at(height).unwrap();
        let model = chain.at(height);
        for key in model.keys().chain(&absent) {
            let proof = view.prove(key).unwrap();
            assert_eq!(proof.value.as_ref(), model.get(key));
            assert_eq!((proof.height, proof.app_hash), (height, view.version().unwrap().unwrap().app_hash));
            assert!(holds(&proof, key), "height {height}, {}", key.escape_ascii());
            let (store, inner) = keys::split(key).unwrap();
            let Some(reference) = Reference::of(model, store) else {
                assert!(proof.ops.len() < 2);
                continue;
            };
            assert!(stock_verifier_accepts(&proof, key));
            assert_eq!((proof.ops[0].kind, proof.ops[0].key.as_slice()), (STORE_OP, inner));
            assert_eq!((proof.ops[1].kind, proof.ops[1].key.as_slice()), (TOP_OP, store.as_bytes()));
            assert_eq!(proof.ops[0].proof, reference.prove(inner), "the reference proves otherwise");
        }
    }
}

#[test]
fn trees_of_every_small_size_prove_every_key_and_gap() {
    let mut chain = Chain::new(22, 1, Pruning::Nothing);
    let none = chain.newest().keys().map(|key| (key.clone(), None)).collect();
    chain.commit(none);
    for size in 1..=64u32 {
        chain.commit(writes(&[(format!("s/{size}").as_bytes(), Some(&size.to_be_bytes()))]));
        let view = chain.store.view().unwrap();
        let reference = Reference::of(chain.newest(), "s").unwrap();
        for n in 1..=2 * size {
            let key = format!("s/{n}").into_bytes();
            let proof = view.prove(&key).unwrap();
            assert_eq!(proof.value.is_some(), n <= size);
            assert!(holds(&proof, &key), "size {size}, key {n}");
            assert_eq!(proof.ops[0].proof, reference.prove(keys::split(&key).unwrap().1));
        }
    }
}

#[test]
fn a_proof_shows_nothing_but_what_it_was_made_for() {
    let mut chain = Chain::new(23, 1, Pruning::Nothing);
    chain.random_blocks(10);
    let mut keys: Vec<_> = chain.newest().keys().cloned().collect();
    keys.extend((0..40).map(|_| chain.random_key()));
    let older = chain.store.view_at(chain.height() - 5).unwrap().version().unwrap().unwrap().app_hash;
    let view = chain.store.view().unwrap();
    for key in &keys {
        let proof = view.prove(key).unwrap();
        let ops = steps(&proof);
        let held = proof.value.as_deref();
        assert!(verify(&proof.app_hash, key, held, &ops));
        assert!(!verify(&older, key, held, &ops));
        for other in keys.iter().filter(|other| *other != key) {
            // An absence proof covers a gap: another key in the same gap is absent too.
            let same_gap = held.is_none() && !chain.newest().contains_key(other);
            assert!(same_gap || !verify(&proof.app_hash, other, held, &ops), "{} for {}", key.escape_ascii(), other.escape_ascii());
        }
        for wrong in [None, Some(b"".as_slice()), Some(b"x"), Some(value::MARKER)] {
            assert!(wrong == held || !verify(&proof.app_hash, key, wrong, &ops));
        }
        for count in 0..ops.len() {
            assert!(!verify(&proof.app_hash, key, held, &ops[..count]));
        }
        assert!(!verify(&proof.app_hash, b"no store", held, &ops));
    }
}

#[test]
fn no_changed_byte_of_a_proof_makes_it_show_something_else() {
    let mut chain = Chain::new(24, 1, Pruning::Nothing);
    chain.random_blocks(10);
    let held: Vec<_> = chain.newest().keys().cloned().collect();
    let mut absent: Vec<_> = (0..60).map(|_| chain.random_key()).collect();
    absent.retain(|key| !chain.newest().contains_key(key));
    let view = chain.store.view().unwrap();
    for key in held.iter().step_by(7).chain(absent.iter().step_by(5)) {
        let proof = view.prove(key).unwrap();
        let truth = proof.value.clone();
        for op in 0..proof.ops.len() {
            let bytes = proof.ops[op].data();
            for _ in 0..300 {
                let mut changed = bytes.clone();
                match chain.random.gen_range(0..4) {
                    0 => drop(changed.remove(chain.random.gen_range(0..bytes.len()))),
                    1 => changed.insert(chain.random.gen_range(0..=bytes.len()), chain.random.r#gen()),
                    2 => changed.truncate(chain.random.gen_range(0..bytes.len())),
                    _ => changed[chain.random.gen_range(0..bytes.len())] ^= 1 << chain.random.gen_range(0..8),
                }
                let Ok(decoded) = CommitmentProof::decode(changed.as_slice()) else { continue };
                let mut ops = steps(&proof);
                ops[op] = decoded;
                // The truth may still verify (an unknown field, another spelling of the same proof); a lie never.
                let lie = match &truth {
                    Some(_) => None,
                    None => Some(b"forged".to_vec()),
                };
                assert!(!verify(&proof.app_hash, key, lie.as_deref(), &ops));
                for other in held.iter().step_by(11).filter(|other| *other != key) {
                    assert!(!verify(&proof.app_hash, other, None, &ops), "a held key shown absent");
                }
            }
        }
    }
}

#[test]
fn an_absent_store_and_an_empty_state_are_proven_too() {
    let mut chain = Chain::new(25, 1, Pruning::Nothing);
    for store in ["A", "a-a", "abc", "zzz", STORES[0]] {
        let clear =
            |model: &Model| model.range(keys::store_span(store).0..keys::store_span(store).1).map(|(k, _)| (k.clone(), None)).collect();
        let block = clear(chain.newest());
        chain.commit(block);
        let key = format!("{store}/x").into_bytes();
        let proof = chain.store.view().unwrap().prove(&key).unwrap();
        assert_eq!((proof.ops.len(), proof.ops[0].kind, proof.ops[0].key.as_slice()), (1, TOP_OP, store.as_bytes()));
        assert!(holds(&proof, &key));
        assert!(!verify(&proof.app_hash, &key, Some(b""), &steps(&proof)));
    }
    let all = chain.newest().keys().map(|key| (key.clone(), None)).collect();
    chain.commit(all);
    let proof = chain.store.view().unwrap().prove(b"bank/x").unwrap();
    assert!(proof.ops.is_empty() && holds(&proof, b"bank/x"));
    assert!(!verify(&proof.app_hash, b"bank/x", Some(b"1"), &[]));
}

#[test]
fn values_of_ibc_are_committed_byte_by_byte() {
    let mut chain = Chain::new(26, 1, Pruning::Nothing);
    let block = writes(&[
        (b"ibc/nextSequenceSend/ports/transfer/channels/channel-0", Some(&7u64.to_be_bytes())),
        (b"ibc/receipts/ports/transfer/channels/channel-0/sequences/1", Some(b"\x01")),
        (b"ibc/commitments/ports/transfer/channels/channel-0/sequences/1", Some(&[0; 32])),
    ]);
    let model = applied(&Model::new(), &block);
    chain.commit(block);
    let view = chain.store.view().unwrap();
    for (key, held) in &model {
        let Some(Kind::Exist(exist)) = view.prove(key).unwrap().ops[0].proof.proof.clone() else { panic!() };
        assert_eq!(&exist.value, held);
    }
}

#[test]
fn a_key_without_a_store_has_no_proof() {
    let chain = Chain::new(27, 1, Pruning::Nothing);
    for key in [b"".as_slice(), b"bank", b"bank/", b"/x"] {
        assert!(matches!(chain.store.view().unwrap().prove(key), Err(Error::Key(_))));
    }
}

#[test]
fn the_published_spec_is_the_reference_spec_with_the_full_depth() {
    let expected = ics23::ProofSpec { max_depth: 256, ..jmt::ics23_spec() };
    assert_eq!(specs(), [expected, ics23::tendermint_spec()]);
}
