//! State sync over the calls that CometBFT makes: what is offered, taken, refused, and who is banned for it.
use std::path::Path;

use bytes::Bytes;
use cairn_app::{App, Settings, Shutdown, Snapshotting, abci::Node, api::Chain};
use cairn_proto::cosmos::bank::v1beta1::QueryTotalSupplyRequest;
use prost::Message;
use tendermint_abci::Application;
use tendermint_proto::v0_38::abci::{
    RequestApplySnapshotChunk, RequestInfo, RequestLoadSnapshotChunk, RequestOfferSnapshot, ResponseApplySnapshotChunk, Snapshot,
    response_apply_snapshot_chunk::Result as Applied, response_offer_snapshot::Result as Offer,
};

use crate::support::*;

/// A node beside its folder.
struct Peer {
    folder: tempfile::TempDir,
    app: App,
    node: Node,
    shutdown: Shutdown,
}

fn settings(folder: &Path) -> Settings {
    let snapshots = Snapshotting { folder: folder.join("snapshots"), interval: 3, keep_recent: 2 };
    Settings {
        beacon_keys: vrf_key(1).into(),
        chain_id: Some(CHAIN_ID.into()),
        snapshots: Some(snapshots),
        min_retain_blocks: 1,
        ..Settings::default()
    }
}

impl Peer {
    fn at(folder: tempfile::TempDir) -> Self {
        let app = App::open(&folder.path().join("state"), settings(folder.path())).unwrap();
        let shutdown = Shutdown::default();
        Self { node: Node::new(app.clone(), shutdown.clone()), folder, app, shutdown }
    }
    fn new() -> Self {
        Self::at(tempfile::tempdir().unwrap())
    }
    fn restart(self) -> Self {
        let Self { folder, app, node, .. } = self;
        drop((app, node));
        Self::at(folder)
    }
    fn offer(&self, snapshot: &Snapshot, app_hash: &[u8]) -> Offer {
        let request = RequestOfferSnapshot { snapshot: Some(snapshot.clone()), app_hash: app_hash.to_vec().into() };
        self.node.offer_snapshot(request).result.try_into().unwrap()
    }
    fn apply(&self, index: u32, chunk: &Bytes, sender: &str) -> (Applied, ResponseApplySnapshotChunk) {
        let answer = self.node.apply_snapshot_chunk(RequestApplySnapshotChunk { index, chunk: chunk.clone(), sender: sender.into() });
        (answer.result.try_into().unwrap(), answer)
    }
    fn height(&self) -> i64 {
        self.node.info(RequestInfo::default()).last_block_height
    }
}

/// A chain whose node has taken snapshots, and the newest of them with its chunks and what consensus trusts.
struct Source {
    net: Net,
    peer: Peer,
    snapshot: Snapshot,
    chunks: Vec<Bytes>,
    app_hash: Vec<u8>,
}

/// Waits for the snapshot of `height`, which is written beside the blocks.
fn listed(peer: &Peer, height: u64) -> Snapshot {
    let start = std::time::Instant::now();
    loop {
        if !peer.app.is_taking_snapshot() {
            let all = peer.node.list_snapshots().snapshots;
            return all.into_iter().find(|s| s.height == height).unwrap();
        }
        assert!(start.elapsed().as_secs() < 60, "no snapshot of height {height}");
        std::thread::yield_now();
    }
}

fn source(heights: u64) -> Source {
    source_of(heights, &genesis())
}

/// A genesis whose snapshots have several chunks.
fn large() -> cairn_app::Genesis {
    let describe = |n: usize| {
        let base = format!("ularge{n}");
        let unit = serde_json::json!({ "denom": base, "exponent": 0 });
        let text = "x".repeat(900_000);
        serde_json::json!({ "name": base, "symbol": base, "base": base, "display": base, "description": text, "denom_units": [unit] })
    };
    let mut state = app_state();
    state["bank"]["denom_metadata"] = (0..4).map(describe).collect();
    cairn_app::Genesis { app_state: state.to_string().into_bytes(), ..genesis() }
}

fn source_of(heights: u64, genesis: &cairn_app::Genesis) -> Source {
    let mut net = Net::with(genesis);
    let peer = Peer::new();
    peer.app.init_chain(genesis).unwrap();
    let (mut from, to) = (net.wallets[0].clone(), net.wallets[1].address);
    for height in 1..=heights {
        let block = net.propose(vec![transfer(&mut from, &to, 7)]);
        let done = net.apply(&block);
        assert_eq!(peer.app.finalize_block(&block).unwrap().app_hash, done.app_hash);
        peer.app.commit().unwrap();
        if height.is_multiple_of(3) {
            listed(&peer, height);
        }
    }
    let snapshot = listed(&peer, heights - heights % 3);
    let load = |chunk| RequestLoadSnapshotChunk { height: snapshot.height, format: snapshot.format, chunk };
    let chunks = (0..snapshot.chunks).map(|i| peer.node.load_snapshot_chunk(load(i)).chunk).collect();
    let app_hash = cairn_store::Snapshot::parse(snapshot.height, snapshot.format, &snapshot.metadata).unwrap().app_hash.to_vec();
    Source { net, peer, snapshot, chunks, app_hash }
}

