//! ABCI's snapshot calls and their results. Decides nothing that [`App`] has not decided.
use cairn_store::{Error, MAX_CHUNK, Snapshot};
use tendermint_proto::v0_38::abci::{
    RequestApplySnapshotChunk, RequestLoadSnapshotChunk, RequestOfferSnapshot, ResponseApplySnapshotChunk, ResponseListSnapshots,
    ResponseLoadSnapshotChunk, ResponseOfferSnapshot, Snapshot as Offered, response_apply_snapshot_chunk::Result as Applied,
    response_offer_snapshot::Result as Offer,
};

use crate::app::{App, Bad, Fault};

/// CometBFT looks at no more of one peer.
const LISTED: usize = 10;

/// The newest snapshots of this node.
pub(super) fn list(app: &App) -> ResponseListSnapshots {
    let listed = app.snapshots().map(cairn_store::Snapshots::list).transpose();
    let snapshots = listed.unwrap_or_else(|error| {
        tracing::error!(target: "consensus", %error, "snapshots cannot be listed");
        None
    });
    let offer = |s: &Snapshot| Offered {
        height: s.height,
        format: s.format,
        chunks: s.chunks(),
        hash: s.hash().to_vec().into(),
        metadata: s.metadata().into(),
    };
    ResponseListSnapshots { snapshots: snapshots.unwrap_or_default().iter().take(LISTED).map(offer).collect() }
}

/// A chunk for a peer; empty where there is none.
pub(super) fn load(app: &App, r: &RequestLoadSnapshotChunk) -> ResponseLoadSnapshotChunk {
    let chunk = app.snapshots().map(|s| s.chunk(r.height, r.format, r.chunk)).transpose().unwrap_or_else(|error| {
        tracing::error!(target: "consensus", %error, height = r.height, chunk = r.chunk, "a chunk cannot be read");
        None
    });
    ResponseLoadSnapshotChunk { chunk: chunk.flatten().unwrap_or_default().into() }
}

/// Whether an offered snapshot is taken up.
///
/// # Errors
/// If the disk refuses.
pub(super) fn offer(app: &App, r: &RequestOfferSnapshot) -> Result<ResponseOfferSnapshot, Fault> {
    let result = match read(r).map_err(Fault::from).and_then(|snapshot| app.offer_snapshot(snapshot, &r.app_hash)) {
        Ok(()) => Offer::Accept,
        Err(Fault::Store(error @ Error::Format { .. })) => refused(&error, Offer::RejectFormat),
        Err(Fault::Store(error @ Error::Metadata(_))) => refused(&error, Offer::Reject),
        Err(Fault::Store(error @ Error::HasBlocks(_))) => {
            tracing::error!(target: "consensus", %error, "this node has a state of its own; to sync anew, move data/state away");
            Offer::Abort
        }
        Err(fault) => return Err(fault),
    };
    Ok(ResponseOfferSnapshot { result: result.into() })
}

fn refused(error: &Error, how: Offer) -> Offer {
    tracing::warn!(target: "consensus", %error, "an offered snapshot is refused");
    how
}

/// What is offered, its parts agreeing with each other.
fn read(r: &RequestOfferSnapshot) -> Result<Snapshot, Error> {
    let offered = r.snapshot.as_ref().ok_or_else(|| Error::Metadata("there is none".to_owned()))?;
    let snapshot = Snapshot::parse(offered.height, offered.format, &offered.metadata)?;
    if snapshot.chunks() != offered.chunks || snapshot.hash().as_slice() != &*offered.hash {
        return Err(Error::Metadata("it disagrees with the number of chunks or the hash".to_owned()));
    }
    Ok(snapshot)
}

/// What becomes of a chunk, and of who sent it.
///
/// # Errors
/// If the disk refuses.
pub(super) fn apply(app: &App, r: &RequestApplySnapshotChunk) -> Result<ResponseApplySnapshotChunk, Fault> {
    // A longer one is refused by its length alone; its bytes need not go further.
    let chunk = r.chunk.get(..MAX_CHUNK.saturating_add(1)).unwrap_or(&r.chunk);
    let Err(bad) = app.apply_chunk(r.index, chunk, &r.sender)? else {
        return Ok(ResponseApplySnapshotChunk { result: Applied::Accept.into(), ..Default::default() });
    };
    tracing::warn!(target: "consensus", %bad, chunk = r.index, "a chunk of a snapshot is refused");
    Ok(match bad {
        Bad::Chunk { sender, .. } => {
            ResponseApplySnapshotChunk { result: Applied::Retry.into(), refetch_chunks: vec![r.index], reject_senders: vec![sender] }
        }
        Bad::Snapshot { senders, .. } => {
            ResponseApplySnapshotChunk { result: Applied::RejectSnapshot.into(), reject_senders: senders, ..Default::default() }
        }
        Bad::Lost(_) => ResponseApplySnapshotChunk { result: Applied::RetrySnapshot.into(), ..Default::default() },
    })
}