#[test]
fn a_fresh_node_restores_a_snapshot_and_goes_on_with_the_chain() {
    let Source { mut net, peer, snapshot, chunks, app_hash } = source_of(9, &large());
    assert_eq!((chunks.len(), snapshot.chunks), (4, 4));
    assert_eq!(net.app.latest().unwrap().app_hash.to_vec(), app_hash, "the app hash is what consensus will trust");
    let heights: Vec<u64> = peer.node.list_snapshots().snapshots.iter().map(|s| s.height).collect();
    assert_eq!(heights, [9, 6], "two are kept, the newest first");
    let fresh = Peer::new();
    assert_eq!(fresh.offer(&snapshot, &app_hash), Offer::Accept);
    assert_eq!(fresh.height(), 0, "nothing counts before the last chunk");
    for (index, chunk) in (0..).zip(&chunks) {
        assert_eq!(fresh.height(), 0);
        assert_eq!(fresh.apply(index, &chunks[(index as usize + 1) % 4], "mallory").0, Applied::Retry);
        assert_eq!(fresh.apply(index, chunk, "peer").0, Applied::Accept);
    }
    let info = fresh.node.info(RequestInfo::default());
    assert_eq!((info.last_block_height, info.last_block_app_hash.to_vec(), info.app_version), (9, app_hash, 1));
    assert_eq!(fresh.app.chain_id(), CHAIN_ID);
    assert_eq!(fresh.node.list_snapshots().snapshots, [snapshot], "it offers what it took");
    let fresh = fresh.restart();
    for _ in 0..3 {
        let block = net.propose(vec![]);
        let expected = net.apply(&block).app_hash;
        fresh.app.process_proposal(&block).unwrap().expect("accepted");
        assert_eq!(fresh.app.finalize_block(&block).unwrap().app_hash, expected);
        fresh.app.commit().unwrap();
    }
    let path = "/cosmos.bank.v1beta1.Query/TotalSupply";
    let ask = |app: &App, height| app.query(path, &QueryTotalSupplyRequest::default().encode_to_vec(), height);
    assert_eq!(ask(&fresh.app, None).unwrap().value, ask(&net.app, None).unwrap().value);
    assert_eq!(ask(&fresh.app, Some(9)).unwrap().value, ask(&net.app, Some(9)).unwrap().value);
    let error = ask(&fresh.app, Some(8)).err().unwrap();
    assert_eq!((error.code, error.log.contains("failed to load state at height 8; it is pruned")), (26, true), "{}", error.log);
    fresh.app.check_invariants().unwrap();
    fresh.app.store().audit().unwrap();
    assert!(fresh.shutdown.fault().is_none());
}

#[test]
fn hostile_offers_are_refused_by_what_is_wrong_with_them() {
    let Source { snapshot, app_hash, .. } = source(3);
    let fresh = Peer::new();
    let bad = [
        (Snapshot { format: 2, ..snapshot.clone() }, Offer::RejectFormat),
        (Snapshot { chunks: 2, ..snapshot.clone() }, Offer::Reject),
        (Snapshot { chunks: 0, ..snapshot.clone() }, Offer::Reject),
        (Snapshot { height: 4, ..snapshot.clone() }, Offer::Reject),
        (Snapshot { hash: vec![1; 32].into(), ..snapshot.clone() }, Offer::Reject),
        (Snapshot { metadata: vec![0xff; 99].into(), ..snapshot.clone() }, Offer::Reject),
        (Snapshot { metadata: vec![0; 5_000_000].into(), ..snapshot.clone() }, Offer::Reject),
    ];
    for (offered, expected) in &bad {
        assert_eq!(fresh.offer(offered, &app_hash), *expected, "{offered:?}");
    }
    assert_eq!(fresh.node.offer_snapshot(RequestOfferSnapshot::default()).result, i32::from(Offer::Reject));
    assert_eq!(fresh.offer(&snapshot, &[9; 32]), Offer::Reject, "another app hash than the trusted one");
    let other = cairn_store::Snapshot { chain_id: "other-1".into(), ..parsed(&snapshot) };
    assert_eq!(fresh.offer(&offered(&other), &app_hash), Offer::Reject);
    assert_eq!(fresh.offer(&snapshot, &app_hash), Offer::Accept);
    assert!(fresh.shutdown.fault().is_none());
}

fn parsed(s: &Snapshot) -> cairn_store::Snapshot {
    cairn_store::Snapshot::parse(s.height, s.format, &s.metadata).unwrap()
}

fn offered(s: &cairn_store::Snapshot) -> Snapshot {
    Snapshot { height: s.height, format: s.format, chunks: s.chunks(), hash: s.hash().to_vec().into(), metadata: s.metadata().into() }
}

#[test]
fn hostile_chunks_are_asked_for_again_and_their_senders_banned() {
    let Source { snapshot, chunks, app_hash, .. } = source(3);
    let fresh = Peer::new();
    assert_eq!(fresh.apply(0, &chunks[0], "early").0, Applied::RetrySnapshot, "nothing was offered");
    assert_eq!(fresh.offer(&snapshot, &app_hash), Offer::Accept);
    let mut flipped = chunks[0].to_vec();
    flipped[10] ^= 1;
    for bad in [Bytes::new(), flipped.into(), vec![0; 20 << 20].into()] {
        let (result, answer) = fresh.apply(0, &bad, "mallory");
        assert_eq!((result, answer.refetch_chunks, answer.reject_senders), (Applied::Retry, vec![0], vec!["mallory".to_owned()]));
    }
    assert_eq!(fresh.apply(7, &chunks[0], "mallory").0, Applied::Retry);
    assert_eq!(fresh.apply(0, &chunks[0], "alice").0, Applied::Accept);
    assert_eq!(fresh.height(), 3);

    // A snapshot that is no state with the trusted hash: whoever sent of it is banned, and it leaves nothing.
    let fresh = Peer::new();
    let forged = Bytes::from_static(&[3, 0]);
    let digest = <sha2::Sha256 as sha2::Digest>::digest(&forged).into();
    let lie = cairn_store::Snapshot { chunk_hashes: vec![digest], ..parsed(&snapshot) };
    assert_eq!(fresh.offer(&offered(&lie), &app_hash), Offer::Accept, "its chunks must be seen");
    let (result, answer) = fresh.apply(0, &forged, "mallory");
    assert_eq!((result, answer.reject_senders), (Applied::RejectSnapshot, vec!["mallory".to_owned()]));
    assert_eq!((fresh.height(), fresh.node.list_snapshots().snapshots.len()), (0, 0));
    assert_eq!(fresh.offer(&snapshot, &app_hash), Offer::Accept);
    assert_eq!(fresh.apply(0, &chunks[0], "alice").0, Applied::Accept);
    assert_eq!(fresh.height(), 3);
    assert!(fresh.shutdown.fault().is_none());
}

#[test]
fn a_crash_while_restoring_begins_anew_and_an_own_state_stays() {
    let Source { peer, snapshot, chunks, app_hash, .. } = source(4);
    let fresh = Peer::new();
    assert_eq!(fresh.offer(&snapshot, &app_hash), Offer::Accept);
    let fresh = fresh.restart();
    assert_eq!(fresh.height(), 0);
    assert_eq!(fresh.apply(0, &chunks[0], "alice").0, Applied::RetrySnapshot);
    assert_eq!(fresh.offer(&snapshot, &app_hash), Offer::Accept);
    assert_eq!(fresh.apply(0, &chunks[0], "alice").0, Applied::Accept);
    // The end of a restoration that consensus did not come to note.
    let fresh = fresh.restart();
    assert_eq!(fresh.height(), 3);
    assert_eq!(fresh.offer(&snapshot, &app_hash), Offer::Accept);
    assert_eq!(fresh.height(), 0);
    assert_eq!(fresh.apply(0, &chunks[0], "alice").0, Applied::Accept);
    assert_eq!(fresh.height(), 3);
    // A node with blocks of its own does not give them up.
    assert_eq!(peer.offer(&snapshot, &app_hash), Offer::Abort);
    assert_eq!(peer.height(), 4);
    // Nor is genesis written over a restored state.
    assert!(fresh.app.init_chain(&genesis()).is_err());
    // A restoration that was given up is followed by genesis.
    let fresh = Peer::new();
    assert_eq!(fresh.offer(&snapshot, &app_hash), Offer::Accept);
    fresh.app.init_chain(&genesis()).unwrap();
    fresh.app.store().audit().unwrap();
    assert!(peer.shutdown.fault().is_none());
}

#[test]
fn comet_keeps_the_blocks_after_the_oldest_snapshot() {
    let Source { peer, .. } = source(9);
    // Evidence is not bounded in this genesis: 9 - 1 block, 9 - 2 snapshots of 3 heights each, the oldest is of 6.
    assert_eq!(peer.app.retain_height().unwrap(), 3);
    let folder = peer.folder.path().join("snapshots");
    std::fs::remove_dir_all(folder.join("9-1")).unwrap();
    std::fs::rename(folder.join("6-1"), folder.join("2-1")).unwrap();
    assert_eq!(peer.app.retain_height().unwrap(), 2);
    assert_eq!(Peer::new().app.retain_height().unwrap(), 0);
}

#[test]
fn a_node_that_stops_gives_up_the_snapshot_that_it_is_writing() {
    let Source { mut net, peer, .. } = source(5);
    peer.app.stop_snapshots();
    let block = net.propose(vec![]);
    net.apply(&block);
    peer.app.finalize_block(&block).unwrap();
    peer.app.commit().unwrap();
    assert!(!peer.app.is_taking_snapshot());
    let heights: Vec<u64> = peer.node.list_snapshots().snapshots.iter().map(|s| s.height).collect();
    assert_eq!(heights, [3]);
}
